//! The keychain slot against real session buses: an unlocked GNOME keyring, a locked one, none, and
//! one that never answers.
//!
//! Each test starts this binary once more inside a session of its own and runs one of the
//! `inside` tests there; those are ignored elsewhere.

mod inside;

use std::path::{Path, PathBuf};
use std::time::Duration;

use switchyard_core::child::{self, Environment};

/// Set inside of a session, so that an `inside` test can't run anywhere else.
const INSIDE: &str = "SWITCHYARD_TEST_SESSION";
/// Far more than any of them takes: it only ends one that hangs.
const GUARD: Duration = Duration::from_secs(90);

/// A session bus without any service on it.
const BARE_BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// What a session has on its bus.
#[derive(Clone, Copy)]
enum Session {
    /// An unlocked GNOME keyring.
    Keyring,
    /// Nothing at all.
    Bare,
    /// There is not even a bus.
    NoBus,
}

/// Runs the test `inside::name` in a session of its own.
async fn in_session(session: Session, name: &str) {
    let home = tempfile::Builder::new().prefix("sy").tempdir().unwrap();
    let run = home.path().join("run");
    let mut private = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(&run).unwrap();
    let environment = [
        ("HOME", home.path()),
        ("XDG_RUNTIME_DIR", &run),
        ("XDG_DATA_HOME", &home.path().join("data")),
        ("XDG_CONFIG_HOME", &home.path().join("config")),
        ("XDG_CACHE_HOME", &home.path().join("cache")),
        (INSIDE, Path::new("yes")),
        (
            "DBUS_SESSION_BUS_ADDRESS",
            Path::new("unix:path=/nonexistent/bus"),
        ),
    ]
    .into_iter()
    .fold(Environment::scrubbed_own(), |all, (name, value)| {
        all.with(name, value)
    });
    let mut command = child::command(Path::new("dbus-run-session"), &environment);
    let test = r#"exec "$0" --exact "$1" --ignored --nocapture"#;
    match session {
        Session::Keyring => {
            let unlock = "printf pw | gnome-keyring-daemon --unlock --components=secrets >&2";
            command.args(["--", "sh", "-c", &format!("{unlock} && {test}")]);
        }
        Session::Bare => {
            let config: PathBuf = home.path().join("bus.conf");
            std::fs::write(&config, BARE_BUS).unwrap();
            command.arg("--config-file").arg(config);
            command.args(["--", "sh", "-c", test]);
        }
        Session::NoBus => {
            command = child::command(Path::new("sh"), &environment);
            command.args(["-c", test]);
        }
    }
    command
        .arg(std::env::current_exe().unwrap())
        .arg(format!("keyring::inside::{name}"));
    let done = child::output(command, GUARD, 1 << 20).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "it did not run: {said}");
}

#[tokio::test]
async fn an_unlocked_keyring_opens_the_vault_and_its_faults_are_told_apart() {
    in_session(Session::Keyring, "an_unlocked_keyring").await;
}

#[tokio::test]
async fn a_locked_keyring_that_nobody_unlocks_ends_in_words_and_can_be_cancelled() {
    in_session(Session::Keyring, "a_locked_keyring").await;
}

#[tokio::test]
async fn without_a_bus_the_vault_says_so_and_takes_a_passphrase() {
    in_session(Session::NoBus, "no_keyring").await;
}

#[tokio::test]
async fn without_a_keyring_on_the_bus_the_vault_says_so_and_takes_a_passphrase() {
    in_session(Session::Bare, "no_keyring").await;
}

#[tokio::test]
async fn a_keyring_that_never_answers_holds_up_neither_the_caller_nor_the_exit() {
    in_session(Session::Bare, "a_silent_keyring").await;
}

#[tokio::test]
async fn while_the_keyrings_owner_is_asked_the_wait_is_shown_and_can_be_cancelled() {
    in_session(Session::Bare, "an_asking_keyring").await;
}

#[tokio::test]
async fn a_locked_screen_locks_the_vault() {
    in_session(Session::Keyring, "a_locked_screen").await;
}
