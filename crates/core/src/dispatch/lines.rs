//! Prompts that are sent as the lines of a file: which of them were sent, so that a later call goes on where
//! the one before it stood, and none is billed twice in ignorance.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, Row};
use sha2::Sha256;

use super::event::State;
use super::request::{Effort, Request};
use super::route::Prepared;
use super::run::Dispatch;
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::usage::catalogue;

/// What goes with every line, by which each is told from the same text with something else.
pub struct Identity(Hmac<Sha256>);

/// Names one line with all that goes with it: the first 16 bytes of an HMAC-SHA256 under the store's pepper.
pub type LineKey = [u8; 16];

impl Identity {
    /// Takes in what goes with every line. Who pays is no part of it: another key goes on where the one
    /// before it had to stop. Nor is how the model is called: by its id or by a word.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn of(store: &Connection, with: &Request) -> Result<Self> {
        let pepper: Vec<u8> = store
            .query_row("SELECT pepper FROM store", [], |row| row.get(0))
            .doing("read its own row")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&pepper)
            .map_err(|e| Error::failed("A line's fingerprint could not be made.").because(e))?;
        let named = with.model.trim();
        let model = catalogue()
            .resolve(named)
            .map_or(named, |model| model.id.as_str());
        part(&mut mac, model.as_bytes());
        part(
            &mut mac,
            with.system.as_deref().unwrap_or_default().as_bytes(),
        );
        part(&mut mac, with.effort.map_or("", Effort::as_str).as_bytes());
        part(&mut mac, &with.max_tokens.unwrap_or_default().to_be_bytes());
        for file in &with.attachments {
            part(&mut mac, file.name.as_bytes());
            part(&mut mac, &file.body);
        }
        Ok(Self(mac))
    }

    /// Names a line with this text, which came so often before it in its file.
    #[must_use]
    pub fn line(&self, text: &str, before: u32) -> LineKey {
        let mut mac = self.0.clone();
        part(&mut mac, text.as_bytes());
        mac.update(&before.to_be_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut key = LineKey::default();
        key.copy_from_slice(&whole[..16]);
        key
    }
}

/// Each part with its length, so that no two sequences of parts come to the same.
fn part(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&(bytes.len() as u64).to_be_bytes());
    mac.update(bytes);
}

/// A line as it stood when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it stood.
    pub state: LineState,
    pub(super) key: LineKey,
    /// The newest run for it; a newer one of another process is not expected when it is sent.
    pub(super) last: Option<RunId>,
}

/// How a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineState {
    /// Nothing was billed for it yet: it is to be sent.
    ToSend,
    /// This run has answered it.
    Answered(RunId),
    /// This run was billed, or may have been, and gave no whole answer. Nobody knows what another would
    /// bring, so it is the user who decides.
    Unsure(RunId),
}

impl Dispatch {
    /// Says how a line stands.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) while another process is sending it,
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn line(&self, key: LineKey) -> Result<Line> {
        let runs: Vec<(RunId, State, bool, String)> = self.db.read(|store| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            store
                .prepare_cached(
                    "SELECT id, state, is_billed, owner FROM runs WHERE line = ?1 ORDER BY id DESC",
                )
                .and_then(|mut rows| rows.query_map([key], read)?.collect())
                .doing("look how a line stands")
        })?;
        let is_others = |owner: &str| owner != self.db.owner() && !self.db.is_gone(owner);
        let goes_on = |(_, state, _, owner): &(_, State, _, String)| {
            *state == State::Started && is_others(owner)
        };
        if runs.iter().any(goes_on) {
            return Err(busy());
        }
        let runs: Vec<_> = runs
            .into_iter()
            .map(|(run, state, is_billed, _)| (run, state, is_billed))
            .collect();
        Ok(Line {
            state: state_of(&runs),
            key,
            last: runs.first().map(|(run, _, _)| *run),
        })
    }

    /// Forgets which runs these lines have had, so that they are sent again. The runs stay in the history.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
    pub async fn send_anew(&self, lines: Vec<LineKey>) -> Result<()> {
        let forget = move |store: &Connection| {
            for key in &lines {
                store
                    .prepare_cached("UPDATE runs SET line = NULL WHERE line = ?1")
                    .and_then(|mut row| row.execute([key]))
                    .doing("begin with the first line")?;
            }
            Ok(())
        };
        self.db.write(forget).await
    }
}

/// Decides from the runs of a line, the newest first.
fn state_of(runs: &[(RunId, State, bool)]) -> LineState {
    let find = |fits: fn(&(RunId, State, bool)) -> bool| {
        let found = runs.iter().find(|run| fits(run));
        found.map(|(run, _, _)| *run)
    };
    if let Some(run) = find(|(_, state, _)| *state == State::Finished) {
        return LineState::Answered(run);
    }
    let may_be_billed =
        find(|(_, state, is_billed)| *is_billed || matches!(state, State::Started | State::Lost));
    may_be_billed.map_or(LineState::ToSend, LineState::Unsure)
}

impl Prepared {
    /// Says which line it is for; kept with the run, and with each that stands in for it.
    #[must_use]
    pub fn for_line(mut self, line: Line) -> Self {
        self.line = Some(line);
        self
    }
}

/// Refuses a run for a line that another process has sent since it was looked at, in the transaction that
/// writes the run down.
pub(super) fn check(store: &Connection, line: &Line, owner: &str) -> Result<()> {
    let newer: bool = store
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM runs WHERE line = ?1 AND id > ?2 AND owner <> ?3)",
            (line.key, line.last.map_or(0, |run| run.0), owner),
            |row| row.get(0),
        )
        .doing("look how a line stands")?;
    match newer {
        true => Err(busy()),
        false => Ok(()),
    }
}

fn busy() -> Error {
    Error::bad_input("Another process is sending this line now.")
        .hint("Wait until it has ended, then call again: it goes on where that one stood.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_sent_again_only_where_nothing_was_billed_for_it() {
        let (one, two) = (RunId(1), RunId(2));
        for (runs, state, why) in [
            (&[][..], LineState::ToSend, "never sent"),
            (
                &[(one, State::Failed, false)],
                LineState::ToSend,
                "refused for free",
            ),
            (
                &[(one, State::Cancelled, false)],
                LineState::ToSend,
                "nothing was out",
            ),
            (
                &[(one, State::Failed, true)],
                LineState::Unsure(one),
                "broken off",
            ),
            (
                &[(one, State::Cancelled, true)],
                LineState::Unsure(one),
                "cancelled half-way",
            ),
            (
                &[(one, State::Lost, true)],
                LineState::Unsure(one),
                "its process was killed",
            ),
            (
                &[(one, State::Lost, false)],
                LineState::Unsure(one),
                "what it cost was never known",
            ),
            (
                &[(one, State::Started, false)],
                LineState::Unsure(one),
                "not booked yet",
            ),
            (
                &[(two, State::Finished, true), (one, State::Failed, true)],
                LineState::Answered(two),
                "by a fallback",
            ),
            (
                &[(two, State::Failed, false), (one, State::Lost, true)],
                LineState::Unsure(one),
                "a second try was refused",
            ),
        ] {
            assert_eq!(state_of(runs), state, "{why}");
        }
    }
}
