//! The window's processes as the kernel accounts for them: when they began, and what memory is theirs.

use std::path::Path;

use switchyard_core::clock::Clock;

use crate::Measured;

/// Clock ticks in a second, as `/proc` counts them: the same on every Linux that there is.
const TICKS: f64 = 100.0;

/// A program and what it has started.
pub(crate) struct Tree {
    root: u32,
}

impl Tree {
    /// Finds the one process that runs `program` for the user of `home`.
    pub(crate) fn of(program: &Path, home: &Path) -> Measured<Self> {
        let program = program.canonicalize()?;
        let home = format!("HOME={}", home.display());
        for number in processes()? {
            let folder = format!("/proc/{number}");
            let runs = std::fs::read_link(format!("{folder}/exe")).unwrap_or_default();
            let variables = std::fs::read(format!("{folder}/environ")).unwrap_or_default();
            if runs == program
                && variables
                    .split(|byte| *byte == 0)
                    .any(|it| it == home.as_bytes())
            {
                return Ok(Self { root: number });
            }
        }
        Err(format!("{} is not running", program.display()).into())
    }

    /// Returns when the first process began, in milliseconds since 1970. The kernel says it in steps
    /// of 10 ms.
    pub(crate) fn began(&self) -> Measured<f64> {
        let ticks: f64 = field(self.root, 19).ok_or("it has ended")?.parse()?;
        let uptime = std::fs::read_to_string("/proc/uptime")?;
        let uptime: f64 = uptime.split(' ').next().unwrap_or_default().parse()?;
        Ok(now() - (uptime - ticks / TICKS) * 1_000.0)
    }

    /// Returns the memory of all its processes in MiB, each page shared out among those that map it.
    pub(crate) fn memory(&self) -> Measured<f64> {
        let mut kib = 0.0;
        for number in self.processes()? {
            // One may have ended since.
            let sums = std::fs::read_to_string(format!("/proc/{number}/smaps_rollup"));
            kib += pss(&sums.unwrap_or_default());
        }
        Ok(kib / 1024.0)
    }

    /// Returns the first process and all that descend from it.
    fn processes(&self) -> Measured<Vec<u32>> {
        let parents: Vec<(u32, Option<u32>)> = processes()?
            .into_iter()
            .map(|number| (number, field(number, 1).and_then(|text| text.parse().ok())))
            .collect();
        let mut found = vec![self.root];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let children = parents.iter().filter(|(_, of)| *of == Some(parent));
            found.extend(children.map(|(number, _)| *number));
            at += 1;
        }
        Ok(found)
    }
}

/// Returns the time in milliseconds since 1970, as a page tells it.
fn now() -> f64 {
    let now = Clock::system().now().timestamp().as_duration();
    now.as_secs_f64() * 1_000.0
}

fn processes() -> Measured<Vec<u32>> {
    let entries = std::fs::read_dir("/proc")?.flatten();
    Ok(entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

/// Returns a field of a process's `stat`, counted from the state, which is behind the name.
fn field(process: u32, number: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // A name may hold spaces and brackets of its own.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(number).map(str::to_owned)
}

/// Reads the proportional share out of a process's sums, in KiB.
fn pss(sums: &str) -> f64 {
    let mut lines = sums.lines().filter_map(|line| line.strip_prefix("Pss:"));
    let kib = lines
        .next()
        .and_then(|rest| rest.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_memory_is_found_among_the_sums() {
        let sums = "Rss:   900 kB\nPss:     12 kB\nPss_Dirty:   9 kB\n";
        assert_eq!(pss(sums).to_string(), "12");
        assert_eq!(pss("").to_string(), "0");
    }

    #[test]
    fn this_process_began_before_now_and_has_memory() {
        let own = Tree {
            root: std::process::id(),
        };
        let age = now() - own.began().unwrap();
        // The kernel and we round.
        assert!((-100.0..3_600_000.0).contains(&age), "{age}");
        assert!(own.memory().unwrap() > 0.5);
    }
}
