//! The names of the variables that decide which credential `claude` uses, and where it is sent.
//!
//! Sources: the lists inside the CLI 2.1.330, its documentation, and runs of the real CLI against a
//! recording server.

/// The API key, sent as `x-api-key`.
pub const API_KEY: &str = "ANTHROPIC_API_KEY";
/// The bearer token of a gateway.
pub const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";
/// The subscription token.
pub const OAUTH_TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
/// Headers that are added to every request, one on a line.
pub const CUSTOM_HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";
/// The server that gets the credential.
pub const BASE_URL: &str = "ANTHROPIC_BASE_URL";
/// A local socket that gets the requests.
pub const UNIX_SOCKET: &str = "ANTHROPIC_UNIX_SOCKET";
/// The named Anthropic profile.
pub const PROFILE: &str = "ANTHROPIC_PROFILE";
/// The folder of the Anthropic profiles.
pub const PROFILE_DIR: &str = "ANTHROPIC_CONFIG_DIR";
/// The federation rule; needs the organisation as well.
pub const FEDERATION_RULE: &str = "ANTHROPIC_FEDERATION_RULE_ID";
/// The organisation of a federation rule.
pub const ORGANIZATION: &str = "ANTHROPIC_ORGANIZATION_ID";
/// The folder of the CLI's login and settings.
pub const CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";
/// The same as `--bare`.
pub const SIMPLE: &str = "CLAUDE_CODE_SIMPLE";
/// Says that a host program hands over the credential.
pub const MANAGED_BY_HOST: &str = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST";
/// A key that is read from an inherited file descriptor.
pub const KEY_DESCRIPTOR: &str = "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR";

/// The switches to a cloud provider in the order in which the CLI looks at them, with the name of
/// who bills. Seen pairwise with CLI 2.1.330; `CLAUDE_CODE_USE_GATEWAY` changes nothing by itself.
pub const PROVIDERS: &[(&str, &str)] = &[
    ("CLAUDE_CODE_USE_BEDROCK", "Amazon Bedrock"),
    ("CLAUDE_CODE_USE_FOUNDRY", "Microsoft Foundry"),
    (
        "CLAUDE_CODE_USE_ANTHROPIC_AWS",
        "Claude Platform on Amazon Web Services",
    ),
    (
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        "Claude Platform on Google Cloud",
    ),
    ("CLAUDE_CODE_USE_MANTLE", "Amazon Bedrock (Mantle)"),
    ("CLAUDE_CODE_USE_VERTEX", "Google Vertex AI"),
];
