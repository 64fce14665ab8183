//! A home, a working directory and an `/etc` of their own, furnished with what decides who pays.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::real_cli::kept_login;
use switchyard_core::child::{self, Environment};
use switchyard_core::secret::DataKey;
use switchyard_simulator::LoggedRequest;
use tokio::process::Command;

/// What the credentials of a house are called in its table: API keys, and tokens of a plan.
const KEYS: &[&str] = &["K", "K2", "G", "H", "P", "C", "R", "S", "W"];
const TOKENS: &[&str] = &["T", "T2", "V", "F", "login"];
/// Stands for the address of a server that nothing is meant for.
const ELSEWHERE: &str = "{E}";
/// Stands for the folder that holds all of the house.
const ROOT: &str = "{root}";

/// A house. It is furnished in this user's name, inside of namespaces of its own.
pub struct House {
    folder: tempfile::TempDir,
    values: BTreeMap<&'static str, String>,
    env: &'static [(&'static str, &'static str)],
    elsewhere: String,
}

impl House {
    /// Builds a house with a `claude`, these variables and these files. In both, `{K}` stands for a
    /// credential made for this house, `{E}` for `elsewhere`, and `{root}` for its folder.
    #[must_use]
    pub fn new(
        cli: &Path,
        elsewhere: &str,
        env: &'static [(&'static str, &'static str)],
        files: &[(&str, &str)],
    ) -> Self {
        let labels = KEYS.iter().chain(TOKENS);
        let house = Self {
            folder: tempfile::tempdir().expect("a folder of its own"),
            values: labels.map(|label| (*label, made(label))).collect(),
            env,
            elsewhere: elsewhere.to_owned(),
        };
        for folder in ["home", "work", "etc/claude-code", "bin"] {
            std::fs::create_dir_all(house.path(folder)).expect("a folder");
        }
        for name in ["hosts", "passwd", "group", "nsswitch.conf"] {
            let _ = std::fs::copy(Path::new("/etc").join(name), house.path("etc").join(name));
        }
        std::os::unix::fs::symlink(cli, house.path("bin/claude")).expect("a link");
        for (path, text) in files {
            house.write_filled(path, text);
        }
        house
    }

    /// Logs the CLI in, in the configuration folder `folder`, as far as it looks: it reads this file
    /// and asks nobody.
    pub fn log_in(&self, folder: &str, label: &str) {
        self.write(
            &format!("{folder}/.credentials.json"),
            &kept_login(&self.values[label]),
        );
    }

    /// Returns the folder that holds all of it.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path in this house.
    #[must_use]
    pub fn path(&self, rest: &str) -> PathBuf {
        self.root().join(rest)
    }

    /// Writes a file that nobody else may read: the CLI does not use a profile's credentials that
    /// others can.
    pub fn write(&self, rest: &str, text: &str) {
        let path = self.path(rest);
        let folder = path.parent().expect("a file in a folder");
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    }

    /// As [`House::write`], with credentials in the place of their labels.
    pub fn write_filled(&self, rest: &str, text: &str) {
        self.write(rest, &self.filled(text));
    }

    /// Returns the credential of this label.
    #[must_use]
    pub fn value(&self, label: &str) -> &str {
        &self.values[label]
    }

    /// Returns the label of the credential that this is, or that ends like this.
    #[must_use]
    pub fn label(&self, end: &str) -> Option<&'static str> {
        let mut all = self.values.iter();
        let own = all.find(|(_, value)| !end.is_empty() && value.ends_with(end));
        own.map(|(label, _)| *label)
    }

    fn filled(&self, text: &str) -> String {
        let root = self.root().display().to_string();
        let text = text
            .replace(ELSEWHERE, &self.elsewhere)
            .replace(ROOT, &root);
        self.values.iter().fold(text, |text, (label, value)| {
            text.replace(&format!("{{{label}}}"), value)
        })
    }

    /// Returns the variables of a process in this house, besides its home.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let own = self.env.iter();
        own.map(|(name, value)| ((*name).to_owned(), self.filled(value)))
            .chain([("PATH".to_owned(), path)])
            .collect()
    }

    /// Prepares a program that runs in this house: in its working directory, with its variables over
    /// `others`, and its `/etc`.
    #[must_use]
    pub fn command(&self, program: &Path, others: &[(&str, &str)]) -> Command {
        let mut environment = Environment::default().with("HOME", self.path("home"));
        for (name, value) in others {
            environment = environment.with(*name, *value);
        }
        for (name, value) in self.variables() {
            environment = environment.with(name, value);
        }
        let mut command = child::command(Path::new("/usr/bin/unshare"), &environment);
        command
            .current_dir(self.path("work"))
            .args(["--mount", "sh", "-c"])
            .arg("mount --bind \"$1\" /etc && shift && exec \"$@\"")
            .arg("sh")
            .arg(self.path("etc"))
            .arg(program);
        command
    }

    /// Says which credentials a request bears, as `key=` for what is in `x-api-key` and `bearer=` for
    /// what is in `Authorization`.
    #[must_use]
    pub fn credentials(&self, request: &LoggedRequest) -> String {
        let slots = [("key", "x-api-key"), ("bearer", "authorization")];
        let named = slots.into_iter().filter_map(|(name, header)| {
            let value = request.header(header)?.trim();
            let value = value.strip_prefix("Bearer ").unwrap_or(value);
            let mut all = self.values.iter();
            let own = all.find(|(_, own)| *own == value);
            let label = own.map_or("unknown", |(label, _)| *label);
            Some(format!("{name}={label}"))
        });
        named.collect::<Vec<_>>().join(" ")
    }
}

/// Makes a credential; the last four characters tell the labels apart.
fn made(label: &str) -> String {
    let kind = match TOKENS.contains(&label) {
        true => "oat01",
        false => "api03",
    };
    let random = DataKey::random().expect("random bytes");
    let bytes = random.expose().iter();
    let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("sk-ant-{kind}-{hex}{:->4}", &label[..label.len().min(4)])
}
