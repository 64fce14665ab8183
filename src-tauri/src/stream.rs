//! From the core's events to the page: pieces of text that come within one frame go together, so
//! that a fast model costs the page one repaint and not fifty.

use std::time::Duration;

use switchyard_core::dispatch::{Dispatch, Flight, Prepared, RunEvent, channel};
use switchyard_core::id::RunId;
use switchyard_core::{Code, Error, Result};
use tauri::ipc::Channel;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

/// One frame at 60 Hz.
const FRAME: Duration = Duration::from_millis(16);

/// Sends a prepared request and passes its events to the page until the run is booked.
///
/// # Errors
/// As [`Dispatch::run`]; what goes wrong later is in the last event.
pub(crate) async fn run(
    dispatch: &Dispatch,
    prepared: Prepared,
    flight: &Flight,
    page: &Channel<RunEvent>,
    sent: impl Fn(),
) -> Result<()> {
    let (sink, events) = channel();
    let run = dispatch.run(prepared, sink, flight.cancel.clone());
    let began = |run| {
        flight.began(run);
        sent();
    };
    let (outcome, _) = tokio::join!(run, pass_on(events, page, began));
    outcome.map(drop)
}

/// Passes events on, and says which run they are of. Nothing tells that a page is gone: the run then
/// goes on, and is in the history when another page comes.
async fn pass_on(
    mut events: Receiver<RunEvent>,
    page: &Channel<RunEvent>,
    began: impl Fn(RunId),
) -> Result<()> {
    let gone = |error| Error::new(Code::Cancelled, "The page is gone.").because(error);
    while let Some(mut held) = events.recv().await {
        if let RunEvent::Started { run, .. } = &held {
            began(*run);
        }
        let until = Instant::now() + FRAME;
        while let Ok(Some(next)) = timeout_at(until, events.recv()).await {
            if let Some(other) = join(&mut held, next) {
                page.send(std::mem::replace(&mut held, other))
                    .map_err(gone)?;
            }
        }
        page.send(held).map_err(gone)?;
    }
    Ok(())
}

/// Adds `next` to what is held, or gives it back where the two don't go together.
fn join(held: &mut RunEvent, next: RunEvent) -> Option<RunEvent> {
    match (held, next) {
        (RunEvent::Text { text }, RunEvent::Text { text: more })
        | (RunEvent::Thinking { text }, RunEvent::Thinking { text: more }) => {
            text.push_str(&more);
            None
        }
        (RunEvent::Replaced { text }, RunEvent::Text { text: more }) => {
            text.push_str(&more);
            None
        }
        // All of the answer so far is void, what is held of it as well.
        (
            held @ (RunEvent::Text { .. } | RunEvent::Replaced { .. }),
            next @ RunEvent::Replaced { .. },
        ) => {
            *held = next;
            None
        }
        (RunEvent::Limits { limits }, RunEvent::Limits { limits: newer }) => {
            *limits = newer;
            None
        }
        // The counts are totals, so the newer ones say it all.
        (RunEvent::Usage { tokens }, RunEvent::Usage { tokens: newer }) => {
            *tokens = newer;
            None
        }
        (_, other) => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tauri::ipc::InvokeResponseBody;

    use super::*;

    #[tokio::test]
    async fn pieces_of_one_frame_go_together_and_nothing_changes_its_order() {
        let text = |text: &str| RunEvent::Text {
            text: text.to_owned(),
        };
        let (sink, events) = channel();
        for event in [
            text("a"),
            text("b"),
            RunEvent::Thinking {
                text: "c".to_owned(),
            },
            text("d"),
            RunEvent::Replaced {
                text: "x".to_owned(),
            },
            text("e"),
        ] {
            sink.send(event).await.unwrap();
        }
        drop(sink);
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let page = Channel::new(move |body| {
            let InvokeResponseBody::Json(body) = body else {
                panic!("events are JSON")
            };
            let event: serde_json::Value = serde_json::from_str(&body)?;
            heard.lock().unwrap().push(event["text"].clone());
            Ok(())
        });
        pass_on(events, &page, |_| ()).await.unwrap();
        assert_eq!(*told.lock().unwrap(), ["ab", "c", "xe"]);
    }
}
