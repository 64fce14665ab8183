//! The composition root: each part is opened when it is first needed, and once.

mod farm;
mod instance;
mod listed;
mod plan_status;
mod routing;
mod standing;
mod tidy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rusqlite::Connection;

use crate::agent::{Access, Ask, Asked, Question};
use crate::claude::Loopback;
use crate::clock::{Clock, Millis};
use crate::db::{self, Db};
use crate::demo;
use crate::dispatch::{self, Dispatch, Recovered};
use crate::error::Result;
use crate::farm::Farm;
use crate::http::{Http, HttpSettings};
use crate::paths::Paths;
use crate::plan::Plan;
use crate::vault::{self, Keychain, Vault};

pub use farm::ShownKey;
pub use instance::{KEEP_IN_TRAY, OneWindow};
pub use listed::{Listed, SETTINGS, setting};
pub use plan_status::{LoginRow, PlanStatus};
pub use routing::RoutingRow;
pub use standing::Standing;
pub use tidy::TIDIED_AT;

/// Everything that a face works with. Making one opens nothing.
pub struct App {
    paths: Paths,
    clock: Clock,
    face: &'static str,
    ask: Arc<dyn Ask>,
    db: OnceLock<Db>,
    vault: OnceLock<Vault>,
    access: OnceLock<Arc<Access>>,
    http: OnceLock<Http>,
    plan: OnceLock<Plan>,
    farm: OnceLock<Farm>,
    plan_server: Option<Loopback>,
    opening: Mutex<()>,
}

impl App {
    /// Takes the user's own folders and the system's clock. `face` names this program in runs and
    /// in the audit; `ask` is how it asks for a passphrase.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when there is no home folder.
    pub fn new(face: &'static str, ask: Arc<dyn Ask>) -> Result<Self> {
        Ok(Self::at(Paths::of_user()?, Clock::system(), face, ask))
    }

    /// As [`App::new`], in folders and a time of one's own.
    #[must_use]
    pub fn at(paths: Paths, clock: Clock, face: &'static str, ask: Arc<dyn Ask>) -> Self {
        Self {
            paths,
            clock,
            face,
            ask,
            db: OnceLock::new(),
            vault: OnceLock::new(),
            access: OnceLock::new(),
            http: OnceLock::new(),
            plan: OnceLock::new(),
            farm: OnceLock::new(),
            plan_server: None,
            opening: Mutex::new(()),
        }
    }

    /// Sends what the user's plan would pay for to a server on this machine: for the demo and for tests.
    /// No setting and no variable does that.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) for an address of another machine.
    pub fn simulated(mut self, server: SocketAddr) -> Result<Self> {
        self.plan_server = Some(Loopback::new(server)?);
        Ok(self)
    }

