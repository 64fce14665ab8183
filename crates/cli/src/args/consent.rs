//! What `switchyard consent` takes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use switchyard_core::consent::{SUBJECTS, Subject};

#[derive(Args, Debug)]
pub(crate) struct Consent {
    #[command(subcommand)]
    pub(crate) what: Option<ConsentTo>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentTo {
    /// List what can be consented to, and how things stand
    List,
    /// Show the text about a subject, and when it was accepted
    Show(OneSubject),
    /// Accept the text about a subject, after reading it
    Accept(Accept),
    /// Withdraw what was accepted
    Withdraw(OneSubject),
}

#[derive(Args, Debug)]
pub(crate) struct OneSubject {
    /// What it is about
    #[arg(value_parser = subject())]
    pub(crate) subject: Subject,
}

#[derive(Args, Debug)]
pub(crate) struct Accept {
    /// What it is about
    #[arg(value_parser = subject())]
    pub(crate) subject: Subject,
    /// The version that was read, as `consent show` names it; needed where nobody can be asked
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<String>,
}

fn subject() -> impl TypedValueParser<Value = Subject> {
    PossibleValuesParser::new(SUBJECTS.map(Subject::as_str)).try_map(|word| {
        // The words before it are the only ones that get here.
        Subject::from_word(&word).ok_or("no such subject")
    })
}
