//! What the window works with: the core, and what only a window has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use switchyard_core::agent::{Answered, Ask, Asked, Question};
use switchyard_core::app::SETTINGS;
use switchyard_core::clock::Clock;
use switchyard_core::dispatch::{self, Details, InFlight, Models, RunEvent, Summary};
use switchyard_core::http::Endpoint;
use switchyard_core::id::{KeyId, RunId};
use switchyard_core::keys::{self, Key};
use switchyard_core::paths::Paths;
use switchyard_core::shell::{self, Asker};
use switchyard_core::text::shown;
use switchyard_core::usage::report::{self, Filter, Range, Report};
use switchyard_core::vault::Custody;
use switchyard_core::{App, Code, Error, Result};
use tauri::AppHandle;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tauri_plugin_opener::OpenerExt;
use tokio::sync::{Notify, watch};

use crate::attachments::Attachments;
use crate::clipboard::Lent;
use crate::failure;
use crate::followers::Followers;
use crate::inputs::{Draft, LeftDraft, NewKey, NewSlot, NewVault, Opener, TakeOver};
use crate::replies::{Added, Attached, Change, Checked, Chosen, Created, Offer, SettingRow};
use crate::{links, stream, window};

/// How old the answer to who pays may be when the window is come back to.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How much of a page's fault is logged, in columns of text.
const FAULT_MAX: usize = 2_000;

/// The state behind every command.
pub(crate) struct Desktop {
    pub(crate) app: App,
    pub(crate) in_flight: InFlight,
    pub(crate) attachments: Attachments,
    pub(crate) followers: Followers,
    pub(crate) lent: Lent,
    /// Whether a page has shown its first screen.
    pub(crate) is_shown: watch::Sender<bool>,
    /// Whether an icon was put into the tray.
    pub(crate) has_tray: watch::Sender<bool>,
    /// Something was chosen in the tray's menu.
    pub(crate) tray_used: Notify,
    pub(crate) handle: AppHandle,
    /// Nothing of this is to be kept.
    pub(crate) is_demo: bool,
    /// When it was last found out who pays.
    looked: Mutex<Option<Instant>>,
    left: Mutex<LeftDraft>,
    /// What is done for the demo behind its window.
    talk: Mutex<Option<JoinHandle<()>>>,
}

impl Desktop {
    /// Makes it on the store of `paths`, which `is_demo` says is thrown away afterwards; `server` then
    /// stands in for Anthropic's.
    pub(crate) fn new(
        handle: AppHandle,
        paths: Paths,
        is_demo: bool,
        server: Option<SocketAddr>,
    ) -> Result<Self> {
        let followers = Followers::default();
        let ask = Arc::new(InPlace(followers.clone()));
        let app = App::at(paths, Clock::system(), "window", ask);
        Ok(Self {
            app: match server {
                Some(server) => app.simulated(server)?,
                None => app,
            },
            in_flight: InFlight::default(),
            attachments: Attachments::default(),
            followers,
            lent: Lent::default(),
            is_shown: watch::Sender::new(false),
            has_tray: watch::Sender::new(false),
            tray_used: Notify::new(),
            handle,
            is_demo,
            looked: Mutex::default(),
            left: Mutex::default(),
            talk: Mutex::default(),
        })
    }

    /// Waits until something changed that the page may show, and returns what; the page asks again at once.
    pub(crate) async fn next_changes(&self) -> Result<Vec<Change>> {
        if self.followers.greets() {
            tracing::info!("a page is shown");
            // The files of a page that went without a word would stay for ever.
            self.attachments.keep_only(&self.left().draft.attachments);
        }
        Ok(self.followers.next().await)
    }

    pub(crate) fn report_fault(&self, fault: &str) -> Result<()> {
        tracing::error!(fault = %shown(fault, FAULT_MAX), "the page failed");
        Ok(())
    }

    /// Has the page look again at who pays: whoever comes back from a terminal may have changed it
    /// there. It starts a shell and the CLI, so not each time that windows are changed.
    pub(crate) fn come_back_to(&self) {
        let looked = *self.looked();
        if looked.is_none_or(|at| at.elapsed() > LOOK_AGAIN) {
            self.followers.tell(Change::Who);
        }
    }

    /// Keeps what stands in the editor: a window that is closed takes its page with it.
    pub(crate) fn keep_draft(&self, left: LeftDraft) {
        *self.left() = left;
    }

