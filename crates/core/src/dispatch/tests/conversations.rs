//! Replies, files, and what is kept of them.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x10\x08\x02";

fn reply_to(home: &Home, run: RunId, prompt: &str) -> Ask {
    let mut ask = home.ask(prompt);
    ask.reply_to = Some(run);
    ask.request.model.clear();
    ask
}

#[tokio::test]
async fn a_reply_sends_what_came_before_with_its_files() {
    let home = Home::new(
        Script::new()
            .reply(Reply::text("one"))
            .reply(Reply::text("two")),
    )
    .await;
    let mut first = home.ask("First?");
    first.request.system = Some("Be brief.".to_owned());
    first.request.model = "claude-haiku-5-5".to_owned();
    first.request.attachments = vec![
        Attachment::new("dot.png", PNG.to_vec()).unwrap(),
        Attachment::new("notes.txt", b"a note".to_vec()).unwrap(),
    ];
    let first = home.carry_out(first).await.outcome.receipt;
    let second = home
        .carry_out(reply_to(&home, first.run, "Second?"))
        .await
        .outcome
        .receipt;
    assert_eq!(second.conversation, first.conversation);
    home.carry_out(reply_to(&home, second.run, "Third?")).await;
    let sent = home.simulator.requests()[2].json();
    assert_eq!(sent["system"], "Be brief.");
    assert_eq!(sent["model"], "claude-haiku-5-5");
    let messages = sent["messages"].as_array().unwrap();
    let roles: Vec<_> = messages
        .iter()
        .map(|m| m["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
    let blocks = messages[0]["content"].as_array().unwrap();
    assert_eq!(blocks[0]["source"]["media_type"], "image/png");
    assert!(
        blocks[1]["text"]
            .as_str()
            .unwrap()
            .contains("notes.txt:\n\na note")
    );
    assert_eq!(blocks[2]["text"], "First?");
    assert_eq!(
        (&messages[1]["content"], &messages[3]["content"]),
        (&"one".into(), &"two".into())
    );
    assert_eq!(messages[4]["content"], "Third?");
    home.assert_settled();
}

#[tokio::test]
async fn a_reply_to_a_run_that_was_cut_off_before_its_answer_still_works() {
    let home = Home::new(Script::new()).await;
    home.simulator
        .push(Reply::error(400, "invalid_request_error", "no"));
    let failed = home.send("First?").await.outcome.receipt;
    let done = home.carry_out(reply_to(&home, failed.run, "Again")).await;
    assert_eq!(done.outcome.receipt.state, State::Finished);
    let sent = home.simulator.requests()[1].json();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_reply_to_what_is_not_kept_says_so() {
    let home = Home::new(Script::new()).await;
    let run = home.send("Hi").await.outcome.receipt.run;
    assert_eq!(forget(&home.dispatch.db, Some(run)).await.unwrap(), 1);
    let refused = |run| {
        home.dispatch
            .preflight(reply_to(&home, run, "More"), |_| None)
    };
    let error = refused(run).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.message().contains("not kept"));
    let error = refused(RunId(99)).await.unwrap_err();
    assert!(error.message().contains("no run 99"));
    assert_eq!(
        home.value::<i64>("SELECT count(*) FROM key_usage"),
        1,
        "the ledger stays"
    );
}

#[tokio::test]
async fn texts_are_sealed_for_their_row_and_nowhere_in_plain() {
    let home = Home::new(Script::new().reply(Reply::text("marzipan answer"))).await;
    let mut ask = home.ask("pumpernickel prompt");
    ask.request.attachments = vec![Attachment::new("x.txt", b"quodlibet file".to_vec()).unwrap()];
    let run = home.carry_out(ask).await.outcome.receipt.run;
    for entry in std::fs::read_dir(home.dispatch.db.path().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        for word in ["pumpernickel", "marzipan", "quodlibet"] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{} holds {word}", path.display());
        }
    }
    let shown = home.dispatch.show(run).await.unwrap();
    assert_eq!(shown.prompt.as_deref(), Some("pumpernickel prompt"));
    assert_eq!(shown.answer.as_deref(), Some("marzipan answer"));
    assert_eq!(shown.attachments, ["x.txt"]);
    let second = home.send("other").await.outcome.receipt.run;
    let swap = move |store: &rusqlite::Connection| {
        store
            .execute(
                "UPDATE runs SET prompt = (SELECT prompt FROM runs WHERE id = ?1) WHERE id = ?2",
                (run, second),
            )
            .doing("swap")
    };
    home.dispatch.db.write(swap).await.unwrap();
    let error = home.dispatch.show(second).await.unwrap_err();
    assert_eq!(error.code(), Code::Damaged);
}

#[tokio::test]
async fn what_a_server_says_of_a_prompt_is_sealed_and_goes_with_it() {
    let home = Home::new(Script::new()).await;
    let refuse = || Reply::error(400, "invalid_request_error", "No: pumpernickel.");
    home.simulator.push(refuse());
    let run = home.send("pumpernickel").await.outcome.receipt.run;
    let shown = home.dispatch.show(run).await.unwrap();
    assert!(shown.error.unwrap().contains("pumpernickel"));
    let clear = "SELECT count(*) FROM runs WHERE instr(error_text, CAST('pumpernickel' AS BLOB))";
    assert_eq!(home.value::<i64>(clear), 0);
    forget(&home.dispatch.db, Some(run)).await.unwrap();
    let left = "SELECT count(*) FROM runs WHERE error_text IS NOT NULL";
    assert_eq!(home.value::<i64>(left), 0);
    let shown = home.dispatch.show(run).await.unwrap();
    assert_eq!(shown.error.as_deref(), Some("refused"));
    // Where no texts are kept, the server's words are none of those that are.
    let off = |store: &rusqlite::Connection| KEEP_DAYS.set(store, &Some(0), NOW);
    home.dispatch.db.write(off).await.unwrap();
    home.simulator.push(refuse());
    home.send("pumpernickel").await;
    assert_eq!(home.value::<i64>(left), 0);
}

#[tokio::test]
async fn the_history_lists_the_newest_first_page_by_page() {
    let home = Home::new(Script::new()).await;
    for number in 1..=5 {
        home.send(&format!("\n  prompt {number}\nmore")).await;
    }
    let page = home.dispatch.history(None, 2).await.unwrap();
    let titles = |page: &[Summary]| -> Vec<_> {
        page.iter().map(|row| row.title.clone().unwrap()).collect()
    };
    assert_eq!(titles(&page), ["prompt 5", "prompt 4"]);
    assert!(page[0].is_kept && page[0].cost.is_some() && page[0].basis == Some(Basis::Metered));
    let rest = home.dispatch.history(Some(page[1].run), 10).await.unwrap();
    assert_eq!(titles(&rest), ["prompt 3", "prompt 2", "prompt 1"]);
}

#[tokio::test]
async fn texts_go_when_the_user_wants_them_gone_and_the_ledger_stays() {
    let home = Home::new(Script::new()).await;
    home.send("old").await;
    let days = |days: Option<u32>| {
        let db = home.dispatch.db.clone();
        async move {
            let set = move |store: &rusqlite::Connection| KEEP_DAYS.set(store, &days, NOW);
            db.write(set).await.unwrap();
        }
    };
    days(Some(30)).await;
    assert_eq!(prune(&home.dispatch.db).await.unwrap(), 0);
    home.dispatch
        .db
        .clock()
        .set(NOW.plus(Duration::from_secs(31 * 86_400)));
    assert_eq!(prune(&home.dispatch.db).await.unwrap(), 1);
    days(Some(0)).await;
    let receipt = home.send("never kept").await.outcome.receipt;
    assert!(!receipt.is_kept);
    let history = home.dispatch.history(None, 10).await.unwrap();
    assert!(
        history
            .iter()
            .all(|row| !row.is_kept && row.title.is_none())
    );
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 2);
}

