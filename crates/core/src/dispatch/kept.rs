//! Prompts and answers at rest: sealed by the history key, each for its own place.

use std::sync::Arc;

use rusqlite::Connection;

use super::attachment::{Attachment, Media};
use super::request::{Request, Turn};
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::id::RunId;
use crate::secret::HistoryKey;
use crate::settings::Setting;
use crate::vault::{self, Place};

/// For how many days prompts and answers are kept: `null` is for ever, 0 is not at all.
pub const KEEP_DAYS: Setting<Option<u32>> = Setting {
    name: "history.keep_days",
    default: || None,
    check: |_| Ok(()),
};

/// A text of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    System,
    Prompt,
    Answer,
    /// What went wrong, with the server's words, which may repeat the prompt.
    Error,
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Error => "error_text",
        }
    }
}

/// Seals and opens the texts of one vault. Clones share the key.
#[derive(Clone)]
pub(super) struct Keeper {
    vault: String,
    key: Arc<HistoryKey>,
}

impl Keeper {
    pub(super) fn new(store: &Connection, key: HistoryKey) -> Result<Self> {
        Ok(Self {
            vault: vault::vault_id(store)?,
            key: Arc::new(key),
        })
    }

    pub(super) fn seal(&self, run: RunId, column: Column, text: &str) -> Result<Vec<u8>> {
        self.seal_at("runs", column.name(), &run.to_string(), text.as_bytes())
    }

    /// Opens a text; `None` where it isn't kept.
    pub(super) fn open(
        &self,
        run: RunId,
        column: Column,
        sealed: Option<&[u8]>,
    ) -> Result<Option<String>> {
        sealed
            .map(|sealed| {
                let plain = self.open_at("runs", column.name(), &run.to_string(), sealed)?;
                text(plain)
            })
            .transpose()
    }

    /// Writes the prompt, the system prompt and the files of a run, in the caller's transaction.
    pub(super) fn keep(&self, store: &Connection, run: RunId, request: &Request) -> Result<()> {
        let system = request.system.as_ref();
        let system = system.map(|text| self.seal(run, Column::System, text));
        let prompt = self.seal(run, Column::Prompt, &request.prompt)?;
        store
            .execute(
                "UPDATE runs SET system = ?2, prompt = ?3 WHERE id = ?1",
                (run, system.transpose()?, prompt),
            )
            .doing("keep the prompt")?;
        for (position, file) in (0_i64..).zip(&request.attachments) {
            let row = format!("{run}/{position}");
            let name = self.seal_at("run_attachments", "name", &row, file.name.as_bytes())?;
            let body = self.seal_at("run_attachments", "body", &row, &file.body)?;
            store
                .execute(
                    "INSERT INTO run_attachments (run_id, position, media_type, name, body)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    (run, position, file.media, name, body),
                )
                .doing("keep a file of the prompt")?;
        }
        Ok(())
    }

    /// Opens the files of a run, in order.
    pub(super) fn files(&self, store: &Connection, run: RunId) -> Result<Vec<Attachment>> {
        let mut rows = store
            .prepare_cached(
                "SELECT position, media_type, name, body FROM run_attachments
                 WHERE run_id = ?1 ORDER BY position",
            )
            .doing("read the files of a run")?;
        let rows = rows
            .query_map([run], |row| {
                let position: i64 = row.get(0)?;
                let media: Media = row.get(1)?;
                Ok((position, media, row.get(2)?, row.get(3)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<(i64, Media, Vec<u8>, Vec<u8>)>>>)
            .doing("read the files of a run")?;
        rows.into_iter()
            .map(|(position, media, name, body)| {
                let row = format!("{run}/{position}");
                Ok(Attachment {
                    name: text(self.open_at("run_attachments", "name", &row, &name)?)?,
                    media,
                    body: self.open_at("run_attachments", "body", &row, &body)?.into(),
                })
            })
            .collect()
    }

    /// Opens what came before and with a run, oldest first, with the system prompt of the last.
    ///
    /// # Errors
    /// [`Code::NotFound`] where a text isn't kept, and [`Code::BadInput`] for a run under way.
    pub(super) fn conversation(&self, store: &Connection, last: RunId) -> Result<Before> {
        let mut turns = Vec::new();
        let mut before = Before::default();
        let mut next = Some(last);
        while let Some(run) = next {
            let kept = Kept::read(store, run)?;
            if kept.state == "started" {
                return Err(Error::bad_input(format!("Run {run} is still under way."))
                    .hint("Reply when it has ended."));
            }
            let Some(prompt) = self.open(run, Column::Prompt, kept.prompt.as_deref())? else {
                return Err(not_kept(run));
            };
            if run == last {
                before.system = self.open(run, Column::System, kept.system.as_deref())?;
                before.model = kept.model;
            }
            turns.push(Turn {
                prompt,
                attachments: self.files(store, run)?,
                answer: self
                    .open(run, Column::Answer, kept.answer.as_deref())?
                    .unwrap_or_default(),
            });
            // A reply is always younger than what it replies to, so this ends.
            next = kept.reply_to.filter(|earlier| *earlier < run);
        }
        turns.reverse();
        before.turns = turns;
        Ok(before)
    }

    fn seal_at(&self, table: &str, column: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>> {
        vault::seal(&*self.key, &self.place(table, column, row), plain)
    }

    fn open_at(&self, table: &str, column: &str, row: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut plain = vault::open(&*self.key, &self.place(table, column, row), sealed)?;
        Ok(std::mem::take(&mut *plain))
    }

    fn place<'a>(&'a self, table: &'a str, column: &'a str, row: &'a str) -> Place<'a> {
        Place {
            vault: &self.vault,
            table,
            column,
            row,
        }
    }
}

/// What a reply continues.
#[derive(Default)]
pub(super) struct Before {
    pub(super) turns: Vec<Turn>,
    pub(super) system: Option<String>,
    pub(super) model: String,
}

/// The sealed texts of one run.
struct Kept {
    state: String,
    model: String,
    reply_to: Option<RunId>,
    system: Option<Vec<u8>>,
    prompt: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
}

impl Kept {
    fn read(store: &Connection, run: RunId) -> Result<Self> {
        store
            .query_row(
                "SELECT state, model, reply_to, system, prompt, answer FROM runs WHERE id = ?1",
                [run],
                |row| {
                    Ok(Self {
                        state: row.get(0)?,
                        model: row.get(1)?,
                        reply_to: row.get(2)?,
                        system: row.get(3)?,
                        prompt: row.get(4)?,
                        answer: row.get(5)?,
                    })
                },
            )
            .map_err(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => no_run(run),
                other => Error::failed("The store could not read a run.").because(other),
            })
    }
}

fn text(plain: Vec<u8>) -> Result<String> {
    String::from_utf8(plain).map_err(|_| {
        Error::new(Code::Damaged, "A kept text is not text any more.")
            .hint("Nothing was changed; the other runs are not affected.")
    })
}

pub(super) fn no_run(run: RunId) -> Error {
    Error::new(Code::NotFound, format!("There is no run {run}.")).remedy(Remedy::ListRuns)
}

fn not_kept(run: RunId) -> Error {
    Error::new(
        Code::NotFound,
        format!("The text of run {run} is not kept, so there is nothing to reply to."),
    )
    .hint("Texts are kept while a vault is open and `history.keep_days` allows it. Begin anew.")
}
