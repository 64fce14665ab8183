"""Scenarios for the official Python SDK. One JSON object on standard input says which."""

import json
import sys

import anthropic

PROMPT = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": "Hello"}],
}
TEXT = "Hello from the simulator"


def check_message(message):
    assert message.type == "message" and message.role == "assistant", message
    assert message.model == "claude-sonnet-5-5", message
    assert [block.type for block in message.content] == ["thinking", "text"], message
    assert message.content[0].thinking == "Let me think" and message.content[0].signature, message
    assert message.content[1].text == TEXT, message
    assert message.stop_reason == "end_turn", message
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens) == (25, 15), usage
    assert usage.cache_creation_input_tokens == 100, usage
    assert usage.cache_read_input_tokens == 50, usage
    assert usage.cache_creation.ephemeral_5m_input_tokens == 60, usage
    assert usage.cache_creation.ephemeral_1h_input_tokens == 40, usage
    assert usage.output_tokens_details.thinking_tokens == 4, usage
    assert usage.service_tier == "standard" and usage.inference_geo == "global", usage


def everything(client, _):
    message = client.messages.create(**PROMPT)
    check_message(message)
    assert message._request_id.startswith("req_"), message._request_id
    type(message).model_validate(message.model_dump())

    with client.messages.stream(**PROMPT) as stream:
        assert "".join(stream.text_stream) == TEXT
        check_message(stream.get_final_message())

    kinds = [event.type for event in client.messages.create(**PROMPT, stream=True)]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds

    count = client.messages.count_tokens(model=PROMPT["model"], messages=PROMPT["messages"])
    assert count.input_tokens == 9, count

    models = list(client.models.list(limit=5))
    assert len(models) > 15 and len({model.id for model in models}) == len(models), models
    for model in models:
        type(model).model_validate(json.loads(model.model_dump_json()))
    retired = client.models.list(lifecycle=["retired"])
    assert {model.lifecycle for model in retired.data} == {"retired"}, retired
    assert client.models.retrieve("claude-haiku-4-5").id == "claude-haiku-4-5-20251001"


def errors(client, expected):
    client = client.with_options(max_retries=0)
    for each in expected:
        try:
            client.messages.create(**PROMPT)
        except anthropic.APIStatusError as error:
            found = {"class": type(error).__name__, "code": error.error_code}
            assert found == each, (found, each)
            from_api = error.response.headers["content-type"] == "application/json"
            assert (error.request_id is not None) == from_api, (each, error.request_id)
        else:
            raise AssertionError(f"{each} raised nothing")


def retry(client, _):
    message = client.with_options(max_retries=2).messages.create(**PROMPT)
    assert message.content[0].text == "At last", message


def error_event(client, _):
    heard = []
    try:
        with client.messages.stream(**PROMPT) as stream:
            heard.extend(stream.text_stream)
    except anthropic.APIStatusError as error:
        assert error.body["error"]["type"] == "overloaded_error", error.body
    else:
        raise AssertionError("the error event raised nothing")
    assert heard == ["word1 "], heard


def main():
    given = json.load(sys.stdin)
    client = anthropic.Anthropic(api_key=given["key"], base_url=given["base_url"], timeout=30)
    scenarios = {
        "everything": everything,
        "errors": errors,
        "retry": retry,
        "error_event": error_event,
    }
    scenarios[given["scenario"]](client, given["expected"])
    print("ok")


main()
