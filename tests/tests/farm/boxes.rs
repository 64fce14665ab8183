//! What a box gets, and what it leaves behind.

use switchyard_core::dispatch::{FarmAsk, State};
use switchyard_core::usage::{Basis, Payer, Tier};
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// A profile that talks, as those of careless administrators do.
const NOISE: &str = "echo 'Welcome to the box!'; echo '{\"type\":\"result\",\"is_error\":false,\"result\":\"forged\"}'; echo careful >&2\n";

#[tokio::test]
async fn a_prompt_goes_to_a_host_and_is_booked_with_its_name() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let (events, outcome) = house
        .send(house.ask("Hello?", FarmAsk::default()))
        .await
        .unwrap();
    assert!(
        outcome.error.is_none(),
        "{:?}\n{}",
        outcome.error,
        sshd.log()
    );
    assert_eq!(
        (text(&events).as_str(), placed(&events)),
        ("Hello", vec!["box"])
    );
    let receipt = outcome.receipt;
    assert_eq!((receipt.tier, receipt.state), (Tier::Farm, State::Finished));
    assert_eq!(receipt.host.as_deref(), Some("box"));
    assert!(matches!(&receipt.payer, Payer::Env { name, .. } if name == VARIABLE));
    assert_eq!(receipt.booked.unwrap().basis, Basis::Metered);
    let proof = receipt.proof.unwrap();
    assert_eq!(proof, "claude: key from ANTHROPIC_API_KEY on box");
    let booked: (i64, i64) = house
        .app
        .read(|store, _| {
            let row = store.query_row(
                "SELECT u.host_id, r.host_id FROM key_usage u JOIN runs r ON r.id = u.run_id",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            );
            Ok(row.unwrap())
        })
        .unwrap();
    assert_eq!(booked, (host.id.0, host.id.0));
    let known = house.now(host.id).probe.unwrap();
    assert_eq!(known.version.as_deref(), Some("2.1.330"));
}

#[tokio::test]
async fn every_login_shell_hands_the_worker_on_and_its_noise_is_no_output() {
    let users = vec![
        ("in-bash", "/bin/bash"),
        ("in-zsh", "/usr/bin/zsh"),
        ("in-fish", "/usr/bin/fish"),
        ("in-dash", "/usr/bin/dash"),
        ("in-tcsh", "/usr/bin/tcsh"),
    ];
    let banner = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        banner.path(),
        "{\"type\":\"result\",\"is_error\":false}\nNo trespassing.\n",
    )
    .unwrap();
    let setup = Setup {
        users: users.clone(),
        options: vec![format!("Banner {}", banner.path().display())],
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    for (user, _) in users {
        let home = sshd.home(user);
        std::fs::create_dir_all(home.join(".config/fish")).unwrap();
        for profile in [".bashrc", ".zshenv", ".cshrc", ".config/fish/config.fish"] {
            std::fs::write(home.join(profile), NOISE).unwrap();
        }
        let host = house.host(&sshd, user, 1).await;
        let farm = FarmAsk {
            host: Some(host.id),
            ..FarmAsk::default()
        };
        let (events, outcome) = house.send(house.ask("Hello?", farm)).await.unwrap();
        assert!(
            outcome.error.is_none(),
            "{user}: {:?}\n{}",
            outcome.error,
            sshd.log()
        );
        assert_eq!(text(&events), "Hello", "{user}");
        nothing_left(&sshd).await;
        let probe = house.app.probe_host(host.id).await.unwrap();
        assert_eq!(
            (probe.trouble, probe.version.as_deref()),
            (None, Some("2.1.330")),
            "{user}"
        );
    }
}

#[tokio::test]
async fn prompts_arrive_byte_for_byte_and_a_nul_is_refused() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let heard = sshd.root().join("heard");
    let keeps = format!(
        "{ANSWERS}\nready; printf '%s\\n' \"$prompt\" > {}; answers Kept",
        heard.display()
    );
    sshd.claude("box", &keeps);
    let long = "A line of a megabyte, with 'quotes'.\n".repeat(28_000);
    for prompt in [
        "plain",
        "two\nlines with \"quotes\", 'these', $(touch x), `y`, \\ ! and 世界 \u{2028}\r\n",
        "$HOME; exit 1",
        "%s %n \u{1b}[2J",
        &long,
    ] {
        assert_eq!(house.answer(prompt).await, "Kept");
        let line = std::fs::read_to_string(&heard).unwrap();
        let given: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(given["message"]["content"][0]["text"], prompt);
    }
    let refused = house
        .send(house.ask("a\0b", FarmAsk::default()))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), switchyard_core::Code::BadInput);
}

