//! The simulator as a program, for the demo and for measuring.
//!
//! Prints one line of JSON with its URL when it is ready, and ends when standard input ends or on
//! SIGTERM, so that it never outlives its parent. Keys come as lines on standard input.

mod flags;
mod key_lines;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use switchyard_simulator::{Script, Simulator};
use tokio::sync::mpsc;

use crate::flags::Flags;

/// The exit code for a command line that makes no sense.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = match Flags::parse(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(problem) => {
            tell(&format!("{problem}\n{}", flags::HELP));
            return ExitCode::from(USAGE);
        }
    };
    if flags.help {
        return code(writeln!(io::stdout(), "{}", flags::HELP));
    }
    code(run(&flags).await)
}

async fn run(flags: &Flags) -> io::Result<()> {
    let script = Script::new().any_key().otherwise(flags.answer());
    let simulator = Simulator::bind(flags.port, script)?;
    let ready = serde_json::json!({
        "simulated": true,
        "notice": "SIMULATED: no model is called and nothing is billed",
        "url": simulator.base_url(),
        "port": simulator.address().port(),
    });
    writeln!(io::stdout(), "{ready}")?;
    tokio::select! {
        ended = follow(&simulator) => ended,
        ended = terminated() => ended,
    }
}

/// Takes keys from standard input until it ends.
async fn follow(simulator: &Simulator) -> io::Result<()> {
    let (sender, mut lines) = mpsc::unbounded_channel();
    // A thread of its own: a read of standard input cannot be cancelled, and must not keep the
    // program from ending on a signal.
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        })?;
    while let Some(line) = lines.recv().await {
        match key_lines::parse(&line) {
            Ok((key, state)) => simulator.set_key(key, state),
            Err(problem) => tell(&problem),
        }
    }
    Ok(())
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn code(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("The simulator could not go on: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard error; there is nobody left to tell when that fails.
fn tell(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}
