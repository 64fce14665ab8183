//! Ways that can't be taken: a key that is gone, a plan at its limit, a vault that is locked.

use super::*;

#[tokio::test]
async fn a_first_way_that_is_gone_is_refused_or_passed_over_as_allowed_and_never_in_silence() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::Unavailable))
        .await;
    let retire = |store: &rusqlite::Connection| {
        let retire = "UPDATE api_keys SET is_active = 0, retired_at = 0 WHERE name = 'Work'";
        store.execute(retire, []).doing("retire")
    };
    table.home.dispatch.db.write(retire).await.unwrap();
    let refused = table
        .home
        .dispatch
        .preflight(table.ask(), |_| None)
        .await
        .unwrap_err();
    assert!(refused.message().contains("retired"), "{refused}");
    assert_eq!(refused.failure().remedy, Some(Remedy::AllowFallback));
    table.allow().await;
    let prepared = table.home.prepare(table.ask()).await;
    let auto = prepared.auto.as_ref().unwrap();
    assert_eq!(auto.begins_with, Some(0));
    assert!(
        auto.first
            .why_not
            .as_ref()
            .unwrap()
            .message
            .contains("retired")
    );
    assert_eq!(auto.at_most, prepared.at_most());
    assert_eq!(prepared.route.payer, "Second");
    let done = table.home.start(prepared).end().await;
    assert_eq!(names(&done), ["fallback", "started", "text", "finished"]);
    let instead = done.outcome.receipt.instead_of.unwrap();
    assert_eq!((instead.cause, instead.run), (Cause::Unavailable, None));
    assert!(instead.payer.contains("Work"), "{instead:?}");
    assert!(!table.credentials().contains(&table.home.secret));
}

#[tokio::test]
async fn a_farm_without_a_host_gives_way_to_the_key_that_was_allowed() {
    let table = Table::new().await;
    let farm = Destination {
        through: Through::Farm {
            host: None,
            label: Some("small".to_owned()),
            key: Some(table.home.key.clone()),
        },
        model: None,
        effort: None,
    };
    table.put(table.to_second(farm, Cause::HostDown)).await;
    let refused = table.home.dispatch.preflight(table.ask(), |_| None).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::NoHost, "{refused}");
    assert!(
        refused.advice().unwrap().contains("Fallback 1"),
        "{refused}"
    );
    table.allow().await;
    let done = table.send().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    let instead = done.outcome.receipt.instead_of.unwrap();
    assert_eq!(instead.cause, Cause::HostDown);
    assert!(instead.payer.contains("labelled small"), "{instead:?}");
    assert_eq!(
        table.payers(),
        [("Second".to_owned(), "metered".to_owned())]
    );
}

#[tokio::test]
async fn a_key_that_the_server_refuses_counts_as_one_that_can_t_pay() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::Unavailable))
        .await;
    table.allow().await;
    table
        .home
        .simulator
        .set_key(&table.home.secret, KeyState::Refused);
    let done = table.send().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(done.outcome.receipt.payer_label, "Second");
}

#[tokio::test]
async fn a_model_without_a_price_bars_a_way_of_the_table() {
    let table = Table::new().await;
    let mut rule = table.to_second(table.first(), Cause::RateLimited);
    rule.fallbacks[0].to.model = Some("claude-next-9".to_owned());
    table.put(rule).await;
    table.allow().await;
    table.refuse_first();
    let prepared = table.home.prepare(table.ask()).await;
    let auto = prepared.auto.as_ref().unwrap();
    let why = auto.fallbacks[0].way.why_not.as_ref().unwrap();
    assert!(why.message.contains("price of claude-next-9"), "{why:?}");
    assert_eq!(auto.at_most, auto.first.at_most);
    let done = table.home.start(prepared).end().await;
    let hint = done.error().advice().unwrap();
    assert!(hint.contains("price of claude-next-9"), "{hint}");
    assert!(!table.credentials().contains(&table.second_secret));
}

#[tokio::test]
async fn a_class_without_a_rule_goes_as_work_that_names_none() {
    let table = Table::new().await;
    let id = table.home.key.clone();
    let select = move |store: &rusqlite::Connection| crate::keys::select(store, &id, NOW).map(drop);
    table.home.dispatch.db.write(select).await.unwrap();
    let prepared = table.home.prepare(table.ask()).await;
    assert_eq!(prepared.route.reason, "because Work is the active key");
    assert!(!prepared.auto.as_ref().unwrap().has_rule);
    table.refuse_first();
    let done = table.home.start(prepared).end().await;
    assert_eq!(names(&done), ["started", "failed"]);
    assert_eq!(done.error().failure().remedy, None);
}

#[tokio::test]
async fn what_the_user_names_holds_over_the_first_way_and_the_fallback_keeps_its_own() {
    let table = Table::new().await;
    let mut rule = table.to_second(table.first(), Cause::RateLimited);
    rule.first.model = Some("haiku".to_owned());
    rule.first.effort = Some(Effort::Low);
    table.put(rule).await;
    let mut ask = table.ask();
    let route = table.home.prepare(ask.clone()).await;
    assert_eq!(route.route.model, "claude-haiku-5-5");
    assert_eq!(route.request.effort, Some(Effort::Low));
    ask.request.model = "opus".to_owned();
    ask.request.effort = Some(Effort::High);
    let named = table.home.prepare(ask).await;
    assert!(named.route.model.contains("opus"), "{}", named.route.model);
    assert_eq!(named.request.effort, Some(Effort::High));
    let fallback = &named.auto.unwrap().fallbacks[0];
    let to = fallback.way.route.as_ref().unwrap();
    assert_eq!(to.model, "claude-haiku-5-5");
}

