//! Which files a shell reads when it starts, and in which order.

use std::path::{Path, PathBuf};

use super::files::Search;
use super::login_shell::Dialect;
use super::parse::Syntax;

/// The most files that are taken of one folder.
const MAX_IN_FOLDER: usize = 100;

/// One start-up file.
pub(super) struct StartFile {
    pub(super) path: PathBuf,
    pub(super) syntax: Syntax,
    /// The user's shell reads it.
    pub(super) is_read: bool,
}

/// Returns the start-up files of every shell, each shell's in the order in which it reads them.
pub(super) fn start_files(search: &Search<'_>) -> Vec<StartFile> {
    let mut list = List {
        search,
        files: Vec::new(),
    };
    list.session();
    list.posix();
    list.zsh();
    list.fish();
    list.csh();
    list.others();
    list.files
}

struct List<'a> {
    search: &'a Search<'a>,
    files: Vec<StartFile>,
}

impl List<'_> {
    fn add(&mut self, path: PathBuf, syntax: Syntax, is_read: bool) {
        self.files.push(StartFile {
            path,
            syntax,
            is_read,
        });
    }

    fn system(&self, rest: &str) -> PathBuf {
        self.search.root.join(rest)
    }

    fn home(&self, rest: &str) -> PathBuf {
        self.search.home.join(rest)
    }

    fn config(&self, rest: &str) -> PathBuf {
        self.search
            .config
            .map_or_else(|| self.home(".config"), Path::to_owned)
            .join(rest)
    }

    fn folder(&mut self, folder: &Path, end: &str, syntax: Syntax, is_read: bool) {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|found| found == end))
            .take(MAX_IN_FOLDER)
            .collect();
        paths.sort();
        for path in paths {
            self.add(path, syntax, is_read);
        }
    }

    /// What the session sets before any shell.
    fn session(&mut self) {
        self.add(self.system("etc/environment"), Syntax::Plain, true);
        let folder = self.config("environment.d");
        self.folder(&folder, "conf", Syntax::Plain, true);
        self.add(self.home(".pam_environment"), Syntax::Pam, true);
    }

    fn posix(&mut self) {
        let dialect = self.search.dialect;
        let is_read = matches!(dialect, Dialect::Bash | Dialect::Posix);
        let is_bash = dialect == Dialect::Bash;
        self.add(self.system("etc/profile"), Syntax::Posix, is_read);
        let folder = self.system("etc/profile.d");
        self.folder(&folder, "sh", Syntax::Posix, is_read);
        self.add(self.system("etc/bash.bashrc"), Syntax::Posix, is_bash);
        self.add(self.system("etc/bashrc"), Syntax::Posix, is_bash);
        // bash reads the first of the three that is there, other shells the last.
        let mut first = is_bash;
        for name in [".bash_profile", ".bash_login", ".profile"] {
            let path = self.home(name);
            let is_own = dialect == Dialect::Posix && name == ".profile";
            let is_there = path.is_file();
            self.add(path, Syntax::Posix, (first && is_there) || is_own);
            first &= !is_there;
        }
        // A terminal that opens no login shell reads this one.
        self.add(self.home(".bashrc"), Syntax::Posix, is_bash);
    }

    fn zsh(&mut self) {
        let is_read = self.search.dialect == Dialect::Zsh;
        let folder = self.search.zdotdir.unwrap_or(self.search.home).to_owned();
        for name in ["zshenv", "zprofile", "zshrc", "zlogin"] {
            self.add(self.system("etc").join(name), Syntax::Posix, is_read);
            self.add(self.system("etc/zsh").join(name), Syntax::Posix, is_read);
            self.add(folder.join(format!(".{name}")), Syntax::Posix, is_read);
        }
    }

    fn fish(&mut self) {
        let is_read = self.search.dialect == Dialect::Fish;
        let universal = self.config("fish/fish_variables");
        self.add(universal, Syntax::FishUniversal, is_read);
        let system = self.system("etc/fish/conf.d");
        self.folder(&system, "fish", Syntax::Fish, is_read);
        let own = self.config("fish/conf.d");
        self.folder(&own, "fish", Syntax::Fish, is_read);
        self.add(self.system("etc/fish/config.fish"), Syntax::Fish, is_read);
        self.add(self.config("fish/config.fish"), Syntax::Fish, is_read);
    }

    fn csh(&mut self) {
        let is_read = self.search.dialect == Dialect::Csh;
        self.add(self.system("etc/csh.cshrc"), Syntax::Csh, is_read);
        self.add(self.system("etc/csh.login"), Syntax::Csh, is_read);
        let own = self.home(".tcshrc");
        let has_own = own.is_file();
        self.add(own, Syntax::Csh, is_read);
        self.add(self.home(".cshrc"), Syntax::Csh, is_read && !has_own);
        self.add(self.home(".login"), Syntax::Csh, is_read);
    }

    fn others(&mut self) {
        let is_nu = self.search.dialect == Dialect::Nu;
        self.add(self.config("nushell/env.nu"), Syntax::Nu, is_nu);
        self.add(self.config("nushell/config.nu"), Syntax::Nu, is_nu);
        for name in ["profile.ps1", "Microsoft.PowerShell_profile.ps1"] {
            let path = self.config("powershell").join(name);
            self.add(path, Syntax::PowerShell, false);
        }
    }
}
