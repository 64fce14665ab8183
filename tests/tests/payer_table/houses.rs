//! Houses that no rule of who pays needs a row for, but that a route must hold in. As in the table of
//! the rules, `{K}` stands for a credential; `{E}` is another server than the one that is meant.

use super::super::who_table::rows::*;

const BASE: (&str, &str) = ("ANTHROPIC_BASE_URL", "{E}");
const ENV_BASE: &str = r#"{"env":{"ANTHROPIC_BASE_URL":"{E}"}}"#;
const ENV_HEADER: &str = r#"{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-api-key: {H}"}}"#;
const ENV_BEDROCK: &str = r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#;

/// What a `.env` holds that has everything.
const DOTENV: (&str, &str) = (
    "work/.env",
    "ANTHROPIC_API_KEY={K}\nANTHROPIC_AUTH_TOKEN={G}\nCLAUDE_CODE_OAUTH_TOKEN={T}\n\
     ANTHROPIC_BASE_URL=http://127.0.0.1:9\nCLAUDE_CODE_USE_BEDROCK=1\n",
);

/// Everything at once, in the user's settings and in a project's.
const SETTINGS: &str = r#"{"apiKeyHelper":"echo {P}","env":{
    "ANTHROPIC_API_KEY":"{K2}","CLAUDE_CODE_OAUTH_TOKEN":"{T2}","ANTHROPIC_BASE_URL":"{E}"}}"#;

#[rustfmt::skip]
pub(crate) const MORE: &[Row] = &[
    // Another server.
    row("server + login", &[BASE], &[], true, "bearer=login"),
    row("server + token", &[BASE, TOKEN], &[], false, "bearer=T"),
    row("server + key + login", &[BASE, KEY], &[], true, "key=K"),
    row("user server + login", &[], &[(USER, ENV_BASE)], true, "bearer=login"),
    row("project server + login", &[], &[(PROJECT, ENV_BASE)], true, "bearer=login"),
    row("state file's server + login", &[], &[(STATE, ENV_BASE)], true, "bearer=login"),
    // The CLI's state file.
    row("state file's key + login", &[], &[(STATE, ENV_K)], true, "key=K"),
    row("state file's headers + login", &[], &[(STATE, ENV_HEADER)], true, "key=H bearer=login"),
    row("state file's Bedrock + login", &[], &[(STATE, ENV_BEDROCK)], true, "cloud=Amazon Bedrock"),
    // Managed settings.
    row("managed server + login", &[], &[(MANAGED, ENV_BASE)], true, "bearer=login"),
    row("managed headers + login", &[], &[(MANAGED, ENV_HEADER)], true, "key=H bearer=login"),
    row("managed token + login", &[], &[(MANAGED, ENV_T2)], true, "bearer=T2"),
    row("managed auth token + login", &[], &[(MANAGED, ENV_G)], true, "bearer=G"),
    row("managed Bedrock + login", &[], &[(MANAGED, ENV_BEDROCK)], true, "cloud=Amazon Bedrock"),
    row("managed helper + login", &[], &[(MANAGED, HELPER)], true, "key=helper bearer=helper"),
    // Everything.
    row(".env with everything + login", &[], &[DOTENV], true, "bearer=login"),
    row("every cloud + login", &[
        ("CLAUDE_CODE_USE_BEDROCK", "1"), ("CLAUDE_CODE_USE_FOUNDRY", "1"), ("CLAUDE_CODE_USE_MANTLE", "1"),
        ("CLAUDE_CODE_USE_ANTHROPIC_AWS", "1"), ("CLAUDE_CODE_USE_VERTEX", "1"), ("CLAUDE_CODE_USE_GATEWAY", "1"),
    ], &[], true, "cloud=Amazon Bedrock"),
    row("another configuration folder + login", &[("CLAUDE_CONFIG_DIR", "{root}/home/other")], &[], true, "nothing"),
    row("everything at once", &[BASE, KEY, AUTH, TOKEN, KEY_HEADER, NAMED], &[
        DOTENV, CONFIG, CREDENTIALS, (USER, SETTINGS), (PROJECT, SETTINGS), (LOCAL, SETTINGS), (STATE, SETTINGS),
    ], true, "key=H bearer=G"),
    row("everything at once + Console key", &[BASE, KEY, AUTH, TOKEN, KEY_HEADER, NAMED], &[
        DOTENV, CONFIG, CREDENTIALS, (USER, SETTINGS), (PROJECT, SETTINGS), (LOCAL, SETTINGS), (STATE, CONSOLE),
    ], true, "key=H bearer=G"),
];
