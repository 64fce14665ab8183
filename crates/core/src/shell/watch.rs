//! Notices that something which decides who pays was changed: a start-up file of the shell, a settings
//! file of Claude Code, its state, its login.
//!
//! The CLI writes its state at every turn, also when it is only asked who pays. So what matters in the
//! files is compared, and not their times.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::login_shell::Dialect;
use super::place::Place;
use super::{Question, claude_settings, heard, names};
use crate::error::{Error, Result};
use crate::secret::ApiKey;

/// How long it is waited for what comes together: an editor writes a file in several steps.
const TOGETHER: Duration = Duration::from_millis(500);

/// The file of the CLI's login, where no keychain has it. Only whether it is there is looked at.
const LOGIN: &str = ".credentials.json";

/// A stream of "who pays may be someone else now".
pub struct Changes {
    question: Question,
    keys: RandomState,
    seen: u64,
    /// The files that are read, whether they are there or not.
    files: Arc<Mutex<BTreeSet<PathBuf>>>,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    woken: mpsc::Receiver<()>,
}

impl Changes {
    /// Begins to watch what the answer to `question` is read from.
    ///
    /// # Errors
    /// [`Code::Failed`](crate::error::Code::Failed) when the system can't watch files.
    pub fn watch(question: Question) -> Result<Self> {
        // One waiting wake-up is enough: it stands for all that came since.
        let (wake, woken) = mpsc::channel(1);
        let files = Arc::new(Mutex::new(BTreeSet::new()));
        let (own, home) = (Arc::clone(&files), question.home.clone());
        // Much happens in a home folder that is nothing to us.
        let is_ours = move |path: &PathBuf| {
            path.parent() != Some(&home)
                || own
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .contains(path)
        };
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let concerns_us = event.map_or(true, |event| {
                !event.kind.is_access() && event.paths.iter().any(&is_ours)
            });
            if concerns_us {
                let _ = wake.try_send(());
            }
        });
        let watcher = watcher.map_err(|e| {
            Error::failed("Changes of who pays can't be noticed.")
                .hint("They show when the window is come back to.")
                .because(e)
        })?;
        let mut changes = Self {
            question,
            keys: RandomState::new(),
            seen: 0,
            files,
            watcher,
            watched: BTreeSet::new(),
            woken,
        };
        changes.seen = changes.look();
        Ok(changes)
    }

    /// Waits until something that decides who pays has changed.
    ///
    /// # Errors
    /// [`Code::Failed`](crate::error::Code::Failed) when nothing is watched any more.
    pub async fn next(&mut self) -> Result<()> {
        loop {
            if self.woken.recv().await.is_none() {
                return Err(Error::failed("Who pays is no longer watched."));
            }
            sleep(TOGETHER).await;
            let now = self.look();
            if now != self.seen {
                self.seen = now;
                return Ok(());
            }
        }
    }

    /// Returns a digest of what matters in the files, and watches where they are.
    fn look(&mut self) -> u64 {
        let config = self.question.variable(names::CONFIG_DIR).map(str::to_owned);
        let managed = self.question.managed();
        let dialect = self
            .question
            .shell()
            .as_deref()
            .map_or(Dialect::None, Dialect::of);
        let scanned = heard::scan(&self.question, dialect);
        let folders = self.question.folders(&managed, config.as_deref());
        let settings = claude_settings::read(&folders);
        let login = folders.config_dir().join(LOGIN);
        let mut read: BTreeSet<PathBuf> = scanned.files.into_iter().collect();
        read.extend(folders.files());
        read.insert(login.clone());
        let lines = scanned.lines.iter().map(|line| {
            let value = line.value.as_ref().map(ApiKey::expose);
            (&line.name, value, line.removes, place(&line.place))
        });
        let set = settings.settings.iter().map(|one| {
            let value = Some(one.value.expose());
            (&one.name, value, false, place(&one.place))
        });
        let helpers = settings.helpers.iter();
        let helpers = helpers.map(|helper| (helper.is_set, place(&helper.place)));
        let console = settings.console_key.as_ref().map(|(key, _)| key.expose());
        let digest = self.keys.hash_one((
            lines.chain(set).collect::<Vec<_>>(),
            helpers.collect::<Vec<_>>(),
            console,
            settings.refused.as_ref().map(place),
            login.exists(),
        ));
        self.follow(&read);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = read;
        digest
    }

    /// Watches the folders of files, those that are there: a file is often replaced, and may not be there
    /// yet.
    fn follow(&mut self, files: &BTreeSet<PathBuf>) {
        let folders = files.iter().filter_map(|file| file.parent());
        for folder in folders.filter(|folder| folder.is_dir()) {
            if self.watched.contains(folder) {
                continue;
            }
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(folder.to_owned())),
                Err(error) => tracing::debug!(%error, "a folder is not watched"),
            }
        }
    }
}

/// A place as far as it decides anything: where in a file something stands does not.
fn place(place: &Place) -> Option<OsString> {
    let path: Option<&Path> = match place {
        Place::ShellFile { path, .. }
        | Place::Settings { path, .. }
        | Place::DotEnv { path, .. } => Some(path),
        Place::Environment | Place::LoginShell | Place::Login => None,
    };
    path.map(|path| path.as_os_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Asker;
    use super::*;

    fn question(home: &Path) -> Question {
        Question {
            asker: Asker::Desktop,
            environment: vec![("SHELL".into(), "/bin/bash".into())],
            home: home.to_owned(),
            working: home.to_owned(),
            root: home.join("root"),
            shell_deadline: None,
            cli_deadline: None,
            cli: None,
        }
    }

    async fn is_told(changes: &mut Changes) -> bool {
        let told = tokio::time::timeout(Duration::from_secs(10), changes.next());
        told.await.is_ok_and(|told| told.is_ok())
    }

    #[tokio::test]
    async fn a_key_that_comes_back_is_noticed_and_what_decides_nothing_is_not() {
        let home = tempfile::tempdir().unwrap();
        let profile = home.path().join(".bashrc");
        let settings = home.path().join(".claude/settings.json");
        std::fs::create_dir_all(home.path().join(".claude")).unwrap();
        std::fs::write(&profile, "alias a=b\n").unwrap();
        let mut changes = Changes::watch(question(home.path())).unwrap();
        let first = changes.seen;

        std::fs::write(&profile, "alias a=c\n\n").unwrap();
        std::fs::write(home.path().join(".claude.json"), r#"{"numStartups":7}"#).unwrap();
        assert_eq!(changes.look(), first, "neither decides who pays");

        std::fs::write(&profile, "export ANTHROPIC_API_KEY=one\n").unwrap();
        assert!(is_told(&mut changes).await);
        std::fs::write(&settings, r#"{"env":{"ANTHROPIC_AUTH_TOKEN":"two"}}"#).unwrap();
        assert!(is_told(&mut changes).await);
        std::fs::write(home.path().join(".claude").join(LOGIN), "{}").unwrap();
        assert!(is_told(&mut changes).await);
        std::fs::remove_file(&profile).unwrap();
        assert!(is_told(&mut changes).await);
    }
}
