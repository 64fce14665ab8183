//! A desk: a screen of its own, a session bus, a keyring where a test wants one, and the real window,
//! driven through the web view's own driver.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use serde_json::json;
use thirtyfour::{Capabilities, WebDriver};

use crate::machine::{Machine, binary, command};
use crate::program::Program;
use crate::screen::Screen;
use crate::tray::{Tray, bus_of};
use crate::window::Window;

/// How long anything on the page may take to appear: far more than it does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The size of the screen, and of the window unless a test sets another.
const SCREEN: &str = "1600x1000x24";

/// A machine with a screen.
pub struct Desk {
    /// The machine, whose commands share the window's store.
    pub machine: Machine,
    // Ended in this order.
    keyring: Option<Ended>,
    pub(crate) around: Vec<Ended>,
    port: u16,
}

/// A process that is ended with its desk.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Desk {
    /// Sets up a desk without a keyring.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Machine::new())
    }

    /// Sets up a desk for a machine.
    ///
    /// # Panics
    /// When a part of it is not installed or does not start.
    #[must_use]
    pub fn of(mut machine: Machine) -> Self {
        let (screen, display) = screen(&machine);
        let machine_folder = machine.root().display().to_string();
        machine
            .set("DISPLAY", display)
            .set("GDK_BACKEND", "x11")
            // Without a graphics card the compositor costs more than it gains.
            .set("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
            .set("LIBGL_ALWAYS_SOFTWARE", "1")
            // The accessibility bus would be one more process that outlives its test.
            .set("NO_AT_BRIDGE", "1")
            // The folder of a demo that the driver killed goes with the machine.
            .set("TMPDIR", machine_folder)
            .set("SWITCHYARD_LOG", "warn,switchyard_desktop=info");
        let (bus, address) = bus(&machine);
        machine.set("DBUS_SESSION_BUS_ADDRESS", address);
        Self {
            machine,
            keyring: None,
            around: vec![bus, screen],
            port: 0,
        }
    }

    /// Starts a GNOME keyring on the desk's bus and unlocks it.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn bring_keyring(&mut self) {
        let mut keyring = self.machine.spawn(
            Path::new("/usr/bin/gnome-keyring-daemon"),
            ["--foreground", "--unlock", "--components=secrets"],
        );
        let mut pipe = keyring.stdin.take().expect("a piped standard input");
        pipe.write_all(b"pw\n")
            .expect("the keyring reads its password");
        self.keyring = Some(Ended(keyring));
    }

    /// Puts a keyring in the place of any other that takes every question and answers none, and returns
    /// what it is asked.
    ///
    /// # Panics
    /// When the bus does not take it.
    pub async fn silence_keyring(&mut self) -> zbus::MessageStream {
        drop(self.keyring.take());
        let silent = self.bus().await;
        let start = std::time::Instant::now();
        // The bus may hear of the other one's end a little later.
        while let Err(error) = silent.request_name("org.freedesktop.secrets").await {
            assert!(start.elapsed() < PATIENCE, "{error}");
            tokio::task::yield_now().await;
        }
        silent.into()
    }

    /// Installs this `claude` for its user, and tells whether that went well.
    pub fn bring_claude(&self, cli: &Path) -> bool {
        let bin = self.machine.home().join(".local/bin");
        std::fs::create_dir_all(&bin).is_ok()
            && std::os::unix::fs::symlink(cli, bin.join("claude")).is_ok()
    }

    /// Starts the program as its user does, without a driver, and waits until its page is shown.
    ///
    /// # Panics
    /// When it does not start or shows no page.
    pub async fn start(&mut self) -> Program {
        self.start_with(&[]).await
    }

    /// Starts the program with these arguments, as [`start`](Self::start) does.
    ///
    /// # Panics
    /// When it does not start or shows no page.
    pub async fn start_with(&mut self, arguments: &[&str]) -> Program {
        let before = self.pages();
        let mut child = self.logged(&binary("switchyard-desktop"), arguments);
        let child = child.spawn().expect("the window starts");
        self.around.insert(0, Ended(child));
        self.wait_for_page(before).await;
        self.program()
    }

    /// Returns how many pages were shown until now.
    #[must_use]
    pub fn pages(&self) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.matches("a page is shown").count()
    }

    /// Waits until more than this many pages were shown.
    ///
    /// # Panics
    /// When no other comes.
    pub async fn wait_for_page(&self, before: usize) {
        let start = std::time::Instant::now();
        while self.pages() <= before {
            assert!(start.elapsed() < PATIENCE, "no page is shown");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the program that is running at this desk, whoever has started it.
    ///
    /// # Panics
    /// When none is.
    #[must_use]
    pub fn program(&self) -> Program {
        Program::of(&self.machine, "switchyard-desktop")
    }

    /// Returns the process that holds the page.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn web_process(&self) -> Program {
        Program::of(&self.machine, "WebKitWebProcess")
    }

    /// Returns a connection of the test's own to the desk's bus.
    pub async fn bus(&self) -> zbus::Connection {
        bus_of(&self.machine).await
    }

    /// Returns the desk's screen.
    ///
    /// # Panics
    /// When it is gone.
    #[must_use]
    pub fn screen(&self) -> Screen {
        Screen::of(&self.machine)
    }

    /// Returns what the program shows in the tray of a panel that was brought.
    pub async fn tray(&self) -> Tray {
        Tray::find(&self.machine).await
    }

    /// Returns the file that what the window logs goes to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.machine.root().join("window.log")
    }

    /// Returns what the program and its page complained of: errors, panics, and what the page's policy
    /// forbade.
    ///
    /// # Panics
    /// When no window was opened.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log()).expect("a log");
        let is_fault = |line: &&str| {
            let signs = [" ERROR ", "panicked", "Content Security Policy"];
            signs.iter().any(|sign| line.contains(sign))
        };
        log.lines().filter(is_fault).map(str::to_owned).collect()
    }

    /// Opens the window with these arguments.
    ///
    /// # Panics
    /// When the driver or the window does not start.
    pub async fn open(&mut self, arguments: &[&str]) -> Window {
        self.open_program(&binary("switchyard-desktop"), arguments)
            .await
    }

    /// Opens the window of another build, or of another program of the same framework.
    ///
    /// # Panics
    /// When the driver or the window does not start.
    pub async fn open_program(&mut self, program: &Path, arguments: &[&str]) -> Window {
        if self.port == 0 {
            self.start_driver();
        }
        let mut wanted = Capabilities::new();
        let options = json!({ "binary": program, "args": arguments });
        wanted
            .set("webkitgtk:browserOptions", options)
            .expect("options are JSON");
        let url = format!("http://127.0.0.1:{}", self.port);
        // The driver's client shares the core's way of choosing none by default, and then wants one even
        // for loopback; that another test has chosen already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let page = WebDriver::new(url, wanted).await.expect("the window opens");
        Window {
            page,
            clicks: AtomicUsize::new(0),
        }
    }

    fn start_driver(&mut self) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        self.port = free.expect("a free port").port();
        let port = format!("--port={}", self.port);
        let mut driver = self.logged(Path::new("/usr/bin/WebKitWebDriver"), &[&port]);
        // The window that it starts lets itself be driven.
        let driver = driver.env("TAURI_WEBVIEW_AUTOMATION", "true").spawn();
        let driver = driver.expect("it is installed; run the tests with ./dev test");
        self.around.insert(0, Ended(driver));
        let listens = || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        let start = std::time::Instant::now();
        while !listens() {
            assert!(start.elapsed() < PATIENCE, "the driver does not listen");
            std::thread::yield_now();
        }
    }
}

