//! What a child sees of our environment: little.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What a child may inherit: enough to find programs, its home and its language, and no credential.
/// `LC_*` passes too.
const ALLOWED: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "TZ",
];

/// What a child must inherit on Windows to start at all.
#[cfg(windows)]
const ALLOWED_PLATFORM: &[&str] = &[
    "SYSTEMROOT",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
    "PROGRAMDATA",
    "TEMP",
    "TMP",
];
#[cfg(not(windows))]
const ALLOWED_PLATFORM: &[&str] = &[];

/// What a program needs to find to show a window, and a browser to be opened from it.
const SCREEN: &[&str] = &[
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GDK_BACKEND",
    "WAYLAND_DISPLAY",
    "WEBKIT_DISABLE_COMPOSITING_MODE",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
];

/// The environment of a child, built from nothing.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes the allowed variables out of `inherited`, and nothing else.
    pub fn scrubbed(inherited: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(
            inherited
                .into_iter()
                .filter(|(name, _)| is_allowed(name))
                .collect(),
        )
    }

    /// Takes the allowed variables out of our own environment.
    #[must_use]
    pub fn scrubbed_own() -> Self {
        Self::scrubbed(std::env::vars_os())
    }

    /// Adds these variables of our own, where they are set.
    #[must_use]
    pub fn with_own(self, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |environment, name| match std::env::var_os(name) {
                Some(value) => environment.with(*name, value),
                None => environment,
            })
    }

    /// Adds what a program needs to show a window where ours would.
    #[must_use]
    pub fn on_screen(self) -> Self {
        self.with_own(SCREEN)
    }

    /// Sets one variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Returns all that the child will see.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the names that the child will see.
    pub fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.0.keys().map(OsString::as_os_str)
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

fn is_allowed(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        ALLOWED.contains(&name) || ALLOWED_PLATFORM.contains(&name) || name.starts_with("LC_")
    })
}
