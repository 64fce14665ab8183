//! The tray: everything is in its menu, because trays on Linux send no clicks.

use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::time::Duration;

use switchyard_core::app::{KEEP_IN_TRAY, Standing};
use switchyard_core::id::KeyId;
use switchyard_core::keys::{self, Kind};
use switchyard_core::text::shown;
use tauri::async_runtime::spawn;
use tauri::image::Image;
use tauri::menu::{CheckMenuItemBuilder, Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Result, Wry};
use tokio::sync::broadcast::error::RecvError;

use crate::desktop::Desktop;
use crate::replies::Change;
use crate::window;

const OPEN: &str = "open";
const LOCK: &str = "lock";
const QUIT: &str = "quit";
/// Begins the id of an entry that makes a key the active one.
const KEY: &str = "key:";

/// How long the session's bus has to say whether there is a tray.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_millis(500);

/// How many keys the menu lists; the window has the others.
const KEYS_MAX: usize = 20;

/// Puts the icon into the tray and keeps its menu true.
pub(crate) fn start(handle: &AppHandle) -> Result<()> {
    let tray = TrayIconBuilder::with_id("switchyard")
        .icon(Look::Idle.icon())
        .icon_as_template(true)
        .tooltip(Look::Idle.tooltip())
        .menu(&Shown::of(handle, Look::Idle).menu(handle)?)
        .on_menu_event(|handle, event| chosen(handle, event.id().as_ref()))
        .build(handle)?;
    handle.state::<Arc<Desktop>>().has_tray.send_replace(true);
    let handle = handle.clone();
    spawn(async move { follow(&handle, &tray).await });
    Ok(())
}

/// Tells whether the program goes on in the tray when its window is closed: where its user wants
/// that and a tray is there to get the window back from.
pub(crate) fn stays(handle: &AppHandle) -> bool {
    let Some(desktop) = handle.try_state::<Arc<Desktop>>() else {
        return false;
    };
    let is_wanted = match desktop.app.db_if_any() {
        Ok(Some(db)) => db.read(|store| KEEP_IN_TRAY.get(store)).unwrap_or(true),
        _ => true,
    };
    is_wanted && *desktop.has_tray.borrow() && is_shown()
}

/// Tells whether some panel shows trays: without one the program could not be got back. A bus that
/// does not answer is not waited for, because this is asked while a window closes.
#[cfg(target_os = "linux")]
fn is_shown() -> bool {
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(has_host().unwrap_or(false)));
    heard.recv_timeout(PATIENCE).unwrap_or(false)
}

/// Asks the watcher of trays whether a panel has come to it to show them.
#[cfg(target_os = "linux")]
fn has_host() -> zbus::Result<bool> {
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let bus = zbus::blocking::Connection::session()?;
    let watcher = zbus::blocking::Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER)?;
    watcher.get_property("IsStatusNotifierHostRegistered")
}

#[cfg(not(target_os = "linux"))]
fn is_shown() -> bool {
    true
}

async fn follow(handle: &AppHandle, tray: &TrayIcon) {
    let desktop = Arc::clone(&handle.state::<Arc<Desktop>>());
    let mut changes = desktop.followers.listen();
    let mut running = desktop.in_flight.count();
    let mut shown = None;
    loop {
        let count = *running.borrow_and_update();
        let look = Look::of(count, desktop.app.standing().await.ok().as_ref());
        let now = Shown::of(handle, look);
        if shown.as_ref() != Some(&now) {
            if let Err(error) = now.put(handle, tray, shown.as_ref()) {
                tracing::warn!(%error, "the tray could not be renewed");
            }
            shown = Some(now);
        }
        tokio::select! {
            changed = running.changed() => if changed.is_err() { return },
            // The mark before a key that is chosen changes by itself, also where nothing else has.
            () = desktop.tray_used.notified() => shown = None,
            // What has piled up is seen at once.
            change = changes.recv() => match change {
                Err(RecvError::Closed) => return,
                _ => changes = changes.resubscribe(),
            },
        }
    }
}

/// A key in the menu: its id, its name, and whether it is the active one.
type Item = (KeyId, String, bool);

/// What the tray shows.
#[derive(PartialEq, Eq)]
struct Shown {
    look: Look,
    keys: Vec<Item>,
}

