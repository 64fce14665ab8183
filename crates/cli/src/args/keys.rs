//! What `switchyard keys` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Check a key with the server and store it (the key is read from a hidden prompt or stdin)
    Add(Box<AddKey>),
    /// List the stored keys
    List,
    /// Show all that is known of a key, except the key
    Show(OneKey),
    /// Ask the server whether keys are still good, which is free
    Check(CheckKeys),
    /// Make a key the active one, which pays when no other is named
    Select(OneKey),
    /// Change a key's name, labels or note
    Edit(Box<EditKey>),
    /// Write a key in plain text into an env file, for scripts that read one
    WriteEnv(WriteEnv),
    /// Delete a key; its past costs stay in the ledger
    Rm(RemoveKey),
}

#[derive(Args, Debug)]
pub(crate) struct OneKey {
    /// Name, id, or last four characters
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

#[derive(Args, Debug, Default)]
pub(crate) struct Labels {
    /// What the key is for, such as production
    #[arg(long, value_name = "LABEL")]
    pub(crate) environment: Option<String>,
    /// Who is billed in the end
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Option<String>,
    /// A word to search and group by; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AddKey {
    /// What to call it
    pub(crate) name: String,
    /// The gateway that the key is for, in place of Anthropic's API
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    #[command(flatten)]
    pub(crate) labels: Labels,
    /// Take the key over from this environment variable
    #[arg(long, value_name = "VAR")]
    pub(crate) from_env: Option<String>,
    /// Take the key over from an env file: its ANTHROPIC_API_KEY, or another variable after #
    #[arg(long, value_name = "PATH[#VAR]", conflicts_with = "from_env")]
    pub(crate) from_env_file: Option<String>,
    /// Store it even when the server can't be reached
    #[arg(long)]
    pub(crate) unchecked: bool,
    /// Make it the active key
    #[arg(long)]
    pub(crate) select: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckKeys {
    /// Names; without any, all keys
    #[arg(value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Also make one real call, which costs a fraction of a cent and shows whether there is credit
    #[arg(long, requires = "keys")]
    pub(crate) real_call: bool,
    /// Don't ask before the real call
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EditKey {
    /// Name, id, or last four characters
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) labels: Labels,
    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    pub(crate) clear_tags: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveKey {
    /// Name, id, or last four characters
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Every assignment of the variable in the file takes the key, so that no older one stays; where there is none, \
    a line is added. All other lines stay as they are, byte for byte. The file is then readable by you alone (0600). \
    A key with a server of its own takes ANTHROPIC_BASE_URL along."
)]
pub(crate) struct WriteEnv {
    /// Name, id, or last four characters
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The env file, a file of assignments; it is made where there is none
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Which variable
    #[arg(long, value_name = "VAR", default_value = switchyard_core::shell::names::API_KEY)]
    pub(crate) name: String,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}
