//! What a run will have been: closed and booked once, however it ends.

use std::future::Future;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::event::{Amount, Books, Instead, Receipt, State, stop_note};
use super::kept::Keeper;
use super::route::Route;
use super::runs::{self, Closing};
use super::tier::Seen;
use super::unbooked;
use crate::clock::Millis;
use crate::db::Db;
use crate::error::{Code, Error, Failure, Result};
use crate::id::{ConversationId, RunId};
use crate::usage::{Basis, Conditions, Entry, Nano, Tier, Tokens, Used, catalogue};

/// Bytes of text to a token, where the server's count never came. Errs towards more tokens: an
/// English text has about four.
const BYTES_PER_TOKEN: u64 = 3;

/// How long the store has to take a run's end before it is set aside as well. Less than a program that
/// is quit waits for its runs.
const SOON: Duration = Duration::from_millis(300);

/// How long a store that can't be written is given before each further try to book a run.
const TRIES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A run under way. Dropped before it is closed, it closes itself as cancelled.
pub(super) struct Booking {
    pub(super) db: Db,
    pub(super) run: RunId,
    pub(super) conversation: ConversationId,
    pub(super) route: Route,
    pub(super) instead_of: Option<Instead>,
    pub(super) input_estimate: u64,
    pub(super) keeper: Option<Keeper>,
    pub(super) start: Instant,
    pub(super) seen: Seen,
    pub(super) is_closed: bool,
}

impl Booking {
    /// Closes the run and returns its receipt when all of it is in the store. Where there is no
    /// room for the answer, the books are kept without it. Where they can't be kept at all, the
    /// receipt says so, and the run stays open for [`recover`](super::recover).
    pub(super) async fn close(&mut self, error: Option<&Error>) -> (Receipt, Result<()>) {
        let (mut receipt, closing) = self.end(error);
        // In a task of its own, which goes on where nobody waits for this run any more.
        let keeping = tokio::spawn(keep(self.db.clone(), closing));
        let (books, kept) = keeping.await.unwrap_or_else(|ended| {
            let why = Error::failed("The program ended first.").because(ended);
            (Books::Lost, Err(not_booked(&why)))
        });
        receipt.books = books;
        // Whatever went wrong, the answer is not in the store.
        receipt.is_kept &= kept.is_ok();
        if books == Books::Lost {
            receipt.booked = None;
        }
        (receipt, kept)
    }

    /// Takes the run back as if it had never been; nothing of it may have been sent. Where that can't be
    /// written, the run is closed as one that cost nothing.
    pub(super) async fn take_back(&mut self) -> Result<()> {
        let (run, conversation) = (self.run, self.conversation);
        let job = move |store: &Connection| runs::take_back(store, run, conversation);
        self.db.write(job).await?;
        self.is_closed = true;
        Ok(())
    }

    fn end(&mut self, error: Option<&Error>) -> (Receipt, Closing) {
        self.is_closed = true;
        let state = match error.map(Error::code) {
            None => State::Finished,
            Some(Code::Cancelled) => State::Cancelled,
            Some(_) => State::Failed,
        };
        let at = self.db.clock().now();
        let booked = self.amount(state);
        let entry = booked.as_ref().map(|amount| self.entry(amount, at));
        let seen = &mut self.seen;
        let closing = Closing {
            run: self.run,
            state,
            at,
            model_served: seen.model.clone(),
            first_token_ms: seen.first_token.map(millis),
            attempts: seen.attempts,
            stop_reason: seen.stop_reason.clone(),
            request_id: seen.request_id.clone(),
            proof: seen.proof.clone(),
            error: error.map(Failure::from),
            answer: std::mem::take(&mut seen.answer),
            keeper: self.keeper.clone(),
            entry,
        };
        (self.receipt(state, booked), closing)
    }

    fn receipt(&self, state: State, booked: Option<Amount>) -> Receipt {
        let seen = &self.seen;
        Receipt {
            run: self.run,
            conversation: self.conversation,
            state,
            tier: self.route.tier,
            model: self.model().to_owned(),
            payer: self.route.booked_to.clone(),
            payer_label: self.route.payer.clone(),
            key: self.route.key.clone(),
            host: seen.host.as_ref().map(|(_, name)| name.clone()),
            booked,
            books: Books::Kept,
            stop_reason: seen.stop_reason.clone(),
            stop_note: seen
                .stop_reason
                .as_deref()
                .and_then(|reason| stop_note(reason, seen.stop_detail.as_deref())),
            request_id: seen.request_id.clone(),
            proof: seen.proof.clone(),
            attempts: seen.attempts,
            first_token_ms: seen.first_token.map(millis),
            total_ms: millis(self.start.elapsed()),
            instead_of: self.instead_of.clone(),
            is_kept: self.keeper.is_some(),
        }
    }

