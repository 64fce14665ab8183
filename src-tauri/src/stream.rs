//! From the core's events to the page: pieces of text that come within one frame go together, so
//! that a fast model costs the page one repaint and not fifty.

use std::time::Duration;

use switchyard_core::dispatch::{Dispatch, Prepared, RunEvent, channel};
use switchyard_core::{Code, Error, Result};
use tauri::ipc::Channel;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// One frame at 60 Hz.
const FRAME: Duration = Duration::from_millis(16);

/// Sends a prepared request and passes its events to the page until the run is booked.
///
/// # Errors
/// As [`Dispatch::run`]; what goes wrong later is in the last event.
pub(crate) async fn run(
    dispatch: &Dispatch,
    prepared: Prepared,
    cancel: CancellationToken,
    page: &Channel<RunEvent>,
) -> Result<()> {
    let (sink, events) = channel();
    let (outcome, _) = tokio::join!(dispatch.run(prepared, sink, cancel), pass_on(events, page));
    outcome.map(drop)
}

/// Passes events on. Ends early when the page is gone: then nobody reads the run, and it is ended.
async fn pass_on(mut events: Receiver<RunEvent>, page: &Channel<RunEvent>) -> Result<()> {
    let gone = |error| Error::new(Code::Cancelled, "The page is gone.").because(error);
    let mut held: Option<RunEvent> = None;
    while let Some(event) = events.recv().await {
        let until = Instant::now() + FRAME;
        held = Some(event);
        while let Ok(Some(next)) = timeout_at(until, events.recv()).await {
            held = match joined(held.take(), next) {
                Ok(both) => Some(both),
                Err((first, next)) => {
                    if let Some(first) = first {
                        page.send(first).map_err(gone)?;
                    }
                    Some(next)
                }
            };
        }
        if let Some(event) = held.take() {
            page.send(event).map_err(gone)?;
        }
    }
    held.map_or(Ok(()), |event| page.send(event).map_err(gone))
}

/// Joins two pieces of the same kind, or gives both back.
fn joined(
    first: Option<RunEvent>,
    next: RunEvent,
) -> Result<RunEvent, (Option<RunEvent>, RunEvent)> {
    match (first, next) {
        (Some(RunEvent::Text { mut text }), RunEvent::Text { text: more }) => {
            text.push_str(&more);
            Ok(RunEvent::Text { text })
        }
        (Some(RunEvent::Thinking { mut text }), RunEvent::Thinking { text: more }) => {
            text.push_str(&more);
            Ok(RunEvent::Thinking { text })
        }
        // The counts are totals, so the newer one says it all.
        (Some(RunEvent::Usage { .. }), newer @ RunEvent::Usage { .. }) => Ok(newer),
        (None, only) => Ok(only),
        (first, next) => Err((first, next)),
    }
}
