//! Consent: what was accepted of the risk texts, which version of them, when, and by which face.
//!
//! One mechanism for every text. A text that changed has not been accepted: it is asked again.

mod text;

use rusqlite::{Connection, Row};
use serde::Serialize;

use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::vault::{self, Act};
use crate::words::words;

pub use text::{Block, Quote, Text};

words! {
    /// What is consented to.
    #[cfg_attr(feature = "wire", ts(rename = "ConsentSubject"))]
    Subject {
        /// Sending prompts through the user's plan, by way of their own `claude`.
        Subscription = "subscription",
        /// Paying dollars for usage beyond the plan's limits.
        ExtraUsage = "extra_usage",
        /// The sign-in that ends with an API key.
        OAuth = "oauth",
    }
}

/// Every subject, in the order in which they are listed.
pub const SUBJECTS: [Subject; 3] = [Subject::Subscription, Subject::ExtraUsage, Subject::OAuth];

/// How things stand with one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "ConsentStanding"))]
pub enum Standing {
    /// The current text is accepted.
    Accepted {
        /// Since when.
        at: Millis,
    },
    /// Nobody has ever accepted a text about it.
    Never,
    /// What was accepted has been withdrawn.
    Withdrawn {
        /// Since when.
        at: Millis,
    },
    /// An earlier text is accepted, but not the current one.
    TextChanged {
        /// The version that is accepted.
        version: String,
        /// Since when.
        at: Millis,
    },
}

impl Standing {
    /// Tells whether the current text is accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// One acceptance, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Acceptance {
    /// The version of the text.
    pub version: String,
    /// The face through which it was accepted.
    pub face: String,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<Millis>,
    #[serde(skip)]
    hash: Vec<u8>,
}

/// All there is to show about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Consent {
    /// What it is about.
    pub subject: Subject,
    /// How things stand.
    pub standing: Standing,
    /// The current text.
    pub text: Text,
    /// Every acceptance, newest first.
    pub history: Vec<Acceptance>,
}

impl Consent {
    /// Returns how it is where there is no store: nothing has been accepted.
    #[must_use]
    pub fn unasked(subject: Subject) -> Self {
        Self::of(subject.text(), Vec::new())
    }

    fn of(text: Text, history: Vec<Acceptance>) -> Self {
        Self {
            subject: text.subject,
            standing: standing(&text, &history),
            text,
            history,
        }
    }
}

/// Says how things stand with a subject.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub fn ask(store: &Connection, subject: Subject) -> Result<Standing> {
    Ok(standing(&subject.text(), &history(store, subject)?))
}

/// Refuses where the current text about a subject is not accepted.
///
/// # Errors
/// [`Code::ConsentNeeded`] with the reason and the step that helps, else as [`ask`].
pub fn require(store: &Connection, subject: Subject) -> Result<()> {
    let (what, remedy) = match subject {
        Subject::Subscription => (
            "Nothing is sent through your plan",
            Remedy::AcceptSubscription,
        ),
        Subject::ExtraUsage => (
            "Nothing is paid for beyond your plan's limits",
            Remedy::AcceptExtraUsage,
        ),
        Subject::OAuth => ("No sign-in is begun", Remedy::AcceptSignIn),
    };
    let why = match ask(store, subject)? {
        Standing::Accepted { .. } => return Ok(()),
        Standing::Never => "before you have read what it means and accepted it",
        Standing::Withdrawn { .. } => "because you have withdrawn your consent",
        Standing::TextChanged { .. } => {
            "before you have accepted the text about it, which has changed since you did"
        }
    };
    Err(Error::new(Code::ConsentNeeded, format!("{what} {why}.")).remedy(remedy))
}

/// Lists every subject with its text, how things stand, and its history.
///
/// # Errors
/// As [`ask`].
pub fn list(store: &Connection) -> Result<Vec<Consent>> {
    SUBJECTS
        .map(|subject| of(store, subject))
        .into_iter()
        .collect()
}

/// Returns all there is to show about one subject.
///
/// # Errors
/// As [`ask`].
pub fn of(store: &Connection, subject: Subject) -> Result<Consent> {
    Ok(Consent::of(subject.text(), history(store, subject)?))
}

/// Records that the user accepts the text whose `version` was shown to them. One that is accepted
/// already stays as it is.
///
/// # Errors
/// [`Code::BadInput`] when that is not the current text, [`Code::StoreUnwritable`] when it can't be
/// recorded.
pub fn accept(
    store: &Connection,
    subject: Subject,
    version: &str,
    face: &str,
    now: Millis,
) -> Result<Consent> {
    let text = subject.text();
    if version != text.version {
        return Err(Error::bad_input(
            "The text that was shown is not the current one, so it can't be accepted.",
        )
        .hint("Read the current text first."));
    }
    if !ask(store, subject)?.is_accepted() {
        store
            .execute(
                "INSERT INTO consents (subject, version, text_hash, face, accepted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (subject, &text.version, &text.hash[..], face, now),
            )
            .doing("record the consent")?;
        note(store, Act::AcceptConsent, &text, face, now)?;
    }
    of(store, subject)
}

/// Records that the user withdraws what they accepted about a subject, whichever version; where nothing
/// is accepted, nothing changes.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be recorded.
pub fn withdraw(store: &Connection, subject: Subject, face: &str, now: Millis) -> Result<Consent> {
    let withdrawn = store
        .execute(
            "UPDATE consents SET withdrawn_at = ?2 WHERE subject = ?1 AND withdrawn_at IS NULL",
            (subject, now),
        )
        .doing("record the withdrawal")?;
    if withdrawn > 0 {
        note(store, Act::WithdrawConsent, &subject.text(), face, now)?;
    }
    of(store, subject)
}

fn note(store: &Connection, act: Act, text: &Text, face: &str, now: Millis) -> Result<()> {
    let about = format!("{} {}", text.subject, text.version);
    vault::note(store, face, now, act, &about)
}

fn standing(text: &Text, history: &[Acceptance]) -> Standing {
    let open = |one: &&Acceptance| one.withdrawn_at.is_none();
    // The newest of this very text decides, also where another was accepted after it: whoever goes back
    // to an older Switchyard has read and accepted what that one says.
    let current = history.iter().find(|one| one.hash == text.hash);
    match (current.filter(open), history.first()) {
        (Some(accepted), _) => Standing::Accepted {
            at: accepted.accepted_at,
        },
        (None, None) => Standing::Never,
        (None, Some(newest)) => match newest.withdrawn_at {
            Some(at) => Standing::Withdrawn { at },
            None => Standing::TextChanged {
                version: newest.version.clone(),
                at: newest.accepted_at,
            },
        },
    }
}

fn history(store: &Connection, subject: Subject) -> Result<Vec<Acceptance>> {
    let read = |row: &Row<'_>| {
        Ok(Acceptance {
            version: row.get(0)?,
            hash: row.get(1)?,
            face: row.get(2)?,
            accepted_at: row.get(3)?,
            withdrawn_at: row.get(4)?,
        })
    };
    store
        .prepare_cached(
            "SELECT version, text_hash, face, accepted_at, withdrawn_at FROM consents
             WHERE subject = ?1 ORDER BY id DESC",
        )
        .and_then(|mut rows| rows.query_map([subject], read)?.collect())
        .doing("read the consents")
}

#[cfg(test)]
mod tests;
