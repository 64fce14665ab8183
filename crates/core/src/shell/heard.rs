//! Everything that was heard in answer to one question, and what follows from it.

use std::collections::BTreeSet;
use std::path::Path;

use super::claude_settings::{Setting, SettingsFiles};
use super::files::{Scanned, Search};
use super::in_force::Layers;
use super::login_shell::{Dialect, Exported};
use super::place::Place;
use super::precedence::{Credential, Login, Payer, Shape, Source, decide};
use super::report::{self, Next, Report};
use super::{Asker, Question, claude_settings, environment, files, findings, in_force, login};
use super::{login_shell, names};
use crate::claude::Cli;
use crate::secret::ApiKey;

/// All that was found, before it is judged.
pub(super) struct Heard<'a> {
    question: &'a Question,
    /// The environment that "right now" means.
    judged: Vec<Setting>,
    /// The environment of the next login shell, where it is another and was heard.
    next: Option<Vec<Setting>>,
    /// What is judged is the next login shell's, as it was heard.
    judges_next: bool,
    scanned: Scanned,
    login: Login,
    cli: Option<Cli>,
    notes: Vec<String>,
}

impl<'a> Heard<'a> {
    /// Asks everyone at the same time.
    pub(super) async fn of(question: &'a Question) -> Self {
        let shell = question.shell();
        let dialect = shell.as_deref().map_or(Dialect::None, Dialect::of);
        let managed = question.managed();
        let config = question.variable(names::CONFIG_DIR);
        let own_files = claude_settings::read(&question.folders(&managed, config));
        let (exported, scanned, (cli, login, cli_notes)) = tokio::join!(
            ask_shell(question, shell.as_deref()),
            async { scan(question, dialect) },
            login::ask(question, &own_files, config),
        );
        let mut notes = own_files.notes.clone();
        notes.extend(scanned.notes.iter().cloned());
        notes.extend(cli_notes);
        let exported = exported.unwrap_or_else(|note| {
            notes.push(note);
            None
        });
        let own = environment::attributed(
            in_force::from_environment(question.variables(), &Place::Environment),
            &scanned,
        );
        let next = exported.map(|exported| environment::next(&exported, &own, &scanned));
        let (judged, next, judges_next) = match (question.asker, next) {
            (Asker::Terminal, next) => (own, next, false),
            (Asker::Desktop, Some(next)) => (next, None, true),
            (Asker::Desktop, None) => {
                notes.push(
                    "The start-up files were read, but the shell itself was not heard.".to_owned(),
                );
                (environment::guessed(&own, &scanned), None, false)
            }
        };
        Self {
            question,
            judged,
            next,
            judges_next,
            scanned,
            login,
            cli,
            notes,
        }
    }

    /// Returns the key that pays, where it is written down and is an API key.
    pub(super) fn paying_key(&self) -> Option<(Credential, ApiKey)> {
        let (files, present) = self.around(&self.judged);
        let layers = Layers {
            environment: &self.judged,
            files: &files,
            profiles: &present,
        };
        let Payer::One {
            source: Source::Credential(credential),
        } = decide(&layers.facts(&self.login))
        else {
            return None;
        };
        // A key within custom headers stands in no setting of its own.
        let setting = layers.in_force(&credential.name)?;
        let key = ApiKey::new(setting.value.expose().trim().to_owned());
        let is_it = credential.shape == Shape::ApiKey && key.last4() == credential.last4;
        is_it.then_some((credential, key))
    }

    /// Judges it.
    pub(super) fn report(self) -> Report {
        let question = self.question;
        let home = &question.home;
        let (files, present) = self.around(&self.judged);
        let layers = Layers {
            environment: &self.judged,
            files: &files,
            profiles: &present,
        };
        let payer = decide(&layers.facts(&self.login));
        let later = self.next.as_deref();
        let later = later.and_then(|environment| self.later(environment, &payer));
        let next = match self.judges_next {
            true => Some(&*self.judged),
            false => self.next.as_deref(),
        };
        let mut notes = self.notes;
        notes.extend(findings::warnings(&payer, &self.scanned, home));
        Report {
            sentence: report::sentence(&payer, home),
            redirect: findings::redirect(&layers, &payer, home),
            next: later,
            findings: findings::all(&findings::Found {
                layers: &layers,
                payer: &payer,
                next,
                scanned: &self.scanned,
                login: &self.login,
                dot_env: &files::dot_env(&question.working),
                home,
            }),
            payer,
            notes,
            cli: self.cli,
        }
    }

    /// Says who a terminal opened next bills, where that is someone else.
    fn later(&self, environment: &[Setting], payer: &Payer) -> Option<Next> {
        let (files, present) = self.around(environment);
        let layers = Layers {
            environment,
            files: &files,
            profiles: &present,
        };
        let later = decide(&layers.facts(&self.login));
        (!later.is_same(payer)).then(|| Next {
            sentence: format!(
                "In a new terminal, plain `claude -p` {}.",
                report::billed(&later, &self.question.home)
            ),
            payer: later,
        })
    }

    /// Reads the settings files and profiles that an environment leads to.
    fn around(&self, environment: &[Setting]) -> (SettingsFiles, BTreeSet<String>) {
        let managed = self.question.managed();
        let config = environment::value_of(environment, names::CONFIG_DIR);
        let files = claude_settings::read(&self.question.folders(&managed, config));
        (files, environment::profiles(self.question, environment))
    }
}

/// Asks the login shell, or says in a note why there is no answer.
async fn ask_shell(question: &Question, shell: Option<&Path>) -> Result<Option<Exported>, String> {
    let Some(deadline) = question.shell_deadline else {
        return Ok(None);
    };
    let Some(shell) = shell else {
        return Err("Your login shell is not known, so it was not asked.".to_owned());
    };
    login_shell::exported(shell, question.scrubbed(), deadline)
        .await
        .map(Some)
        .map_err(|error| error.message().to_owned())
}

/// Reads the start-up files.
pub(super) fn scan(question: &Question, dialect: Dialect) -> Scanned {
    files::scan(&Search {
        home: &question.home,
        root: &question.root,
        dialect,
        zdotdir: question.variable("ZDOTDIR").map(Path::new),
        config: question.variable("XDG_CONFIG_HOME").map(Path::new),
    })
}
