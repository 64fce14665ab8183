//! What was sent before: newest first, texts only where they are kept and the vault is open.

use rusqlite::{Connection, Row, named_params};
use serde::Serialize;

use super::event::{Instead, State};
use super::kept::{Column, KEEP_DAYS, Keeper, no_run};
use super::route::Class;
use super::run::Dispatch;
use super::unsigned;
use crate::clock::Millis;
use crate::db::{Db, SqlContext, note_deletion};
use crate::error::{Error, Result};
use crate::id::{ConversationId, KeyId, RunId};
use crate::text;
use crate::usage::{Basis, Nano, Tier};

/// How much of a prompt stands for it in a list, in columns of text.
const TITLE_WIDTH: usize = 100;

/// The most rows of one page.
const PAGE_MAX: usize = 500;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One run in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "RunSummary"))]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// The run that it continues.
    pub reply_to: Option<RunId>,
    /// How it stands.
    pub state: State,
    /// What kind of work it was.
    pub class: Class,
    /// The tier that it went through.
    pub tier: Tier,
    /// The model that answered, or the one asked where none did.
    pub model: String,
    /// Who is billed, as people knew them then.
    #[serde(rename = "payer_label")]
    pub payer: String,
    /// The stored key, where one paid.
    pub key: Option<KeyId>,
    /// The host of the farm that it went to, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "wire", ts(optional))]
    pub host: Option<String>,
    /// When it began.
    pub started_at: Millis,
    /// The first line of the prompt, where it is kept and could be opened.
    pub title: Option<String>,
    /// Its texts are kept.
    pub is_kept: bool,
    /// What the ledger says of it; `None` where nothing was billed or it is not booked yet.
    pub cost: Option<Nano>,
    /// What the ledger's figure rests on.
    pub basis: Option<Basis>,
    /// The tokens, prompt and answer.
    pub tokens: Option<u64>,
    /// What it stands in for, where a fallback was taken.
    pub instead_of: Option<Instead>,
}

/// One run with all that is known of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "RunDetails"))]
pub struct Details {
    /// What the list says.
    #[serde(flatten)]
    pub summary: Summary,
    /// The instructions that stood above, where they are kept.
    pub system: Option<String>,
    /// The prompt, where it is kept.
    pub prompt: Option<String>,
    /// The answer, where it is kept.
    pub answer: Option<String>,
    /// The names of the files that went with it.
    pub attachments: Vec<String>,
    /// Why the model stopped, in the API's word.
    pub stop_reason: Option<String>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// What the server or the CLI said of the credential that it was given.
    pub proof: Option<String>,
    /// What went wrong: in words where they are kept, else the error's code.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Option<Millis>,
}

struct Sealed {
    system: Option<Vec<u8>>,
    prompt: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
    error: Option<Vec<u8>>,
}

const COLUMNS: &str = "r.id, r.conversation_id, r.reply_to, r.state, r.tier,
    coalesce(r.model_served, r.model), r.payer_label, r.key_id, r.started_at,
    r.prompt IS NOT NULL, u.cost_estimate, u.basis, u.tokens_used,
    CASE WHEN :texts THEN r.prompt END, r.class, r.fallback_cause, r.fallback_from, r.fallback_of,
     (SELECT name FROM hosts WHERE id = r.host_id)";

const FROM: &str = "FROM runs r LEFT JOIN key_usage u ON u.run_id = r.id";

impl Dispatch {
    /// Lists runs, newest first, at most `limit` (500 at most) that are older than `before`. First
    /// lines are there if the vault opens without asking; else the list goes without.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub async fn history(&self, before: Option<RunId>, limit: usize) -> Result<Vec<Summary>> {
        let keeper = self.keeper().await.ok();
        self.db
            .read(|store| list_with(store, keeper.as_ref(), before, limit))
    }

    /// Returns one run without its texts, for which no vault is needed.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) for a run that isn't there.
    pub fn summary(&self, run: RunId) -> Result<Summary> {
        self.db.read(|store| one(store, run)).map(|(run, _)| run)
    }

    /// Returns one run with its texts. Where they are kept, the vault is opened.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) for a run that isn't there,
    /// [`Code::Locked`](crate::error::Code::Locked) where texts are kept that can't be opened.
    pub async fn show(&self, run: RunId) -> Result<Details> {
        let is_kept = self.db.read(|store| one(store, run))?.0.is_kept;
        let keeper = if is_kept {
            Some(self.keeper().await?)
        } else {
            None
        };
        self.db.read(|store| details(store, keeper.as_ref(), run))
    }
}

/// Lists runs without their texts: see [`Dispatch::history`].
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn list(store: &Connection, before: Option<RunId>, limit: usize) -> Result<Vec<Summary>> {
    list_with(store, None, before, limit)
}

fn list_with(
    store: &Connection,
    keeper: Option<&Keeper>,
    before: Option<RunId>,
    limit: usize,
) -> Result<Vec<Summary>> {
    let limit = i64::try_from(limit.min(PAGE_MAX)).unwrap_or(0);
    let before = before.unwrap_or(RunId(i64::MAX));
    let sql =
        format!("SELECT {COLUMNS} {FROM} WHERE r.id < :before ORDER BY r.id DESC LIMIT :limit");
    let texts = keeper.is_some();
    let mut rows = store.prepare_cached(&sql).doing("read the history")?;
    let bound = named_params! { ":before": before, ":limit": limit, ":texts": texts };
    rows.query_map(bound, |row| {
        let (mut summary, prompt) = summary(row)?;
        summary.title = keeper.and_then(|keeper| title(keeper, summary.run, prompt.as_deref()));
        Ok(summary)
    })
    .and_then(Iterator::collect)
    .doing("read the history")
}

