//! Sample data to look around in: a store of its own in a folder that is thrown away, with the
//! simulator as its server. Nothing in it is real and nothing is sent anywhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use switchyard_core::claude;
use switchyard_core::demo::{PASSPHRASE, converse, fill, set_up_boxes};
use switchyard_core::paths::Paths;
use switchyard_core::secret::Passphrase;
use switchyard_core::vault::NewVault;
use switchyard_core::{App, Code, Error, Result};
use tauri::async_runtime::block_on;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::desktop::Desktop;

/// The argument that starts the program in its demo.
pub(crate) const ARGUMENT: &str = "--demo";

const SIMULATOR: &str = "switchyard-simulator";
/// How long the simulator may take to listen.
const START: Duration = Duration::from_secs(10);
/// Between two pieces of an answer, in milliseconds: as fast as a quick model.
const PACE: &str = "15";

/// How often its folder is looked at while it is removed, and how long after each look.
const CLEAR_MAX: u32 = 70;
const CLEAR_PAUSE: Duration = Duration::from_millis(20);
/// Gone for so many looks, it stays gone.
const CLEAR_SURE: u32 = 5;

/// The demo's surroundings, taken away with it.
pub(crate) struct Stage {
    home: TempDir,
    // Ends when its standard input does, so it can't outlive us.
    _simulator: Child,
    url: String,
}

impl Stage {
    /// Makes the folder and starts the simulator.
    pub(crate) async fn set() -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("switchyard-demo-")
            .tempdir()
            .map_err(|e| Error::failed("No folder could be made for the demo.").because(e))?;
        let mut command = child::command(&simulator()?, &Environment::scrubbed_own());
        command
            .args(["--pace-ms", PACE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut simulator = command.spawn().map_err(|e| not_up().because(e))?;
        let output = simulator.stdout.take().ok_or_else(not_up)?;
        let mut lines = BufReader::new(output).lines();
        let ready = tokio::time::timeout(START, lines.next_line()).await;
        let line = ready.ok().and_then(std::io::Result::ok).flatten();
        let url = line.as_deref().and_then(url_of).ok_or_else(not_up)?;
        Ok(Self {
            home,
            _simulator: simulator,
            url,
        })
    }

    /// Returns the folders of the demo's store.
    pub(crate) fn paths(&self) -> Paths {
        Paths::under(self.home.path())
    }

    /// Returns where the simulator listens.
    pub(crate) fn server(&self) -> Option<SocketAddr> {
        self.url.strip_prefix("http://")?.parse().ok()
    }

    /// Takes the folder away.
    pub(crate) fn clear(self) {
        let home = self.home.keep();
        // The web view's own processes end after this one, and a sample conversation may be booked yet: what
        // they write while it is emptied, or make anew, goes too.
        let mut gone_for = 0;
        for _ in 0..CLEAR_MAX {
            // Where it is gone already, that fails.
            let is_gone = std::fs::remove_dir_all(&home).is_ok() || !home.exists();
            gone_for = if is_gone { gone_for + 1 } else { 0 };
            if gone_for == CLEAR_SURE {
                return;
            }
            block_on(async { tokio::time::sleep(CLEAR_PAUSE).await });
        }
        tracing::warn!(folder = %home.display(), "the demo's folder could not be removed");
    }

    /// Makes the vault and fills the store.
    pub(crate) async fn fill(&self, app: &App) -> Result<()> {
        let vault = NewVault {
            passphrase: Some(Passphrase::new(PASSPHRASE.to_owned())),
            ..NewVault::default()
        };
        app.vault()?.create(vault).await?;
        fill(app.db()?, app.vault()?, app.http()?, &self.url)
            .await
            .map(drop)
    }
}

/// Has the sample conversations sent and the sample boxes set up while the window opens.
pub(crate) fn talk(desktop: &Arc<Desktop>) {
    let own = Arc::clone(desktop);
    let talk = tauri::async_runtime::spawn(async move {
        let app = &own.app;
        let sent = async { converse(app.db()?, Arc::new(app.vault()?.clone()), app.http()?).await };
        let boxes = async {
            let (path, home) = (std::env::var_os("PATH"), std::env::home_dir());
            let claude = claude::find(path.as_deref(), &home.unwrap_or_default());
            set_up_boxes(app.db()?, app.farm()?, claude.as_deref()).await
        };
        let (sent, boxes) = tokio::join!(sent, boxes);
        if let Err(error) = sent {
            tracing::warn!(%error, "the demo has no history");
        }
        match boxes {
            // The boxes are there for as long as they are held.
            Ok(Some(_boxes)) => std::future::pending().await,
            Ok(None) => tracing::info!("the demo has no farm: sshd is not installed"),
            Err(error) => tracing::warn!(%error, "the demo has no farm"),
        }
    });
    *desktop.talk() = Some(talk);
}

/// Ends the sample conversations and boxes: they open the store, and would make it anew while it is taken away.
pub(crate) fn hush(desktop: &Desktop) {
    if let Some(talk) = desktop.talk().take() {
        talk.abort();
        // That it was aborted is no news.
        let _ = block_on(talk);
    }
}

/// Starts a second program of ours that shows the demo.
pub(crate) fn start() -> Result<()> {
    let program = std::env::current_exe()
        .map_err(|e| Error::failed("This program's own file can't be found.").because(e))?;
    let environment = Environment::scrubbed_own().on_screen();
    child::command(&program, &environment)
        .arg(ARGUMENT)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(false)
        .spawn()
        .map(drop)
        .map_err(|e| Error::failed("The demo could not be started.").because(e))
}

/// Reads the line with which the simulator says where it listens.
fn url_of(line: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Ready {
        url: String,
    }
    serde_json::from_str::<Ready>(line)
        .ok()
        .map(|ready| ready.url)
}

/// Finds the simulator: beside this program, or where a package puts it.
fn simulator() -> Result<PathBuf> {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().unwrap_or(Path::new("/")).join(SIMULATOR);
    let packaged = Path::new("/usr/lib/switchyard").join(SIMULATOR);
    [beside, packaged]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Error::new(
                Code::NotFound,
                "The simulator, which stands in for the server in the demo, is not installed.",
            )
            .hint("Install Switchyard again, with all its parts.")
        })
}

fn not_up() -> Error {
    Error::failed("The simulator, which stands in for the server in the demo, did not start.")
        .hint("Try again; if it stays so, install Switchyard again.")
}
