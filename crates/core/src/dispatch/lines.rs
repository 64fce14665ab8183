//! A file whose lines are sent one by one: which of them were sent, so that a later call goes on where the
//! one before it stood, and none is billed twice in ignorance.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::Sha256;

use super::event::State;
use super::request::{Effort, Request};
use super::route::Prepared;
use super::run::Dispatch;
use super::runs::Line;
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::id::RunId;

/// Names a file with all that goes with each of its lines, while it is read.
pub struct Identity(Hmac<Sha256>);

impl Identity {
    /// Takes in what goes with every line. Who pays is no part of it: another key goes on where the one
    /// before it had to stop.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn of(store: &Connection, with: &Request) -> Result<Self> {
        let pepper: Vec<u8> = store
            .query_row("SELECT pepper FROM store", [], |row| row.get(0))
            .doing("read its own row")?;
        let mac = Hmac::<Sha256>::new_from_slice(&pepper)
            .map_err(|e| Error::failed("The file's fingerprint could not be made.").because(e))?;
        let mut identity = Self(mac);
        identity.part(with.model.as_bytes());
        identity.part(with.system.as_deref().unwrap_or_default().as_bytes());
        identity.part(with.effort.map_or("", Effort::as_str).as_bytes());
        identity.part(&with.max_tokens.unwrap_or_default().to_be_bytes());
        for file in &with.attachments {
            identity.part(file.name.as_bytes());
            identity.part(&file.body);
        }
        Ok(identity)
    }

    /// Takes in the next line.
    pub fn line(&mut self, line: &str) {
        self.part(line.as_bytes());
    }

    /// Returns what all of it comes to.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }

    /// Each part with its length, so that no two sequences of parts come to the same.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

/// A file that this process sends the lines of. Given back with [`Dispatch::leave_lines`], or when the
/// process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineJob(i64);

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
    /// Takes a file on, where it stood; or from its first line, if `anew` is asked for.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) while another process is at it.
    pub async fn take_lines(&self, identity: [u8; 32], anew: bool) -> Result<LineJob> {
        let (db, now) = (self.db.clone(), self.db.clock().now());
        let take = move |store: &Connection| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let found: Option<(i64, Option<String>)> = store
                .query_row(
                    "SELECT id, owner FROM line_jobs WHERE identity = ?1 ORDER BY id DESC LIMIT 1",
                    [&identity[..]],
                    read,
                )
                .optional()
                .doing("look for the file")?;
            if let Some((job, owner)) = found {
                let is_others = |owner: &String| owner != db.owner() && !db.is_gone(owner);
                if owner.as_ref().is_some_and(is_others) {
                    return Err(busy());
                }
                if !anew {
                    store
                        .execute(
                            "UPDATE line_jobs SET owner = ?2 WHERE id = ?1",
                            (job, db.owner()),
                        )
                        .doing("take the file on")?;
                    return Ok(LineJob(job));
                }
            }
            store
                .execute(
                    "INSERT INTO line_jobs (identity, owner, created_at) VALUES (?1, ?2, ?3)",
                    (&identity[..], db.owner(), now),
                )
                .doing("take the file on")?;
            Ok(LineJob(store.last_insert_rowid()))
        };
        self.db.write(take).await
    }

    /// Gives a file back, so that another process can go on with it.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable); it is free as soon as this process
    /// has ended.
    pub async fn leave_lines(&self, job: LineJob) -> Result<()> {
        let leave = move |store: &Connection| {
            store
                .execute("UPDATE line_jobs SET owner = NULL WHERE id = ?1", [job.0])
                .doing("give the file back")
                .map(drop)
        };
        self.db.write(leave).await
    }

    /// Says how a line stands, counted from 1.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn line(&self, job: LineJob, number: u64) -> Result<LineState> {
        let number = super::signed(number);
        let runs: Vec<(RunId, State, bool)> = self.db.read(|store| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            store
                .prepare_cached(
                    "SELECT r.id, r.state, u.id IS NOT NULL FROM runs r
                     LEFT JOIN key_usage u ON u.run_id = r.id
                     WHERE r.line_job = ?1 AND r.line = ?2 ORDER BY r.id DESC",
                )
                .and_then(|mut rows| rows.query_map((job.0, number), read)?.collect())
                .doing("look how a line stands")
        })?;
        Ok(state_of(&runs))
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
    /// Says which line of a file it is for; kept with the run, and with each that stands in for it.
    #[must_use]
    pub fn for_line(mut self, job: LineJob, number: u64) -> Self {
        self.line = Some(Line {
            job: job.0,
            number: super::signed(number),
        });
        self
    }
}

fn busy() -> Error {
    Error::bad_input("Another process is sending the lines of this file now.")
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
                "its row was folded",
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
