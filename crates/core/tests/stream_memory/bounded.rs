//! Each measurement has a process of its own, because the high-water mark is the process's and an
//! allocator remembers what came before; the simulator in it makes its bytes as it sends them.

use std::sync::Arc;

use switchyard_core::clock::{Clock, Millis};
use switchyard_core::db::Db;
use switchyard_core::dispatch::{
    Ask, Class, Dispatch, Outcome, PayWith, Request, RunEvent, State, channel,
};
use switchyard_core::farm::Farm;
use switchyard_core::http::{Http, HttpSettings};
use switchyard_core::id::KeyId;
use switchyard_core::paths::Paths;
use switchyard_core::plan::Plan;
use switchyard_core::secret::{ApiKey, HistoryKey};
use switchyard_core::vault::{Custody, Later, SealedKey};
use switchyard_core::{Code, Error};
use switchyard_simulator::{Reply, Script, Simulator};
use tokio_util::sync::CancellationToken;

const MIB: u64 = 1024 * 1024;
const GROWTH_MAX: u64 = 32 * MIB;

/// Set in the process that measures.
const MEASURING: &str = "SWITCHYARD_MEASURING";

/// Seals the history and opens no key: the runs here pay from a variable.
struct History;

impl Custody for History {
    fn open_key<'a>(&'a self, _: &'a KeyId, _: Option<&'a str>, _: &'a str) -> Later<'a, ApiKey> {
        Box::pin(async { Err(Error::new(Code::NotFound, "There are no keys.")) })
    }

    fn seal_key<'a>(
        &'a self,
        _: &'a KeyId,
        _: Option<&'a str>,
        _: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        Box::pin(async { Err(Error::new(Code::NotFound, "There are no keys.")) })
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        Box::pin(async { HistoryKey::random() })
    }
}

struct Seen {
    outcome: Outcome,
    text_bytes: u64,
    growth: u64,
}

/// Streams one reply through store, engine and history, and measures what the process grew by.
fn measure(reply: Reply) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script = Script::new()
        .any_key()
        .reply(Reply::text("warm"))
        .reply(reply);
    let simulator = Simulator::start_blocking(script);
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(Millis(1_795_300_000_000));
    let db = Db::open(&Paths::under(folder.path()), &clock).unwrap();
    db.write_blocking(|store| {
        let sql =
            "INSERT INTO vault (id, vault_id, created_at, key_check) VALUES (1, 'v', 0, x'00')";
        store
            .execute(sql, [])
            .map_err(|_| Error::failed("no vault"))
    })
    .unwrap();
    let dispatch = Dispatch {
        plan: Plan::new(db.clone()),
        farm: Farm::new(db.clone()),
        db,
        http: Http::new(&HttpSettings::default()),
        vault: Arc::new(History),
        face: "test",
    };
    runtime.block_on(async {
        stream(&dispatch, &simulator).await;
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = status("VmRSS");
        let (outcome, text_bytes) = stream(&dispatch, &simulator).await;
        Seen {
            outcome,
            text_bytes,
            growth: status("VmHWM").saturating_sub(before),
        }
    })
}

async fn stream(dispatch: &Dispatch, simulator: &Simulator) -> (Outcome, u64) {
    let ask = Ask {
        pay_with: PayWith::Env {
            name: "KEY".to_owned(),
            base_url: Some(simulator.base_url()),
        },
        class: Class::Interactive,
        reply_to: None,
        request: Request {
            model: "claude-haiku-5-5".to_owned(),
            prompt: "Go on for ever.".to_owned(),
            ..Request::default()
        },
    };
    let key = |_: &str| Some("gateway-key-of-this-test".to_owned());
    let prepared = dispatch.preflight(ask, key).await.unwrap();
    let (sink, mut events) = channel();
    let run = dispatch.run(prepared, sink, CancellationToken::new());
    let count = async {
        let mut bytes = 0;
        while let Some(event) = events.recv().await {
            if let RunEvent::Text { text } = event {
                bytes += text.len() as u64;
            }
        }
        bytes
    };
    let (outcome, bytes) = tokio::join!(Box::pin(run), count);
    (outcome.unwrap(), bytes)
}

/// Reads a figure of the kernel's, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Runs the test `name` again in a process of its own; true in that process.
#[expect(
    clippy::disallowed_methods,
    reason = "the child is this test, with nothing to scrub"
)]
fn is_alone(name: &str) -> bool {
    if std::env::var_os(MEASURING).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("bounded::{name}"), "--nocapture"])
        .env(MEASURING, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("grew by"), "nothing was measured: {said}");
    false
}

fn assert_bounded(seen: &Seen) {
    let kib = seen.growth / 1024;
    println!("grew by {kib} KiB");
    assert!(seen.growth <= GROWTH_MAX, "grew by {kib} KiB");
}

#[test]
fn one_line_of_ten_megabytes_is_shown_whole_in_bounded_memory() {
    if is_alone("one_line_of_ten_megabytes_is_shown_whole_in_bounded_memory") {
        let seen = measure(Reply::line(10 * MIB));
        assert_eq!(seen.outcome.receipt.state, State::Finished);
        assert!(
            seen.text_bytes >= 10 * MIB - 1024,
            "{} bytes",
            seen.text_bytes
        );
        assert_bounded(&seen);
    }
}

#[test]
fn a_line_without_an_end_is_an_error_in_bounded_memory() {
    if is_alone("a_line_without_an_end_is_an_error_in_bounded_memory") {
        let seen = measure(Reply::line(u64::MAX));
        assert_bounded(&seen);
        assert_eq!(seen.outcome.error.unwrap().code(), Code::Refused);
    }
}

#[test]
fn a_long_stream_is_shown_whole_in_bounded_memory() {
    if is_alone("a_long_stream_is_shown_whole_in_bounded_memory") {
        // The full gigabyte takes minutes without optimisation.
        let size = match std::env::var_os("SWITCHYARD_LONG_TESTS") {
            Some(_) => 1024 * MIB,
            None => 48 * MIB,
        };
        let seen = measure(Reply::flood(size));
        assert_eq!(seen.outcome.receipt.state, State::Finished);
        assert_eq!(seen.text_bytes, size);
        assert_bounded(&seen);
    }
}
