//! The real window beside an empty page in the same shell: how soon a thousand keys can be used, what
//! memory it takes, and whether it keeps up with typing.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use switchyard_tests::{Desk, Machine, Window, binary};

use crate::place::Server;
use crate::report::{Report, Samples, Target};
use crate::tree::Tree;
use crate::{Measured, Size};

const KEYS: usize = 1_000;
const EVENTS: &str = "5000";
/// Words that are found in many keys' rows, in few, and in none.
const SEARCHES: [&str; 3] = ["sample", "key 07", "nowhere"];
/// What a page comes to rest in before its memory is read.
const REST: Duration = Duration::from_secs(2);
/// How much later than in the quickest start a page is asked for where the driver held it up, in ms: half a
/// second, and no more.
const HELD: RangeInclusive<f64> = 400.0..=650.0;
/// More frames that came late than these are not told of one by one.
const LATE_MAX: usize = 8;
const NO_FRAME: Target = Target::AtMost(0.0);

pub(crate) async fn measure(size: Size, report: &mut Report) -> Measured<()> {
    report.title("The window, with 1,000 keys, beside an empty page in the same shell");
    if !Path::new("/proc/self/smaps_rollup").exists() {
        report.text("  not measured: this system has no /proc");
        return Ok(());
    }
    // Paced, so that the stream lasts long enough to be typed beside.
    let server = Server::start(["--events", EVENTS, "--pace-ms", "1"]).await?;
    let mut desk = Desk::of(with_keys(&server)?);
    // As in the tray below: whoever has a tray has the libraries that draw it in memory.
    desk.bring_panel().await;
    let mut bare = Opened::of(bare_program()?, Page::Empty);
    let mut own = Opened::of(binary("switchyard-desktop"), Page::Keys);
    let times = size.times(3, 16);
    for turn in 0..=times {
        bare.open(&mut desk, turn > 0).await?.close().await;
        let window = own.open(&mut desk, turn > 0).await?;
        if turn == times {
            smoothness(&window, report, &bare, &own).await?;
        }
        window.close().await;
    }
    in_tray(&server, report).await
}

/// Measures what stays in memory while the window is closed to the tray.
async fn in_tray(server: &Server, report: &mut Report) -> Measured<()> {
    let mut desk = Desk::of(with_keys(server)?);
    desk.bring_panel().await;
    desk.start().await;
    desk.tray().await;
    let tree = Tree::of(&binary("switchyard-desktop"), &desk.machine.home())?;
    tokio::time::sleep(REST).await;
    desk.screen().close();
    desk.screen().wait_for_window(false).await;
    tokio::time::sleep(REST).await;
    let mut memory = Samples::default();
    memory.add(tree.memory()?);
    let most = Target::AtMost(140.0);
    report.judged("memory, closed to the tray", "MiB", &memory, most);
    Ok(())
}

/// Makes a machine with an open vault and as many keys as are measured: one real one, and its copies.
fn with_keys(server: &Server) -> Measured<Machine> {
    let machine = Machine::with_vault();
    let key = format!("sk-ant-api03-simulated-{}", uuid::Uuid::new_v4().simple());
    let add = ["keys", "add", "Sample key", "--base-url", &server.url];
    let added = machine.run_with(add, &key);
    if added.code != Some(0) {
        return Err(added.stderr.into());
    }
    let store = rusqlite::Connection::open(machine.paths().database())?;
    // The copies could not be opened, which no list does.
    let copies = "WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?1)
        INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, fingerprint, base_url,
                              environment, created_at, validity, checked_at, valid_at)
        SELECT lower(hex(randomblob(16))), printf('Sample key %04d', n), printf('sample key %04d', n),
               key, kind, source, printf('%04d', n), randomblob(32), base_url,
               'team ' || n % 7, created_at + n, validity, checked_at, valid_at
        FROM copies, api_keys WHERE api_keys.name = 'Sample key'";
    store.execute(copies, [i64::try_from(KEYS)? - 1])?;
    Ok(machine)
}

/// Returns the empty page's program, which is built with the bench.
fn bare_program() -> Measured<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("examples/bare");
    match path.is_file() {
        true => Ok(path),
        false => Err("the empty page is not built; start this with ./dev bench".into()),
    }
}

/// What a window is opened on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Empty,
    Keys,
}

/// When a window's page was asked for, and when it could be used: in ms after its program began.
#[derive(Clone, Copy)]
struct Start {
    asked: f64,
    there: f64,
}

/// What was measured of one kind of window.
struct Opened {
    program: PathBuf,
    page: Page,
    starts: Vec<Start>,
    memory: Samples,
}

impl Opened {
    fn of(program: PathBuf, page: Page) -> Self {
        Self {
            program,
            page,
            starts: Vec::new(),
            memory: Samples::default(),
        }
    }

