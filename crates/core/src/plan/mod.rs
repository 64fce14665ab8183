//! The user's own plan as a payer: its logins, what is known of them, and the `claude` processes that
//! go on between two prompts.
//!
//! No token is kept here, and none is read from a file: a login is a name for a folder that the CLI
//! keeps it in, or for a variable that the user keeps it in.

mod live;
mod log_in;
mod logins;
mod seen;
mod spare;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::child::Environment;
use crate::claude::{Login, Loopback, Process, Program, Start};
use crate::db::{Db, private_folder};
use crate::error::{Error, Remedy, Result};
use crate::settings::Setting;

pub use live::Wanted;
pub use logins::{LOGIN, LOGINS, Place, PlanLogin, add, chosen, find, remove, select};
pub use seen::{Known, known, note_account, note_limits};
pub use spare::WARM_SPARE;

use live::Live;
use spare::Spare;

/// The CLI that the user points to; found where installers put it where absent.
pub const PROGRAM: Setting<Option<PathBuf>> = Setting {
    name: "plan.program",
    default: || None,
    check: |program| match program {
        Some(path) if !path.is_absolute() => {
            Err(Error::bad_input("That is not the whole path of a program.")
                .hint("Write it from the root on, such as /usr/local/bin/claude."))
        }
        _ => Ok(()),
    },
};

/// Where the tier's processes come from. Clones share them.
#[derive(Clone)]
pub struct Plan(Arc<Shared>);

struct Shared {
    db: Db,
    working: PathBuf,
    kept: PathBuf,
    server: Server,
    /// The program as it passed the gate, with what the user had pointed to.
    program: Mutex<Option<(Option<PathBuf>, Program)>>,
    live: Mutex<Live>,
    spare: Mutex<Spare>,
}

/// Where the credential of a plan is sent.
#[derive(Clone, Copy)]
enum Server {
    Anthropic,
    /// To a stand-in on this machine, in tests and in the demo.
    Here(Loopback),
    Nowhere,
}

impl Plan {
    /// Makes the plan of a store. Nothing is looked for or started.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self::with(db, Server::Anthropic)
    }

    /// As [`Plan::new`], with a server on this machine in place of Anthropic's, for tests and for the demo.
    #[must_use]
    pub fn simulated(db: Db, server: Loopback) -> Self {
        Self::with(db, Server::Here(server))
    }

    /// Makes the plan of sample data that has no such server: it is sent nowhere.
    #[must_use]
    pub fn closed(db: Db) -> Self {
        Self::with(db, Server::Nowhere)
    }

    fn with(db: Db, server: Server) -> Self {
        Self(Arc::new(Shared {
            working: db.paths().working(),
            kept: db.paths().kept(),
            db,
            server,
            program: Mutex::default(),
            live: Mutex::default(),
            spare: Mutex::default(),
        }))
    }

    /// Refuses a login of the user's where another server stands in for Anthropic's: only one that was made
    /// for that, within the store's own folder or in a variable, is given to it.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput).
    pub fn check(&self, login: &PlanLogin) -> Result<()> {
        let data = self.0.db.paths().data();
        let is_of_the_store = |folder: &Path| folder.starts_with(data) && folder != data;
        let is_made_for_it = match &login.place {
            // On macOS the usual login lies in the user's keychain, wherever the home is.
            Place::Usual => {
                cfg!(not(target_os = "macos"))
                    && std::env::home_dir().is_some_and(|home| is_of_the_store(&home))
            }
            Place::Folder { folder } => is_of_the_store(folder),
            Place::Variable { .. } => true,
        };
        match self.0.server {
            Server::Anthropic => Ok(()),
            Server::Here(_) if is_made_for_it => Ok(()),
            Server::Here(_) => Err(Error::bad_input(
                "This is sample data: a login of yours is not sent to a simulated server.",
            )
            .hint("Choose the sample login.")),
            Server::Nowhere => Err(Error::bad_input(
                "This is sample data, and its plan has no simulated server here.",
            )
            .hint("Its window has one; or send with one of the sample keys.")),
        }
    }

    /// Returns the CLI, once it has passed the gate; one that was updated since passes it anew.
    ///
    /// # Errors
    /// What is missing, with the command that mends it.
    pub async fn program(&self) -> Result<Program> {
        let mut passed = self.0.program.lock().await;
        let pointed = self.0.db.read(|store| PROGRAM.get(store))?;
        if let Some((of, program)) = passed.as_ref()
            && *of == pointed
            && program.is_unchanged()
        {
            return Ok(program.clone());
        }
        let home = std::env::home_dir().unwrap_or_default();
        let path = std::env::var_os("PATH");
        let environment = Environment::scrubbed_own();
        let gate = Program::gate(pointed.as_deref(), path.as_deref(), &home, &environment);
        let program = gate.await.map_err(|missing| {
            *passed = None;
            Error::from(missing).remedy(Remedy::PointToClaude)
        })?;
        *passed = Some((pointed, program.clone()));
        Ok(program)
    }

    /// Starts a `claude` with this login and asks it who pays. Nothing is sent to a server by that.
    ///
    /// # Errors
    /// As [`Plan::program`], and when the CLI would bill anybody else.
    pub async fn start(&self, login: Login, wanted: &Wanted) -> Result<Process> {
        let program = self.program().await?;
        let (working, kept) = (self.0.working.clone(), self.0.kept.clone());
        private_folder(&working)?;
        private_folder(&kept)?;
        let (model, effort) = (&wanted.model, wanted.effort);
        let mut start = Start::new(program, login, model, effort, working, kept)?;
        if let Server::Here(server) = self.0.server {
            start = start.at_loopback(server);
        }
        start.spawn()?.initialize(wanted.system.as_deref()).await
    }
}
