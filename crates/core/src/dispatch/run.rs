//! One run from its first row to its last: begin, stream, book.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::booking::Booking;
use super::by_plan::PlanRoute;
use super::event::{Books, Receipt, RunEvent, Sink};
use super::farm::OverFarm;
use super::kept::{KEEP_DAYS, Keeper};
use super::metered::Metered;
use super::onward::Attempt;
use super::reaching::Early;
use super::recovery::book_unbooked;
use super::request::Effort;
use super::route::Prepared;
use super::runs::{self, NewRun};
use super::subscription::Subscription;
use super::tier::{Seen, Tier, tell};
use crate::claude::Login;
use crate::db::Db;
use crate::error::{Code, Error, Failure, Result};
use crate::farm::Farm;
use crate::http::Http;
use crate::id::RunId;
use crate::plan::{Plan, Wanted};
use crate::secret::ApiKey;
use crate::usage::Payer;
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
    /// The user's plan.
    pub plan: Plan,
    /// The hosts of the farm.
    pub farm: Farm,
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
    /// or with nobody listening any more. Where the routing table decides, and the user has allowed it,
    /// it goes on another way: each is a run of its own, booked to whoever paid for it.
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
        let outcome = Box::pin(self.onward(prepared, &sink, &cancel)).await?;
        let receipt = outcome.receipt.clone();
        let event = match &outcome.error {
            None => RunEvent::Finished { receipt },
            Some(error) => RunEvent::Failed {
                error: Failure::from(error),
                receipt,
            },
        };
        // Whether or not anybody still listens.
        let _ = sink.send(event).await;
        Ok(outcome)
    }

    /// Carries a run one way, from its first row to its booking. `told` is told before it starts.
    pub(super) async fn attempt(
        &self,
        prepared: &mut Prepared,
        told: Option<RunEvent>,
        sink: &Sink,
        cancel: &CancellationToken,
    ) -> Result<Attempt> {
        let start = self.db.clock().monotonic();
        let at_most = prepared.at_most();
        let (tier, mut booking) = self.open(prepared, start, cancel).await?;
        let started = RunEvent::Started {
            run: booking.run,
            conversation: booking.conversation,
            tier: booking.route.tier,
            model: booking.route.model.clone(),
            payer: booking.route.payer.clone(),
            at_most,
        };
        let ended = async {
            for event in told.into_iter().chain([started]) {
                tell(sink, event).await?;
            }
            let seen = &mut booking.seen;
            tier.run(&prepared.request, seen, sink, cancel).await
        };
        let ended = ended.await;
        // The key is wiped before the books are kept, which may wait for a disk.
        drop(tier);
        let attempt = close(&mut booking, ended.err()).await;
        if attempt.outcome.receipt.books == Books::Kept {
            // A store that took this run takes what it did not take before.
            if let Err(error) = book_unbooked(&self.db).await {
                tracing::warn!(%error, "what was set aside is booked later");
            }
        }
        Ok(attempt)
    }

    /// Opens the vault's history key.
    pub(super) async fn keeper(&self) -> Result<Keeper> {
        let key = self.vault.history_key().await?;
        self.db.read(|store| Keeper::new(store, key))
    }

    /// Opens what the run needs and writes down that it begins.
    async fn open(
        &self,
        prepared: &mut Prepared,
        start: Instant,
        cancel: &CancellationToken,
    ) -> Result<(Box<dyn Tier>, Booking)> {
        if let Some(route) = prepared.route.plan.clone() {
            let login = prepared.login.take();
            // No key is opened, so a vault that is locked stays so: the texts are not kept then.
            let keeper = unless(cancel, self.keeper_for(prepared)).await?;
            let booking = self.begin(prepared, keeper, start).await?;
            let tier = self.by_plan(prepared, route, login, booking.run);
            return Ok((Box::new(tier), booking));
        }
        if let Some(route) = prepared.route.farm.clone() {
            let (key, booking) = match prepared.route.booked_to {
                // The host has its own: no key is opened.
                Payer::Host(_) => {
                    let keeper = unless(cancel, self.keeper_for(prepared)).await?;
                    prepared.early = Early::take(&self.farm, &route);
                    (None, self.begin(prepared, keeper, start).await?)
                }
                _ => {
                    let (key, booking) = self.open_key(prepared, start, cancel).await?;
                    (Some(key), booking)
                }
            };
            let tier = OverFarm {
                farm: self.farm.clone(),
                db: self.db.clone(),
                server: booking.route.endpoint.to_store(),
                max_tokens: booking.route.max_tokens,
                model: booking.route.model.clone(),
                run: booking.run,
                early: Mutex::new(prepared.early.take()),
                route,
                key,
            };
            return Ok((Box::new(tier), booking));
        }
        let (key, booking) = self.open_key(prepared, start, cancel).await?;
        let tier = Metered {
            http: self.http.clone(),
            endpoint: booking.route.endpoint.clone(),
            key,
            max_tokens: booking.route.max_tokens,
            clock: self.db.clock().clone(),
        };
        Ok((Box::new(tier), booking))
    }

    /// Starts a `claude` in the background for a prepared request that may be sent soon, where the plan
    /// pays. Nothing is sent to a server by that.
    ///
    /// # Errors
    /// As [`Plan::warm`].
    pub fn warm(&self, mut prepared: Prepared) -> Result<()> {
        let Some(login) = prepared.login.take() else {
            return Ok(());
        };
        match &prepared.route.plan {
            Some(route) => self.plan.warm(login, wanted(&prepared, route)),
            None => Ok(()),
        }
    }

    fn by_plan(
        &self,
        prepared: &Prepared,
        route: PlanRoute,
        login: Option<Login>,
        run: RunId,
    ) -> Subscription {
        Subscription {
            plan: self.plan.clone(),
            db: self.db.clone(),
            wanted: wanted(prepared, &route),
            route,
            login: Mutex::new(login),
            run,
            reply_to: prepared.reply_to,
        }
    }

    /// Opens the key that pays, and writes down that the run begins.
    async fn open_key(
        &self,
        prepared: &mut Prepared,
        start: Instant,
        cancel: &CancellationToken,
    ) -> Result<(ApiKey, Booking)> {
        let keeper = unless(cancel, self.keeper_for(prepared)).await?;
        let may_ask = keeper.is_none() && prepared.variable.is_none();
        if !may_ask && let Some(route) = &prepared.route.farm {
            // Nobody is waited for any more: no slot is held for a user who is away.
            prepared.early = Early::take(&self.farm, route);
        }
        let prepared = &*prepared;
        if may_ask || !self.vault.shares_commits() {
            // Opening the key may have to wait for the user, so nothing is written down before;
            // and an agent notes its use in a commit of its own, which ours would only hold up.
            let key = unless(cancel, self.key(prepared)).await?;
            return Ok((key, self.begin(prepared, keeper, start).await?));
        }
        // The vault is open. Its note of the key's use and the run's row share one commit, which
        // is most of the time until the request leaves.
        let key = unless(cancel, self.key(prepared));
        let (key, begun) = tokio::join!(key, self.begin(prepared, keeper, start));
        let mut booking = begun?;
        match key {
            Ok(key) => Ok((key, booking)),
            Err(error) => {
                booking.take_back().await?;
                Err(error)
            }
        }
    }

    async fn key(&self, prepared: &Prepared) -> Result<ApiKey> {
        match (&prepared.route.key, &prepared.variable) {
            (Some(id), _) => {
                let gateway = prepared.route.gateway.as_deref();
                self.vault.open_key(id, gateway, "run").await
            }
            (None, Some(key)) => Ok(ApiKey::new(key.expose().to_owned())),
            (None, None) => Err(Error::failed("The route names nobody who pays.")),
        }
    }

    /// Returns what seals the run's texts, or `None` where they are not kept: the history is off,
    /// or no stored key pays and no vault is open.
    async fn keeper_for(&self, prepared: &Prepared) -> Result<Option<Keeper>> {
        if self.db.read(|store| KEEP_DAYS.get(store))? == Some(0) {
            return Ok(None);
        }
        match self.keeper().await {
            Ok(keeper) => Ok(Some(keeper)),
            Err(_) if prepared.route.key.is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes down that a run begins.
    pub(super) async fn begin(
        &self,
        prepared: &Prepared,
        keeper: Option<Keeper>,
        start: Instant,
    ) -> Result<Booking> {
        let new = NewRun {
            route: prepared.route.clone(),
            class: prepared.class,
            reply_to: prepared.reply_to,
            instead_of: prepared.instead_of.clone(),
            line: prepared.line,
            host: prepared.early.as_ref().map(|early| early.slot.host.id),
            owner: self.db.owner().to_owned(),
            face: self.face,
            at: self.db.clock().now(),
            input_estimate: prepared.estimate.prompt_tokens,
            at_most: prepared.at_most(),
            request: Arc::clone(&prepared.request),
            keeper: keeper.clone(),
        };
        let (run, conversation) = self.db.write(move |store| runs::begin(store, &new)).await?;
        Ok(Booking {
            db: self.db.clone(),
            run,
            conversation,
            route: prepared.route.clone(),
            instead_of: prepared.instead_of.clone(),
            input_estimate: prepared.estimate.prompt_tokens,
            keeper,
            start,
            seen: Seen::default(),
            is_closed: false,
        })
    }
}

/// Returns what a `claude` has to be started with for a request, where the plan pays.
fn wanted(prepared: &Prepared, route: &PlanRoute) -> Wanted {
    Wanted {
        login: route.login.clone(),
        model: prepared.route.model.clone(),
        effort: prepared.request.effort.map(Effort::as_str),
        system: prepared.request.system.clone(),
    }
}

/// Waits for `work`, which may wait for the user's keychain, as long as the user wants that.
async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::new(
            Code::Cancelled,
            "The run was cancelled before anything was sent.",
        )),
        done = work => done,
    }
}

async fn close(booking: &mut Booking, error: Option<Error>) -> Attempt {
    let has_shown = booking.seen.has_shown();
    let cause = booking.seen.cause.filter(|_| error.is_some());
    let (receipt, written) = booking.close(error.as_ref()).await;
    Attempt {
        // Where this way can't be booked, no further one is begun.
        cause: cause.filter(|_| written.is_ok()),
        has_shown,
        outcome: Outcome {
            receipt,
            // A store that can't be written outweighs: the ledger lacks this run until it can.
            error: written.err().or(error),
        },
    }
}
