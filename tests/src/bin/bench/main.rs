//! Measures Switchyard beside what one would use instead: both sides in one run, in turn, with the
//! spread. A figure that is missed is said to be; only what could not be measured is a failure.

mod engine;
mod farm;
mod ledger;
mod memory;
mod month;
mod place;
mod plan;
mod report;
mod rows;
mod scope;
mod send;
mod tree;
mod window;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use crate::place::Place;
use crate::report::Report;

/// What a measurement returns.
type Measured<T> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
usage: ./dev bench [--quick | --long | --window | --farm]

  --quick   fewer repetitions, 100 000 ledger rows, no long streams, no window: for CI
  --long    10 million ledger rows as well
  --window  the window alone
  --farm    the farm alone";

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Quick,
    Full,
    Long,
    Window,
    Farm,
}

impl Size {
    /// Returns how often something is measured.
    fn times(self, quick: usize, full: usize) -> usize {
        if self == Self::Quick { quick } else { full }
    }

    /// Returns a time that even a slow and busy machine stays far below.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Quick => 5 * 60,
            Self::Full | Self::Window | Self::Farm => 15 * 60,
            Self::Long => 60 * 60,
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut report = Report::new();
    let size = match size(std::env::args().skip(1)) {
        Ok(size) => size,
        Err(text) => {
            report.text(&text);
            return ExitCode::from(2);
        }
    };
    // Whichever comes first: dropping the work ends what it started and removes its folders.
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(size.limit(), measure(size, &mut report)) => {
            outcome.unwrap_or_else(|_| Err("it took far too long".into()))
        }
        () = interrupted() => Err("it was interrupted".into()),
    };
    match outcome {
        Ok(()) => {
            report.close();
            ExitCode::SUCCESS
        }
        Err(why) => {
            report.text(&format!("error: this could not be measured: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Waits for a signal to end; without signals, for ever.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn size(mut arguments: impl Iterator<Item = String>) -> Result<Size, String> {
    let usual = match std::env::var_os("SWITCHYARD_LONG_TESTS") {
        Some(_) => Size::Long,
        None => Size::Full,
    };
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(usual),
        (Some("--quick"), None) => Ok(Size::Quick),
        (Some("--long"), None) => Ok(Size::Long),
        (Some("--window"), None) => Ok(Size::Window),
        (Some("--farm"), None) => Ok(Size::Farm),
        _ => Err(HELP.to_owned()),
    }
}

async fn measure(size: Size, report: &mut Report) -> Measured<()> {
    if size == Size::Window {
        return window::measure(size, report).await;
    }
    let place = Place::with_open_vault().await?;
    if size == Size::Farm {
        farm::measure(&place, size, report).await?;
        return place.close().await;
    }
    send::measure(&place, size, report).await?;
    scope::measure(&place, size, report).await?;
    engine::measure(&place, size, report).await?;
    memory::measure(&place, size, report).await?;
    plan::measure(size, report).await?;
    farm::measure(&place, size, report).await?;
    place.close().await?;
    let many = if size == Size::Quick {
        100_000
    } else {
        1_000_000
    };
    let ledger = ledger::Ledger::of(many).await?;
    month::measure(&ledger, size, report).await?;
    rows::measure(&ledger, size, report).await?;
    drop(ledger);
    if size != Size::Quick {
        window::measure(size, report).await?;
    }
    if size == Size::Long {
        month::measure(&ledger::Ledger::of(10_000_000).await?, size, report).await?;
    }
    Ok(())
}