#[test]
fn a_file_is_what_its_bytes_say_and_not_what_its_name_says() {
    let media = |bytes: &[u8]| Attachment::new("x.bin", bytes.to_vec()).map(|file| file.media);
    assert_eq!(media(PNG).unwrap(), Media::Png);
    assert_eq!(media(b"\xFF\xD8\xFF\xE0...").unwrap(), Media::Jpeg);
    assert_eq!(media(b"GIF89a...").unwrap(), Media::Gif);
    assert_eq!(media(b"RIFF\0\0\0\0WEBPVP8 ").unwrap(), Media::Webp);
    assert_eq!(media("Grüße".as_bytes()).unwrap(), Media::Text);
    for bad in [
        b"".as_slice(),
        b"\xFF\xFE\0",
        b"text with \0",
        b"RIFF\0\0\0\0WAVE\xFF",
    ] {
        assert_eq!(media(bad).unwrap_err().code(), Code::BadInput, "{bad:?}");
    }
    let large = [PNG, &vec![0; IMAGE_MAX]].concat();
    assert!(Attachment::new("large.png", large).is_err());
    assert!(Attachment::new("", PNG.to_vec()).is_err());
}

#[tokio::test]
async fn a_conversation_keeps_its_payer_while_that_key_can_pay() {
    let home = Home::new(Script::new()).await;
    let run = home.send("Hi").await.outcome.receipt.run;
    let usual = || Ask {
        pay_with: PayWith::Usual,
        ..reply_to(&home, run, "More")
    };
    let route = home.prepare(usual()).await.route;
    assert_eq!(route.key.as_ref(), Some(&home.key));
    assert_eq!(route.reason, format!("because it paid for run {run}"));
    let retire = |store: &rusqlite::Connection| {
        store
            .execute("UPDATE api_keys SET is_active = 0", [])
            .doing("retire")
    };
    home.dispatch.db.write(retire).await.unwrap();
    let error = home
        .dispatch
        .preflight(usual(), |_| None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::BadInput);
    assert!(
        error.message().contains("was paid by Work")
            && error.failure().remedy == Some(crate::Remedy::ChoosePayer),
        "{error}"
    );
}

