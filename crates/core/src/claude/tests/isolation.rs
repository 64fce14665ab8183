//! What a child gets to see: of all that decides who pays, the one credential.

use super::*;
use crate::secret::SubscriptionToken;

/// Everything that is known to change who pays or what is sent where; patterns are filled in.
/// Source: the lists inside CLI 2.1.330 and its documentation.
const NAMES: &str = "
    ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CODE_OAUTH_REFRESH_TOKEN
    CLAUDE_CODE_OAUTH_SCOPES CLAUDE_CODE_OAUTH_CLIENT_ID CLAUDE_CODE_CUSTOM_OAUTH_URL
    CLAUDE_LOCAL_OAUTH_API_BASE CLAUDE_API_KEY ANTHROPIC_CUSTOM_HEADERS
    CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR
    CLAUDE_CODE_GATEWAY_TOKEN_FILE_DESCRIPTOR CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR
    CLAUDE_CODE_GATEWAY_TOKEN CLAUDE_CODE_SESSION_ACCESS_TOKEN CLAUDE_CODE_SESSIONS_OAUTH_TOKEN
    CLAUDE_CODE_HOST_CREDS_FILE CLAUDE_CODE_HOST_AUTH_ENV_VAR CLAUDE_TRUSTED_DEVICE_TOKEN
    CLAUDE_SESSION_INGRESS_TOKEN_FILE CLAUDE_CODE_API_KEY_HELPER_TTL_MS AWS_BEARER_TOKEN_BEDROCK
    ANTHROPIC_FOUNDRY_API_KEY ANTHROPIC_FOUNDRY_AUTH_TOKEN ANTHROPIC_AWS_API_KEY
    ANTHROPIC_PROFILE ANTHROPIC_CONFIG_DIR ANTHROPIC_FEDERATION_RULE_ID ANTHROPIC_ORGANIZATION_ID
    ANTHROPIC_SERVICE_ACCOUNT_ID ANTHROPIC_WORKSPACE_ID ANTHROPIC_IDENTITY_TOKEN
    ANTHROPIC_IDENTITY_TOKEN_FILE ANTHROPIC_SCOPE
    CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY
    CLAUDE_CODE_USE_ANTHROPIC_AWS CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD CLAUDE_CODE_USE_MANTLE
    CLAUDE_CODE_USE_GATEWAY CLAUDE_CODE_SKIP_BEDROCK_AUTH ANTHROPIC_FOUNDRY_RESOURCE
    ANTHROPIC_VERTEX_PROJECT_ID ANTHROPIC_AWS_WORKSPACE_ID ANTHROPIC_GOOGLE_CLOUD_PROJECT
    CLOUD_ML_REGION VERTEX_REGION_CLAUDE_OPUS AWS_PROFILE AWS_ACCESS_KEY_ID
    GOOGLE_APPLICATION_CREDENTIALS CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST
    ANTHROPIC_BASE_URL ANTHROPIC_BEDROCK_BASE_URL ANTHROPIC_VERTEX_BASE_URL
    ANTHROPIC_FOUNDRY_BASE_URL ANTHROPIC_AWS_BASE_URL ANTHROPIC_GOOGLE_CLOUD_BASE_URL
    ANTHROPIC_BEDROCK_MANTLE_BASE_URL CLAUDE_CODE_API_BASE_URL
    _CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL ANTHROPIC_UNIX_SOCKET CLAUDE_CODE_RUNNER_MODEL_SOCKET
    ANTHROPIC_MODEL ANTHROPIC_DEFAULT_OPUS_MODEL ANTHROPIC_SMALL_FAST_MODEL
    ANTHROPIC_CUSTOM_MODEL_OPTION CLAUDE_CODE_SUBAGENT_MODEL CLAUDE_CODE_EXTRA_BODY ANTHROPIC_BETAS
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    CLAUDE_CODE_HTTP_PROXY CLAUDE_CODE_HTTPS_PROXY NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED
    NODE_OPTIONS SSL_CERT_FILE SSL_CERT_DIR CLAUDE_CODE_CLIENT_CERT CLAUDE_CODE_CLIENT_KEY
    CLAUDE_CODE_CLIENT_KEY_PASSPHRASE CLAUDE_CODE_CERT_STORE
    CLAUDE_CODE_ENABLE_TELEMETRY OTEL_EXPORTER_OTLP_ENDPOINT BETA_TRACING_ENDPOINT
    CLAUDE_CONFIG_DIR CLAUDE_CODE_SIMPLE CLAUDECODE CLAUDE_CODE_SUBPROCESS_ENV_SCRUB
    LD_PRELOAD BASH_ENV ENV";

const PRINT: &str = r#"env > "$here/environment"; printf '%s\n' "$@" > "$here/arguments"
    ready; printf '%s' "$prompt" > "$here/prompt"; begin; block Hi; success Hi; cat > /dev/null"#;

fn planted() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let names = NAMES
        .split_whitespace()
        .map(|name| (name.into(), "planted".into()));
    let path = std::env::var_os("PATH").unwrap();
    names
        .chain([("PATH".into(), path), ("LC_ALL".into(), "C".into())])
        .collect()
}

