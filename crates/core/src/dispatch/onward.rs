//! A run that goes on another way: only as the user has allowed it beforehand, shown while it happens, and
//! each way booked to whoever paid for it.

use tokio_util::sync::CancellationToken;

use super::auto::{Auto, FallbackWay, cause_of};
use super::draft::Ready;
use super::event::{Instead, RunEvent, Sink};
use super::route::Prepared;
use super::routing::next::{Next, Stop};
use super::routing::{self, Cause, Through};
use super::run::{Dispatch, Outcome};
use crate::consent::{self, Subject};
use crate::error::{Code, Error, Failure, Remedy, Result};
use crate::{keys, plan};

/// A way that was left, or could not be taken, for which another one stands in.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) cause: Cause,
    /// Who paid there, as people know them.
    pub(super) from: String,
    /// Why it ended.
    pub(super) error: Error,
    /// What remains of its run; absent where none had begun.
    pub(super) outcome: Option<Outcome>,
}

impl Left {
    /// Returns what the run that follows stands in for.
    fn instead(&self) -> Instead {
        Instead {
            cause: self.cause,
            payer: self.from.clone(),
            run: self.outcome.as_ref().map(|outcome| outcome.receipt.run),
        }
    }

    /// Returns what is told as soon as another way is taken.
    fn event(&self, to: &str) -> RunEvent {
        RunEvent::Fallback {
            cause: self.cause,
            from: self.from.clone(),
            to: to.to_owned(),
            error: Failure::from(&self.error),
            receipt: self.outcome.as_ref().map(|outcome| outcome.receipt.clone()),
        }
    }
}

/// One way of a run, when it is over.
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// What may follow on it.
    pub(super) cause: Option<Cause>,
    /// A part of the answer has been shown.
    pub(super) has_shown: bool,
}

/// A way that ended early, before it is decided whether another follows.
struct Ended {
    cause: Option<Cause>,
    has_shown: bool,
    from: String,
    error: Error,
    outcome: Option<Outcome>,
}

impl Ended {
    /// Takes a way that could not begin, so that nothing was sent. Where it was itself to stand in for
    /// another one, that one is still what has to be told.
    fn unbegun(error: Error, from: String, left: Option<Left>) -> Self {
        let Some(left) = left else {
            return Self {
                cause: may_be_passed_over(&error).then(|| cause_of(&error)),
                has_shown: false,
                from,
                error,
                outcome: None,
            };
        };
        let (cause, error) = match error.code() {
            Code::Cancelled => (None, error),
            _ => (Some(left.cause), not_taken(left.error, &from, &error)),
        };
        Self {
            cause,
            has_shown: false,
            from: left.from,
            error,
            outcome: left.outcome,
        }
    }

    /// Ends the run with what remains of it.
    fn end(self) -> Result<Outcome> {
        match self.outcome {
            Some(outcome) => Ok(Outcome {
                error: Some(self.error),
                ..outcome
            }),
            None => Err(self.error),
        }
    }
}

impl Dispatch {
    /// Carries a run on by every way that may be taken, until one is complete or none is left. Tells
    /// everything but the last event.
    ///
    /// # Errors
    /// As [`Dispatch::run`].
    pub(super) async fn onward(
        &self,
        mut prepared: Prepared,
        sink: &Sink,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let mut auto = prepared.auto.take();
        let mut left = prepared.left.take();
        loop {
            prepared.instead_of = left.as_ref().map(Left::instead);
            let payer = prepared.route.payer.clone();
            let told = left.as_ref().map(|left| left.event(&payer));
            let ended = match self.attempt(&mut prepared, told, sink, cancel).await {
                Ok(mut attempt) => {
                    let Some(error) = attempt.outcome.error.take() else {
                        return Ok(attempt.outcome);
                    };
                    Ended {
                        cause: attempt.cause,
                        has_shown: attempt.has_shown,
                        from: payer,
                        error,
                        outcome: Some(attempt.outcome),
                    }
                }
                Err(error) => Ended::unbegun(error, payer, left.take()),
            };
            let Some(auto) = auto.as_deref_mut() else {
                return ended.end();
            };
            let is_over = cancel.is_cancelled() || sink.is_closed();
            match self.follow(auto, ended, is_over) {
                Ok((next, ready)) => {
                    prepared.turn_to(ready);
                    left = Some(next);
                }
                Err(ended) => return ended.end(),
            }
        }
    }

