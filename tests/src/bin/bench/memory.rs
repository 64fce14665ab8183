//! How much memory `switchyard send` takes for answers that no model gives: one endless line, and a
//! stream without end.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Child;

use crate::place::{Place, Server};
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

pub(crate) const MIB: f64 = 1024.0 * 1024.0;
const GROWTH: Target = Target::AtMost(32.0);
/// How often the high-water mark is read. It only rises, so all that can be missed is the end.
const LOOK: Duration = Duration::from_millis(1);

pub(crate) async fn measure(place: &Place, size: Size, report: &mut Report) -> Measured<()> {
    report.title("Memory of `switchyard send`: the most it takes, over that of a small run");
    if !std::path::Path::new("/proc/self/status").exists() {
        report.text("  not measured: this system has no /proc");
        return Ok(());
    }
    // Paced, so that it lives long enough to be looked at.
    let small = most(place, "small", &["--events", "50", "--pace-ms", "2"], 1).await?;
    report.figure("a small run", "MiB", &small);
    let line = most(place, "line", &["--line", "10000000"], 3).await?;
    report.judged("one line of 10 MB", "MiB", &over(&line, &small), GROWTH);
    let (name, bytes) = match size {
        Size::Quick => ("a stream of 64 MB", "64000000"),
        Size::Full | Size::Long | Size::Window | Size::Farm => ("a stream of 1 GB", "1000000000"),
    };
    let stream = most(place, "stream", &["--bytes", bytes], 1).await?;
    report.judged(name, "MiB", &over(&stream, &small), GROWTH);
    Ok(())
}

fn over(large: &Samples, small: &Samples) -> Samples {
    large.less(small.median())
}

/// Returns the high-water marks of some runs against a simulator with these arguments.
async fn most(place: &Place, name: &str, server: &[&str], times: usize) -> Measured<Samples> {
    let server = Server::start(server).await?;
    place.add_key(name, &server.url).await?;
    let mut marks = Samples::default();
    for _ in 0..times {
        let mut child = place
            .switchyard([
                "send",
                "--key",
                name,
                "--model",
                crate::send::MODEL,
                "Go on.",
            ])?
            .stdout(Stdio::piped())
            .spawn()?;
        marks.add(high_water(&mut child).await? / MIB);
        let status = child.wait().await?;
        if !status.success() {
            return Err(format!("`switchyard send` ended with {status}").into());
        }
    }
    Ok(marks)
}

/// Drains a child until it ends, and returns the most bytes that it had in memory.
async fn high_water(child: &mut Child) -> Measured<f64> {
    let mut output = child.stdout.take().ok_or("its output is not a pipe")?;
    let status = format!("/proc/{}/status", child.id().ok_or("it has ended already")?);
    let mut piece = vec![0; 256 * 1024];
    let mut most = 0.0_f64;
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            read = output.read(&mut piece) => if read? == 0 { break },
            _ = look.tick() => most = most.max(mark(&std::fs::read_to_string(&status)?)),
        }
    }
    // The answer is sealed and booked before the output is closed, so this is the whole of it.
    match most > 0.0 {
        true => Ok(most),
        false => Err("it ended before it could be looked at".into()),
    }
}

/// Reads the high-water mark out of a process's status, in bytes.
pub(crate) fn mark(status: &str) -> f64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse::<f64>().ok())
        .map_or(0.0, |kib| kib * 1024.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_mark_is_found_in_a_status() {
        let status = "VmPeak:\t  9999 kB\nVmHWM:\t    12 kB\n";
        assert_eq!(super::mark(status).to_string(), "12288");
        assert_eq!(super::mark("State:\tZ (zombie)\n").to_string(), "0");
    }
}
