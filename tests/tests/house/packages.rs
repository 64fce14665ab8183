//! The arrows between packages, as cargo resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::Command;

use serde_json::Value;

use super::files;

/// What each package of the workspace ships without, however indirectly. Dev-dependencies are
/// not shipped and not looked at.
pub(super) const SHIPS_WITHOUT: &[(&str, &[&str])] = &[
    // No window, no terminal, no argument parser; and no face, and no stand-in for a server.
    (
        "switchyard-core",
        &[
            "tauri",
            "clap",
            "rpassword",
            "switchyard-cli",
            "switchyard-simulator",
        ],
    ),
    ("switchyard-cli", &["tauri", "switchyard-simulator"]),
    // A stand-in that shared the core's code would share its mistakes.
    (
        "switchyard-simulator",
        &["switchyard-core", "switchyard-cli"],
    ),
];

/// Each package's name with the names of what it is built from, dev-dependencies left out.
pub(super) struct Packages(BTreeMap<String, BTreeSet<String>>);

impl Packages {
    /// Asks cargo, for every platform at once.
    pub(super) fn of_workspace() -> Self {
        let metadata = metadata();
        let names: BTreeMap<&str, &str> = each(&metadata["packages"])
            .map(|it| (text(&it["id"]), text(&it["name"])))
            .collect();
        let mut packages = BTreeMap::<String, BTreeSet<String>>::new();
        for node in each(&metadata["resolve"]["nodes"]) {
            let uses = packages
                .entry(names[text(&node["id"])].to_owned())
                .or_default();
            let shipped = each(&node["deps"]).filter(|dependency| {
                each(&dependency["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"))
            });
            uses.extend(shipped.map(|dependency| names[text(&dependency["pkg"])].to_owned()));
        }
        Self(packages)
    }

    /// Returns the way from one package to another, both named, or nothing when there is none.
    pub(super) fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut ways = vec![vec![from.to_owned()]];
        while let Some(way) = ways.pop() {
            let here = way.last()?;
            if here == to {
                return Some(way);
            }
            for next in self.0.get(here).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    ways.push(way.iter().chain([next]).cloned().collect());
                }
            }
        }
        None
    }

    /// True for a package that is part of the build.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the core's children are no concern of cargo's"
)]
fn metadata() -> Value {
    let output = Command::new(env::var_os("CARGO").expect("cargo runs the tests"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(files::root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().expect("a list of cargo's").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a name of cargo's")
}
