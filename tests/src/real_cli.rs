//! The real `claude` CLI, where nothing that it does can leave this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use uuid::Uuid;

use crate::namespace;

/// Set for the test that runs inside of the namespace.
const INSIDE: &str = "SWITCHYARD_INSIDE_NAMESPACE";
/// Names the CLI to test with.
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";
/// Far more than any test takes: it only ends what hangs.
const GUARD: Duration = Duration::from_secs(600);

/// Returns the real CLI inside of a network namespace that has loopback alone, with an empty home that
/// holds all temporary files; outside of it, runs the test of this whole name there and returns nothing.
/// Its mounts are its own as well.
///
/// # Panics
/// When there is no CLI or no namespace, or the test fails there.
pub async fn inside(test: &str) -> Option<PathBuf> {
    let cli = std::env::var_os(CLI).unwrap_or_else(|| {
        panic!(
            "{CLI} is not set: it names the claude program to test with; `./dev test` brings one"
        )
    });
    if std::env::var_os(INSIDE).is_some() {
        return Some(cli.into());
    }
    let home = tempfile::tempdir().expect("a folder of its own");
    let environment = Environment::scrubbed_own()
        .with(INSIDE, "1")
        .with(CLI, cli)
        .with("HOME", home.path())
        .with("TMPDIR", home.path());
    let mut unshare = child::command(Path::new("/usr/bin/unshare"), &environment);
    unshare
        .args(namespace::as_root())
        .args([
            "--net",
            "--mount",
            "sh",
            "-c",
            "ip link set lo up && exec \"$@\"",
            "sh",
        ])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", test]);
    let done = child::output(unshare, GUARD, 1 << 20).await;
    let done = done.expect("the namespace is there");
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    None
}

/// Returns what `claude` keeps in `.credentials.json` when somebody is logged in with `token`, in the form
/// that CLI 2.1.330 writes. It reads this file and asks nobody before it sends.
#[must_use]
pub fn kept_login(token: &str) -> String {
    let renewal = format!("sk-ant-ort01-{}", Uuid::new_v4().simple());
    let login = serde_json::json!({ "claudeAiOauth": {
        "accessToken": token,
        "refreshToken": renewal,
        // 2100-01-01, in milliseconds: nothing renews it meanwhile.
        "expiresAt": 4_102_444_800_000_u64,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }});
    login.to_string()
}
