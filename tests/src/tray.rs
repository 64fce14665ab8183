//! A panel that shows trays, and what the program's menu in it says and does, as the panel itself asks for it.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy};

use crate::desk::{Desk, Ended, PATIENCE};
use crate::machine::Machine;

/// A panel with nothing but a tray, so that it starts quickly and asks nothing.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=0;y=0"/>
      <property name="size" type="uint" value="26"/>
      <property name="length" type="uint" value="20"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"#;

/// Where trays are registered.
const WATCHER: [&str; 3] = [
    "org.kde.StatusNotifierWatcher",
    "/StatusNotifierWatcher",
    "org.kde.StatusNotifierWatcher",
];

/// A menu as it is sent: its number, its properties, its entries.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// One entry of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    id: i32,
    /// What it says; empty for a line between others.
    pub label: String,
    /// Whether it can be chosen.
    pub is_enabled: bool,
    /// Whether a mark is set before it.
    pub is_checked: bool,
    /// The entries of its submenu.
    pub entries: Vec<Entry>,
}

/// The program's icon in a panel.
pub struct Tray {
    menu: Proxy<'static>,
}

impl Desk {
    /// Starts a panel that shows trays, and waits until it does.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn bring_panel(&mut self) {
        let folder = self
            .machine
            .home()
            .join(".config/xfce4/xfconf/xfce-perchannel-xml");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("xfce4-panel.xml"), PANEL).expect("a file");
        let panel = self
            .machine
            .spawn(Path::new("/usr/bin/xfce4-panel"), ["--disable-wm-check"]);
        self.around.insert(0, Ended(panel));
        let watcher = watcher(&self.machine).await;
        let start = Instant::now();
        let shows = || watcher.get_property::<bool>("IsStatusNotifierHostRegistered");
        while shows().await.ok() != Some(true) {
            assert!(start.elapsed() < PATIENCE, "the panel shows no trays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Tray {
    pub(crate) async fn find(machine: &Machine) -> Self {
        let watcher = watcher(machine).await;
        let start = Instant::now();
        let item = loop {
            let items = watcher.get_property::<Vec<String>>("RegisteredStatusNotifierItems");
            if let Some(item) = items.await.ok().and_then(|mut items| items.pop()) {
                break item;
            }
            assert!(start.elapsed() < PATIENCE, "the tray has no icon");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (owner, path) = item.split_at(item.find('/').expect("an object's path"));
        let bus = watcher.connection().clone();
        let place = (owner.to_owned(), format!("{path}/Menu"));
        let menu = Proxy::new_owned(bus, place.0, place.1, "com.canonical.dbusmenu".to_owned());
        Self {
            menu: menu.await.expect("the icon's menu"),
        }
    }

    /// Returns the menu as it is now.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn entries(&self) -> Vec<Entry> {
        let asked = (0, -1, Vec::<String>::new());
        let layout: (u32, Layout) = self.menu.call("GetLayout", &asked).await.expect("a menu");
        let (_, (_, _, entries)) = layout;
        let entries = entries.iter();
        entries.filter_map(|value| entry(value)).collect()
    }

    /// Waits until the menu is as a test wants it, and returns it.
    ///
    /// # Panics
    /// When it does not become so.
    pub async fn wait_for(&self, is_so: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        let start = Instant::now();
        loop {
            let entries = self.entries().await;
            if is_so(&entries) {
                return entries;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the menu stays so: {entries:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Chooses what is called so, in the menu or a submenu of it.
    ///
    /// # Panics
    /// When there is no such entry, or it can't be chosen.
    pub async fn choose(&self, label: &str) {
        let start = Instant::now();
        loop {
            let all = self.entries().await;
            let mut flat = all.iter().flat_map(|one| one.entries.iter().chain([one]));
            let wanted = flat.find(|one| one.label == label && one.is_enabled);
            let id = wanted
                .unwrap_or_else(|| panic!("no {label:?} in {all:#?}"))
                .id;
            let click = (id, "clicked", Value::from(0), 0_u32);
            // A menu that was renewed meanwhile does not know the entry any more.
            let Err(error) = self.menu.call_method("Event", &click).await else {
                return;
            };
            assert!(start.elapsed() < PATIENCE, "{label:?}: {error}");
        }
    }
}

async fn watcher(machine: &Machine) -> Proxy<'static> {
    let bus = bus_of(machine).await;
    let [name, path, interface] = WATCHER;
    let watcher = zbus::proxy::Builder::new(&bus)
        .destination(name)
        .and_then(|it| it.path(path))
        .and_then(|it| it.interface(interface));
    // Asked again each time, because its changes are not always told.
    let watcher = watcher.map(|it| it.cache_properties(zbus::proxy::CacheProperties::No));
    let watcher: zbus::Result<Proxy<'static>> = watcher.expect("names").build().await;
    watcher.expect("a proxy")
}

/// Reads one entry: its number, its properties, its submenu.
fn entry(value: &Value<'_>) -> Option<Entry> {
    let value = match value {
        Value::Value(inner) => inner,
        plain => plain,
    };
    let Value::Structure(fields) = value else {
        return None;
    };
    let [
        Value::I32(id),
        Value::Dict(properties),
        Value::Array(entries),
    ] = fields.fields()
    else {
        return None;
    };
    let text = |name: &str| properties.get::<&str, String>(&name).ok().flatten();
    let flag = |name: &str| properties.get::<&str, bool>(&name).ok().flatten();
    let number = |name: &str| properties.get::<&str, i32>(&name).ok().flatten();
    Some(Entry {
        id: *id,
        label: text("label").unwrap_or_default().replace('_', ""),
        is_enabled: flag("enabled").unwrap_or(true),
        is_checked: number("toggle-state") == Some(1),
        entries: entries.iter().filter_map(entry).collect(),
    })
}

pub(crate) async fn bus_of(machine: &Machine) -> Connection {
    let address = machine.variables().get("DBUS_SESSION_BUS_ADDRESS");
    let bus = zbus::connection::Builder::address(address.expect("a bus").as_str());
    let bus = bus.expect("a bus's address").build().await;
    bus.expect("the bus answers")
}