    /// Decides what follows on a way that ended early, and gives it back where nothing does. Each fallback
    /// is looked at anew: what the user has changed meanwhile holds.
    fn follow(
        &self,
        auto: &mut Auto,
        mut ended: Ended,
        is_over: bool,
    ) -> Result<(Left, Ready), Box<Ended>> {
        loop {
            let at = match auto.next(ended.cause, ended.has_shown) {
                Next::Take(at) => at,
                Next::Stop(stop) => {
                    ended.error = refused(ended.error, stop, auto);
                    return Err(Box::new(ended));
                }
            };
            if is_over {
                ended.error = Error::new(
                    Code::Cancelled,
                    "The run was cancelled before it went on another way.",
                );
                return Err(Box::new(ended));
            }
            let one = &mut auto.fallbacks[at];
            one.is_spent = true;
            match (self.still_holds(one), one.ready.take(), ended.cause) {
                (Ok(()), Some(ready), Some(cause)) => {
                    let left = Left {
                        cause,
                        from: ended.from,
                        error: ended.error,
                        outcome: ended.outcome,
                    };
                    return Ok((left, ready));
                }
                (Err(why), _, _) => {
                    ended.error = not_taken(ended.error, &one.payer_label, &why);
                }
                // Nothing that can be taken is without these.
                (Ok(()), _, _) => {}
            }
        }
    }

    /// Refuses a fallback that is not allowed any more, or whose payer is gone.
    fn still_holds(&self, one: &FallbackWay) -> Result<()> {
        self.db.read(|store| {
            if routing::allowed_at(store, &one.agreement.version)?.is_none() {
                return Err(Error::bad_input("You don't allow it any more."));
            }
            match &one.to.through {
                Through::Metered { key: Some(id) } | Through::Farm { key: Some(id), .. } => {
                    keys::usable(&keys::get(store, id)?)
                }
                Through::Subscription { login: Some(name) } => {
                    consent::require(store, Subject::Subscription)?;
                    plan::find(store, name).map(drop)
                }
                _ => Ok(()),
            }
        })
    }
}

/// Tells whether a way that could not begin may be passed over for another: it has to be its own trouble,
/// and neither the store's nor the user's wish.
fn may_be_passed_over(error: &Error) -> bool {
    !matches!(
        error.code(),
        Code::Cancelled | Code::StoreUnwritable | Code::StoreDamaged | Code::StoreNewer
    )
}

/// Adds to what ended a run why nothing follows, where the routing table has something for it.
pub(super) fn refused(error: Error, stop: Stop, auto: &Auto) -> Error {
    match stop {
        Stop::Shown | Stop::NoneLeft => error,
        Stop::NotAllowed(at) => {
            let (number, class) = (at + 1, auto.class);
            let payer = &auto.fallbacks[at].payer_label;
            let has_remedy = error.failure().remedy.is_some();
            let error = advised(
                error,
                &format!(
                    "Fallback {number} for {class} would go on with {payer}, but you have not allowed it."
                ),
            );
            match has_remedy {
                true => error,
                false => error.remedy(Remedy::AllowFallback),
            }
        }
        Stop::NotUsable(at) => {
            let one = &auto.fallbacks[at];
            let why = one.way.why_not.as_ref();
            let why = why.map_or("It can't be used.", |why| why.message.as_str());
            advised(error, &not_possible(&one.payer_label, why))
        }
    }
}

fn not_taken(error: Error, to: &str, why: &Error) -> Error {
    advised(error, &not_possible(to, why.message()))
}

fn not_possible(to: &str, why: &str) -> String {
    format!("You have allowed to go on with {to}, which was not possible: {why}")
}

fn advised(error: Error, more: &str) -> Error {
    let hint = match error.advice() {
        Some(hint) => format!("{hint} {more}"),
        None => more.to_owned(),
    };
    error.hint(hint)
}
