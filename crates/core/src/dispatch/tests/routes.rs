//! Who pays, decided beforehand.

use super::*;
use crate::keys;

const VARIABLE: &str = "WORK_KEY";

fn from_env(home: &Home, prompt: &str) -> Ask {
    Ask {
        pay_with: PayWith::Env {
            name: VARIABLE.to_owned(),
            base_url: Some(home.simulator.base_url()),
        },
        ..home.ask(prompt)
    }
}

#[tokio::test]
async fn the_route_says_who_pays_at_most_how_much_and_why() {
    let home = Home::new(Script::new()).await;
    let id = home.key.clone();
    let select = move |store: &rusqlite::Connection| keys::select(store, &id, NOW).map(drop);
    home.dispatch.db.write(select).await.unwrap();
    let ask = Ask {
        pay_with: PayWith::Usual,
        ..home.ask("Hi")
    };
    let prepared = home.prepare(ask).await;
    let route = &prepared.route;
    assert_eq!(route.payer, "Work");
    assert_eq!(route.reason, "because Work is the active key");
    assert_eq!(
        (route.model.as_str(), route.max_tokens),
        ("claude-sonnet-5-5", MAX_TOKENS)
    );
    let (likely, most) = (
        prepared.estimate.likely.unwrap(),
        prepared.estimate.at_most.unwrap(),
    );
    // 8,192 tokens of answer at $10 for a million are the greater part.
    assert!(
        most >= Nano(81_920_000) && most < Nano(83_000_000) && likely < most,
        "{most:?}"
    );
}

#[tokio::test]
async fn nothing_selected_means_that_nobody_pays_and_nothing_is_sent() {
    let home = Home::new(Script::new()).await;
    let ask = Ask {
        pay_with: PayWith::Usual,
        ..home.ask("Hi")
    };
    let error = home.dispatch.preflight(ask, |_| None).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(error.failure().remedy, Some(crate::Remedy::SelectKey));
}

#[tokio::test]
async fn another_payer_than_the_one_that_was_shown_is_refused() {
    let home = Home::new(Script::new()).await;
    let shown = ShownPayer::of(&home.prepare(home.ask("Hi")).await.route);
    let rename = |store: &rusqlite::Connection| {
        store
            .execute(
                "UPDATE api_keys SET name = 'Renamed', name_folded = 'renamed'",
                [],
            )
            .doing("rename")
    };
    home.dispatch.db.write(rename).await.unwrap();
    let stored = home.prepare(home.ask("Hi")).await;
    stored.expect(Some(&shown)).unwrap();
    stored.expect(None).unwrap();
    let variable = |_: &str| Some("sk-ant-api03-of-the-variable".to_owned());
    let other = home.dispatch.preflight(from_env(&home, "Hi"), variable);
    let error = other.await.unwrap().expect(Some(&shown)).unwrap_err();
    assert_eq!(error.code(), Code::WrongPayer);
    assert!(
        error
            .message()
            .ends_with("would pay by now, and Work was shown."),
        "{error}"
    );
}

#[tokio::test]
async fn another_key_that_is_called_the_same_is_another_payer_than_was_shown() {
    let home = Home::new(Script::new()).await;
    let prepare = async |key: &'static str| {
        let variable = move |_: &str| Some(key.to_owned());
        let prepared = home.dispatch.preflight(from_env(&home, "Hi"), variable);
        prepared.await.unwrap()
    };
    let before = prepare("sk-ant-api03-before-it-was-rotated-1234").await;
    let shown = ShownPayers::of(&before);
    let same = prepare("sk-ant-api03-before-it-was-rotated-1234").await;
    shown.check(&same).unwrap();
    let since = prepare("sk-ant-api03-since-it-was-rotated-1234").await;
    assert_eq!(since.route.payer, before.route.payer);
    let error = shown.check(&since).unwrap_err();
    assert_eq!(error.code(), Code::WrongPayer);
    assert!(error.message().contains("another way"), "{error}");
}

