//! The table `runs`: a row is there before the request leaves, and is closed exactly once.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::event::{Instead, State};
use super::kept::{Column, Keeper, no_run};
use super::lines::{self, Line};
use super::request::Request;
use super::route::{Class, Route};
use super::signed;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Failure, Result};
use crate::id::{ConversationId, HostId, RunId};
use crate::usage::{Booked, Entry, Nano, book};

/// What is written of a run before it leaves.
pub(super) struct NewRun {
    pub(super) route: Route,
    pub(super) class: Class,
    pub(super) reply_to: Option<RunId>,
    pub(super) instead_of: Option<Instead>,
    pub(super) line: Option<Line>,
    /// The host of the farm that it goes to, where that is known already.
    pub(super) host: Option<HostId>,
    pub(super) owner: String,
    pub(super) face: &'static str,
    pub(super) at: Millis,
    pub(super) input_estimate: u64,
    pub(super) at_most: Option<Nano>,
    pub(super) request: Arc<Request>,
    /// Absent where texts are not kept.
    pub(super) keeper: Option<Keeper>,
}

/// What is written of a run when it is over.
pub(super) struct Closing {
    pub(super) run: RunId,
    pub(super) state: State,
    pub(super) at: Millis,
    pub(super) model_served: Option<String>,
    pub(super) first_token_ms: Option<u64>,
    pub(super) attempts: u32,
    pub(super) stop_reason: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) proof: Option<String>,
    pub(super) error: Option<Failure>,
    pub(super) answer: String,
    pub(super) keeper: Option<Keeper>,
    /// The ledger row; absent where nothing was billed.
    pub(super) entry: Option<Entry>,
}

impl Closing {
    /// Returns the same end for a store that has no room for the answer.
    pub(super) fn without_answer(&self) -> Self {
        Self {
            run: self.run,
            state: self.state,
            at: self.at,
            model_served: self.model_served.clone(),
            first_token_ms: self.first_token_ms,
            attempts: self.attempts,
            stop_reason: self.stop_reason.clone(),
            request_id: self.request_id.clone(),
            proof: self.proof.clone(),
            error: self.error.clone(),
            answer: String::new(),
            keeper: None,
            entry: self.entry.clone(),
        }
    }
}

/// Writes the row, the sealed texts and the reservation, in the caller's transaction.
pub(super) fn begin(store: &Connection, new: &NewRun) -> Result<(RunId, ConversationId)> {
    if let Some(line) = &new.line {
        lines::check(store, line, &new.owner)?;
    }
    let conversation = conversation(store, new)?;
    let route = &new.route;
    let instead = new.instead_of.as_ref();
    store
        .prepare_cached(
            "INSERT INTO runs (conversation_id, reply_to, owner, face, state, tier, class, model,
                 key_id, payer, payer_label, environment, started_at, max_tokens, input_estimate,
                 worst_case_nano, fallback_of, fallback_cause, fallback_from, line, host_id)
             VALUES (?1, ?2, ?3, ?4, 'started', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                 ?16, ?17, ?18, ?19, ?20)",
        )
        .and_then(|mut row| {
            row.execute(params![
                conversation,
                new.reply_to,
                new.owner,
                new.face,
                route.tier,
                new.class,
                route.model,
                route.key,
                route.booked_to,
                route.payer,
                route.environment,
                new.at,
                signed(route.max_tokens),
                signed(new.input_estimate),
                new.at_most,
                instead.and_then(|instead| instead.run),
                instead.map(|instead| instead.cause),
                instead.map(|instead| &instead.payer),
                new.line.map(|line| line.key),
                new.host,
            ])
        })
        .doing("write down the run")?;
    let run = RunId(store.last_insert_rowid());
    if let Some(keeper) = &new.keeper {
        keeper.keep(store, run, &new.request)?;
    }
    if let Some(amount) = new.at_most {
        store
            .execute(
                "INSERT INTO reservations (run_id, amount_nano, created_at) VALUES (?1, ?2, ?3)",
                (run, amount, new.at),
            )
            .doing("reserve the run's cost")?;
    }
    Ok((run, conversation))
}

fn conversation(store: &Connection, new: &NewRun) -> Result<ConversationId> {
    let before = new.instead_of.as_ref().and_then(|instead| instead.run);
    if let Some(earlier) = new.reply_to.or(before) {
        return store
            .query_row(
                "SELECT conversation_id FROM runs WHERE id = ?1",
                [earlier],
                |row| row.get(0),
            )
            .optional()
            .doing("read a run")?
            .ok_or_else(|| no_run(earlier));
    }
    store
        .execute(
            "INSERT INTO conversations (created_at) VALUES (?1)",
            [new.at],
        )
        .doing("write down the run")?;
    Ok(ConversationId(store.last_insert_rowid()))
}

