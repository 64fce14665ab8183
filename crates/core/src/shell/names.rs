//! The variables that decide, or could decide, what `claude` sends to whom, and what each does.
//!
//! Sources: the lists inside the CLI 2.1.330, its documentation, and runs of the real CLI against a
//! recording server. A newer CLI can add names, so a child's environment is built from an allow-list
//! ([`crate::child`]) and this table only explains.

/// What a variable is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Role {
    /// Turns the CLI to a cloud provider.
    Provider,
    /// Holds a credential, or says where one is.
    Credential,
    /// Names a profile or a federation rule.
    Profile,
    /// Says where the credential is sent.
    Endpoint,
    /// Changes which credentials the CLI looks at.
    Behaviour,
    /// Chooses models or changes the request's body.
    Model,
    /// Changes how the network is reached.
    Network,
    /// Sends telemetry that can carry prompts.
    Telemetry,
}

pub use crate::claude::variables::{
    API_KEY, AUTH_TOKEN, BASE_URL, CONFIG_DIR, CUSTOM_HEADERS, FEDERATION_RULE, KEY_DESCRIPTOR,
    MANAGED_BY_HOST, OAUTH_TOKEN, ORGANIZATION, PROFILE, PROFILE_DIR, PROVIDERS, SIMPLE,
    UNIX_SOCKET,
};

/// The variables that [`who`](super::who) explains one by one: role, and what it does to `claude`.
const EXPLAINED: &[(&str, Role, &str)] = &[
    (
        API_KEY,
        Role::Credential,
        "Sent as an API key; outranks the login. An interactive claude asks once before it uses it.",
    ),
    (
        AUTH_TOKEN,
        Role::Credential,
        "Sent as a bearer token; outranks the login, and goes out together with an API key.",
    ),
    (
        OAUTH_TOKEN,
        Role::Credential,
        "A subscription token; used instead of the login when no key or bearer token is set.",
    ),
    (
        CUSTOM_HEADERS,
        Role::Credential,
        "Adds headers to every request; x-api-key or Authorization in it is a credential.",
    ),
    (
        KEY_DESCRIPTOR,
        Role::Credential,
        "Reads an API key from a file descriptor; the login is not used.",
    ),
    (
        "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
        Role::Credential,
        "Reads a subscription token from a file descriptor.",
    ),
    (
        "CLAUDE_API_KEY",
        Role::Credential,
        "Not read by the claude CLI.",
    ),
    (
        PROFILE,
        Role::Profile,
        "Uses this Anthropic profile instead of the login; any key or token outranks it.",
    ),
    (
        PROFILE_DIR,
        Role::Profile,
        "Moves the folder of the Anthropic profiles.",
    ),
    (
        FEDERATION_RULE,
        Role::Profile,
        "Signs in through a federation rule instead of the login, when the organisation is set too.",
    ),
    (
        BASE_URL,
        Role::Endpoint,
        "Sends the credential to this server.",
    ),
    (
        UNIX_SOCKET,
        Role::Endpoint,
        "Sends the requests to a local socket; the login is not used.",
    ),
    (
        CONFIG_DIR,
        Role::Behaviour,
        "Moves the folder of the CLI's login and settings.",
    ),
    (
        SIMPLE,
        Role::Behaviour,
        "Bare mode: no login, no subscription token, no key helper of the settings.",
    ),
    (
        MANAGED_BY_HOST,
        Role::Behaviour,
        "A host program gives the credential: settings files and the login are not used.",
    ),
];