#[tokio::test]
async fn the_server_can_count_where_the_estimate_only_guesses() {
    let home = Home::new(Script::new()).await;
    let mut prepared = home.prepare(home.ask("hi")).await;
    assert_eq!(prepared.estimate.counted_by, crate::usage::CountedBy::Local);
    home.dispatch.count(&mut prepared).await.unwrap();
    assert_eq!(
        prepared.estimate.counted_by,
        crate::usage::CountedBy::Server
    );
    assert_eq!(prepared.estimate.prompt_tokens, 8);
}

#[tokio::test]
async fn words_stand_for_models_and_retired_ones_are_refused_before_sending() {
    let home = Home::new(Script::new()).await;
    let model = |text: &str| {
        let mut ask = home.ask("Hi");
        ask.request.model = text.to_owned();
        ask
    };
    assert_eq!(
        home.prepare(model("haiku")).await.route.model,
        "claude-haiku-5-5"
    );
    assert_eq!(
        home.prepare(model("")).await.route.model,
        "claude-sonnet-5-5"
    );
    let unheard = home.prepare(model("claude-next-9")).await;
    assert_eq!(unheard.route.model, "claude-next-9");
    assert_eq!(
        unheard.estimate.at_most, None,
        "an unknown price is not nothing"
    );
    let listed = crate::http::ModelInfo {
        id: "claude-gone-1".to_owned(),
        display_name: "Gone".to_owned(),
        lifecycle: Some("retired".to_owned()),
        max_input: None,
        max_output: None,
    };
    let endpoint = crate::http::Endpoint::parse(Some(&home.simulator.base_url())).unwrap();
    let keep = move |store: &rusqlite::Connection| keep_models(store, &endpoint, &[listed], NOW);
    home.dispatch.db.write(keep).await.unwrap();
    for text in ["claude-gone-1", "two words", &"x".repeat(1_000)] {
        let error = home
            .dispatch
            .preflight(model(text), |_| None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{text}");
    }
}

#[tokio::test]
async fn a_model_is_unknown_until_the_servers_own_list_has_it() {
    let home = Home::new(Script::new()).await;
    let mut ask = home.ask("Hi");
    ask.request.model = "claude-next-9".to_owned();
    let unknown = |prepared: Prepared| prepared.route.unknown_model;
    let doubt = unknown(home.prepare(ask.clone()).await).unwrap();
    assert_eq!(
        (doubt.name.as_str(), doubt.nearest),
        ("claude-next-9", None),
        "nothing is near to what is new"
    );
    let listed = |id: &str| crate::http::ModelInfo {
        id: id.to_owned(),
        display_name: id.to_owned(),
        lifecycle: None,
        max_input: None,
        max_output: None,
    };
    let models = ["claude-next-9", "house-model-1"].map(listed);
    let endpoint = crate::http::Endpoint::parse(Some(&home.simulator.base_url())).unwrap();
    let keep = move |store: &rusqlite::Connection| keep_models(store, &endpoint, &models, NOW);
    home.dispatch.db.write(keep).await.unwrap();
    assert_eq!(unknown(home.prepare(ask.clone()).await), None);
    ask.request.model = "house-modle-1".to_owned();
    let doubt = unknown(home.prepare(ask).await).unwrap();
    assert_eq!(doubt.nearest.as_deref(), Some("house-model-1"));
}

#[tokio::test]
async fn anthropics_retired_models_are_known_without_asking() {
    let home = Home::new(Script::new()).await;
    let mut ask = home.ask("Hi");
    ask.request.model = "claude-3-5-haiku-20241022".to_owned();
    ask.pay_with = PayWith::Env {
        name: VARIABLE.to_owned(),
        base_url: None,
    };
    let error = home
        .dispatch
        .preflight(ask, |_| Some(home.secret.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::BadInput);
    assert!(error.message().contains("retired"));
}

#[tokio::test]
async fn requests_that_the_api_would_refuse_are_refused_here() {
    let home = Home::new(Script::new()).await;
    let mut bad = Vec::new();
    for prompt in ["", "  \n", "nul \0"] {
        bad.push(home.ask(prompt));
    }
    let mut long = home.ask("Hi");
    long.request.max_tokens = Some(128_001);
    bad.push(long);
    let mut none = home.ask("Hi");
    none.request.max_tokens = Some(0);
    bad.push(none);
    bad.push(home.ask(&"x".repeat(REQUEST_MAX)));
    for ask in bad {
        let error = home.dispatch.preflight(ask, |_| None).await.unwrap_err();
        assert_eq!(error.code(), Code::BadInput);
        assert!(error.advice().is_some());
    }
}

#[tokio::test]
async fn a_variable_pays_without_a_vault_under_its_fingerprint() {
    let home = Home::with(Script::new(), Timeouts::default(), true).await;
    let read = |name: &str| (name == VARIABLE).then(|| format!(" {}\n", home.secret));
    let prepared = home
        .dispatch
        .preflight(from_env(&home, "Hi"), read)
        .await
        .unwrap();
    let last4 = &home.secret[home.secret.len() - 4..];
    assert_eq!(prepared.route.payer, format!("${VARIABLE} …{last4}"));
    let done = home.start(prepared).end().await;
    assert_eq!(done.outcome.receipt.state, State::Finished);
    assert!(
        !done.outcome.receipt.is_kept,
        "a locked vault keeps nothing"
    );
    let payer: String = home.value("SELECT payer FROM key_usage");
    let fingerprint = payer
        .strip_prefix(&format!("env:WORK_KEY:{last4}:"))
        .unwrap();
    assert!(fingerprint.len() == 8 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(
        home.value::<i64>("SELECT count(*) FROM runs WHERE prompt IS NULL AND key_id IS NULL"),
        1
    );
    home.assert_settled();
}

#[tokio::test]
async fn tokens_of_a_subscription_and_admin_keys_never_pay_for_metered_runs() {
    let home = Home::new(Script::new()).await;
    for prefix in [
        "sk-ant-oat01-",
        "sk-ant-ort01-",
        "sk-ant-admin01-",
        "sk-ant-api01-",
    ] {
        let value = format!("{prefix}{}", uuid::Uuid::now_v7().simple());
        let read = |_: &str| Some(value.clone());
        let error = home
            .dispatch
            .preflight(from_env(&home, "Hi"), read)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{prefix}");
        assert!(!format!("{error:?}").contains(&value));
    }
    for read in [None, Some("  ".to_owned())] {
        let error = home
            .dispatch
            .preflight(from_env(&home, "Hi"), |_| read.clone())
            .await;
        assert_eq!(error.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_variable_that_holds_another_secret_is_not_sent_to_anthropic() {
    let home = Home::new(Script::new()).await;
    for prefix in ["ghp_", "AKIA", "two words "] {
        let value = format!("{prefix}{}", uuid::Uuid::now_v7().simple());
        let mut ask = from_env(&home, "Hi");
        ask.pay_with = PayWith::Env {
            name: VARIABLE.to_owned(),
            base_url: None,
        };
        let read = |_: &str| Some(value.clone());
        let error = home.dispatch.preflight(ask, read).await.unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{prefix}");
        assert!(!format!("{error:?}").contains(&value));
    }
}

#[tokio::test]
async fn a_prepared_request_shows_no_log_what_it_says_or_who_pays_it() {
    let home = Home::new(Script::new()).await;
    let mut ask = from_env(&home, "marzipan");
    ask.request.attachments = vec![Attachment::new("secret.txt", b"nougat".to_vec()).unwrap()];
    let read = |_: &str| Some(home.secret.clone());
    let prepared = home.dispatch.preflight(ask, read).await.unwrap();
    let shown = format!("{prepared:?}");
    for hidden in ["marzipan", "nougat", "secret.txt", home.secret.as_str()] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