#[tokio::test]
async fn a_reply_to_a_run_that_a_variable_paid_for_asks_who_pays() {
    let home = Home::new(Script::new()).await;
    let id = home.key.clone();
    let select = move |store: &rusqlite::Connection| crate::keys::select(store, &id, NOW).map(drop);
    home.dispatch.db.write(select).await.unwrap();
    let mut first = home.ask("Hi");
    first.pay_with = PayWith::Env {
        name: "MINE".to_owned(),
        base_url: Some(home.simulator.base_url()),
    };
    let read = |_: &str| Some(home.secret.clone());
    let prepared = home.dispatch.preflight(first, read).await.unwrap();
    let run = home.start(prepared).end().await.outcome.receipt.run;
    let usual = Ask {
        pay_with: PayWith::Usual,
        ..reply_to(&home, run, "More")
    };
    let error = home.dispatch.preflight(usual, read).await.unwrap_err();
    assert_eq!(error.code(), Code::BadInput);
    assert!(error.message().contains("was paid by $MINE"), "{error}");
    let named = home.carry_out(reply_to(&home, run, "More")).await;
    assert_eq!(named.outcome.receipt.payer_label, "Work");
}

#[tokio::test]
async fn the_servers_list_of_models_is_kept_and_stands_for_the_built_in_one() {
    let home = Home::new(Script::new()).await;
    let endpoint = crate::http::Endpoint::parse(Some(&home.simulator.base_url())).unwrap();
    let listed = || {
        home.dispatch
            .db
            .read(|store| models(store, &endpoint, NOW))
            .unwrap()
    };
    let built_in = listed();
    assert!(
        built_in.fetched_at.is_none()
            && built_in.models.iter().any(|m| m.id == "claude-sonnet-5-5")
    );
    home.dispatch.refresh_models(&home.key).await.unwrap();
    let fetched = listed();
    assert_eq!(fetched.fetched_at, Some(NOW));
    assert!(
        fetched
            .models
            .iter()
            .all(|model| model.max_output.is_some())
    );
    assert_eq!(
        fetched.models[0].id, "claude-fable-5-2",
        "in the server's order"
    );
}
