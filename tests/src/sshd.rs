//! A real `sshd` on a loopback port, with users, login shells and a `claude` of the test's own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;

use switchyard_core::ssh::HostKey;

use crate::machine::command;
use crate::namespace;

/// The stand-in that plays `claude`; see the file for what a script of it can say.
pub const FAKE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/core/src/claude/tests/fake_claude"
);

/// What a stand-in says that was given a key, and answers with one word.
pub const ANSWERS: &str = r#"
    login='{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}'
    used() { echo '{"type":"stream_event","event":{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}}'; }
    answers() { begin; text "$1"; used; block "$1"; success "$1"; }
"#;

/// How one is set up.
pub struct Setup {
    /// The users, each with its login shell.
    pub users: Vec<(&'static str, &'static str)>,
    /// Lines of its configuration, which come first and so win.
    pub options: Vec<String>,
    /// What is done in its own mount namespace before it starts.
    pub before: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            users: vec![("box", "/bin/sh")],
            options: Vec::new(),
            before: String::new(),
        }
    }
}

/// A running `sshd`. Dropping it ends it.
pub struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Sshd {
    /// Starts one with one user, `box`, whose shell is `sh`.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Setup::default())
    }

    /// Starts one that is set up like this. Every user has this process's own number, so nobody else's
    /// files can be reached.
    #[must_use]
    pub fn with(setup: &Setup) -> Self {
        // Short, because sockets may lie in it.
        let folder = tempfile::Builder::new()
            .prefix("sshd")
            .tempdir()
            .expect("a folder");
        let at = folder.path();
        std::fs::create_dir(at.join("tmp")).expect("a folder");
        make_key(&at.join("host_key"));
        make_key(&at.join("id"));
        std::fs::copy(at.join("id.pub"), at.join("authorized_keys")).expect("a file");
        std::fs::write(at.join("ssh_config"), "# Nobody's own.\n").expect("a file");
        let mut passwd = String::from("root:*:0:0::/:/bin/sh\nsshd:*:65534:65534::/:/bin/false\n");
        for (user, shell) in &setup.users {
            let home = at.join("homes").join(user);
            std::fs::create_dir_all(home.join(".local/bin")).expect("a home");
            passwd += &format!("{user}:*:0:0::{}:{shell}\n", home.display());
        }
        std::fs::write(at.join("passwd"), passwd).expect("a file");
        let port = free_port();
        let (process, port) = launch(at, port, setup);
        let sshd = Self {
            folder,
            port,
            process,
        };
        for (user, _) in &setup.users {
            sshd.claude(user, &format!("{ANSWERS}\nready; answers Hello"));
        }
        sshd
    }

    /// Returns where a user logs in.
    #[must_use]
    pub fn destination(&self, user: &str) -> String {
        format!("{user}@127.0.0.1")
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the folder that holds all of it.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the private key that logs in.
    #[must_use]
    pub fn identity(&self) -> String {
        self.root().join("id").display().to_string()
    }

    /// Returns an ssh configuration that says nothing, in place of a developer's own.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root().join("ssh_config")
    }

    /// Returns a user's home.
    #[must_use]
    pub fn home(&self, user: &str) -> PathBuf {
        self.root().join("homes").join(user)
    }

    /// Returns the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the host key that it shows.
    #[must_use]
    pub fn key(&self) -> HostKey {
        let line = std::fs::read_to_string(self.root().join("host_key.pub")).expect("a key");
        let words: Vec<_> = line.split_whitespace().take(2).collect();
        HostKey::parse(&words.join(" ")).expect("a public key")
    }

    /// Lets a user's `claude` follow another script.
    pub fn claude(&self, user: &str, script: &str) {
        let bin = self.home(user).join(".local/bin");
        let link = bin.join("claude");
        if !link.is_symlink() {
            std::os::unix::fs::symlink(FAKE, &link).expect("a link");
        }
        std::fs::write(bin.join("version"), "2.1.330 (Claude Code)\n").expect("a file");
        // One that runs must not read half of it.
        let draft = bin.join("script.new");
        std::fs::write(&draft, script).expect("a file");
        std::fs::rename(&draft, bin.join("script")).expect("a file");
    }

    /// Puts a program into a user's folder of programs.
    pub fn program(&self, user: &str, name: &str, text: &str) -> PathBuf {
        let path = self.home(user).join(".local/bin").join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// Returns what runs have in the folder of temporary files now.
    #[must_use]
    pub fn temporary(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.root().join("tmp")).expect("the folder");
        let names = all.flatten().map(|entry| entry.file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// Returns what it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root().join("log")).unwrap_or_default()
    }

    /// Ends it, and starts it again on the same port with another host key. Returns what puts the old one
    /// back, with [`Sshd::show_again`].
    pub fn change_key(&mut self, setup: &Setup) -> [Vec<u8>; 2] {
        self.stop();
        let key = self.root().join("host_key");
        let both = [key.clone(), key.with_extension("pub")];
        let old = both.each_ref().map(|file| {
            let old = std::fs::read(file).expect("the old key");
            std::fs::remove_file(file).expect("the old key");
            old
        });
        make_key(&key);
        let (process, _) = launch(self.root(), self.port, setup);
        self.process = process;
        old
    }

    /// Ends it, and starts it again on the same port with a host key that it had before.
    pub fn show_again(&mut self, key: [Vec<u8>; 2], setup: &Setup) {
        self.stop();
        for (file, bytes) in ["host_key", "host_key.pub"].into_iter().zip(key) {
            std::fs::write(self.root().join(file), bytes).expect("the old key");
        }
        let (process, _) = launch(self.root(), self.port, setup);
        self.process = process;
    }

    /// Ends it, with every connection.
    pub fn stop(&mut self) {
        for child in children(self.process.id()) {
            end(child);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts it and waits until it listens.
fn launch(at: &Path, port: u16, setup: &Setup) -> (Child, u16) {
    let path = |name: &str| at.join(name).display().to_string();
    let options = setup.options.join("\n");
    let configuration = format!(
        "{options}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
         UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nSetEnv TMPDIR={}\nPidFile none\nUseDNS no\nPrintMotd no\nLogLevel VERBOSE\n",
        path("host_key"),
        path("authorized_keys"),
        path("tmp"),
    );
    std::fs::write(at.join("sshd_config"), configuration).expect("a file");
    let before = &setup.before;
    // Its users are in a list of its own, and the folder that it wants is made where nobody else sees it.
    let script = format!(
        "set -e; mount --bind {} /etc/passwd; mount -t tmpfs tmpfs /run; mkdir -m 755 /run/sshd; {before}
         exec /usr/sbin/sshd -D -e -f {}",
        path("passwd"),
        path("sshd_config"),
    );
    let mut process = command(Path::new("/usr/bin/unshare"))
        .args(namespace::as_root())
        .args(["--mount", "sh", "-c", &script])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare is there");
    let errors = process.stderr.take().expect("a pipe");
    let (told, listening) = mpsc::channel();
    let mut log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(at.join("log"))
        .expect("a log");
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            let _ = writeln!(log, "{line}");
            if line.contains("Server listening") {
                let _ = told.send(());
            }
        }
    });
    if listening.recv().is_err() {
        let log = std::fs::read_to_string(at.join("log")).unwrap_or_default();
        panic!("sshd did not start (apt install openssh-server):\n{log}");
    }
    (process, port)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn make_key(path: &Path) {
    let made = command(Path::new("ssh-keygen"))
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(path)
        .output()
        .expect("ssh-keygen is there (apt install openssh-client)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Returns the processes that were started by this one.
#[must_use]
pub fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned());
        rest.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()) == Some(parent)
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_child)
        .collect()
}

fn end(pid: u32) {
    if let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