    /// Returns the folders.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Returns the name of this face.
    #[must_use]
    pub fn face(&self) -> &'static str {
        self.face
    }

    /// Opens the store, making it where there is none.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn db(&self) -> Result<&Db> {
        self.once(&self.db, || Db::open(&self.paths, &self.clock))
    }

    /// Opens the store if there is one.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn db_if_any(&self) -> Result<Option<&Db>> {
        match Db::exists(&self.paths) {
            false => Ok(None),
            true => self.db().map(Some),
        }
    }

    /// Reads the store, at the clock's time.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read<T>(&self, job: impl FnOnce(&Connection, Millis) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        self.db()?.read(|store| job(store, now))
    }

    /// Writes to the store, at the clock's time.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, Millis) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let now = self.clock.now();
        self.db()?.write(move |store| job(store, now)).await
    }

    /// Puts a copy in the place of the store, which this process must not have opened, and locks its
    /// vault for all. Returns the folder in which the store that was is now; `None` where there was
    /// none. Runs that were booked, and keys that were added, since the copy was made are not in it.
    ///
    /// # Errors
    /// As [`db::restore`]; nothing is changed then.
    pub fn restore(&self, copy: &Path) -> Result<Option<PathBuf>> {
        let now = self.clock.now();
        db::restore(&self.paths, copy, now, |store| {
            vault::lock_stored(store, self.face, now)
        })
    }

    /// Returns this process's own vault, locked until somebody opens it.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn vault(&self) -> Result<&Vault> {
        let db = self.db()?;
        self.once(&self.vault, || {
            Ok(Vault::of(db.clone(), Keychain::of_system(), self.face))
        })
    }

    /// Returns the way to an open vault: the agent, the keychain, or a question.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn access(&self) -> Result<&Arc<Access>> {
        let vault = self.vault()?;
        self.once(&self.access, || {
            Ok(self.access_with(vault, Shared(Arc::clone(&self.ask))))
        })
    }

    /// Returns the way to an open vault that asks nobody: the agent, or the keychain.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn access_quietly(&self) -> Result<Arc<Access>> {
        Ok(self.access_with(self.vault()?, Nobody))
    }

    /// Returns the one HTTP client, set up as the settings say.
    ///
    /// # Errors
    /// As [`App::db`], and when a setting can't be used.
    pub fn http(&self) -> Result<&Http> {
        let db = self.db()?;
        self.once(&self.http, || {
            db.read(HttpSettings::load)
                .map(|settings| Http::new(&settings))
        })
    }

    /// Returns the user's plan. Nothing is looked for or started by that.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn plan(&self) -> Result<&Plan> {
        let db = self.db()?;
        self.once(&self.plan, || match self.plan_server {
            Some(server) => Ok(Plan::simulated(db.clone(), server)),
            None if db.read(|store| demo::IS_SIMULATED.get(store))? => Ok(Plan::closed(db.clone())),
            None => Ok(Plan::new(db.clone())),
        })
    }

    /// Ends every `claude` of the user's plan that waits for a prompt: nobody looks at where it would come from, or
    /// the conversations that it knows are locked away.
    pub async fn cool_plan(&self) {
        if let Some(plan) = self.plan.get() {
            plan.cool().await;
        }
    }

    /// Returns what sends prompts. Where the vault is locked, the user is asked.
    ///
    /// # Errors
    /// As [`App::http`].
    pub fn dispatch(&self) -> Result<Dispatch> {
        self.dispatch_through(Arc::clone(self.access()?))
    }

    /// Returns what sends prompts and lists runs without ever asking the user for anything.
    ///
    /// # Errors
    /// As [`App::http`].
    pub fn dispatch_quietly(&self) -> Result<Dispatch> {
        self.dispatch_through(self.access_quietly()?)
    }

    /// Books the runs whose own process could not, and returns which they were. Costs one short read
    /// where there are none, so that every list and sum can begin with it.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when they can't be booked; the
    /// next call goes on.
    pub async fn catch_up(&self) -> Result<Recovered> {
        dispatch::recover(self.db()?).await
    }

    fn dispatch_through(&self, access: Arc<Access>) -> Result<Dispatch> {
        Ok(Dispatch {
            db: self.db()?.clone(),
            http: self.http()?.clone(),
            vault: access,
            plan: self.plan()?.clone(),
            farm: self.farm()?.clone(),
            face: self.face,
        })
    }

    fn access_with(&self, vault: &Vault, ask: impl Ask + 'static) -> Arc<Access> {
        Arc::new(Access::new(
            self.paths.clone(),
            vault.clone(),
            self.face,
            ask,
        ))
    }

    fn once<'a, T>(
        &self,
        slot: &'a OnceLock<T>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<&'a T> {
        if let Some(made) = slot.get() {
            return Ok(made);
        }
        // Two at once must not open the store twice: each opening is an owner of runs.
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = slot.get() {
            return Ok(made);
        }
        let made = make()?;
        Ok(slot.get_or_init(|| made))
    }
}

/// The face's own way to ask, shared.
struct Shared(Arc<dyn Ask>);

impl Ask for Shared {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        self.0.ask(question)
    }

    fn waiting(&self, is_waiting: bool) {
        self.0.waiting(is_waiting);
    }
}

/// Nobody is asked: what is not open stays closed.
struct Nobody;

impl Ask for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None))
    }
}
