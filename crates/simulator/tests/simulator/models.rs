//! The model list, page by page.

use serde_json::Value;
use switchyard_simulator::{KeyState, Model, Reply, Script, Simulator};

use crate::support::{Call, answering, new_key};

fn list(simulator: &Simulator, key: &str, query: &str) -> Value {
    Call::new("GET", &format!("/v1/models{query}"))
        .good(key)
        .send(simulator)
        .json()
}

fn ids(page: &Value) -> Vec<String> {
    let models = page["data"].as_array().unwrap().iter();
    models
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_list_leaves_out_retired_models_until_they_are_asked_for() {
    let (simulator, key) = answering(Reply::echo());
    let usual = list(&simulator, &key, "?limit=1000");
    assert!(ids(&usual).contains(&"claude-sonnet-5-5".into()));
    assert!(ids(&usual).contains(&"claude-sonnet-4-5-20250929".into()));
    assert!(!ids(&usual).contains(&"claude-3-5-haiku-20241022".into()));
    let retired = list(&simulator, &key, "?lifecycle[]=retired");
    assert!(ids(&retired).contains(&"claude-3-5-haiku-20241022".into()));
    let both = list(
        &simulator,
        &key,
        "?lifecycle%5B%5D=deprecated&lifecycle%5B%5D=retired",
    );
    assert_eq!(ids(&both).len(), ids(&retired).len() + 1);
}

#[test]
fn pages_follow_one_another_without_gap_or_overlap() {
    let (simulator, key) = answering(Reply::echo());
    let all = ids(&list(&simulator, &key, "?limit=1000"));
    let (mut forward, mut after) = (Vec::new(), String::new());
    loop {
        let page = list(&simulator, &key, &format!("?limit=5{after}"));
        forward.extend(ids(&page));
        assert_eq!(page["last_id"].as_str(), forward.last().map(String::as_str));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after_id={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(forward, all);
    let before = list(&simulator, &key, &format!("?limit=2&before_id={}", all[3]));
    assert_eq!(ids(&before), all[1..3]);
    assert_eq!(before["has_more"], true);
}

#[test]
fn a_limit_or_cursor_that_makes_no_sense_is_refused() {
    let (simulator, key) = answering(Reply::echo());
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?after_id=none",
        "?lifecycle[]=gone",
    ] {
        assert_eq!(
            list(&simulator, &key, query)["error"]["type"],
            "invalid_request_error",
            "{query}"
        );
    }
}

#[test]
fn one_model_is_found_by_id_and_by_alias() {
    let (simulator, key) = answering(Reply::echo());
    let one = |name: &str| list(&simulator, &key, &format!("/{name}"));
    assert_eq!(one("claude-haiku-4-5")["id"], "claude-haiku-4-5-20251001");
    assert_eq!(one("claude-haiku-4-5-20251001")["max_tokens"], 64_000);
    assert_eq!(one("claude-none")["error"]["message"], "model: claude-none");
}

#[test]
fn a_script_can_add_a_model_of_its_own() {
    let key = new_key();
    let script = Script::new()
        .key(&key, KeyState::Valid)
        .model(Model::new("gateway-1", "Gateway"));
    let simulator = Simulator::start_blocking(script);
    assert_eq!(ids(&list(&simulator, &key, "?limit=1")), ["gateway-1"]);
}
