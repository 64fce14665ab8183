//! What `switchyard exec`, `env` and `key-helper` take.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// A tier that can be chosen without a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TierName {
    /// The user's plan, through the login of the `claude` CLI
    Subscription,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The command takes the place of this one: terminal, signals and exit code are its own. \
    Where it can't be started, the exit code is 127 (there is no such program) or 126 (it can't be run), as in a shell.\n\n\
    With --tier subscription, the chosen login counts, and not an inherited CLAUDE_CONFIG_DIR: for a folder it is set, \
    for the login of claude itself it is taken away; a token is handed over in CLAUDE_CODE_OAUTH_TOKEN. \
    A settings file of Claude Code that would bill somebody else is a reason to start nothing; with --key it is a warning."
)]
pub(crate) struct Exec {
    /// Who pays: a stored key, env:VAR for the key in a variable, or env-file:PATH
    /// for the ANTHROPIC_API_KEY of an env file (PATH#VAR for another one); the last two need no vault
    #[arg(
        long,
        value_name = "KEY|env:VAR|env-file:PATH",
        required_unless_present = "tier"
    )]
    pub(crate) key: Option<String>,
    /// Take every credential away and hand over the login of your plan that is chosen
    #[arg(long, value_enum, conflicts_with = "key")]
    pub(crate) tier: Option<TierName>,
    /// The login of the plan, in place of the one that is chosen
    #[arg(long, value_name = "LOGIN", requires = "tier")]
    pub(crate) login: Option<String>,
    /// Start it even where a settings file of Claude Code would bill somebody else than the plan
    #[arg(long, requires = "tier")]
    pub(crate) anyway: bool,
    /// The server that the key of a variable or file is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// Leave the accounts of cloud providers (AWS_*, GOOGLE_*) in the environment
    #[arg(long)]
    pub(crate) keep_cloud: bool,
    /// Don't say who pays and what was left out of the environment
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The command and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// A shell whose words `switchyard env` can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// sh, bash, zsh, ksh, dash
    Sh,
    Fish,
    Powershell,
}

#[derive(Args, Debug)]
#[command(after_help = "In sh: eval \"$(switchyard env --key NAME)\"\n\
    In fish: switchyard env --key NAME | source\n\
    In PowerShell: switchyard env --key NAME --shell powershell | Out-String | Invoke-Expression")]
pub(crate) struct Env {
    /// Who pays: a stored key, env:VAR for the key in a variable, or env-file:PATH
    /// for the ANTHROPIC_API_KEY of an env file (PATH#VAR for another one); the last two need no vault
    #[arg(
        long,
        value_name = "KEY|env:VAR|env-file:PATH",
        required_unless_present = "unset"
    )]
    pub(crate) key: Option<String>,
    /// The server that the key of a variable or file is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// Leave the accounts of cloud providers (AWS_*, GOOGLE_*) in the environment
    #[arg(long)]
    pub(crate) keep_cloud: bool,
    /// Write what takes the key away again
    #[arg(long, conflicts_with = "key")]
    pub(crate) unset: bool,
    /// The shell that reads it; without this, the one that SHELL names
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Dialect>,
}

#[derive(Args, Debug)]
pub(crate) struct KeyHelper {
    /// Name, id, or last four characters
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}