/// Starts a fake that prints what it sees, with everything planted around it.
async fn seen(login: Login) -> Fake {
    let fake = Fake::new(&PRINT.replace(
        "ready;",
        "if [ -n \"$CLAUDE_CODE_OAUTH_TOKEN\" ]; then
            login='{\"tokenSource\":\"CLAUDE_CODE_OAUTH_TOKEN\",\"apiProvider\":\"firstParty\"}'
         fi; ready;",
    ));
    let start = fake.start_as(login).await.inheriting(planted());
    let server = Loopback::new("127.0.0.1:4711".parse().unwrap()).unwrap();
    let spawned = start.at_loopback(server).spawn().unwrap();
    let mut process = spawned
        .initialize(Some("private instructions"))
        .await
        .unwrap();
    let (events, turn) = ask(&mut process).await;
    assert!(turn.failure.is_none(), "{:?}", turn.failure);
    assert_eq!(shown(&events), "Hi");
    process.end().await;
    fake
}

#[tokio::test]
async fn a_child_gets_exactly_one_credential_and_nothing_that_outranks_it() {
    let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
    let folder = tempfile::tempdir().unwrap();
    let own = || Login::own(Some(folder.path().to_owned())).unwrap();
    let by_token = || Login::token("MINE", &SubscriptionToken::new(token.clone())).unwrap();
    let config = format!("CLAUDE_CONFIG_DIR={}", folder.path().display());
    let given = format!("CLAUDE_CODE_OAUTH_TOKEN={token}");
    for (login, expected) in [
        (Login::own(None).unwrap(), vec![]),
        (own(), vec![config]),
        (by_token(), vec![given]),
    ] {
        let is_by_token = matches!(login.expected(), Expected::Token { .. });
        let fake = seen(login).await;
        let environment = fake.text("environment");
        assert!(!environment.contains("planted"), "{environment}");
        let ours = [
            "ANTHROPIC_BASE_URL=http://127.0.0.1:4711",
            "API_TIMEOUT_MS=120000",
            "CLAUDE_CODE_DISABLE_ATTACHMENTS=1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
            "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1",
            "CLAUDE_CODE_MAX_RETRIES=2",
            "DISABLE_AUTOUPDATER=1",
            "LC_ALL=C",
        ];
        // What a state file of the user's says must not take the token's place.
        let kept = format!("CLAUDE_CONFIG_DIR={}", fake.path("kept").display());
        let kept = is_by_token.then_some(&*kept);
        let expected = expected.iter().map(String::as_str).chain(kept);
        let mut all: Vec<_> = ours.into_iter().chain(expected).collect();
        all.sort_unstable();
        let mut seen: Vec<_> = environment
            .lines()
            .filter(|line| !of_the_shell(line))
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, all);
        let hidden = format!(
            "--settings\n{}\n",
            settings::hiding(Some("http://127.0.0.1:4711"))
        );
        assert_eq!(fake.text("arguments").contains(&hidden), !is_by_token);
    }
}

/// What `sh` sets by itself, and the path that it is given.
fn of_the_shell(line: &str) -> bool {
    ["PATH=", "PWD=", "OLDPWD=", "SHLVL=", "_="]
        .iter()
        .any(|name| line.starts_with(name))
}

#[tokio::test]
async fn neither_prompt_nor_system_prompt_nor_token_is_among_the_arguments() {
    let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
    let fake = seen(Login::token("MINE", &SubscriptionToken::new(token.clone())).unwrap()).await;
    let arguments = fake.text("arguments");
    for private in ["hello", "private instructions", &token] {
        assert!(!arguments.contains(private), "{arguments}");
    }
    assert!(fake.text("prompt").contains("hello"));
    for flag in [
        "--setting-sources\n\n",
        "--tools\n\n",
        "--safe-mode\n",
        "--strict-mcp-config\n",
        "--disable-slash-commands\n",
        "--no-session-persistence\n",
        "--permission-prompts\nnone\n",
        "--model\nclaude-sonnet-5-5\n",
        "--effort\nlow\n",
    ] {
        assert!(arguments.contains(flag), "{flag:?} is missing: {arguments}");
    }
    assert!(!arguments.contains("--bare"));
}

#[test]
fn only_a_server_of_this_machine_can_stand_in() {
    for (server, is_taken) in [
        ("127.0.0.1:80", true),
        ("127.8.8.8:80", true),
        ("[::1]:80", true),
        ("0.0.0.0:80", false),
        ("192.168.1.2:80", false),
        ("[::ffff:127.0.0.1]:80", false),
    ] {
        let passed = Loopback::new(server.parse().unwrap());
        assert_eq!(passed.is_ok(), is_taken, "{server}");
    }
}

#[tokio::test]
async fn what_could_steer_the_cli_is_refused_before_it_is_started() {
    let fake = Fake::new("exit 1");
    let own = || Login::own(None).unwrap();
    let empty = fake.path("empty");
    let full = fake.0.path().to_owned();
    for (model, effort, folder) in [
        ("--settings", None, &empty),
        ("", None, &empty),
        ("a b", None, &empty),
        ("claude-sonnet-5-5", Some("most"), &empty),
        ("claude-sonnet-5-5", None, &full),
        ("claude-sonnet-5-5", None, &fake.path("none")),
        ("claude-sonnet-5-5", None, &PathBuf::from(".")),
    ] {
        let (program, kept) = (fake.program().await, fake.path("kept"));
        let start = Start::new(program, own(), model, effort, folder.clone(), kept);
        let error = start.unwrap_err();
        assert_eq!(error.code(), crate::error::Code::BadInput, "{error}");
        assert!(error.advice().is_some(), "{error}");
    }
    // A folder that was filled afterwards.
    let start = fake.start().await;
    std::fs::write(empty.join("CLAUDE.md"), "do something else").unwrap();
    assert!(start.spawn().is_err());
}