    /// Whether the driver held up the start in this turn, which shows before any page is asked for: it makes some
    /// programs wait for it, for half a second, which without a driver none does.
    fn is_held(&self, turn: usize) -> bool {
        let asked = self.starts.iter().map(|start| start.asked);
        HELD.contains(&(self.starts[turn].asked - asked.fold(f64::INFINITY, f64::min)))
    }

    /// Opens a window and waits until it can be used. The first one reads its program from the disk,
    /// and does not count.
    async fn open(&mut self, desk: &mut Desk, counts: bool) -> Measured<Window> {
        let window = desk.open_program(&self.program, &[]).await;
        let tree = Tree::of(&self.program, &desk.machine.home())?;
        window.arrive().await;
        // The page's own clock, because the driver joins it late.
        let there = match self.page {
            Page::Empty => ask(&window, "start", json!("p")).await?,
            Page::Keys => {
                if !counts {
                    ask(&window, "leave", json!("1,000")).await?;
                }
                ask(&window, "keys", json!("1,000")).await?
            }
        };
        let began = tree.began()?;
        tokio::time::sleep(REST).await;
        if counts {
            self.starts.push(Start {
                asked: number(&there[0])? - began,
                there: number(&there[1])? - began,
            });
            self.memory.add(tree.memory()?);
        }
        Ok(window)
    }
}

/// Writes what starting took, of the turns in which the driver let both programs start.
fn start(report: &mut Report, bare: &Opened, own: &Opened) {
    let turns = bare.starts.len().min(own.starts.len());
    let mut free: Vec<usize> = (0..turns)
        .filter(|turn| !bare.is_held(*turn) && !own.is_held(*turn))
        .collect();
    // What happens in most turns is no accident.
    if free.len() * 2 < turns {
        free = (0..turns).collect();
    }
    let [bare, own] = [bare, own].map(|opened| {
        let mut took = Samples::default();
        free.iter()
            .for_each(|turn| took.add(opened.starts[*turn].there));
        took
    });
    report.figure("start to an empty page", "ms", &bare);
    report.figure("start to the key list", "ms", &own);
    let ratio = own.beside(&bare);
    report.judged("key list ÷ empty page", "×", &ratio, Target::AtMost(1.5));
    if free.len() < turns {
        let held = turns - free.len();
        report.text(&format!(
            "    {held} of {turns} turns left out: a page was asked for half a second late"
        ));
    }
}

/// Writes what starting took, then types into the last window.
async fn smoothness(
    window: &Window,
    report: &mut Report,
    bare: &Opened,
    own: &Opened,
) -> Measured<()> {
    start(report, bare, own);
    report.figure("memory, empty page", "MiB", &bare.memory);
    report.judged(
        "memory, the key list",
        "MiB",
        &own.memory,
        Target::AtMost(230.0),
    );

    frames(
        "at rest, for 2 s",
        &ask(window, "rest", json!(2_000)).await?,
        report,
        None,
    )?;
    let typed = ask(window, "search", json!(SEARCHES)).await?;
    report.figure("search: keystroke to repaint", "ms", &times(&typed)?);
    frames("while searching", &typed, report, Some(NO_FRAME))?;
    let sorted = ask(window, "sort", Value::Null).await?;
    frames("while sorting, scrolling", &sorted, report, Some(NO_FRAME))?;

    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "Go on.").await;
    window.click("button", "Send").await;
    let typed = ask(window, "stream", json!("to first token")).await?;
    report.figure("stream: keystroke to repaint", "ms", &times(&typed)?);
    frames("while 5,000 events stream", &typed, report, Some(NO_FRAME))
}

/// Writes how many frames of 1/60 s did not come.
fn frames(name: &str, seen: &Value, report: &mut Report, target: Option<Target>) -> Measured<()> {
    let mut dropped = Samples::default();
    dropped.add(number(&seen["dropped"])?);
    let name = format!("{name}: frames dropped of {}", seen["frames"]);
    match target {
        Some(target) => report.judged(&name, "", &dropped, target),
        None => report.figure(&name, "", &dropped),
    }
    for late in seen["late"].as_array().into_iter().flatten().take(LATE_MAX) {
        let (at, took) = (number(&late[0])?, number(&late[1])?);
        report.text(&format!("    after {at:.0} ms one took {took:.0} ms"));
    }
    Ok(())
}

fn times(typed: &Value) -> Measured<Samples> {
    let mut samples = Samples::default();
    for took in typed["took"].as_array().into_iter().flatten() {
        samples.add(number(took)?);
    }
    Ok(samples)
}

/// Asks the page, by the script beside this file.
async fn ask(window: &Window, what: &str, given: Value) -> Measured<Value> {
    let script = include_str!("page.js");
    let asked = window.page.execute_async(script, vec![json!(what), given]);
    let said = asked.await?.json().clone();
    match said["error"].as_str() {
        Some(error) => Err(error.into()),
        None => Ok(said),
    }
}

fn number(value: &Value) -> Measured<f64> {
    value
        .as_f64()
        .ok_or_else(|| format!("the page did not say a number, but {value}").into())
}