    pub(crate) fn left(&self) -> MutexGuard<'_, LeftDraft> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn talk(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn who(&self) -> Result<shell::Report> {
        *self.looked() = Some(Instant::now());
        Ok(shell::who(&shell::Question::of_this_process(Asker::Desktop)?).await)
    }

    /// Looking makes no store where there is none.
    pub(crate) fn keys(&self) -> Result<Vec<keys::Row>> {
        match self.app.db_if_any()? {
            Some(_) => self.app.read(keys::rows),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn add_key(&self, new: NewKey) -> Result<Added> {
        self.store(new.classified()?).await
    }

    pub(crate) async fn take_over(&self, wanted: TakeOver) -> Result<Added> {
        let question = shell::Question::of_this_process(Asker::Desktop)?;
        self.store(wanted.of(shell::paying_key(&question).await)?)
            .await
    }

    async fn store(&self, new: keys::NewKey) -> Result<Added> {
        let (db, access, http) = (self.app.db()?, self.app.access()?, self.app.http()?);
        let added = keys::add(db, access.as_ref(), http, new, self.app.face()).await?;
        Ok(added.into())
    }

    pub(crate) async fn check_key(&self, id: &KeyId) -> Result<Checked> {
        let (db, access, http) = (self.app.db()?, self.app.access()?, self.app.http()?);
        Ok(keys::check(db, access.as_ref(), http, id).await?.into())
    }

    pub(crate) async fn test_key(&self, id: &KeyId) -> Result<Checked> {
        // It costs something, so the end of the program waits until it is booked.
        let _flight = self.in_flight.enter(format!("test {id}"));
        let checked = self.app.dispatch()?.check_with_real_call(id).await?;
        Ok(checked.into())
    }

    pub(crate) async fn remove_key(&self, id: &KeyId) -> Result<Key> {
        keys::remove(self.app.db()?, id, self.app.face()).await
    }

    pub(crate) async fn copy_key(&self, id: &KeyId) -> Result<()> {
        let key = self.app.read(|store, _| keys::get(store, id))?;
        let custody = self.app.access()?;
        let secret = custody
            .open_key(id, key.base_url.as_deref(), "copy")
            .await?;
        self.lent.lend(&self.handle, &secret)
    }

    pub(crate) async fn make_vault(&self, new: NewVault) -> Result<Created> {
        let created = self.app.access()?.create(new.into()).await?;
        self.followers.tell(Change::Store);
        Ok(created.into())
    }

    pub(crate) async fn add_slot(&self, new: &NewSlot) -> Result<Option<String>> {
        let code = self.app.access()?.add_slot(new.into()).await?;
        Ok(code.map(|code| code.expose().to_owned()))
    }

    pub(crate) async fn unlock(&self, opener: &Opener) -> Result<()> {
        self.app.access()?.unlock_with(opener.with()).await
    }

    pub(crate) async fn lock(&self) -> Result<()> {
        self.app.access()?.lock_all().await
    }

    pub(crate) fn models(&self, key: Option<&KeyId>) -> Result<Models> {
        self.app.read(|store, now| {
            let key = key.map(|id| keys::get(store, id)).transpose()?;
            let endpoint = Endpoint::parse(key.and_then(|key| key.base_url).as_deref())?;
            dispatch::models(store, &endpoint, now)
        })
    }

    pub(crate) async fn preflight(&self, draft: Draft) -> Result<Offer> {
        let (dispatch, is_new) = (self.app.dispatch()?, draft.reply_to.is_none());
        let mut prepared = dispatch.preflight(self.ask(draft)?, own_variable).await?;
        let offer = Offer::of(&mut prepared);
        // A reply has a process of its own that waits, and nobody waits where there is no window.
        if is_new && window::is_visible(&self.handle) {
            dispatch.warm(prepared)?;
        }
        Ok(offer)
    }

    pub(crate) async fn send(
        &self,
        draft: Draft,
        name: String,
        events: Channel<RunEvent>,
    ) -> Result<()> {
        let flight = self.in_flight.enter(name);
        let (prompt, shown) = (draft.prompt.clone(), draft.shown.clone());
        let (dispatch, ask) = (self.app.dispatch()?, self.ask(draft)?);
        // A page that is gone by the time that it is sent can't say so.
        let sent = || {
            let mut left = self.left();
            if left.draft.prompt == prompt {
                left.draft.prompt.clear();
                left.draft.attachments.clear();
                left.files.clear();
            }
        };
        let prepared = dispatch.preflight(ask, own_variable).await?;
        prepared.expect(shown.as_ref())?;
        stream::run(&dispatch, prepared, &flight, &events, sent).await
    }

    pub(crate) fn cancel_run(&self, run: RunId) -> Result<()> {
        match self.in_flight.cancel_run(run) {
            true => Ok(()),
            false => Err(Error::new(
                Code::NotFound,
                format!("Run {run} is not under way in this window."),
            )
            .hint("It has ended, or another program sends it: cancel it there.")),
        }
    }

    pub(crate) async fn choose_files(&self) -> Chosen {
        let (chosen, files) = tokio::sync::oneshot::channel();
        self.handle.dialog().file().pick_files(move |files| {
            // The page may be gone by the time that the user has chosen.
            let _ = chosen.send(files);
        });
        let files = files.await.ok().flatten().unwrap_or_default();
        let paths = files.into_iter().filter_map(|file| file.into_path().ok());
        let mut chosen = Chosen {
            attached: Vec::new(),
            trouble: None,
        };
        for path in paths {
            match self.attachments.read(&path) {
                Ok(attached) => chosen.attached.push(attached),
                Err(error) => chosen.trouble = chosen.trouble.or(Some(failure(&error))),
            }
        }
        chosen
    }

    /// Returns whether it was saved; the user may have changed their mind.
    pub(crate) async fn save_text(&self, name: &str, text: &str) -> Result<bool> {
        let (chosen, path) = tokio::sync::oneshot::channel();
        let dialog = self.handle.dialog().file().set_file_name(name);
        dialog.save_file(move |path| {
            let _ = chosen.send(path);
        });
        let path = path.await.ok().flatten().map(FilePath::into_path);
        let Some(Ok(path)) = path else {
            return Ok(false);
        };
        let written = tokio::fs::write(&path, text).await;
        written.map(|()| true).map_err(|e| {
            let path = shown(&path.display().to_string(), 200);
            Error::failed(format!("{path} could not be written."))
                .hint("Choose another folder, or free some space.")
                .because(e)
        })
    }

    pub(crate) fn attach(&self, name: &str, body: &str) -> Result<Attached> {
        let body = STANDARD
            .decode(body)
            .map_err(|e| Error::bad_input("The file did not arrive whole.").because(e))?;
        self.attachments.keep(name, body)
    }

    pub(crate) async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<Summary>> {
        self.catch_up().await;
        self.app.dispatch()?.history(before, limit).await
    }

    pub(crate) async fn usage(&self, range: Range, filter: &Filter) -> Result<Report> {
        self.catch_up().await;
        self.app
            .read(|store, now| report::report(store, range, filter, now))
    }

    /// Books what other processes left, so that what is shown is complete. A store that can't be
    /// written still shows what it has.
    async fn catch_up(&self) {
        if let Err(error) = self.app.catch_up().await {
            tracing::warn!(%error, "runs could not be booked yet");
        }
    }

    pub(crate) async fn run(&self, run: RunId) -> Result<Details> {
        self.app.dispatch()?.show(run).await
    }

    pub(crate) fn settings(&self) -> Result<Vec<SettingRow>> {
        self.app.read(|store, _| {
            let row = |setting: &switchyard_core::app::Listed| {
                Ok(SettingRow {
                    name: setting.name,
                    about: setting.about,
                    value: setting.value(store)?,
                })
            };
            SETTINGS.iter().map(row).collect()
        })
    }

    pub(crate) fn open_link(&self, url: &str) -> Result<()> {
        let link = links::checked(url)?;
        self.handle
            .opener()
            .open_url(link, None::<&str>)
            .map_err(|e| Error::failed("The browser could not be started.").because(e))
    }

    pub(crate) fn ask(&self, draft: Draft) -> Result<dispatch::Ask> {
        let attachments = self.attachments.of(&draft.attachments)?;
        Ok(draft.ask(attachments))
    }
}

/// Reads a variable of this program's own environment, for a login that the user said is in one. No key
/// is taken from there: a draft can't name one.
pub(crate) fn own_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Asks in place: a command that needs the vault ends with "locked", the page shows a field for the
/// passphrase where it stands, unlocks, and sends the command again.
pub(crate) struct InPlace(pub(crate) Followers);

impl Ask for InPlace {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }

    fn waiting(&self, is_waiting: bool) {
        self.0.tell(if is_waiting {
            Change::KeychainWaits
        } else {
            Change::KeychainDone
        });
    }
}
