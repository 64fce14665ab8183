//! Boxes that repeat what they were sent: nothing of it is shown or kept in clear.

use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// A house whose key is a gateway's, and looks like none of Anthropic's, and a box that was asked how it stands.
async fn with_a_gateways_key(sshd: &Sshd) -> (House, Planted, HostId) {
    let mut house = House::new(sshd).await;
    let mut planted = Planted::default();
    house.key = planted.key("gateway-");
    house.server = Some("http://127.0.0.1:9".to_owned());
    let host = house.host(sshd, "box", 1).await;
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(probe.trouble, None);
    (house, planted, host.id)
}

/// Sends to the one box, and returns all that a person or a script may see of it.
async fn seen(house: &House, host: HostId, prompt: &str) -> String {
    let ask = FarmAsk {
        host: Some(host),
        retries: Some(0),
        ..FarmAsk::default()
    };
    let (events, outcome) = house.send(house.ask(prompt, ask)).await.unwrap();
    let answer = text(&events);
    format!("{answer}\n{events:?}\n{outcome:?}")
}

#[tokio::test]
async fn a_key_of_any_shape_that_a_box_repeats_is_neither_shown_nor_kept() {
    let sshd = Sshd::with(&Setup {
        users: vec![("box", "/bin/bash")],
        ..Setup::default()
    });
    let (house, planted, host) = with_a_gateways_key(&sshd).await;
    let halves = r#"first=${ANTHROPIC_API_KEY%????????????}; last=${ANTHROPIC_API_KEY#"$first"}; said="It is $ANTHROPIC_API_KEY."#;
    for script in [
        "echo \"bad key $ANTHROPIC_API_KEY\" >&2; exit 3".to_owned(),
        "ready; echo \"bad key $ANTHROPIC_API_KEY\" >&2; exit 3".to_owned(),
        "ready; text \"$ANTHROPIC_API_KEY\"; begin; exit 3".to_owned(),
        format!("ready; {halves}\"; begin; text \"It is $first\"; text \"$last.\"; used; block \"$said\"; success \"$said\""),
        format!("ready; {halves}\"; begin; text 'It is '; text \"$first\"; text \"$last\"; exit 3"),
        r#"ready; printf '{"type":"result","is_error":true,"api_error_status":401,"result":"bad key %s"}\n' "$ANTHROPIC_API_KEY""#.to_owned(),
        r#"login="{\"tokenSource\":\"none\",\"apiKeySource\":\"$ANTHROPIC_API_KEY\",\"apiProvider\":\"firstParty\"}"; ready"#.to_owned(),
    ] {
        sshd.claude("box", &format!("{ANSWERS}\n{script}"));
        let seen = seen(&house, host, "Hello?").await;
        assert!(seen.contains("[redacted]"), "{script}: {seen}");
        assert!(!planted.is_in(seen.as_bytes()), "{script}: {seen}");
    }
    // The shell of a careless administrator takes the first line that it is sent for a command.
    let shell = "read -r line; echo \"$line: command not found\" >&2; exit 127\n";
    std::fs::write(sshd.home("box").join(".bashrc"), shell).unwrap();
    let seen = seen(&house, host, "Hello?").await;
    assert!(seen.contains("[redacted]: command not found"), "{seen}");
    assert!(!planted.is_in(seen.as_bytes()), "{seen}");
    let kept = planted.found_under(house.folder.path());
    assert_eq!(kept, Vec::<String>::new());
}

#[tokio::test]
async fn a_prompt_that_a_box_repeats_is_not_kept_with_the_host() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let mut planted = Planted::default();
    let (prompt, system) = ("an unmistakable prompt", "an unmistakable system");
    planted.text(prompt);
    planted.text(system);
    for (script, kept) in [
        (
            "ready; begin; echo \"can't answer $prompt\" >&2; exit 3",
            "`claude` failed there",
        ),
        (
            "up; read -r request; echo \"can't read $request\" >&2; exit 3",
            "`claude` did not get ready there",
        ),
    ] {
        sshd.claude("box", &format!("{ANSWERS}\n{script}"));
        let named = FarmAsk {
            host: Some(host.id),
            retries: Some(0),
            ..FarmAsk::default()
        };
        let mut ask = house.ask(prompt, named);
        ask.request.system = Some(system.to_owned());
        let (_, outcome) = house.send(ask).await.unwrap();
        let error = outcome.error.unwrap();
        assert!(planted.is_in(error.message().as_bytes()), "{error}");
        let why = house.now(host.id).last_failure.unwrap();
        assert_eq!(why.code, error.code());
        assert!(why.message.contains(kept), "{why:?}");
        house.app.pause_host(host.id, false).await.unwrap();
    }
    let kept = planted.found_under(house.folder.path());
    assert_eq!(kept, Vec::<String>::new());
}

#[tokio::test]
async fn a_key_too_short_to_be_looked_for_is_not_kept_with_the_host_that_repeats_it() {
    let sshd = Sshd::with(&Setup {
        users: vec![("box", "/bin/bash")],
        ..Setup::default()
    });
    let (mut house, _, host) = with_a_gateways_key(&sshd).await;
    house.key = "dummy-1234".to_owned();
    let mut planted = Planted::default();
    planted.text(&house.key);
    let last = async || {
        let said = seen(&house, host, "Hello?").await;
        let why = house.now(host).last_failure.unwrap();
        assert!(!planted.is_in(why.message.as_bytes()), "{why:?}");
        house.app.pause_host(host, false).await.unwrap();
        (said, why.message)
    };
    let script = "echo \"bad key $ANTHROPIC_API_KEY\" >&2; exit 3";
    sshd.claude("box", &format!("{ANSWERS}\n{script}"));
    let (said, why) = last().await;
    assert!(said.contains("bad key dummy-1234"), "{said}");
    assert!(why.contains("did not get ready"), "{why}");
    let shell = "read -r line; echo \"$line: command not found\" >&2; exit 127\n";
    std::fs::write(sshd.home("box").join(".bashrc"), shell).unwrap();
    let (said, why) = last().await;
    assert!(said.contains("dummy-1234: command not found"), "{said}");
    assert!(why.contains("ended before anything began"), "{why}");
    let kept = planted.found_under(house.folder.path());
    assert_eq!(kept, Vec::<String>::new());
}

#[tokio::test]
async fn a_host_without_claude_is_kept_as_that_also_where_a_run_has_a_system_prompt() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(probe.trouble, None);
    std::fs::remove_file(sshd.home("box").join(".local/bin/claude")).unwrap();
    let named = FarmAsk {
        host: Some(host.id),
        retries: Some(0),
        ..FarmAsk::default()
    };
    let mut ask = house.ask("Hello?", named);
    ask.request.system = Some("Be brief.".to_owned());
    let (_, outcome) = house.send(ask).await.unwrap();
    let error = outcome.error.unwrap();
    assert!(error.message().contains("There is no `claude`"), "{error}");
    let why = house.now(host.id).last_failure.unwrap();
    assert_eq!(&why, error.failure());
    assert_eq!(why.remedy, Some(switchyard_core::Remedy::ProbeHost));
}
