//! Runs from the first row to the last, against the simulator and a store on disk.

mod busy;
mod checks;
mod conversations;
mod endings;
mod fallbacks;
mod late;
mod lines;
mod locking;
mod recovery;
mod retries;
mod routes;
mod streams;
mod tries;
mod unbooked;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::types::FromSql;
use switchyard_simulator::{KeyState, Reply, Script, Simulator, Usage};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, Millis};
use crate::db::{Db, SqlContext};
use crate::error::{Code, Error, Result};
use crate::farm::Farm;
use crate::http::{Http, HttpSettings, Timeouts};
use crate::id::{KeyId, RunId};
use crate::paths::Paths;
use crate::plan::Plan;
use crate::secret::{ApiKey, HistoryKey};
use crate::usage::{Basis, Nano};
use crate::vault::{Custody, Later, SealedKey};

const NOW: Millis = Millis(1_795_300_000_000);

/// Opens keys from memory; locked when it is told to be.
#[derive(Default)]
struct Keys {
    secrets: Mutex<HashMap<KeyId, String>>,
    history: [u8; 32],
    is_locked: bool,
}

impl Keys {
    fn gate(&self) -> Result<()> {
        if self.is_locked {
            return Err(Error::new(Code::Locked, "The vault is locked."));
        }
        Ok(())
    }
}

impl Custody for Keys {
    fn open_key<'a>(&'a self, key: &'a KeyId, _: Option<&'a str>, _: &'a str) -> Later<'a, ApiKey> {
        Box::pin(async move {
            self.gate()?;
            let secrets = self.secrets.lock().unwrap();
            let secret = secrets.get(key).cloned();
            secret
                .map(ApiKey::new)
                .ok_or_else(|| Error::new(Code::Damaged, "The key does not open."))
        })
    }

    fn seal_key<'a>(
        &'a self,
        _: &'a KeyId,
        _: Option<&'a str>,
        _: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        Box::pin(async { Err(Error::failed("Nothing here seals keys.")) })
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        Box::pin(async move {
            self.gate()?;
            Ok(HistoryKey::from_slice(&self.history).unwrap())
        })
    }

    fn could_open(&self) -> Later<'_, ()> {
        Box::pin(async move { self.gate() })
    }

    fn shares_commits(&self) -> bool {
        true
    }
}

/// A store on disk with one key, and a simulator that takes it.
struct Home {
    folder: tempfile::TempDir,
    simulator: Simulator,
    dispatch: Dispatch,
    vault: Arc<Keys>,
    key: KeyId,
    secret: String,
}

impl Home {
    async fn new(script: Script) -> Self {
        Self::with(script, Timeouts::default(), false).await
    }

    async fn with(script: Script, timeouts: Timeouts, is_locked: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple());
        let simulator = Simulator::start(script.key(&secret, KeyState::Valid)).await;
        let paths = Paths::under(&folder.path().join("home"));
        let db = Db::open(&paths, &Clock::fixed(NOW)).unwrap();
        let key = KeyId::new();
        let vault = Arc::new(Keys {
            secrets: Mutex::new(HashMap::from([(key.clone(), secret.clone())])),
            history: [7; 32],
            is_locked,
        });
        let (id, url) = (key.clone(), simulator.base_url());
        db.write(move |store| {
            store
                .execute(
                    "INSERT INTO vault (id, vault_id, created_at, key_check) VALUES (1, 'v', 0, x'00')",
                    [],
                )
                .doing("make a vault")?;
            store
                .execute(
                    "INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, base_url,
                         environment, created_at)
                     VALUES (?1, 'Work', 'work', x'00', 'api', 'manual', '1234', ?2, 'test', 0)",
                    (id, url),
                )
                .doing("make a key")
        })
        .await
        .unwrap();
        let settings = HttpSettings {
            timeouts,
            ..HttpSettings::default()
        };
        let dispatch = Dispatch {
            db: db.clone(),
            http: Http::new(&settings),
            vault: Arc::clone(&vault) as Arc<dyn Custody>,
            plan: Plan::new(db.clone()),
            farm: Farm::new(db.clone()),
            face: "test",
        };
        Self {
            folder,
            simulator,
            dispatch,
            vault,
            key,
            secret,
        }
    }

    fn ask(&self, prompt: &str) -> Ask {
        Ask {
            pay_with: PayWith::Key(self.key.clone()),
            class: Class::Interactive,
            reply_to: None,
            request: Request {
                model: "claude-sonnet-5-5".to_owned(),
                prompt: prompt.to_owned(),
                ..Request::default()
            },
        }
    }

    async fn prepare(&self, ask: Ask) -> Prepared {
        self.dispatch.preflight(ask, |_| None).await.unwrap()
    }

    async fn send(&self, prompt: &str) -> Done {
        self.carry_out(self.ask(prompt)).await
    }

    async fn carry_out(&self, ask: Ask) -> Done {
        let prepared = self.prepare(ask).await;
        self.start(prepared).end().await
    }

    /// Starts a run in the background.
    fn start(&self, prepared: Prepared) -> Underway {
        let (sink, events) = channel();
        let cancel = CancellationToken::new();
        let (dispatch, token) = (self.dispatch.clone(), cancel.clone());
        let run = tokio::spawn(async move { dispatch.run(prepared, sink, token).await });
        Underway {
            run,
            events,
            cancel,
        }
    }

    fn value<T: FromSql>(&self, sql: &str) -> T {
        let one =
            |store: &rusqlite::Connection| store.query_row(sql, [], |row| row.get(0)).doing("read");
        self.dispatch.db.read(one).unwrap()
    }

    /// Checks that every run is closed and booked at most once, with nothing left reserved.
    fn assert_settled(&self) {
        assert_eq!(
            self.value::<i64>("SELECT count(*) FROM runs WHERE state = 'started'"),
            0
        );
        assert_eq!(self.value::<i64>("SELECT count(*) FROM reservations"), 0);
        let ledger: i64 = self.value("SELECT count(*) FROM key_usage");
        assert_eq!(
            self.value::<i64>("SELECT count(DISTINCT run_id) FROM key_usage"),
            ledger
        );
        assert_eq!(
            self.value::<i64>("SELECT coalesce(sum(runs), 0) FROM usage_daily"),
            ledger
        );
    }
}

/// A run that goes on.
struct Underway {
    run: tokio::task::JoinHandle<Result<Outcome>>,
    events: mpsc::Receiver<RunEvent>,
    cancel: CancellationToken,
}

/// A run that is over, with all it told.
struct Done {
    outcome: Outcome,
    events: Vec<RunEvent>,
}

impl Underway {
    /// Waits for the first text.
    async fn first_text(&mut self) -> String {
        loop {
            match self
                .events
                .recv()
                .await
                .expect("the run ended without a text")
            {
                RunEvent::Text { text } => return text,
                RunEvent::Failed { error, .. } => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    async fn end(mut self) -> Done {
        let mut events = Vec::new();
        while let Some(event) = self.events.recv().await {
            events.push(event);
        }
        let outcome = self.run.await.unwrap().unwrap();
        Done { outcome, events }
    }
}

impl Done {
    fn text(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match event {
            RunEvent::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    fn error(&self) -> &Error {
        self.outcome.error.as_ref().expect("the run did not fail")
    }

    fn amount(&self) -> &Amount {
        self.outcome
            .receipt
            .booked
            .as_ref()
            .expect("nothing was booked")
    }
}

fn brief() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(2),
        first_byte: Duration::from_millis(150),
        idle: Duration::from_millis(150),
        total: Duration::from_secs(20),
    }
}