impl Desk {
    /// Prepares a program whose complaints go into the log.
    fn logged(&self, program: &Path, arguments: &[&str]) -> Command {
        let log = File::options().append(true).create(true).open(self.log());
        let mut program = command(program);
        program
            .args(arguments)
            .env_clear()
            .envs(self.machine.variables())
            .current_dir(self.machine.home())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"));
        program
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts a screen and returns its name.
fn screen(machine: &Machine) -> (Ended, String) {
    let mut screen = machine.spawn(
        Path::new("/usr/bin/Xvfb"),
        [
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            // Else it begins anew whenever nobody has a window on it.
            "-noreset",
            "-nolisten",
            "tcp",
        ],
    );
    let number = first_line(&mut screen);
    (Ended(screen), format!(":{number}"))
}

/// Starts a session bus and returns its address.
fn bus(machine: &Machine) -> (Ended, String) {
    let mut bus = machine.spawn(
        Path::new("/usr/bin/dbus-daemon"),
        ["--session", "--nofork", "--print-address=1"],
    );
    let address = first_line(&mut bus);
    (Ended(bus), address)
}

fn first_line(child: &mut Child) -> String {
    let output = child.stdout.take().expect("a piped standard output");
    let mut line = String::new();
    let read = BufReader::new(output).read_line(&mut line);
    read.expect("a readable output");
    line.trim().to_owned()
}
