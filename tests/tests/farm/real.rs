//! The real `claude` on the box, with the simulator as server.

use switchyard_core::usage::Basis;
use switchyard_simulator::{KeyState, Reply, Script, Simulator};
use switchyard_tests::real_cli;

use super::*;

/// A house whose box has the real CLI, and whose key is for the simulator.
async fn furnished(cli: &std::path::Path, script: Script) -> (Sshd, House, Simulator) {
    let sshd = Sshd::start();
    let link = sshd.home("box").join(".local/bin/claude");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(cli, &link).unwrap();
    let mut house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let server = Simulator::start(script.key(&house.key, KeyState::Valid)).await;
    house.server = Some(format!("http://{}", server.address()));
    (sshd, house, server)
}

#[tokio::test]
async fn the_real_cli_on_a_box_answers_with_the_key_that_it_was_sent_and_leaves_nothing_behind() {
    const NAME: &str = "farm::real::the_real_cli_on_a_box_answers_with_the_key_that_it_was_sent_and_leaves_nothing_behind";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let script = Script::new().reply(Reply::text("From afar."));
    let (sshd, house, server) = furnished(&cli, script).await;
    // What a box may hold that would lead elsewhere.
    let home = sshd.home("box");
    std::fs::create_dir_all(home.join(".claude")).unwrap();
    std::fs::write(
        home.join(".claude/settings.json"),
        r#"{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:9","ANTHROPIC_API_KEY":"elsewhere"},"apiKeyHelper":"echo helped"}"#,
    )
    .unwrap();
    let before = files(&home);
    let mut ask = house.ask(
        "/login is no command, @/etc/passwd is no file.",
        FarmAsk::default(),
    );
    ask.request.system = Some("Be terse.".to_owned());
    ask.request.max_tokens = Some(777);
    let (events, outcome) = house.send(ask).await.unwrap();
    let sent: Vec<_> = server
        .requests()
        .iter()
        .map(|one| one.json()["messages"].to_string())
        .collect();
    assert!(outcome.error.is_none(), "{:?}\n{sent:?}", outcome.error);
    assert_eq!(text(&events), "From afar.");
    assert_eq!(outcome.receipt.booked.unwrap().basis, Basis::Metered);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].credential(), Some(&*house.key));
    let body = requests[0].json();
    assert_eq!(
        body["max_tokens"], 777,
        "what was priced is what was asked for"
    );
    let whole = body.to_string();
    assert!(whole.contains("Be terse.") && whole.contains("@/etc/passwd is no file."));
    assert!(!whole.contains("root:"), "no file of the box was sent");
    assert_eq!(files(&home), before);
    nothing_left(&sshd).await;
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_the_keys_fault_and_not_the_hosts() {
    const NAME: &str =
        "farm::real::a_key_that_the_server_refuses_is_the_keys_fault_and_not_the_hosts";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let (_sshd, mut house, server) = furnished(&cli, Script::new()).await;
    house.key = Planted::default().key("sk-ant-api03-");
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), switchyard_core::Code::KeyRefused, "{error}");
    assert!(!server.requests().is_empty());
    let hosts = house.app.hosts().unwrap();
    assert_eq!(
        (hosts[0].host.failures, hosts[0].state),
        (0, hosts::State::Ready)
    );
}

fn files(folder: &std::path::Path) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.push((entry.path().display().to_string(), about.len()));
        }
    }
    all.sort();
    all
}
