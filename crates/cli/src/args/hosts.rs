//! What `switchyard hosts` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Hosts {
    #[command(subcommand)]
    pub(crate) what: Option<HostsWhat>,
}

impl Hosts {
    /// Tells whether standard input is read.
    pub(crate) fn reads_input(&self) -> bool {
        matches!(&self.what, Some(HostsWhat::Import(import)) if import.ec2.as_deref() == Some("-"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostsWhat {
    /// List the hosts, and how they stand
    List,
    /// Tell of a host; nothing is connected to
    Add(Box<AddHost>),
    /// Take over the hosts of an ssh configuration, or what `aws ec2 describe-instances` printed
    Import(Box<ImportHosts>),
    /// Change what is known of a host; an empty text takes a field away
    Edit(Box<EditHost>),
    /// Ask hosts how they stand: claude, service, clock, load; nothing is changed there
    Probe(SomeHosts),
    /// Look at a host's key, and pin it once you have compared its fingerprint
    Pin(PinHost),
    /// Give a host no further runs
    Pause(OneHost),
    /// Give a host runs again, at once
    Resume(OneHost),
    /// Forget a host; its past costs stay in the ledger
    Rm(OneHost),
}

/// What can be said of a host besides its name.
#[derive(Args, Debug, Default)]
pub(crate) struct About {
    /// The port, where the ssh configuration does not say it
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// The file of the private key to log in with
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<String>,
    /// How many runs it takes at a time
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<u32>,
    /// A systemd unit to watch
    #[arg(long, value_name = "UNIT")]
    pub(crate) service: Option<String>,
    /// The stored key that pays for what runs there, in place of the active one; not with --own-command
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// A program on the box that brings the box's own key; then none is sent
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) own_command: Option<String>,
    /// A word to choose it by; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AddHost {
    /// What to call it
    pub(crate) name: String,
    /// Where it is: [user@]host, or an entry of your ssh configuration
    #[arg(value_name = "[USER@]HOST")]
    pub(crate) destination: String,
    #[command(flatten)]
    pub(crate) about: About,
}

#[derive(Args, Debug)]
pub(crate) struct EditHost {
    /// Its name
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A new destination; its key has to be pinned anew
    #[arg(long, value_name = "[USER@]HOST")]
    pub(crate) destination: Option<String>,
    #[command(flatten)]
    pub(crate) about: About,
}

#[derive(Args, Debug)]
pub(crate) struct ImportHosts {
    /// What `aws ec2 describe-instances` printed as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) ec2: Option<String>,
    /// Of the instances, only those with this tag
    #[arg(long, value_name = "KEY[=VALUE]", requires = "ec2")]
    pub(crate) tag: Option<String>,
    /// The user's name on the instances, such as ec2-user or ubuntu
    #[arg(long, value_name = "NAME", requires = "ec2")]
    pub(crate) user: Option<String>,
    /// The ssh configuration, in place of ~/.ssh/config
    #[arg(long, value_name = "FILE", conflicts_with = "ec2")]
    pub(crate) ssh_config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) about: About,
}

#[derive(Args, Debug)]
pub(crate) struct SomeHosts {
    /// Names; without any, all hosts
    #[arg(value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct PinHost {
    /// Its name
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// Pin it only if this is its fingerprint, as `ssh-keygen -l` prints it; asks nothing then
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) fingerprint: Option<String>,
    /// Pin what it shows, without comparing
    #[arg(long, conflicts_with = "fingerprint")]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct OneHost {
    /// Its name
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
}