/// Every other name that a child of ours must not inherit. A trailing or inner `*` stands for
/// anything.
const OTHERS: &[(Role, &[&str])] = &[
    (
        Role::Credential,
        &[
            "CLAUDE_CODE_OAUTH_REFRESH_TOKEN",
            "CLAUDE_CODE_OAUTH_SCOPES",
            "CLAUDE_CODE_OAUTH_CLIENT_ID",
            "CLAUDE_CODE_CUSTOM_OAUTH_URL",
            "CLAUDE_LOCAL_OAUTH_*",
            "CLAUDE_CODE_GATEWAY_TOKEN*",
            "CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR",
            "CLAUDE_CODE_SESSION_ACCESS_TOKEN",
            "CLAUDE_CODE_SESSIONS_OAUTH_TOKEN",
            "CLAUDE_CODE_HOST_CREDS_FILE",
            "CLAUDE_CODE_HOST_AUTH_ENV_VAR",
            "CLAUDE_TRUSTED_DEVICE_TOKEN",
            "CLAUDE_SESSION_INGRESS_TOKEN_FILE",
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
            "AWS_BEARER_TOKEN_BEDROCK",
            "ANTHROPIC_FOUNDRY_API_KEY",
            "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
            "ANTHROPIC_AWS_API_KEY",
        ],
    ),
    (
        Role::Profile,
        &[
            ORGANIZATION,
            "ANTHROPIC_SERVICE_ACCOUNT_ID",
            "ANTHROPIC_WORKSPACE_ID",
            "ANTHROPIC_IDENTITY_TOKEN",
            "ANTHROPIC_IDENTITY_TOKEN_FILE",
            "ANTHROPIC_SCOPE",
        ],
    ),
    (
        Role::Provider,
        &[
            "CLAUDE_CODE_USE_GATEWAY",
            "CLAUDE_CODE_SKIP_*_AUTH",
            "ANTHROPIC_FOUNDRY_RESOURCE",
            "ANTHROPIC_VERTEX_PROJECT_ID",
            "ANTHROPIC_AWS_WORKSPACE_ID",
            "ANTHROPIC_GOOGLE_CLOUD_*",
            "CLOUD_ML_REGION",
            "VERTEX_REGION_CLAUDE_*",
            "AWS_*",
            "GOOGLE_*",
        ],
    ),
    (
        Role::Endpoint,
        &[
            "ANTHROPIC_*_BASE_URL",
            "CLAUDE_CODE_API_BASE_URL",
            "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL",
            "CLAUDE_CODE_RUNNER_MODEL_SOCKET",
        ],
    ),
    (
        Role::Model,
        &[
            "ANTHROPIC_MODEL",
            "ANTHROPIC_DEFAULT_*_MODEL*",
            "ANTHROPIC_SMALL_FAST_MODEL*",
            "ANTHROPIC_CUSTOM_MODEL_OPTION*",
            "CLAUDE_CODE_SUBAGENT_MODEL",
            "CLAUDE_CODE_EXTRA_BODY",
            "ANTHROPIC_BETAS",
        ],
    ),
    (
        Role::Network,
        &[
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "NO_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
            "CLAUDE_CODE_HTTP_PROXY",
            "CLAUDE_CODE_HTTPS_PROXY",
            "NODE_EXTRA_CA_CERTS",
            "NODE_TLS_REJECT_UNAUTHORIZED",
            "NODE_OPTIONS",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "CLAUDE_CODE_CLIENT_*",
            "CLAUDE_CODE_CERT_STORE",
        ],
    ),
    (
        Role::Telemetry,
        &[
            "CLAUDE_CODE_ENABLE_TELEMETRY",
            "OTEL_*",
            "BETA_TRACING_ENDPOINT",
        ],
    ),
    (Role::Behaviour, &["CLAUDECODE"]),
];

/// Returns every name of the table, or pattern of names, with what it is for.
pub fn known() -> impl Iterator<Item = (&'static str, Role)> {
    let explained = EXPLAINED.iter().map(|(name, role, _)| (*name, *role));
    let switches = PROVIDERS.iter().map(|(name, _)| (*name, Role::Provider));
    let each =
        |(role, names): &'static (Role, &[&'static str])| names.iter().map(|name| (*name, *role));
    explained
        .chain(switches)
        .chain(OTHERS.iter().flat_map(each))
}

/// Returns what the variable is for, or `None` when it has no part in who pays or what is sent.
#[must_use]
pub fn role(name: &str) -> Option<Role> {
    known()
        .find(|(pattern, _)| matches(pattern, name))
        .map(|(_, role)| role)
}

/// Returns one sentence that says what the variable does to `claude`, for those that decide who
/// pays.
#[must_use]
pub fn effect(name: &str) -> Option<&'static str> {
    if PROVIDERS.iter().any(|(switch, _)| *switch == name) {
        return Some("Turns claude to a cloud provider, which outranks every key and the login.");
    }
    EXPLAINED
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(.., effect)| *effect)
}

/// Tells whether the variable is one that [`who`](super::who) lists as a finding.
#[must_use]
pub fn is_explained(name: &str) -> bool {
    effect(name).is_some()
}

/// Tells whether the value must never be shown.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    role(name) == Some(Role::Credential) && !name.ends_with("_DESCRIPTOR")
}

/// Tells whether the CLI has read the variable before it reads a project's settings files, so that
/// their `env` block comes too late for it.
#[must_use]
pub fn is_read_early(name: &str) -> bool {
    matches!(
        name,
        OAUTH_TOKEN | PROFILE | PROFILE_DIR | FEDERATION_RULE | ORGANIZATION | SIMPLE | CONFIG_DIR
    )
}

/// Tells whether the CLI takes the value of a switch as "on".
#[must_use]
pub fn is_on(value: &str) -> bool {
    ["1", "true", "yes", "on"].contains(&value.trim().to_lowercase().as_str())
}

/// Returns the place of a name in the order in which credentials win: smaller is stronger.
#[must_use]
pub fn rank(name: &str) -> usize {
    if let Some(place) = PROVIDERS.iter().position(|(switch, _)| *switch == name) {
        return place;
    }
    let order = [
        SIMPLE,
        MANAGED_BY_HOST,
        CUSTOM_HEADERS,
        AUTH_TOKEN,
        API_KEY,
        HELPER,
        KEY_DESCRIPTOR,
        OAUTH_TOKEN,
        PROFILE,
        FEDERATION_RULE,
        LOGIN,
        BASE_URL,
        UNIX_SOCKET,
        CONFIG_DIR,
    ];
    PROVIDERS.len()
        + order
            .iter()
            .position(|known| *known == name)
            .unwrap_or(order.len())
}

/// The settings entry that names a program which prints a key.
pub const HELPER: &str = "apiKeyHelper";
/// What stands for the CLI's own login among the names.
pub const LOGIN: &str = "claude login";

/// Matches a name against a pattern with any number of `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    name.strip_prefix(head).is_some_and(|rest| {
        (0..=rest.len()).any(|cut| {
            rest.get(cut..)
                .is_some_and(|remaining| matches(tail, remaining))
        })
    })
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
