//! The hosts that the user's ssh configuration names.
//!
//! Only the names are read here. What `ssh` makes of a name it decides itself at each connection, so that
//! jump hosts, `Match` and all else go on to hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Found, NewHost, Source};
use crate::error::{Error, Failure, Result};
use crate::ssh::{self, Destination, Target};

/// The most bytes of a configuration that are read.
const FILE_MAX: u64 = 1 << 20;

/// How deep files may include one another; `ssh` itself goes to 16.
const DEPTH_MAX: usize = 16;

/// The most files that are read.
const FILES_MAX: usize = 256;

/// Reads the names of an ssh configuration and of what it includes; what it calls by a pattern is no host.
/// `pattern` is what else holds for each: slots, labels and the like.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) when the file can't be read.
pub fn from_ssh_config(file: &Path, pattern: &NewHost) -> Result<Found> {
    let mut names = Names::default();
    names.read(file, 0).map_err(|e| {
        Error::bad_input(format!(
            "The ssh configuration {} can't be read: {e}.",
            crate::text::shown(&file.display().to_string(), 200)
        ))
    })?;
    let hosts = names.found.into_iter().map(|name| {
        let new = NewHost {
            name: name.clone(),
            destination: name.clone(),
            ..pattern.clone()
        };
        (name, new)
    });
    Ok(Found {
        source: Source::SshConfig,
        hosts: hosts.collect(),
        others: Vec::new(),
        tag: None,
        refused: Vec::new(),
        // The file names all that there are.
        scopes: BTreeSet::from([String::new()]),
    })
}

/// Leaves out what `ssh` can make nothing of, and what is there for git alone: such a box runs nothing.
/// Nothing is connected to.
pub async fn left_out(mut found: Found, config: &Path) -> Found {
    for (name, new) in std::mem::take(&mut found.hosts) {
        match resolved(&new, config).await {
            Ok(()) => found.hosts.push((name, new)),
            Err(error) => {
                let failure = Failure::from(&error);
                // One that is known already is not gone by that.
                found.others.push(name.clone());
                found.refused.push((crate::text::shown(&name, 60), failure));
            }
        }
    }
    found
}

async fn resolved(new: &NewHost, config: &Path) -> Result<()> {
    let target = Target {
        name: new.name.clone(),
        destination: Destination::parse(&new.destination)?,
        port: None,
        identity: None,
        config: Some(config.to_owned()),
    };
    match ssh::resolve(&target).await?.user.as_str() {
        "git" => Err(Error::bad_input("It is there for git, and runs nothing.")),
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Names {
    found: Vec<String>,
    files: usize,
}

impl Names {
    fn read(&mut self, file: &Path, depth: usize) -> std::io::Result<()> {
        use std::io::Read;
        self.files += 1;
        if depth > DEPTH_MAX || self.files > FILES_MAX {
            return Ok(());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(file)?
            .take(FILE_MAX)
            .read_to_end(&mut bytes)?;
        for line in String::from_utf8_lossy(&bytes).lines() {
            let words = words(line);
            let Some((keyword, rest)) = words.split_first() else {
                continue;
            };
            if keyword.eq_ignore_ascii_case("host") {
                self.take(rest);
            } else if keyword.eq_ignore_ascii_case("include") {
                for pattern in rest {
                    for included in matching(pattern, file) {
                        // One that can't be read is left out, as by `ssh`.
                        let _ = self.read(&included, depth + 1);
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, names: &[String]) {
        for name in names {
            let is_pattern = name.contains(['*', '?', '!']);
            if !is_pattern && !self.found.contains(name) {
                self.found.push(name.clone());
            }
        }
    }
}

/// Takes a line apart as `ssh` does: blanks or one equals sign behind the keyword, quotes around a word.
fn words(line: &str) -> Vec<String> {
    let line = line.trim();
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    if keyword.is_empty() || keyword.starts_with('#') {
        return Vec::new();
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let mut words = vec![keyword.to_owned()];
    let (mut word, mut is_quoted, mut has_begun) = (String::new(), false, false);
    for c in rest.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                has_begun = true;
            }
            c if c.is_whitespace() && !is_quoted => {
                if std::mem::take(&mut has_begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            '#' if !has_begun => break,
            c => {
                word.push(c);
                has_begun = true;
            }
        }
    }
    if has_begun {
        words.push(word);
    }
    words
}

/// Returns the files that an `Include` names: below `~/.ssh` unless it says where, `*` in the last part.
fn matching(pattern: &str, from: &Path) -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let path = match pattern.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if Path::new(pattern).is_absolute() => PathBuf::from(pattern),
        // `ssh` takes the folder of the user's configuration, which is where this one lies.
        None => from.parent().unwrap_or(&home).join(pattern),
    };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else {
        return vec![path];
    };
    let Some(folder) = path.parent() else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_long_enough = name.len() >= before.len() + after.len();
            is_long_enough
                && !name.starts_with('.')
                && name.starts_with(before)
                && name.ends_with(after)
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_a_configuration_and_of_what_it_includes_are_found_and_patterns_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        write(
            "config.d/farm",
            "Host included\n  User me\nInclude config.d/farm\n",
        );
        write("config.d/other", "Host other-*\n");
        let file = write(
            "config",
            "Include config.d/*\n# Host commented\nHost one two *.example !not\n  HostName 10.0.0.1\n\
             HOST=three\nHost \"four\" # five\nMatch host six\nHost -oProxyCommand=x\nHost one\n",
        );
        let found = from_ssh_config(&file, &NewHost::default()).unwrap();
        let names: Vec<_> = found.hosts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "included",
                "one",
                "two",
                "three",
                "four",
                "-oProxyCommand=x"
            ]
        );
        assert!(from_ssh_config(&folder.path().join("none"), &NewHost::default()).is_err());
    }
}