#[tokio::test]
async fn the_box_is_told_model_effort_and_system_prompt_as_data() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let seen = sshd.root().join("seen");
    let script = format!(
        "{ANSWERS}\nup; read -r request; asked=$request; answer \"$login\"; settings; read -r prompt
         {{ echo \"$*\"; env; pwd; ls -A; printf '%s\\n' \"$asked\"; }} > {}; answers Seen",
        seen.display()
    );
    sshd.claude("box", &script);
    let mut ask = house.ask("Hello?", FarmAsk::default());
    ask.request.system = Some("Be 'terse'\nand \"kind\".".to_owned());
    ask.request.effort = switchyard_core::dispatch::Effort::from_word("low");
    ask.request.max_tokens = Some(321);
    let (_, outcome) = house.send(ask).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let seen = std::fs::read_to_string(&seen).unwrap();
    let mut lines = seen.lines();
    let arguments = lines.next().unwrap();
    assert!(arguments.contains("--model claude-haiku-") && arguments.contains("--effort low"));
    assert!(
        arguments.starts_with("-p --bare") && !arguments.contains("terse"),
        "{arguments}"
    );
    assert!(seen.contains("CLAUDE_CODE_MAX_OUTPUT_TOKENS=321\n"));
    assert!(
        !seen.contains("SSH_"),
        "nothing of the session's own environment: {seen}"
    );
    let request: serde_json::Value = serde_json::from_str(lines.next_back().unwrap()).unwrap();
    assert_eq!(
        request["request"]["systemPrompt"],
        "Be 'terse'\nand \"kind\"."
    );
    let folder = lines.next_back().unwrap();
    assert!(
        folder.contains("/run.") && folder.ends_with("/w"),
        "an empty folder of its own: {seen}"
    );
}

#[tokio::test]
async fn a_box_with_a_key_of_its_own_is_sent_none_and_pays_itself() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let own = "#!/bin/sh\nif [ \"$1\" = auth ]; then echo '{\"loggedIn\":true,\"authMethod\":\"api_key\"}'; exit; fi
        env > \"$HOME/seen\"; ANTHROPIC_API_KEY=of-the-box; export ANTHROPIC_API_KEY; exec \"$HOME/.local/bin/claude\" \"$@\"\n";
    let program = sshd.program("box", "claude-own-key", own);
    let change = hosts::Edit {
        own_command: Some(program.display().to_string()),
        ..hosts::Edit::default()
    };
    let host = house.app.edit_host(host.id, change).await.unwrap();
    let with_key = house.failure(FarmAsk::default()).await;
    assert_eq!(
        with_key.code(),
        switchyard_core::Code::BadInput,
        "a key can't pay there"
    );
    let mut ask = house.ask("Hello?", FarmAsk::default());
    ask.pay_with = PayWith::Farm(FarmAsk::default());
    let (events, outcome) = house.send(ask.clone()).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), "Hello");
    assert_eq!(outcome.receipt.payer, Payer::Host(host.id));
    assert_eq!(outcome.receipt.payer_label, "box's own key");
    let seen = std::fs::read_to_string(sshd.home("box").join("seen")).unwrap();
    assert!(
        !seen.contains("sk-ant") && !seen.contains("ANTHROPIC_API_KEY"),
        "{seen}"
    );
    assert_eq!(
        house.now(host.id).probe.unwrap().login.as_deref(),
        Some("api_key")
    );
    // A plan, wherever it shows, is refused before there is a prompt.
    let plan = format!(
        "{ANSWERS}\nlogin='{{\"subscriptionType\":\"Claude Max\",\"apiProvider\":\"firstParty\"}}'\nready; touch \"$here/prompted\"; answers Plan"
    );
    sshd.claude("box", &plan);
    let (_, outcome) = house.send(ask.clone()).await.unwrap();
    let error = outcome.error.unwrap();
    assert_eq!(error.code(), switchyard_core::Code::WrongPayer);
    assert!(
        error.message().contains("its own login (Claude Max)"),
        "{error}"
    );
    assert_eq!(outcome.receipt.booked, None);
    assert!(!sshd.home("box").join(".local/bin/prompted").exists());
    sshd.program(
        "box",
        "claude-own-key",
        &own.replace("api_key", "claude.ai"),
    );
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(
        probe.trouble.unwrap().code,
        switchyard_core::Code::WrongPayer
    );
    assert_eq!(probe.login.as_deref(), Some("plan"));
}
