//! What CLI 2.1.330 was seen to send to a recording server, house by house. The table is held against
//! [`decide`](super::decide) here, and against the real CLI in the workspace's tests.
//!
//! In values and files, `{K}` stands for a credential made at run time. Files are under `home/`,
//! `work/` (the working directory) or `etc/`. An outcome is `key=` what arrived as `x-api-key`, and
//! `bearer=` what arrived as `Authorization`; `helper`, `login` and `profile` name what has no
//! variable.

/// One house, and what a plain `claude -p` in it sends.
pub(crate) struct Row {
    /// What the row is about.
    pub(crate) about: &'static str,
    /// Variables of the process.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Files, by path.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// The CLI is logged in to a subscription.
    pub(crate) login: bool,
    /// What arrives.
    pub(crate) sends: &'static str,
}

pub(crate) const fn row(
    about: &'static str,
    env: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
    login: bool,
    sends: &'static str,
) -> Row {
    Row {
        about,
        env,
        files,
        login,
        sends,
    }
}

pub(crate) const KEY: (&str, &str) = ("ANTHROPIC_API_KEY", "{K}");
pub(crate) const AUTH: (&str, &str) = ("ANTHROPIC_AUTH_TOKEN", "{G}");
pub(crate) const TOKEN: (&str, &str) = ("CLAUDE_CODE_OAUTH_TOKEN", "{T}");
pub(crate) const SIMPLE: (&str, &str) = ("CLAUDE_CODE_SIMPLE", "1");
pub(crate) const HOST: (&str, &str) = ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "1");
pub(crate) const NAMED: (&str, &str) = ("ANTHROPIC_PROFILE", "work");
pub(crate) const KEY_HEADER: (&str, &str) = ("ANTHROPIC_CUSTOM_HEADERS", "x-api-key: {H}");
pub(crate) const AUTH_HEADER: (&str, &str) =
    ("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer {H}");
pub(crate) const RULE: (&str, &str) = ("ANTHROPIC_FEDERATION_RULE_ID", "rule");
pub(crate) const ORGANIZATION: (&str, &str) = ("ANTHROPIC_ORGANIZATION_ID", "org");
pub(crate) const IDENTITY: (&str, &str) = ("ANTHROPIC_IDENTITY_TOKEN", "identity");

pub(crate) const STATE: &str = "home/.claude.json";
pub(crate) const USER: &str = "home/.claude/settings.json";
pub(crate) const PROJECT: &str = "work/.claude/settings.json";
pub(crate) const LOCAL: &str = "work/.claude/settings.local.json";
pub(crate) const MANAGED: &str = "etc/claude-code/managed-settings.json";
pub(crate) const MANAGED_10: &str = "etc/claude-code/managed-settings.d/10.json";
pub(crate) const MANAGED_20: &str = "etc/claude-code/managed-settings.d/20.json";

pub(crate) const ENV_K: &str = r#"{"env":{"ANTHROPIC_API_KEY":"{K}"}}"#;
pub(crate) const ENV_K2: &str = r#"{"env":{"ANTHROPIC_API_KEY":"{K2}"}}"#;
pub(crate) const ENV_NO_KEY: &str = r#"{"env":{"ANTHROPIC_API_KEY":""}}"#;
pub(crate) const ENV_G: &str = r#"{"env":{"ANTHROPIC_AUTH_TOKEN":"{G}"}}"#;
pub(crate) const ENV_T2: &str = r#"{"env":{"CLAUDE_CODE_OAUTH_TOKEN":"{T2}"}}"#;
pub(crate) const ENV_NO_TOKEN: &str = r#"{"env":{"CLAUDE_CODE_OAUTH_TOKEN":""}}"#;
pub(crate) const HELPER: &str = r#"{"apiKeyHelper":"echo {P}"}"#;
pub(crate) const HELPER_2: &str = r#"{"apiKeyHelper":"echo {K2}"}"#;
pub(crate) const CONSOLE: &str = r#"{"primaryApiKey":"{C}"}"#;
pub(crate) const CONFIG: (&str, &str) = (
    "home/.config/anthropic/configs/work.json",
    r#"{"authentication":{"type":"user_oauth"},"organization_id":"o","workspace_id":"w"}"#,
);
pub(crate) const CREDENTIALS: (&str, &str) = (
    "home/.config/anthropic/credentials/work.json",
    r#"{"version":"1.0","type":"oauth_token","access_token":"{R}","expires_at":4102444800,"refresh_token":"r"}"#,
);

