//! Many runs: the lines of a file through `switchyard send --each-line`, beside GNU parallel with the same
//! `claude` on the same boxes.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::boxes::{BOXES, Boxes, KEY, Over, SLOTS};
use crate::memory::{MIB, mark};
use crate::place::Place;
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

/// Lines that wait while memory is looked at.
const QUEUED: usize = 10_000;
/// How many of them are answered by then.
const ANSWERED: usize = 64;

pub(super) async fn measure(
    place: &Place,
    boxes: &Boxes,
    size: Size,
    report: &mut Report,
) -> Measured<()> {
    let lines = Lines { place, boxes };
    report.title(
        "The lines of a file on the farm: four boxes with four slots, two commits a run, booked in the ledger",
    );
    // Every host is asked how it stands before its first run, and once a day after that.
    place.done(["hosts", "probe"]).await?;
    boxes.answering_after(1)?;
    let slots = BOXES.len() * SLOTS;
    let mut busy = Samples::default();
    for _ in 0..size.times(1, 3) {
        let count = size.times(160, 320);
        busy.add(lines.own("slots", count).await? / rate(slots, Duration::from_secs(1))? * 100.0);
    }
    report.judged("slots busy, runs of 1 s", "%", &busy, Target::AtLeast(95.0));
    boxes.answering_after(0)?;
    lines.beside_parallel(size, report).await?;
    let peak = lines.queued().await?;
    report.judged(
        "memory, 10,000 lines queued",
        "MiB",
        &peak,
        Target::AtMost(100.0),
    );
    Ok(())
}

struct Lines<'a> {
    place: &'a Place,
    boxes: &'a Boxes,
}

impl Lines<'_> {
    /// Sends so many lines with answers at once, in turn by each way, and writes how many a second were done.
    async fn beside_parallel(&self, size: Size, report: &mut Report) -> Measured<()> {
        let connections = self.boxes.connect().await?;
        let (mut own, mut plain, mut shared) = <(Samples, Samples, Samples)>::default();
        for _ in 0..size.times(2, 5) {
            own.add(self.own("at once", size.times(128, 320)).await?);
            let count = size.times(64, 320);
            shared.add(self.parallel(Over::OpenConnections, count).await?);
            let count = size.times(16, 64);
            plain.add(self.parallel(Over::NewConnections, count).await?);
        }
        drop(connections);
        report.figure("answers at once: `send --each-line`", "runs/s", &own);
        report.figure("GNU parallel --sshlogin", "runs/s", &plain);
        report.figure("GNU parallel, connections open", "runs/s", &shared);
        report.judged(
            "lines ÷ parallel",
            "×",
            &own.beside(&plain),
            Target::AtLeast(5.0),
        );
        report.judged(
            "lines ÷ parallel, connections open",
            "×",
            &own.beside(&shared),
            Target::AtLeast(1.0),
        );
        Ok(())
    }

    /// Sends so many lines over the farm and returns how many a second were done, once all are booked.
    async fn own(&self, name: &str, count: usize) -> Measured<f64> {
        let prompts = self.prompts(name, count)?;
        let before = self.booked()?;
        let begin = Instant::now();
        let mut child = self.send(&prompts)?.stdout(Stdio::piped()).spawn()?;
        let results = answers(child.stdout.take(), "\"state\":\"finished\"").await?;
        let ended = child.wait().await?;
        let took = begin.elapsed();
        let booked = self.booked()? - before;
        if !ended.success() || results != count || booked != i64::try_from(count)? {
            return Err(
                format!("of {count} lines, {results} came back and {booked} were booked").into(),
            );
        }
        rate(count, took)
    }

    /// Does the same with GNU parallel.
    async fn parallel(&self, over: Over, count: usize) -> Measured<f64> {
        let prompts = self.prompts("parallel", count)?;
        let mut parallel = self.boxes.parallel(over, &prompts)?;
        let begin = Instant::now();
        let mut child = parallel.spawn()?;
        let results = answers(child.stdout.take(), "\"subtype\":\"success\"").await?;
        let ended = child.wait().await?;
        let took = begin.elapsed();
        match ended.success() && results == count {
            true => rate(count, took),
            false => Err(format!("of {count} prompts, parallel brought {results} back").into()),
        }
    }

    /// Returns the most memory that a call takes while thousands of lines wait.
    async fn queued(&self) -> Measured<Samples> {
        let prompts = self.prompts("queued", QUEUED)?;
        let mut child = self.send(&prompts)?.stdout(Stdio::piped()).spawn()?;
        let status = format!("/proc/{}/status", child.id().ok_or("it has ended already")?);
        let output = child.stdout.take().ok_or("its output is not a pipe")?;
        let mut results = BufReader::new(output).lines();
        for _ in 0..ANSWERED {
            results.next_line().await?.ok_or("it ended too early")?;
        }
        let mut peak = Samples::default();
        peak.add(mark(&std::fs::read_to_string(&status)?) / MIB);
        // Once lets what is under way come to its end.
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        }
        while results.next_line().await?.is_some() {}
        child.wait().await?;
        Ok(peak)
    }

    fn send(&self, prompts: &Path) -> Measured<Command> {
        let mut arguments = vec!["send", "--tier", "farm", "--key", KEY, "--anew"];
        arguments.extend(["--model", super::MODEL, "--each-line"]);
        let mut send = self.place.switchyard(arguments)?;
        send.arg(prompts);
        Ok(send)
    }

    fn prompts(&self, name: &str, count: usize) -> Measured<std::path::PathBuf> {
        let lines = (1..=count).map(|number| {
            let words = "and a few words more, as prompts have them";
            format!("Prompt number {number}, {words}.\n")
        });
        self.place.file(name, lines.collect::<String>().as_bytes())
    }

    /// Returns how many runs of the farm are in the ledger.
    fn booked(&self) -> Measured<i64> {
        let store = rusqlite::Connection::open(self.place.paths().database())?;
        let count = "SELECT count(*) FROM key_usage WHERE tier = 'farm' AND host_id IS NOT NULL";
        Ok(store.query_row(count, [], |row| row.get(0))?)
    }
}

/// Returns how many a second are done.
fn rate(count: usize, took: Duration) -> Measured<f64> {
    Ok(f64::from(u32::try_from(count)?) / took.as_secs_f64())
}

/// Reads all of an output, and returns in how many lines there is a word.
async fn answers(output: Option<impl AsyncReadExt + Unpin>, word: &str) -> Measured<usize> {
    let mut text = String::new();
    let mut output = output.ok_or("its output is not a pipe")?;
    output.read_to_string(&mut text).await?;
    Ok(text.lines().filter(|line| line.contains(word)).count())
}
