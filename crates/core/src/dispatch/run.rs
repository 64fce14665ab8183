//! One run from its first row to its last: begin, stream, book.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::booking::Booking;
use super::event::{Failure, Receipt, RunEvent, Sink};
use super::kept::{KEEP_DAYS, Keeper};
use super::metered::Metered;
use super::route::Prepared;
use super::runs::{self, NewRun};
use super::tier::{Seen, Tier, cancelled, tell};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::secret::ApiKey;
use crate::vault::Custody;

/// What a run needs of the house. Clones share all of it.
#[derive(Clone)]
pub struct Dispatch {
    /// The store.
    pub db: Db,
    /// The client.
    pub http: Http,
    /// Whoever opens keys.
    pub vault: Arc<dyn Custody>,
    /// The face that runs are started from, such as `cli`.
    pub face: &'static str,
}

/// How a run that had begun came out.
#[derive(Debug)]
pub struct Outcome {
    /// What remains of it.
    pub receipt: Receipt,
    /// Why it is not complete.
    pub error: Option<Error>,
}

impl Dispatch {
    /// Sends a prepared request and streams its answer into `sink`, ending with `Finished` or
    /// `Failed` once the run is in the ledger. It is booked however it ends: cancelled, cut off,
    /// or with nobody listening any more.
    ///
    /// # Errors
    /// When the run could not begin, so that nothing was sent: the vault is locked, or the store
    /// can't be written. What goes wrong later is in [`Outcome::error`].
    pub async fn run(
        &self,
        prepared: Prepared,
        sink: Sink,
        cancel: CancellationToken,
    ) -> Result<Outcome> {
        let start = self.db.clock().monotonic();
        let (key, keeper) = self.open(&prepared).await?;
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        let mut booking = self.begin(&prepared, keeper, start).await?;
        let tier = Metered {
            http: self.http.clone(),
            endpoint: booking.route.endpoint.clone(),
            key,
            max_tokens: booking.route.max_tokens,
            clock: self.db.clock().clone(),
        };
        let started = RunEvent::Started {
            run: booking.run,
            conversation: booking.conversation,
            model: booking.route.model.clone(),
            payer: booking.route.payer.clone(),
            at_most: prepared.estimate.at_most,
        };
        let ended = match tell(&sink, started).await {
            Ok(()) => {
                let seen = &mut booking.seen;
                tier.run(&prepared.request, seen, &sink, &cancel).await
            }
            Err(gone) => Err(gone),
        };
        // The key is wiped before the books are kept, which may wait for a disk.
        drop(tier);
        Ok(close(&mut booking, ended.err(), &sink).await)
    }

    /// Opens the vault's history key.
    pub(super) async fn keeper(&self) -> Result<Keeper> {
        let key = self.vault.history_key().await?;
        self.db.read(|store| Keeper::new(store, key))
    }

    /// Opens what the run needs: the key that pays, and what seals its texts. With a key from the
    /// environment the run goes on without a vault, and its texts are then not kept.
    async fn open(&self, prepared: &Prepared) -> Result<(ApiKey, Option<Keeper>)> {
        let is_off = self.db.read(|store| KEEP_DAYS.get(store))? == Some(0);
        let (key, is_ours) = match (&prepared.route.key, &prepared.variable) {
            (Some(id), _) => (self.vault.open_key(id, "run").await?, true),
            (None, Some(key)) => (ApiKey::new(key.expose().to_owned()), false),
            (None, None) => return Err(Error::failed("The route names nobody who pays.")),
        };
        if is_off {
            return Ok((key, None));
        }
        match self.keeper().await {
            Ok(keeper) => Ok((key, Some(keeper))),
            Err(error) if is_ours => Err(error),
            Err(_) => Ok((key, None)),
        }
    }

    async fn begin(
        &self,
        prepared: &Prepared,
        keeper: Option<Keeper>,
        start: std::time::Instant,
    ) -> Result<Booking> {
        let new = NewRun {
            route: prepared.route.clone(),
            class: prepared.class,
            reply_to: prepared.reply_to,
            owner: self.db.owner().to_owned(),
            face: self.face,
            at: self.db.clock().now(),
            input_estimate: prepared.estimate.prompt_tokens,
            at_most: prepared.estimate.at_most,
            request: Arc::clone(&prepared.request),
            keeper: keeper.clone(),
        };
        let (run, conversation) = self.db.write(move |store| runs::begin(store, &new)).await?;
        Ok(Booking {
            db: self.db.clone(),
            run,
            conversation,
            route: prepared.route.clone(),
            input_estimate: prepared.estimate.prompt_tokens,
            keeper,
            start,
            seen: Seen::default(),
            is_closed: false,
        })
    }
}

async fn close(booking: &mut Booking, error: Option<Error>, sink: &Sink) -> Outcome {
    let (receipt, written) = booking.close(error.as_ref()).await;
    // A store that can't be written outweighs: the ledger then lacks this run until the next start.
    let error = written.err().or(error);
    let event = match &error {
        None => RunEvent::Finished {
            receipt: receipt.clone(),
        },
        Some(error) => RunEvent::Failed {
            error: Failure::from(error),
            receipt: receipt.clone(),
        },
    };
    // Whether or not anybody still listens.
    let _ = sink.send(event).await;
    Outcome { receipt, error }
}
