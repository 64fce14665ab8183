//! `switchyard send` as a whole process, beside `curl -N` with the same body on the same server.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use switchyard_core::dispatch::{MAX_TOKENS, Request};
use tokio::process::Command;

use crate::place::{Place, Server, program};
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

pub(crate) const MODEL: &str = "claude-haiku-5-5";
const PROMPT: &str = "Why do trains need switches? Answer in a few short sentences.";

pub(crate) async fn measure(place: &Place, size: Size, report: &mut Report) -> Measured<()> {
    report.title(
        "`switchyard send` beside `curl -N`: the whole process, 200 events, vault open in an agent",
    );
    let paced = Server::start(["--events", "200", "--pace-ms", "5"]).await?;
    let (curl, send) = side_by_side(place, &paced, "paced", size.times(5, 15)).await?;
    report.figure("5 ms apart: curl", "ms", &curl);
    report.figure("5 ms apart: send", "ms", &send);
    report.judged(
        "5 ms apart: send ÷ curl",
        "×",
        &send.beside(&curl),
        Target::AtMost(1.08),
    );
    let unpaced = Server::start(["--events", "200"]).await?;
    let (curl, send) = side_by_side(place, &unpaced, "unpaced", size.times(20, 60)).await?;
    report.figure("at once: curl", "ms", &curl);
    report.figure("at once: send", "ms", &send);
    report.judged(
        "at once: send ÷ curl",
        "×",
        &send.beside(&curl),
        Target::AtMost(4.0),
    );
    Ok(())
}

async fn side_by_side(
    place: &Place,
    server: &Server,
    name: &str,
    times: usize,
) -> Measured<(Samples, Samples)> {
    let key = place.add_key(name, &server.url).await?;
    let request = Request {
        model: MODEL.to_owned(),
        prompt: PROMPT.to_owned(),
        ..Request::default()
    };
    let body = place.file("body.json", &request.body(MAX_TOKENS)?)?;
    let head = format!(
        "x-api-key: {key}\nanthropic-version: 2023-06-01\ncontent-type: application/json\n"
    );
    let head = place.file("headers", head.as_bytes())?;
    let curl = || curl(server, &head, &body);
    let send = || place.switchyard(["send", "--key", name, "--model", MODEL, PROMPT]);
    // The first of each reads its program from the disk.
    timed(curl()).await?;
    timed(send()?).await?;
    let (mut of_curl, mut of_send) = (Samples::default(), Samples::default());
    for turn in 0..times {
        // Neither is always the one that finds the machine warmed by the other.
        if turn % 2 == 0 {
            of_curl.add_time(timed(curl()).await?);
            of_send.add_time(timed(send()?).await?);
        } else {
            of_send.add_time(timed(send()?).await?);
            of_curl.add_time(timed(curl()).await?);
        }
    }
    Ok((of_curl, of_send))
}

fn curl(server: &Server, head: &std::path::Path, body: &std::path::Path) -> Command {
    let mut command = program(&PathBuf::from("curl"));
    command.args(["--silent", "--no-buffer", "--fail", "--header"]);
    command
        .arg(format!("@{}", head.display()))
        .arg("--data-binary");
    command.arg(format!("@{}", body.display()));
    command.arg(format!("{}/v1/messages", server.url));
    command
}

/// Runs a command to its end and returns how long that took.
pub(crate) async fn timed(mut command: Command) -> Measured<Duration> {
    let begin = Instant::now();
    let status = command.status().await?;
    let time = begin.elapsed();
    match status.success() {
        true => Ok(time),
        false => Err(format!("{:?} ended with {status}", command.as_std().get_program()).into()),
    }
}