/// A first line that does not open is left out: the list is still of use without it.
fn title(keeper: &Keeper, run: RunId, prompt: Option<&[u8]>) -> Option<String> {
    let prompt = keeper.open(run, Column::Prompt, prompt).ok()??;
    let line = prompt.lines().find(|line| !line.trim().is_empty())?;
    Some(text::shown(line.trim(), TITLE_WIDTH))
}

fn summary(row: &Row<'_>) -> rusqlite::Result<(Summary, Option<Vec<u8>>)> {
    let summary = Summary {
        run: row.get(0)?,
        conversation: row.get(1)?,
        reply_to: row.get(2)?,
        state: row.get(3)?,
        class: row.get(14)?,
        tier: row.get(4)?,
        model: row.get(5)?,
        payer: row.get(6)?,
        key: row.get(7)?,
        host: row.get(18)?,
        started_at: row.get(8)?,
        title: None,
        is_kept: row.get(9)?,
        cost: row.get(10)?,
        basis: row.get(11)?,
        tokens: row.get::<_, Option<i64>>(12)?.map(unsigned),
        instead_of: instead_of(row)?,
    };
    Ok((summary, row.get(13)?))
}

fn instead_of(row: &Row<'_>) -> rusqlite::Result<Option<Instead>> {
    let Some(cause) = row.get(15)? else {
        return Ok(None);
    };
    Ok(Some(Instead {
        cause,
        payer: row.get::<_, Option<String>>(16)?.unwrap_or_default(),
        run: row.get(17)?,
    }))
}

fn one(store: &Connection, run: RunId) -> Result<(Summary, Option<Vec<u8>>)> {
    store
        .query_row(
            &format!("SELECT {COLUMNS} {FROM} WHERE r.id = :run"),
            named_params! { ":run": run, ":texts": true },
            summary,
        )
        .map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => no_run(run),
            other => Error::failed("The store could not read a run.").because(other),
        })
}

fn details(store: &Connection, keeper: Option<&Keeper>, run: RunId) -> Result<Details> {
    let (mut summary, prompt) = one(store, run)?;
    let (mut details, sealed) = store
        .query_row(
            "SELECT system, answer, stop_reason, request_id, error_code, finished_at, error_text, proof
             FROM runs WHERE id = ?1",
            [run],
            |row| {
                let sealed = Sealed {
                    system: row.get(0)?,
                    prompt,
                    answer: row.get(1)?,
                    error: row.get(6)?,
                };
                summary.title = None;
                let details = Details {
                    summary,
                    system: None,
                    prompt: None,
                    answer: None,
                    attachments: Vec::new(),
                    stop_reason: row.get(2)?,
                    request_id: row.get(3)?,
                    error: row.get(4)?,
                    finished_at: row.get(5)?,
                    proof: row.get(7)?,
                };
                Ok((details, sealed))
            },
        )
        .doing("read a run")?;
    if let Some(keeper) = keeper {
        details.summary.title = title(keeper, run, sealed.prompt.as_deref());
        details.system = keeper.open(run, Column::System, sealed.system.as_deref())?;
        details.prompt = keeper.open(run, Column::Prompt, sealed.prompt.as_deref())?;
        details.answer = keeper.open(run, Column::Answer, sealed.answer.as_deref())?;
        let said = keeper.open(run, Column::Error, sealed.error.as_deref())?;
        details.error = said.or(details.error);
        let files = keeper.files(store, run)?;
        details.attachments = files.into_iter().map(|file| file.name).collect();
    }
    Ok(details)
}

/// Deletes the texts of a run, or of all runs that have ended; what they cost stays in the ledger.
/// The bytes are gone from the store's files as well. Returns how many runs lost their texts.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for a run that isn't there, and
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be done.
pub async fn forget(db: &Db, run: Option<RunId>) -> Result<usize> {
    let count = match run {
        Some(run) => {
            db.read(|store| one(store, run).map(drop))?;
            db.write(move |store| clear(store, "id = ?1", run.0))
                .await?
        }
        None => db.write(|store| clear(store, "id > ?1", 0)).await?,
    };
    if count > 0 {
        db.checkpoint_or_later().await;
    }
    Ok(count)
}

/// Deletes the texts that are older than the user wants them kept. Returns of how many runs.
///
/// # Errors
/// As [`forget`].
pub async fn prune(db: &Db) -> Result<usize> {
    let Some(days) = db.read(|store| KEEP_DAYS.get(store))? else {
        return Ok(0);
    };
    let before = db.clock().now().0.saturating_sub(i64::from(days) * DAY_MS);
    let count = db
        .write(move |store| clear(store, "started_at < ?1", before))
        .await?;
    if count > 0 {
        db.checkpoint_or_later().await;
    }
    Ok(count)
}

fn clear(store: &Connection, which: &str, value: i64) -> Result<usize> {
    let ended = format!("{which} AND state <> 'started'");
    note_deletion(store)?;
    store
        .execute(
            &format!(
                "DELETE FROM run_attachments WHERE run_id IN (SELECT id FROM runs WHERE {ended})"
            ),
            [value],
        )
        .doing("delete files of the history")?;
    store
        .execute(
            &format!(
                "UPDATE runs SET system = NULL, prompt = NULL, answer = NULL, error_text = NULL
                 WHERE {ended} AND (prompt IS NOT NULL OR answer IS NOT NULL)"
            ),
            [value],
        )
        .doing("delete texts of the history")
}