/// Every house that was looked at.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // One credential each.
    row("nothing", &[], &[], false, "nothing"),
    row("key", &[KEY], &[], false, "key=K"),
    row("auth token", &[AUTH], &[], false, "bearer=G"),
    row("token", &[TOKEN], &[], false, "bearer=T"),
    row("login", &[], &[], true, "bearer=login"),
    row("Console key", &[], &[(STATE, CONSOLE)], false, "key=C"),
    row("helper", &[], &[(USER, HELPER)], false, "key=helper bearer=helper"),
    // Pairs in the environment.
    row("key + auth token", &[KEY, AUTH], &[], false, "key=K bearer=G"),
    row("key + token", &[KEY, TOKEN], &[], false, "key=K"),
    row("key + login", &[KEY], &[], true, "key=K"),
    row("auth token + token", &[AUTH, TOKEN], &[], false, "bearer=G"),
    row("auth token + login", &[AUTH], &[], true, "bearer=G"),
    row("token + login", &[TOKEN], &[], true, "bearer=T"),
    row("all four", &[KEY, AUTH, TOKEN], &[], true, "key=K bearer=G"),
    // Values that are no values.
    row("empty key", &[("ANTHROPIC_API_KEY", "")], &[], false, "nothing"),
    row("empty key + login", &[("ANTHROPIC_API_KEY", "")], &[], true, "bearer=login"),
    row("blank key + login", &[("ANTHROPIC_API_KEY", "  ")], &[], true, "bearer=login"),
    row("blank key + token", &[("ANTHROPIC_API_KEY", "  "), TOKEN], &[], false, "bearer=T"),
    row("empty auth token + login", &[("ANTHROPIC_AUTH_TOKEN", "")], &[], true, "bearer=login"),
    row("empty token + login", &[("CLAUDE_CODE_OAUTH_TOKEN", "")], &[], true, "bearer=login"),
    row("empty token", &[("CLAUDE_CODE_OAUTH_TOKEN", "")], &[], false, "nothing"),
    row("key with spaces around it", &[("ANTHROPIC_API_KEY", " {K}\n")], &[], false, "key=K"),
    row("CLAUDE_API_KEY is not read", &[("CLAUDE_API_KEY", "{K}")], &[], false, "nothing"),
    // Custom headers.
    row("key header + login", &[KEY_HEADER], &[], true, "key=H bearer=login"),
    row("key header + token", &[KEY_HEADER, TOKEN], &[], false, "key=H bearer=T"),
    row("key header alone", &[KEY_HEADER], &[], false, "key=H"),
    row("key header + key", &[KEY_HEADER, KEY], &[], false, "key=H"),
    row("auth header + key", &[AUTH_HEADER, KEY], &[], false, "key=K bearer=H"),
    row("auth header + login", &[AUTH_HEADER], &[], true, "bearer=H"),
    row("auth header alone", &[AUTH_HEADER], &[], false, "bearer=H"),
    row("auth header + auth token", &[AUTH_HEADER, AUTH], &[], false, "bearer=G"),
    row("auth header + Console key", &[AUTH_HEADER], &[(STATE, CONSOLE)], false, "key=C bearer=H"),
    row("key header + helper", &[KEY_HEADER], &[(USER, HELPER)], false, "key=H bearer=helper"),
    row(
        "key header + profile",
        &[KEY_HEADER, NAMED],
        &[CONFIG, CREDENTIALS],
        false,
        "key=H bearer=profile",
    ),
    row(
        "other header + login",
        &[("ANTHROPIC_CUSTOM_HEADERS", "X-Other: x")],
        &[],
        true,
        "bearer=login",
    ),
    row(
        "headers of a project's settings + login",
        &[],
        &[(PROJECT, r#"{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-api-key: {H}"}}"#)],
        true,
        "key=H bearer=login",
    ),
    row(
        "headers of the process hidden by the user's settings",
        &[KEY_HEADER],
        &[(USER, r#"{"env":{"ANTHROPIC_CUSTOM_HEADERS":"X-Other: x"}}"#)],
        true,
        "bearer=login",
    ),
    row(
        "two key headers",
        &[("ANTHROPIC_CUSTOM_HEADERS", "x-api-key: {K}\nX-API-KEY: {H}")],
        &[],
        false,
        "key=H",
    ),
    // Settings files against the environment.
    row("user key over process key", &[("ANTHROPIC_API_KEY", "{K2}")], &[(USER, ENV_K)], false, "key=K"),
    row("user empty key hides process key", &[KEY], &[(USER, ENV_NO_KEY)], true, "bearer=login"),
    row("user key + process token", &[TOKEN], &[(USER, ENV_K)], false, "key=K"),
    row("user auth token + process key", &[KEY], &[(USER, ENV_G)], false, "key=K bearer=G"),
    row("user token + login", &[], &[(USER, ENV_T2)], true, "bearer=T2"),
    row("user token over process token", &[TOKEN], &[(USER, ENV_T2)], false, "bearer=T2"),
    row("user empty token hides process token", &[TOKEN], &[(USER, ENV_NO_TOKEN)], true, "bearer=login"),
    row("state file's key over process key", &[("ANTHROPIC_API_KEY", "{K2}")], &[(STATE, ENV_K)], false, "key=K"),
    row("user key over state file's key", &[], &[(STATE, ENV_K), (USER, ENV_K2)], false, "key=K2"),
    row("state file's token + login", &[], &[(STATE, ENV_T2)], true, "bearer=T2"),
    row("state file's helper is not read", &[], &[(STATE, HELPER)], true, "bearer=login"),
    row("project key + login", &[], &[(PROJECT, ENV_K)], true, "key=K"),
    row("local key + login", &[], &[(LOCAL, ENV_K)], true, "key=K"),
    row("project auth token + login", &[], &[(PROJECT, ENV_G)], true, "bearer=G"),
    row("project token comes too late", &[], &[(PROJECT, ENV_T2)], true, "bearer=login"),
    row("project token alone comes too late", &[], &[(PROJECT, ENV_T2)], false, "nothing"),
    row("local token comes too late", &[], &[(LOCAL, ENV_T2)], false, "nothing"),
    row("project token + process token", &[TOKEN], &[(PROJECT, ENV_T2)], false, "bearer=T"),
    row("project empty token + process token", &[TOKEN], &[(PROJECT, ENV_NO_TOKEN)], true, "bearer=T"),
    row("project empty key hides process key", &[KEY], &[(PROJECT, ENV_NO_KEY)], true, "bearer=login"),
    row("project key over user key", &[], &[(PROJECT, ENV_K2), (USER, ENV_K)], false, "key=K2"),
    row("local key over project key", &[], &[(LOCAL, ENV_K), (PROJECT, ENV_K2)], false, "key=K"),
    row("project key over process key", &[KEY], &[(PROJECT, ENV_K2)], false, "key=K2"),
    row("user's settings.local.json is not read", &[], &[("home/.claude/settings.local.json", ENV_K)], true, "bearer=login"),
    row(".env is not read", &[], &[("work/.env", "ANTHROPIC_API_KEY={K}\n")], true, "bearer=login"),
    row(".env.local is not read", &[], &[("work/.env.local", "ANTHROPIC_API_KEY={K}\n")], false, "nothing"),
    row("invalid JSON is left out", &[], &[(USER, r#"{"env":{"ANTHROPIC_API_KEY":"{K}"},}"#)], true, "bearer=login"),
    row("a wrong type leaves the file out", &[], &[(USER, r#"{"env":{"ANTHROPIC_API_KEY":"{K}"},"model":5}"#)], true, "bearer=login"),
    row("an unknown entry does not", &[], &[(USER, r#"{"env":{"ANTHROPIC_API_KEY":"{K}","X":5},"other":5}"#)], true, "key=K"),
    row("a byte order mark does not", &[], &[(USER, "\u{FEFF}{\"env\":{\"ANTHROPIC_API_KEY\":\"{K}\"}}")], true, "key=K"),
    // Managed settings.
    row("managed over all", &[("ANTHROPIC_API_KEY", "{K2}")], &[(MANAGED, ENV_K), (LOCAL, ENV_K2)], false, "key=K"),
    row("managed additions over managed", &[], &[(MANAGED, ENV_K2), (MANAGED_10, ENV_K)], false, "key=K"),
    row("the last managed addition wins", &[], &[(MANAGED_10, ENV_K2), (MANAGED_20, ENV_K)], false, "key=K"),
    row("managed empty key hides process key", &[KEY], &[(MANAGED, ENV_NO_KEY)], true, "bearer=login"),
    row("managed with a wrong type counts", &[], &[(MANAGED, r#"{"model":5,"env":{"ANTHROPIC_API_KEY":"{K}"}}"#)], true, "key=K"),
    row("managed that can't be parsed stops the CLI", &[KEY], &[(MANAGED, "{")], true, "nothing"),
    // Helpers.
    row("helper + login", &[], &[(USER, HELPER)], true, "key=helper bearer=helper"),
    row("helper + key", &[KEY], &[(USER, HELPER)], false, "key=K bearer=helper"),
    row("helper + auth token", &[AUTH], &[(USER, HELPER)], false, "key=helper bearer=G"),
    row("helper + token", &[TOKEN], &[(USER, HELPER)], false, "key=helper bearer=helper"),
    row("helper + key + auth token", &[KEY, AUTH], &[(USER, HELPER)], false, "key=K bearer=G"),
    row("helper + Console key", &[], &[(USER, HELPER), (STATE, CONSOLE)], false, "key=helper bearer=helper"),
    row("helper + profile", &[NAMED], &[(USER, HELPER), CONFIG, CREDENTIALS], false, "key=helper bearer=helper"),
    row("project helper + login", &[], &[(PROJECT, HELPER)], true, "key=helper bearer=helper"),
    row("project helper over user helper", &[], &[(PROJECT, HELPER), (USER, HELPER_2)], false, "key=helper bearer=helper"),
    row("project key + user helper", &[], &[(PROJECT, ENV_K), (USER, HELPER)], false, "key=K bearer=helper"),
    row("empty helper + login", &[], &[(USER, r#"{"apiKeyHelper":""}"#)], true, "bearer=login"),
    // The key of a Console login.
    row("Console key + login", &[], &[(STATE, CONSOLE)], true, "bearer=login"),
    row("Console key + token", &[TOKEN], &[(STATE, CONSOLE)], false, "bearer=T"),
    row("Console key + key", &[KEY], &[(STATE, CONSOLE)], false, "key=K"),
    row("Console key + auth token", &[AUTH], &[(STATE, CONSOLE)], true, "key=C bearer=G"),
    row("Console key + profile", &[NAMED], &[(STATE, CONSOLE), CONFIG, CREDENTIALS], false, "key=C"),
    row("Console key + profile + login", &[NAMED], &[(STATE, CONSOLE), CONFIG, CREDENTIALS], true, "key=C"),
    row("older state file", &[], &[("home/.claude/.config.json", CONSOLE), (STATE, r#"{"primaryApiKey":"{K2}"}"#)], false, "key=C"),
    // Profiles and federation.
    row("profile + login", &[NAMED], &[CONFIG, CREDENTIALS], true, "bearer=profile"),
    row("profile + key", &[NAMED, KEY], &[CONFIG, CREDENTIALS], true, "key=K"),
    row("profile + token", &[NAMED, TOKEN], &[CONFIG, CREDENTIALS], true, "bearer=T"),
    row("missing profile + login", &[NAMED], &[], true, "bearer=login"),
    row("profile without credentials + login", &[NAMED], &[CONFIG], true, "bearer=login"),
    row("profile without configuration + login", &[NAMED], &[CREDENTIALS], true, "bearer=login"),
    row("user profile + login", &[], &[(USER, r#"{"env":{"ANTHROPIC_PROFILE":"work"}}"#), CONFIG, CREDENTIALS], true, "bearer=profile"),
    row("project profile comes too late", &[], &[(PROJECT, r#"{"env":{"ANTHROPIC_PROFILE":"work"}}"#), CONFIG, CREDENTIALS], true, "bearer=login"),
    row("federation + profile", &[RULE, ORGANIZATION, IDENTITY, NAMED], &[CONFIG, CREDENTIALS], true, "bearer=profile"),
    row("federation + key", &[RULE, ORGANIZATION, IDENTITY, KEY], &[], true, "key=K"),
    row("federation + token", &[RULE, ORGANIZATION, IDENTITY, TOKEN], &[], true, "bearer=T"),
    row("federation + Console key", &[RULE, ORGANIZATION, IDENTITY], &[(STATE, CONSOLE)], false, "key=C"),
    row("federation without organisation", &[RULE, IDENTITY], &[], true, "bearer=login"),
    // Modes.
    row("bare + token", &[SIMPLE, TOKEN], &[], false, "nothing"),
    row("bare + login", &[SIMPLE], &[], true, "nothing"),
    row("bare + key", &[SIMPLE, KEY], &[], true, "key=K"),
    row("bare + auth token", &[SIMPLE, AUTH], &[], false, "bearer=G"),
    row("bare + key + auth token", &[SIMPLE, KEY, AUTH], &[], false, "key=K bearer=G"),
    row("bare + user key", &[SIMPLE], &[(USER, ENV_K)], false, "key=K"),
    row("bare + project key", &[SIMPLE], &[(PROJECT, ENV_K)], false, "key=K"),
    row("bare + helper", &[SIMPLE], &[(USER, HELPER)], false, "nothing"),
    row("bare + Console key", &[SIMPLE], &[(STATE, CONSOLE)], false, "nothing"),
    row("bare + profile", &[SIMPLE, NAMED], &[CONFIG, CREDENTIALS], false, "nothing"),
    row("bare + key header", &[SIMPLE, KEY_HEADER], &[], false, "key=H"),
    row("bare switched off + login", &[("CLAUDE_CODE_SIMPLE", "0")], &[], true, "bearer=login"),
    row("user bare + login", &[], &[(USER, r#"{"env":{"CLAUDE_CODE_SIMPLE":"1"}}"#)], true, "nothing"),
    row("project bare comes too late", &[], &[(PROJECT, r#"{"env":{"CLAUDE_CODE_SIMPLE":"1"}}"#)], true, "bearer=login"),
    row("host + login", &[HOST], &[], true, "nothing"),
    row("host + token", &[HOST, TOKEN], &[], true, "bearer=T"),
    row("host + key", &[HOST, KEY], &[], true, "key=K"),
    row("host + auth token", &[HOST, AUTH], &[], true, "bearer=G"),
    row("host + user key", &[HOST], &[(USER, ENV_K)], false, "nothing"),
    row("host + project key", &[HOST], &[(PROJECT, ENV_K)], true, "nothing"),
    row("host + state file's key", &[HOST], &[(STATE, ENV_K)], false, "nothing"),
    row("host + managed key", &[HOST], &[(MANAGED, ENV_K)], false, "nothing"),
    row("host + helper", &[HOST], &[(USER, HELPER)], false, "nothing"),
    row("host + Console key", &[HOST], &[(STATE, CONSOLE)], false, "nothing"),
    row("host + profile", &[HOST, NAMED], &[CONFIG, CREDENTIALS], false, "nothing"),
    row("host + user headers + token", &[HOST, TOKEN], &[(USER, r#"{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-api-key: {H}"}}"#)], false, "bearer=T"),
    row("host + user Bedrock + token", &[HOST, TOKEN], &[(USER, r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#)], false, "bearer=T"),
    row("host said by the user's settings + key there", &[], &[(USER, r#"{"env":{"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST":"1","ANTHROPIC_API_KEY":"{K}"}}"#)], false, "key=K"),
    row("host said by the user's settings + login", &[], &[(USER, r#"{"env":{"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST":"1"}}"#)], true, "bearer=login"),
    row("key on a descriptor that is not there", &[("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", "9")], &[], true, "nothing"),
    row("token on a descriptor that is not there", &[("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", "9")], &[], true, "bearer=login"),
    // Clouds.
    row("Bedrock + key + login", &[("CLAUDE_CODE_USE_BEDROCK", "1"), KEY], &[], true, "cloud=Amazon Bedrock"),
    row("Vertex + key + login", &[("CLAUDE_CODE_USE_VERTEX", "true"), KEY], &[], true, "cloud=Google Vertex AI"),
    row("Foundry over Vertex", &[("CLAUDE_CODE_USE_VERTEX", "1"), ("CLAUDE_CODE_USE_FOUNDRY", "1")], &[], true, "cloud=Microsoft Foundry"),
    row("Bedrock over Foundry", &[("CLAUDE_CODE_USE_BEDROCK", "1"), ("CLAUDE_CODE_USE_FOUNDRY", "1")], &[], true, "cloud=Amazon Bedrock"),
    row("Bedrock switched off", &[("CLAUDE_CODE_USE_BEDROCK", "0")], &[], true, "bearer=login"),
    row("Bedrock set to nothing", &[("CLAUDE_CODE_USE_BEDROCK", "")], &[], true, "bearer=login"),
    row("Bedrock in the user's settings + key", &[KEY], &[(USER, r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#)], false, "cloud=Amazon Bedrock"),
    row("Bedrock in a project's settings + key", &[KEY], &[(PROJECT, r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#)], false, "cloud=Amazon Bedrock"),
    row("Bedrock switched off by the user's settings", &[("CLAUDE_CODE_USE_BEDROCK", "1"), KEY], &[(USER, r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"0"}}"#)], false, "key=K"),
    row("bare + Bedrock + key", &[SIMPLE, ("CLAUDE_CODE_USE_BEDROCK", "1"), KEY], &[], false, "cloud=Amazon Bedrock"),
    row("gateway switch alone changes nothing", &[("CLAUDE_CODE_USE_GATEWAY", "1"), KEY], &[], true, "key=K"),
];
