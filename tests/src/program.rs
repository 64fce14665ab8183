//! A process of the window's: found by the machine that it belongs to, whoever has started it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::machine::Machine;
use crate::planted::Planted;

/// How long a process may take to end. The product promises two seconds; a machine under load gets more.
const END_MAX: Duration = Duration::from_secs(10);

/// How much of a process's memory is looked at at once, and how much of that is looked at again, because
/// what is looked for may lie across the end.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 1 << 10;

/// One process. It is held by a descriptor, so that another one can't take its number unseen.
pub struct Program {
    folder: PathBuf,
    process: OwnedFd,
}

impl Program {
    /// Finds the one process of a machine that runs this program.
    pub(crate) fn of(machine: &Machine, name: &str) -> Self {
        let home = format!("HOME={}", machine.home().display());
        let all = std::fs::read_dir("/proc").expect("a list of processes");
        let found = all.flatten().map(|entry| entry.path()).filter(|folder| {
            let runs = std::fs::read_link(folder.join("exe")).unwrap_or_default();
            let variables = std::fs::read(folder.join("environ")).unwrap_or_default();
            runs.file_name() == Some(OsStr::new(name))
                && variables
                    .split(|byte| *byte == 0)
                    .any(|it| it == home.as_bytes())
        });
        // One that is just about to become another program looks like its parent, and has a higher number.
        let numbers = found.filter_map(|folder| folder.file_name()?.to_str()?.parse().ok());
        let number: i32 = numbers
            .min()
            .unwrap_or_else(|| panic!("no {name} is running"));
        let folder = Path::new("/proc").join(number.to_string());
        let pid = Pid::from_raw(number).expect("a process's number");
        let process = pidfd_open(pid, PidfdFlags::NONBLOCK).expect("the process is still there");
        Self { folder, process }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.process, signal).expect("the process takes signals");
    }

    /// Tells whether it is still running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        // One that has ended stays in the list until its parent has heard of it, without a file.
        std::fs::read_link(self.folder.join("exe")).is_ok()
    }

    /// Waits for its end, and returns how long that took.
    pub async fn ended(self) -> Duration {
        let start = Instant::now();
        let ended = tokio::task::spawn_blocking(move || {
            let mut process = [PollFd::new(&self.process, PollFlags::IN)];
            let limit = Timespec::try_from(END_MAX).expect("a small number");
            poll(&mut process, Some(&limit)).expect("a process that can be waited for")
        });
        let ended = ended.await.expect("it was waited for");
        assert_eq!(ended, 1, "{} does not end", self.folder.display());
        start.elapsed()
    }

    /// Tells whether a secret is anywhere in what the process has written to its memory.
    #[must_use]
    pub fn remembers(&self, planted: &Planted) -> bool {
        let memory = File::open(self.folder.join("mem")).expect("memory that can be read");
        let present = File::open(self.folder.join("pagemap")).expect("a map of pages");
        let maps = File::open(self.folder.join("maps")).expect("a list of regions");
        let lines = BufReader::new(maps).lines().map_while(Result::ok);
        lines
            .filter_map(|line| region(&line))
            .flat_map(|region| used(&present, region))
            .any(|(from, to)| is_in_memory(planted, &memory, from, to))
    }
}

/// Reads a line of `/proc/PID/maps`: where a region begins and ends, if it is written to.
fn region(line: &str) -> Option<(u64, u64)> {
    let (place, rest) = line.split_once(' ')?;
    if !rest.starts_with("rw") {
        return None;
    }
    let (from, to) = place.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(from)?, number(to)?))
}

/// Returns the parts of a region that were ever touched. A script engine reserves far more.
fn used(present: &File, (from, to): (u64, u64)) -> Vec<(u64, u64)> {
    let page = page_size();
    let mut parts: Vec<(u64, u64)> = Vec::new();
    let mut entries = vec![0; 1 << 16];
    let mut at = from;
    while at < to {
        let read = present.read_at(&mut entries, at / page * 8).unwrap_or(0);
        if read == 0 {
            break;
        }
        for entry in entries[..read].chunks_exact(8) {
            // In the eighth byte: present in memory, or swapped out.
            if at < to && entry[7] & 0b1100_0000 != 0 {
                match parts.last_mut() {
                    Some((_, end)) if *end == at => *end += page,
                    _ => parts.push((at, at + page)),
                }
            }
            at += page;
        }
    }
    parts
}

/// Returns how many bytes the kernel counts as one page.
fn page_size() -> u64 {
    let own = std::fs::read_to_string("/proc/self/smaps").expect("a list of regions");
    let sizes = own
        .lines()
        .filter_map(|line| line.strip_prefix("KernelPageSize:"));
    let mut kib = sizes.filter_map(|size| size.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.next().expect("a page's size") * 1024
}

fn is_in_memory(planted: &Planted, memory: &File, from: u64, to: u64) -> bool {
    let mut piece = vec![0; PIECE];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).map_or(PIECE, |left| left.min(PIECE));
        // Regions come and go while they are looked at.
        let Ok(read) = memory.read_at(&mut piece[..length], at) else {
            return false;
        };
        if planted.is_in(&piece[..read]) {
            return true;
        }
        if read < PIECE {
            return false;
        }
        at += u64::try_from(PIECE - OVERLAP).expect("a small number");
    }
    false
}
