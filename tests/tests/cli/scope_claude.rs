//! Scoped use with the real CLI: the credential that arrives is the one that was named.
//!
//! Runs in a network namespace with loopback only, so that nothing can leave whatever goes wrong.

use std::path::Path;
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use switchyard_simulator::{KeyState, Reply, Script, Simulator};
use switchyard_tests::{Machine, Planted, binary, namespace};

use super::{key_and_server, prompts};

/// Set in the namespace, where a test runs itself again.
const INSIDE: &str = "SWITCHYARD_INSIDE_NAMESPACE";
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";

/// Returns the CLI where the test is in the namespace; else runs the test there, and returns none.
fn cli(test: &str) -> Option<String> {
    let cli = std::env::var(CLI).unwrap_or_else(|_| {
        panic!(
            "{CLI} is not set: it names the claude program to test with; `./dev test` brings one"
        )
    });
    if std::env::var_os(INSIDE).is_some() {
        return Some(cli);
    }
    let environment = Environment::scrubbed_own()
        .with(INSIDE, "1")
        .with(CLI, &cli);
    let mut unshare = child::command(Path::new("/usr/bin/unshare"), &environment);
    unshare
        .args(namespace::as_root())
        .args([
            "--net",
            "sh",
            "-c",
            "ip link set lo up && exec \"$@\"",
            "sh",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("cli::scope_claude::{test}")]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = runtime
        .block_on(child::output(unshare, Duration::from_secs(300), 1 << 20))
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    None
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
    let kept = serde_json::json!({ "claudeAiOauth": {
        "accessToken": login,
        "refreshToken": Planted::default().key("sk-ant-ort01-"),
        "expiresAt": 4_102_444_800_000_u64,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }});
    write(&machine, ".credentials.json", &kept);
    // The one way to the simulator that is left; it is said.
    let elsewhere = serde_json::json!({ "env": { "ANTHROPIC_BASE_URL": server.base_url() } });
    write(&machine, "settings.json", &elsewhere);
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--tier", "subscription", "--", &cli];
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
    write(&machine, "settings.json", &overrules);
    server.push(Reply::text("Hello."));
    let exec = ["exec", "--key", "Work", "--", &cli];
    let done = machine.run(exec.into_iter().chain(PROMPT));
    let last4 = &other[other.len() - 4..];
    let warned = format!("warning: A settings file overrules this: claude bills key …{last4}");
    assert!(done.stderr.contains(&warned), "{}", done.stderr);
    assert_eq!(arrived(&server), [(Some(other), None)]);
}

/// Writes a file of the user's settings, readable to them alone.
fn write(machine: &Machine, name: &str, value: &serde_json::Value) {
    use std::os::unix::fs::PermissionsExt;
    let folder = machine.home().join(".claude");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
