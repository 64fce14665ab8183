//! A machine whose vault is there and open, and the process that keeps it open.

use std::fs::File;
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, Signal};
use switchyard_simulator::Simulator;

use crate::machine::{Machine, Outcome};

impl Machine {
    /// Makes a machine with a vault that a passphrase opens, still locked.
    #[must_use]
    pub fn with_locked_vault() -> Self {
        let mut machine = Self::new();
        let _ = machine.make_vault();
        machine
    }

    /// Makes the vault with a fresh passphrase, and returns its recovery code.
    #[track_caller]
    pub fn make_vault(&mut self) -> String {
        self.passphrase = uuid::Uuid::new_v4().to_string();
        let made = self.with_passphrase(["vault", "init", "--no-keychain", "--json"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let code = made.json_lines().remove(0)["recovery_code"].take();
        code.as_str().expect("a recovery code").to_owned()
    }

    /// Makes a machine with a vault that an agent keeps open.
    #[must_use]
    pub fn with_vault() -> Self {
        let machine = Self::with_locked_vault();
        machine.unlock();
        machine
    }

    /// Makes a machine with an open vault and one key, called `Work`, that the server knows.
    #[must_use]
    pub fn with_key(key: &str, server: &Simulator) -> Self {
        let machine = Self::with_vault();
        let added = machine.add("Work", key, server);
        assert_eq!(added.code, Some(0), "{}", added.stderr);
        machine
    }

    /// Runs `switchyard` and hands it the passphrase through standard input, which is descriptor 0.
    #[must_use]
    pub fn with_passphrase<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        let arguments = arguments.into_iter().chain(["--passphrase-fd", "0"]);
        self.run_with(arguments, &format!("{}\n", self.passphrase))
    }

    /// Opens the vault for every face.
    #[track_caller]
    pub fn unlock(&self) {
        let opened = self.with_passphrase(["vault", "unlock"]);
        assert_eq!(opened.code, Some(0), "{}", opened.stderr);
    }

    /// Runs `keys add NAME` for a server, with the key on standard input.
    #[must_use]
    pub fn add(&self, name: &str, key: &str, server: &Simulator) -> Outcome {
        self.run_with(["keys", "add", name, "--base-url", &server.base_url()], key)
    }

    /// Returns the passphrase of the vault.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// Returns the process that keeps the vault open, as the kernel names it.
    #[must_use]
    pub fn agent(&self) -> Option<Pid> {
        let socket = self.paths().socket().ok()?;
        let stream = UnixStream::connect(socket).ok()?;
        let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
        Some(peer.pid)
    }

    /// Kills the process that keeps the vault open, if there is one, and waits until it is gone.
    pub fn end_agent(&self) {
        while let Some(agent) = self.agent() {
            // One that ended by itself meanwhile is as good.
            let _ = rustix::process::kill_process(agent, Signal::KILL);
            std::thread::yield_now();
        }
        // Its socket may close before its lock, and the next agent would find itself the second one.
        if let Ok(lock) = File::open(self.paths().agent_lock()) {
            lock.lock().expect("a lock that can be waited for");
        }
    }
}