impl Shown {
    fn of(handle: &AppHandle, look: Look) -> Self {
        let keys = keys_of(handle);
        Self { look, keys }
    }

    /// Shows it in place of what was there before. Each new icon is a file for the panel to read.
    fn put(&self, handle: &AppHandle, tray: &TrayIcon, before: Option<&Self>) -> Result<()> {
        tray.set_menu(Some(self.menu(handle)?))?;
        if before.is_none_or(|before| before.look != self.look) {
            tray.set_icon(Some(self.look.icon()))?;
            tray.set_tooltip(Some(self.look.tooltip()))?;
        }
        Ok(())
    }

    fn menu(&self, handle: &AppHandle) -> Result<Menu<Wry>> {
        let open = MenuItemBuilder::with_id(OPEN, "Open Switchyard").build(handle)?;
        let lock = MenuItemBuilder::with_id(LOCK, "Lock")
            .enabled(self.look != Look::Locked)
            .build(handle)?;
        let quit = MenuItemBuilder::with_id(QUIT, "Quit").build(handle)?;
        let mut active = SubmenuBuilder::new(handle, "Active key");
        for (id, name, is_selected) in &self.keys {
            let item = CheckMenuItemBuilder::with_id(format!("{KEY}{id}"), name)
                .checked(*is_selected)
                .build(handle)?;
            active = active.item(&item);
        }
        let active = active.enabled(!self.keys.is_empty()).build()?;
        MenuBuilder::new(handle)
            .items(&[&open, &active, &lock])
            .separator()
            .item(&quit)
            .build()
    }
}

/// How the icon looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Idle,
    Running,
    Locked,
}

impl Look {
    fn of(running: usize, standing: Option<&Standing>) -> Self {
        let vault = standing.and_then(|standing| standing.vault.as_ref());
        match vault {
            _ if running > 0 => Self::Running,
            Some(vault) if !vault.is_unlocked() => Self::Locked,
            _ => Self::Idle,
        }
    }

    fn icon(self) -> Image<'static> {
        match self {
            Self::Idle => tauri::include_image!("../icons/tray-idle.png"),
            Self::Running => tauri::include_image!("../icons/tray-running.png"),
            Self::Locked => tauri::include_image!("../icons/tray-locked.png"),
        }
    }

    fn tooltip(self) -> &'static str {
        match self {
            Self::Idle => "Switchyard",
            Self::Running => "Switchyard: a run is under way",
            Self::Locked => "Switchyard: locked",
        }
    }
}

/// Returns the keys that can pay. A store that can't be read has none to offer.
fn keys_of(handle: &AppHandle) -> Vec<Item> {
    let desktop = handle.state::<Arc<Desktop>>();
    let Ok(Some(db)) = desktop.app.db_if_any() else {
        return Vec::new();
    };
    let read = db.read(|store| Ok((keys::list(store)?, keys::active(store)?)));
    let (keys, active) = read.unwrap_or_default();
    keys.into_iter()
        .filter(|key| key.kind == Kind::Api && key.is_active)
        .take(KEYS_MAX)
        .map(|key| {
            let is_selected = active.as_ref().is_some_and(|active| active.id == key.id);
            let name = format!("{} …{}", shown(&key.name, 40), key.hint);
            (key.id, name, is_selected)
        })
        .collect()
}

fn chosen(handle: &AppHandle, id: &str) {
    let desktop = Arc::clone(&handle.state::<Arc<Desktop>>());
    match id {
        OPEN => {
            if let Err(error) = window::open(handle) {
                tracing::warn!(%error, "the window could not be opened");
            }
        }
        QUIT => handle.exit(0),
        LOCK => {
            spawn(async move {
                let outcome = desktop.lock().await;
                told(&desktop, outcome);
            });
        }
        _ => {
            let Some(key) = id.strip_prefix(KEY).map(KeyId::from_text) else {
                return;
            };
            spawn(async move {
                let select = move |store: &_, now| keys::select(store, &key, now).map(drop);
                let outcome = desktop.app.write(select).await;
                told(&desktop, outcome);
            });
        }
    }
}

/// A menu has no place for an error; the window shows how things stand.
fn told(desktop: &Desktop, outcome: switchyard_core::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "what was chosen in the tray could not be done");
    }
    desktop.tray_used.notify_one();
    desktop.followers.tell(Change::Store);
}
