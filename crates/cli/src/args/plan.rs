//! What `switchyard plan` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) what: Option<PlanWhat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanWhat {
    /// Show the logins, and how much of each plan is used
    Status,
    /// Tell of a login: a configuration folder of `claude`, or a variable that holds a token
    Add(AddLogin),
    /// Choose the login that is used
    Select(OneLogin),
    /// Forget a login; the files of `claude` stay as they are
    Rm(OneLogin),
}

#[derive(Args, Debug)]
pub(crate) struct AddLogin {
    /// What to call it
    pub(crate) name: String,
    /// The folder that `claude` keeps it in (its CLAUDE_CONFIG_DIR)
    #[arg(long, value_name = "FOLDER", required_unless_present = "variable")]
    pub(crate) folder: Option<PathBuf>,
    /// The name of the variable that holds a token of `claude setup-token`; the token itself is never kept
    #[arg(long, value_name = "NAME", conflicts_with = "folder")]
    pub(crate) variable: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct OneLogin {
    /// The login's name
    pub(crate) login: String,
}
