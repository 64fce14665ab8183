//! Keys that are planted in a test, and the search for their bytes wherever they must not be.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Secrets made for one test. No two tests share one, and none is a real key.
#[derive(Clone, Debug, Default)]
pub struct Planted(Vec<String>);

impl Planted {
    /// Makes a key of the usual length with this prefix, such as `sk-ant-api03-`.
    pub fn key(&mut self, prefix: &str) -> String {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let key = format!("{prefix}{}{}{}AA", random(), random(), random());
        // Either half alone would be too much already, as a text that was cut may show.
        let (first, second) = key.split_at(key.len() / 2);
        self.0.extend([first.to_owned(), second.to_owned()]);
        key
    }

    /// Counts a text as a secret of this test, such as a passphrase or a prompt.
    pub fn text(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    /// Returns every place under `folder` that holds one of the secrets, readable or not.
    #[must_use]
    pub fn found_under(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for path in files_under(folder) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let name = path.display().to_string();
            if self.is_in(&bytes) {
                found.push(format!("in the file {name}"));
            }
            if self.is_in(name.as_bytes()) {
                found.push(format!("in the name of {name}"));
            }
        }
        found
    }

    /// Tells whether any of the secrets is in `bytes`: as it is, in UTF-16, in base64 or
    /// in hexadecimal digits of either case.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let forms: Vec<_> = self.0.iter().flat_map(|secret| forms(secret)).collect();
        let mut begins = [false; 256];
        for form in &forms {
            begins[usize::from(form[0])] = true;
        }
        // Once through for all forms: a process's memory is large.
        bytes.iter().enumerate().any(|(at, byte)| {
            begins[usize::from(*byte)] && forms.iter().any(|form| bytes[at..].starts_with(form))
        })
    }

    /// Looks at the arguments of every process from now until [`Watch::end`].
    #[must_use]
    pub fn watch_arguments(&self) -> Watch {
        self.watch(Self::look_at_arguments)
    }

    /// As [`Planted::watch_arguments`], at the environment of every process that may be looked at.
    #[must_use]
    pub fn watch_environments(&self) -> Watch {
        self.watch(Self::look_at_environments)
    }

    fn watch(&self, look: fn(&Self, &mut Vec<String>)) -> Watch {
        let (planted, ended) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let (until, seen) = (Arc::clone(&ended), Arc::new(AtomicBool::new(false)));
        let has_seen = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            let mut found = Vec::new();
            let mut rounds = 0_u64;
            while !until.load(Ordering::Relaxed) || rounds == 0 {
                look(&planted, &mut found);
                rounds += 1;
                seen.store(!found.is_empty(), Ordering::Relaxed);
                std::thread::yield_now();
            }
            found
        });
        Watch {
            ended,
            has_seen,
            thread,
        }
    }

    fn look_at_arguments(&self, found: &mut Vec<String>) {
        for process in processes() {
            if self.is_in(&std::fs::read(process.join("cmdline")).unwrap_or_default()) {
                found.push(format!("in the arguments of process {}", process.display()));
            }
        }
    }

    /// Names each program once.
    fn look_at_environments(&self, found: &mut Vec<String>) {
        for process in processes() {
            let program = || std::fs::read_link(process.join("exe"));
            // Whoever ends meanwhile has no name afterwards, and whoever becomes another program has another one.
            let before = program();
            if self.is_in(&std::fs::read(process.join("environ")).unwrap_or_default()) {
                let program = program().or(before).unwrap_or_default();
                let seen = format!("in the environment of {}", program.display());
                if !found.contains(&seen) {
                    found.push(seen);
                }
            }
        }
    }
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.map(|process| process.path())
}

/// A running look at all processes.
pub struct Watch {
    ended: Arc<AtomicBool>,
    has_seen: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Watch {
    /// Tells whether a secret has been seen by now.
    #[must_use]
    pub fn has_seen(&self) -> bool {
        self.has_seen.load(Ordering::Relaxed)
    }

    /// Ends it and returns where a secret was seen.
    #[must_use]
    pub fn end(self) -> Vec<String> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watch ran to its end")
    }
}

/// Returns the ways in which a secret could have been written down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let plain = secret.as_bytes();
    let wide = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = plain
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into_bytes();
    let capitals = hex.to_ascii_uppercase();
    let mut forms = vec![plain.to_vec(), wide, hex, capitals];
    // In base64 a text looks different at each of three offsets; its ends are left out, because they
    // mix with what stands beside it.
    for offset in 0..3 {
        let shifted = [&vec![0; offset], plain].concat();
        let coded = base64(&shifted);
        forms.push(coded[4..coded.len().saturating_sub(4).max(5)].to_vec());
    }
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = Vec::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            coded.push(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]);
        }
    }
    coded
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return files;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_under(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}
