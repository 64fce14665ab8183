//! Scoped use with the real CLI: the credential that arrives is the one that was named.
//!
//! Runs in a network namespace with loopback only, so that nothing can leave whatever goes wrong.

use std::path::Path;

use switchyard_simulator::{KeyState, Reply, Script, Simulator};
use switchyard_tests::{Machine, Planted, binary, kept_login, real_cli};

use super::{key_and_server, prompts};

/// Returns the CLI where the test is in the namespace; else runs the test there, and returns none.
fn cli(test: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cli = runtime.block_on(real_cli::inside(&format!("cli::scope_claude::{test}")))?;
    Some(cli.into_os_string().into_string().unwrap())
}

/// A machine with an open vault and the key `Work`, and every credential of the environment set to another.
fn surrounded(key: &str, server: &Simulator) -> Machine {
    let mut machine = Machine::with_key(key, server);
    let mut planted = Planted::default();
    for (name, prefix) in [
        ("ANTHROPIC_API_KEY", "sk-ant-api03-"),
        ("ANTHROPIC_AUTH_TOKEN", "gateway-"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-"),
    ] {
        machine.set(name, planted.key(prefix));
    }
    machine
        .set("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        .set("CLAUDE_CODE_USE_BEDROCK", "1")
        .set("DISABLE_AUTOUPDATER", "1")
        .set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .set("CLAUDE_CODE_MAX_RETRIES", "0")
        .set("API_TIMEOUT_MS", "10000");
    machine
}

const PROMPT: [&str; 4] = ["-p", "--model", "claude-sonnet-5-5", "Hi."];

fn arrived(server: &Simulator) -> Vec<(Option<String>, Option<String>)> {
    assert_eq!(prompts(server), 1);
    let runs = server.requests();
    runs.iter()
        .filter(|request| request.path == "/v1/messages")
        .map(|request| {
            let header = |name: &str| request.header(name).map(str::to_owned);
            (header("x-api-key"), header("authorization"))
        })
        .collect()
}

#[test]
fn the_real_claude_sends_the_key_that_was_named_whatever_was_around() {
    let Some(cli) = cli("the_real_claude_sends_the_key_that_was_named_whatever_was_around") else {
        return;
    };
    let (key, server) = key_and_server();
    let machine = surrounded(&key, &server);
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--key", "Work", "--", &cli];
    let done = machine.run(exec.into_iter().chain(PROMPT));
    assert_eq!(done.stdout, "Hello.\n", "{}", done.stderr);
    assert_eq!(arrived(&server), [(Some(key), None)]);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
}

#[test]
fn the_real_claude_takes_the_named_key_from_the_helper() {
    let Some(cli) = cli("the_real_claude_takes_the_named_key_from_the_helper") else {
        return;
    };
    let (key, server) = key_and_server();
    let mut machine = Machine::with_key(&key, &server);
    machine
        .set("ANTHROPIC_BASE_URL", server.base_url())
        .set("DISABLE_AUTOUPDATER", "1")
        .set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .set("CLAUDE_CODE_MAX_RETRIES", "0");
    server.push(Reply::text("Hello."));
    let helper = format!("{} key-helper Work", binary("switchyard").display());
    let settings = serde_json::json!({ "apiKeyHelper": helper }).to_string();
    let claude = machine.spawn(
        Path::new(&cli),
        ["--settings", &settings].into_iter().chain(PROMPT),
    );
    let done = switchyard_tests::finish(claude, "");
    assert_eq!(done.stdout, "Hello.\n", "{}", done.stderr);
    // The CLI sends what a helper prints in both places.
    assert_eq!(
        arrived(&server),
        [(Some(key.clone()), Some(format!("Bearer {key}")))]
    );
}

#[test]
fn the_real_claude_sends_the_login_and_no_key_when_the_plan_was_chosen() {
    let Some(cli) = cli("the_real_claude_sends_the_login_and_no_key_when_the_plan_was_chosen")
    else {
        return;
    };
    let server = Simulator::start_blocking(Script::new().any_key());
    let machine = surrounded(&Planted::default().key("sk-ant-api03-"), &server);
    let login = Planted::default().key("sk-ant-oat01-");
    write(&machine, ".claude/.credentials.json", &kept_login(&login));
    leads_to(&server, &machine, ".claude");
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--tier", "subscription", "--"];
    let refused = machine.run(exec.into_iter().chain([&*cli]).chain(PROMPT));
    let refused = refused.failed_with(1);
    assert!(
        refused.contains("~/.claude/settings.json, line 1"),
        "{refused}"
    );
    assert_eq!(prompts(&server), 0, "something was sent");
    let exec = ["exec", "--tier", "subscription", "--anyway", "--", &cli];
    let done = machine.run(exec.into_iter().chain(PROMPT));
    assert_eq!(done.stdout, "Hello.\n", "{}", done.stderr);
    let bearer = format!("Bearer {login}");
    assert_eq!(arrived(&server), [(None, Some(bearer))]);
    let warned = "warning: A settings file sends the credential to 127.0.0.1:";
    assert!(done.stderr.contains(warned), "{}", done.stderr);
}

#[test]
fn the_real_claude_does_what_the_warning_says() {
    let Some(cli) = cli("the_real_claude_does_what_the_warning_says") else {
        return;
    };
    let (key, server) = key_and_server();
    let machine = surrounded(&key, &server);
    let other = Planted::default().key("sk-ant-api03-");
    server.set_key(&other, KeyState::Valid);
    let overrules = serde_json::json!({ "env": { "ANTHROPIC_API_KEY": other } });
    write(&machine, ".claude/settings.json", &overrules.to_string());
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--key", "Work", "--", &cli];
    let done = machine.run(exec.into_iter().chain(PROMPT));
    let last4 = &other[other.len() - 4..];
    let warned = format!("warning: A settings file overrules this: claude bills key …{last4}");
    assert!(done.stderr.contains(&warned), "{}", done.stderr);
    assert_eq!(arrived(&server), [(Some(other), None)]);
}

#[test]
fn the_real_claude_sends_the_login_of_the_folder_that_is_chosen() {
    let Some(cli) = cli("the_real_claude_sends_the_login_of_the_folder_that_is_chosen") else {
        return;
    };
    let server = Simulator::start_blocking(Script::new().any_key());
    let mut machine = surrounded(&Planted::default().key("sk-ant-api03-"), &server);
    let [usual, work] = [(); 2].map(|()| Planted::default().key("sk-ant-oat01-"));
    for (folder, login) in [(".claude", &usual), ("work", &work)] {
        write(
            &machine,
            &format!("{folder}/.credentials.json"),
            &kept_login(login),
        );
        leads_to(&server, &machine, folder);
    }
    let at = |name: &str| machine.home().join(name).display().to_string();
    let (usual_folder, folder) = (at(".claude"), at("work"));
    for arguments in [
        &["plan", "add", "work", "--folder", &folder][..],
        &["plan", "select", "work"],
    ] {
        machine.run(arguments).expect_success();
    }
    machine.set("CLAUDE_CONFIG_DIR", usual_folder);
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--tier", "subscription", "--anyway", "--", &cli];
    let done = machine.run(exec.into_iter().chain(PROMPT));
    assert_eq!(done.stdout, "Hello.\n", "{}", done.stderr);
    let bearer = format!("Bearer {work}");
    assert_eq!(arrived(&server), [(None, Some(bearer))]);
}

/// Leads a `claude` to the simulator, by the one way that is left: its settings.
fn leads_to(server: &Simulator, machine: &Machine, folder: &str) {
    let elsewhere = serde_json::json!({ "env": { "ANTHROPIC_BASE_URL": server.base_url() } });
    write(
        machine,
        &format!("{folder}/settings.json"),
        &elsewhere.to_string(),
    );
}

/// Writes a file in the user's home, readable to them alone.
fn write(machine: &Machine, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = machine.home().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