    /// Decides what is booked. A refusal before anything was made costs nothing; whatever else is
    /// not certain is booked as an estimate.
    fn amount(&self, state: State) -> Option<Amount> {
        let seen = &self.seen;
        let is_free = !seen.used.is_reported && !seen.may_have_run;
        if is_free && seen.earlier.is_empty() {
            return None;
        }
        let mut tokens = seen.used.tokens;
        let basis = if is_free {
            Basis::Estimated
        } else if state == State::Finished && seen.used.is_final {
            Basis::Metered
        } else {
            if !seen.used.is_reported {
                tokens = Tokens {
                    input: self.input_estimate,
                    ..Tokens::default()
                };
            }
            // What was shown was paid for, whether or not its count arrived.
            tokens.output = tokens
                .output
                .max(seen.output_bytes.div_ceil(BYTES_PER_TOKEN));
            Basis::Estimated
        };
        let basis = match self.route.tier {
            _ if seen.is_stray || !seen.earlier.is_empty() => Basis::Estimated,
            Tier::Subscription if seen.is_extra => Basis::Extra,
            Tier::Subscription => Basis::Plan,
            Tier::Metered | Tier::Farm => basis,
        };
        let mut cost = self.price(&tokens, &seen.used, None);
        for one in &seen.earlier {
            let prompt = Used {
                tokens: Tokens {
                    input: self.input_estimate,
                    ..Tokens::default()
                },
                ..Used::default()
            };
            // Where it reported nothing, the prompt may have been billed.
            let used = one.used.as_ref().unwrap_or(&prompt);
            let priced = self.price(&used.tokens, used, one.model.as_deref());
            cost = cost
                .zip(priced)
                .and_then(|(sum, one)| Nano::checked_sum([sum, one]));
            tokens = tokens.checked_add(&used.tokens).unwrap_or(tokens);
        }
        Some(Amount {
            tokens,
            cost,
            basis,
            priced_as_of: cost.map(|_| catalogue().as_of().to_owned()),
        })
    }

    /// Prices what one attempt used. Attempts are never priced by what they come to together: a longer prompt
    /// may take other rates.
    fn price(&self, tokens: &Tokens, used: &Used, model: Option<&str>) -> Option<Nano> {
        let conditions = Conditions::reported(
            used.service_tier.as_deref(),
            used.inference_geo.as_deref(),
            used.speed.as_deref(),
        );
        let model = model.unwrap_or(self.model());
        let prompt = used.prompt_of_each.unwrap_or(tokens.prompt());
        let priced = catalogue().price_several(model, tokens, prompt, &conditions);
        priced.map(|priced| priced.cost)
    }

    fn entry(&self, amount: &Amount, at: Millis) -> Entry {
        Entry {
            run: Some(self.run),
            at,
            payer: self.route.booked_to.clone(),
            key: self.route.key.clone(),
            tier: self.route.tier,
            model: self.model().to_owned(),
            host: self.seen.host.as_ref().map(|(id, _)| *id),
            environment: self.route.environment.clone(),
            basis: amount.basis,
            tokens: amount.tokens,
            cost: amount.cost,
            priced_as_of: amount.priced_as_of.clone(),
        }
    }

    fn model(&self) -> &str {
        self.seen.model.as_deref().unwrap_or(&self.route.model)
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        if self.is_closed {
            return;
        }
        let gone = Error::new(Code::Cancelled, "The run was dropped before its end.");
        let (_, closing) = self.end(Some(&gone));
        // The write is done whether or not anybody waits for it; the rest only where it fails.
        let rest = keep(self.db.clone(), closing);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(rest));
        }
    }
}

/// Writes a run's end, and waits for a store that can't be written. Until it is known to be in there,
/// its end is in a file, so that it is booked even if this process does not live to see it.
fn keep(db: Db, closing: Closing) -> impl Future<Output = (Books, Result<()>)> + Send + use<> {
    let bare = closing.without_answer();
    let written = write(&db, closing);
    async move {
        tokio::pin!(written);
        let mut aside = None;
        let written = match tokio::time::timeout(SOON, &mut written).await {
            Ok(written) => written,
            // Another process is writing. Whoever ends this one may not wait for that.
            Err(_) => {
                aside = unbooked::set_aside(&db, &bare).ok();
                written.await
            }
        };
        let (books, kept) = match written {
            Ok(()) => (Books::Kept, Ok(())),
            Err(full) => {
                aside = aside.or_else(|| unbooked::set_aside(&db, &bare).ok());
                match (insist(&db, &bare).await, &aside) {
                    (Ok(()), _) => (Books::Kept, Err(not_kept(&full))),
                    (Err(why), Some(_)) => (Books::SetAside, Err(booked_later(&why))),
                    (Err(why), None) => (Books::Lost, Err(not_booked(&why))),
                }
            }
        };
        if let Some(path) = aside.filter(|_| books == Books::Kept) {
            unbooked::remove(&path);
        }
        (books, kept)
    }
}

async fn insist(db: &Db, bare: &Closing) -> Result<()> {
    let mut written = write(db, bare.without_answer()).await;
    for wait in TRIES {
        if written.is_ok() {
            break;
        }
        tokio::time::sleep(wait).await;
        written = write(db, bare.without_answer()).await;
    }
    written
}

fn write(db: &Db, closing: Closing) -> impl Future<Output = Result<()>> + Send + use<> {
    let written = db.write(move |store| runs::finish(store, closing));
    async move { written.await.map(drop) }
}

fn not_kept(full: &Error) -> Error {
    Error::new(
        full.code(),
        format!("The answer could not be kept. {}", full.message()),
    )
    .hint("What it cost is in the ledger. Free some space; copy the answer if you need it.")
}

fn booked_later(why: &Error) -> Error {
    Error::new(
        why.code(),
        format!(
            "What the run used could not be booked yet. {}",
            why.message()
        ),
    )
    .hint(
        "It is kept in a file, and booked exactly as soon as the store can be written. Free some space, \
         and copy the answer if you need it.",
    )
}

fn not_booked(why: &Error) -> Error {
    Error::new(
        why.code(),
        format!("What the run used could not be booked. {}", why.message()),
    )
    .hint(
        "Not even a file beside the store could be written. When this program has ended, an estimate of \
         the prompt alone is booked as soon as the store can be written. Free some space, and copy the \
         answer if you need it.",
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