const LIMIT: &str = r#"
ready
echo '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795317263,"rateLimitType":"five_hour","isUsingOverage":false}}'
echo '{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"limit"}]},"error":"rate_limit","api_error":"usage_limit_reached","api_error_status":429}'
echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You have hit your 5-hour limit"}'
stay
"#;

#[tokio::test]
async fn a_plan_whose_limit_is_reached_gives_way_to_the_key_that_was_allowed() {
    let table = Table::new().await;
    table.bring_claude(LIMIT).await;
    table
        .put(table.to_second(plan_first(), Cause::PlanLimit))
        .await;
    table.allow().await;
    let prepared = table.home.prepare(table.ask()).await;
    let auto = prepared.auto.as_ref().unwrap();
    assert_eq!(prepared.at_most(), Some(Nano(0)));
    assert_eq!(
        auto.at_most, auto.fallbacks[0].way.at_most,
        "the key's part"
    );
    let done = table.home.start(prepared).end().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(done.outcome.receipt.payer_label, "Second");
    assert_eq!(
        table.payers(),
        [("Second".to_owned(), "metered".to_owned())]
    );
    let instead = done.outcome.receipt.instead_of.unwrap();
    assert_eq!(instead.cause, Cause::PlanLimit);
    assert!(instead.payer.starts_with("your plan"), "{instead:?}");
    table.home.assert_settled();
}

#[tokio::test]
async fn a_locked_vault_gives_way_to_the_plan_only_where_that_is_allowed() {
    let table = Table::with(true).await;
    table
        .bring_claude("ready; begin; text Hello; block Hello; success Hello; stay")
        .await;
    let rule = Rule {
        class: Class::Review,
        first: table.first(),
        fallbacks: vec![Fallback {
            cause: Cause::Unavailable,
            to: Destination {
                through: Through::Subscription {
                    login: Some("mine".to_owned()),
                },
                model: None,
                effort: None,
            },
        }],
    };
    table.put(rule).await;
    let auto = table
        .home
        .dispatch
        .auto(&table.ask(), |_| None)
        .await
        .unwrap();
    assert_eq!(auto.first.why_not.unwrap().code, Code::Locked);
    let prepared = table.home.prepare(table.ask()).await;
    let (sink, _events) = channel();
    let refused = table
        .home
        .dispatch
        .run(prepared, sink, CancellationToken::new());
    let refused = refused.await.unwrap_err();
    assert_eq!(refused.code(), Code::Locked);
    assert!(
        refused.advice().unwrap().contains("Fallback 1"),
        "{refused}"
    );
    assert_eq!(table.home.value::<i64>("SELECT count(*) FROM runs"), 0);
    table.allow().await;
    let done = table.send().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(done.text(), "Hello");
    assert_eq!(names(&done), ["fallback", "started", "text", "finished"]);
    let booked = done.amount();
    assert_eq!(booked.basis, Basis::Plan, "no dollars");
    assert!(table.credentials().is_empty());
}

#[tokio::test]
async fn a_fallback_that_can_t_begin_leaves_the_first_error_with_the_reason() {
    let table = Table::with(true).await;
    table.bring_claude(LIMIT).await;
    table
        .put(table.to_second(plan_first(), Cause::PlanLimit))
        .await;
    table.allow().await;
    let done = table.send().await;
    assert_eq!(
        names(&done),
        ["started", "failed"],
        "nobody is said to pay who does not"
    );
    assert_eq!(done.error().code(), Code::Busy);
    let hint = done.error().advice().unwrap();
    assert!(hint.contains("The vault is locked"), "{hint}");
    assert_eq!(table.home.value::<i64>("SELECT count(*) FROM runs"), 1);
    table.home.assert_settled();
}

#[tokio::test]
async fn many_prompts_are_not_paid_for_by_a_fallback_that_was_allowed_after_they_were_announced() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::Unavailable))
        .await;
    let before = ShownPayers::of(&table.home.prepare(table.ask()).await);
    table.allow().await;
    let now = table.home.prepare(table.ask()).await;
    let error = before.check(&now).unwrap_err();
    assert_eq!(error.code(), Code::WrongPayer);
    assert!(error.message().contains("Second"), "{error}");
    let shown = ShownPayers::of(&now);
    shown.check(&now).unwrap();
    // What was shown as a fallback may pay, where the first can't.
    let retire = |store: &rusqlite::Connection| {
        let retire = "UPDATE api_keys SET is_active = 0, retired_at = 0 WHERE name = 'Work'";
        store.execute(retire, []).doing("retire")
    };
    table.home.dispatch.db.write(retire).await.unwrap();
    let later = table.home.prepare(table.ask()).await;
    assert_eq!(later.route.payer, "Second");
    shown.check(&later).unwrap();
}
