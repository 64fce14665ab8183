//! What the command line takes. A key is never an argument: it would show in the process list.

pub(crate) mod consent;
pub(crate) mod hosts;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod routing;
pub(crate) mod scope;
pub(crate) mod send;
#[cfg(test)]
mod typed;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// See who pays for Claude, keep keys encrypted, and send prompts through the payer you choose.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 bad input · 3 vault locked, or none yet · 4 refused \
by the API, or too busy · 5 network · 6 timeout · 7 store damaged or not writable · 8 not found · 9 a consent is needed · 10 no host can take the run · 11 a host's key is not pinned or has changed · 12 a host failed · 13 some lines of a file have no answer · 130 cancelled";

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    /// Write machine-readable JSON to standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Read the passphrase from this file descriptor in place of a prompt
    #[arg(long, global = true, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say who a plain `claude -p` bills right now, and where that is set
    Who(Who),
    /// Add, check, choose and remove keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Send a prompt and stream the answer
    Send(Box<send::Send>),
    /// Say who would pay through each tier, and why; send nothing
    Route(Box<send::Route>),
    /// Show or change which way each class of work takes, and what may take its place
    Routing(routing::Routing),
    /// Show your plan: its logins, and how much of it is used
    Plan(plan::Plan),
    /// List the hosts of the farm; add, import, pin, probe and remove them
    Hosts(hosts::Hosts),
    /// Run one command with exactly one credential, and none of those around it
    Exec(scope::Exec),
    /// Write what a shell evaluates to have exactly one credential
    Env(scope::Env),
    /// Print one key, for the apiKeyHelper of Claude Code
    KeyHelper(scope::KeyHelper),
    /// Show past runs
    History(History),
    /// Show what runs have cost
    Usage(Usage),
    /// List the models that a key can use, with their prices
    Models(Models),
    /// Make, open and lock the encrypted vault
    #[command(subcommand)]
    Vault(Vault),
    /// Back up the store, or put a backup in its place
    #[command(subcommand)]
    Store(Store),
    /// Keep the unlocked vault for other commands and windows, without a window
    Agent(Agent),
    /// Show or change settings
    Settings(Settings),
    /// Read the texts about risks; accept them, or withdraw
    Consent(consent::Consent),
    /// Write what a shell needs to complete this command's arguments
    Completions(Completions),
    /// Write the manual pages into a folder, to be packaged
    #[command(hide = true)]
    ManPages(ManPages),
    /// Fill an empty, throw-away store with sample keys and months of costs
    #[command(hide = true)]
    DemoFill(DemoFill),
}

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManPages {
    /// Where to
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DemoFill {
    /// The simulator
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: String,
}

#[derive(Args, Debug)]
pub(crate) struct Who {
    /// Leave the login shell alone and look at files and this environment only
    #[arg(long)]
    pub(crate) fast: bool,
}

#[derive(Args, Debug)]
pub(crate) struct History {
    /// Show this run in full
    pub(crate) run: Option<String>,
    /// How many runs to list
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    pub(crate) limit: u32,
    /// Delete the text of this run, or of all with `all`; costs stay in the ledger
    #[arg(long, value_name = "RUN|all", conflicts_with = "run")]
    pub(crate) forget: Option<String>,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Grouping {
    Payer,
    Key,
    Model,
    Tier,
    Environment,
    Host,
    Day,
}

#[derive(Args, Debug)]
pub(crate) struct Usage {
    /// today, month, last-month, 7d or any number of days, or FROM..TO as YYYY-MM-DD..YYYY-MM-DD
    #[arg(long, default_value = "month", value_name = "RANGE")]
    pub(crate) range: String,
    /// What each row stands for
    #[arg(long, value_enum, default_value_t = Grouping::Payer, conflicts_with_all = ["csv", "json"])]
    pub(crate) by: Grouping,
    /// Only this key
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only this model
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Only this environment label
    #[arg(long, value_name = "LABEL")]
    pub(crate) environment: Option<String>,
    /// Only this host of the farm
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Write the sums of each day and dimension as comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Models {
    /// Ask with this key in place of the active one
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Ask the server again
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Make the vault: keychain where there is one, else a passphrase; and a recovery code
    Init(InitVault),
    /// Say whether the vault is locked, and what opens it
    Status,
    /// Open the vault for all commands and windows, until it is locked
    Unlock,
    /// Lock the vault for all commands and windows
    Lock,
    /// Add or replace a way to open the vault
    AddSlot(AddSlot),
    /// Remove a way to open the vault; the last one stays
    RmSlot(OneSlot),
}

#[derive(Args, Debug)]
pub(crate) struct InitVault {
    /// Use a passphrase only, no keychain
    #[arg(long)]
    pub(crate) no_keychain: bool,
    /// Add a passphrase besides the keychain
    #[arg(long)]
    pub(crate) passphrase: bool,
    /// Make no recovery code now
    #[arg(long)]
    pub(crate) no_recovery: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SlotName {
    Keychain,
    Passphrase,
    Recovery,
}

#[derive(Args, Debug)]
pub(crate) struct AddSlot {
    /// Which way
    #[arg(value_enum)]
    pub(crate) slot: SlotName,
    /// Read the new passphrase from this file descriptor in place of a prompt
    #[arg(long, value_name = "N")]
    pub(crate) new_passphrase_fd: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct OneSlot {
    /// Which way
    #[arg(value_enum)]
    pub(crate) slot: SlotName,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Copy the store into one file, and check the copy
    Backup(BackUp),
    /// Put a copy in the place of the store, which is kept aside; locks the vault
    Restore(Restore),
}

#[derive(Args, Debug)]
pub(crate) struct BackUp {
    /// The new file; without it, one in the folder of backups, which keeps the newest five
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The copy
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Agent {
    /// End when the vault is locked
    #[arg(long)]
    pub(crate) until_locked: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Settings {
    /// Which setting; without it, all are listed
    pub(crate) name: Option<String>,
    /// The new value; `default` goes back to the default
    pub(crate) value: Option<String>,
}