/// Writes down which host has a run, in the caller's transaction: before a key goes there.
pub(super) fn place(store: &Connection, run: RunId, host: HostId) -> Result<()> {
    store
        .prepare_cached("UPDATE runs SET host_id = ?2 WHERE id = ?1")
        .and_then(|mut row| row.execute((run, host)))
        .doing("write down where the run goes")
        .map(drop)
}

/// Removes a run of which nothing was sent, and the conversation that it began, in the caller's
/// transaction.
pub(super) fn take_back(
    store: &Connection,
    run: RunId,
    conversation: ConversationId,
) -> Result<()> {
    store
        .execute("DELETE FROM runs WHERE id = ?1", [run])
        .and_then(|_| {
            store.execute(
                "DELETE FROM conversations WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM runs WHERE conversation_id = ?1)",
                [conversation],
            )
        })
        .doing("take a run back")
        .map(drop)
}

/// Closes a run: its state, its answer, its ledger row and the end of its reservation, in the
/// caller's transaction. A run that is closed already is left as it is, but for texts that a file could
/// not hold, from which another process has closed it meanwhile.
pub(super) fn finish(store: &Connection, mut closing: Closing) -> Result<Booked> {
    let seal = |column, text: &str| {
        let keeper = closing.keeper.as_ref();
        let sealed = keeper.map(|keeper| keeper.seal(closing.run, column, text));
        sealed.transpose()
    };
    let answer = seal(Column::Answer, &closing.answer)?;
    let error = closing.error.as_ref();
    let said = match error {
        Some(error) => seal(Column::Error, &error.message)?,
        None => None,
    };
    // It may be megabytes, and the store makes a copy of the sealed form.
    drop(std::mem::take(&mut closing.answer));
    let code = error.map(|error| serde_json::to_value(error.code).unwrap_or_default());
    let closed = store
        .prepare_cached(
            "UPDATE runs SET state = ?2, finished_at = ?3, model_served = ?4, first_token_ms = ?5,
                 attempts = ?6, stop_reason = ?7, request_id = ?8, error_code = ?9, error_text = ?10,
                 answer = ?11, proof = ?12, host_id = coalesce(?13, host_id), is_billed = ?14
             WHERE id = ?1 AND state = 'started'",
        )
        .and_then(|mut row| {
            row.execute(params![
                closing.run,
                closing.state,
                closing.at,
                closing.model_served,
                closing.first_token_ms.map(signed),
                closing.attempts,
                closing.stop_reason,
                closing.request_id,
                code.as_ref().and_then(|code| code.as_str()),
                said,
                answer,
                closing.proof,
                // The one that is booked, where the host that was tried last never had the prompt.
                closing.entry.as_ref().and_then(|entry| entry.host),
                closing.entry.is_some(),
            ])
        })
        .doing("write down the end of the run")?;
    if closed == 0 {
        if answer.is_some() {
            add_texts(store, &closing, answer.as_deref(), said.as_deref())?;
        }
        return Ok(Booked::Already);
    }
    settle(store, closing.run, closing.entry.as_ref())?;
    Ok(Booked::New)
}

/// Adds its texts to a run that has this very end already.
fn add_texts(
    store: &Connection,
    closing: &Closing,
    answer: Option<&[u8]>,
    said: Option<&[u8]>,
) -> Result<()> {
    store
        .execute(
            // Where the prompt is gone, the texts were let go of meanwhile.
            "UPDATE runs SET answer = ?4, error_text = ?5
             WHERE id = ?1 AND state = ?2 AND finished_at = ?3 AND answer IS NULL
                 AND prompt IS NOT NULL",
            params![closing.run, closing.state, closing.at, answer, said],
        )
        .doing("keep the answer")
        .map(drop)
}

/// Writes the ledger row of a run that ends and frees its reservation, in the caller's transaction.
pub(super) fn settle(store: &Connection, run: RunId, entry: Option<&Entry>) -> Result<()> {
    store
        .execute("DELETE FROM reservations WHERE run_id = ?1", [run])
        .doing("release the run's reservation")?;
    let Some(entry) = entry else { return Ok(()) };
    book(store, entry)?;
    if let Some(key) = &entry.key {
        store
            .execute(
                "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?2) WHERE id = ?1",
                (key, entry.at),
            )
            .doing("note when the key was used")?;
    }
    Ok(())
}
