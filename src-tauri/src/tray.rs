//! The tray: everything is in its menu, because trays on Linux send no clicks.

use std::sync::Arc;

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

/// How many keys the menu lists; the window has the others.
const KEYS_MAX: usize = 20;

/// Puts the icon into the tray and keeps its menu true.
pub(crate) fn start(handle: &AppHandle) -> Result<()> {
    let tray = TrayIconBuilder::with_id("switchyard")
        .icon(Look::Idle.icon())
        .icon_as_template(true)
        .tooltip(Look::Idle.tooltip())
        .menu(&menu(handle, Look::Idle)?)
        .on_menu_event(|handle, event| chosen(handle, event.id().as_ref()))
        .build(handle)?;
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
    is_wanted && is_shown()
}

/// Tells whether some panel shows trays: without one the program could not be got back.
#[cfg(target_os = "linux")]
fn is_shown() -> bool {
    let asked = zbus::blocking::Connection::session().and_then(|bus| {
        let bus = zbus::blocking::fdo::DBusProxy::new(&bus)?;
        Ok(bus.name_has_owner("org.kde.StatusNotifierWatcher".try_into()?)?)
    });
    asked.unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn is_shown() -> bool {
    true
}

async fn follow(handle: &AppHandle, tray: &TrayIcon) {
    let desktop = Arc::clone(&handle.state::<Arc<Desktop>>());
    let mut changes = desktop.followers.listen();
    let mut running = desktop.in_flight.count();
    loop {
        let count = *running.borrow_and_update();
        let look = Look::of(count, desktop.app.standing().await.ok().as_ref());
        let made = menu(handle, look)
            .and_then(|menu| tray.set_menu(Some(menu)))
            .and_then(|()| tray.set_icon(Some(look.icon())))
            .and_then(|()| tray.set_tooltip(Some(look.tooltip())));
        if let Err(error) = made {
            tracing::warn!(%error, "the tray could not be renewed");
        }
        tokio::select! {
            changed = running.changed() => if changed.is_err() { return },
            // What has piled up is seen at once.
            change = changes.recv() => match change {
                Err(RecvError::Closed) => return,
                _ => changes = changes.resubscribe(),
            },
        }
    }
}

/// What the tray shows.
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

fn menu(handle: &AppHandle, look: Look) -> Result<Menu<Wry>> {
    let open = MenuItemBuilder::with_id(OPEN, "Open Switchyard").build(handle)?;
    let lock = MenuItemBuilder::with_id(LOCK, "Lock")
        .enabled(look != Look::Locked)
        .build(handle)?;
    let quit = MenuItemBuilder::with_id(QUIT, "Quit").build(handle)?;
    let mut active = SubmenuBuilder::new(handle, "Active key");
    let keys = keys_of(handle);
    for (id, name, is_selected) in &keys {
        let item = CheckMenuItemBuilder::with_id(format!("{KEY}{id}"), name)
            .checked(*is_selected)
            .build(handle)?;
        active = active.item(&item);
    }
    let active = active.enabled(!keys.is_empty()).build()?;
    MenuBuilder::new(handle)
        .items(&[&open, &active, &lock])
        .separator()
        .item(&quit)
        .build()
}

/// Returns the keys that can pay. A store that can't be read has none to offer.
fn keys_of(handle: &AppHandle) -> Vec<(KeyId, String, bool)> {
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
    // The mark before a key that is chosen changes by itself, also where nothing else has.
    desktop.followers.tell(Change::Store);
}
