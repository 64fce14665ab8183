//! A vault in a throw-away store, with a keychain that does as it is told.

use std::collections::BTreeMap;
use std::sync::mpsc;

use super::super::*;
use crate::clock::{Clock, Millis};
use crate::db::{Db, SqlContext};
use crate::paths::Paths;
use crate::secret::Passphrase;

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the keychain does when it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Willing,
    Absent,
    /// It does not answer before it is told to.
    Silent,
    /// It is locked and asks its owner; it does not answer before it is told to.
    Asking,
}

/// A keychain in memory. Clones share it.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<Kept>>);

struct Kept {
    entries: BTreeMap<String, Vec<u8>>,
    mood: Mood,
    calls: u32,
    released: Vec<mpsc::Sender<()>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Kept {
            entries: BTreeMap::new(),
            mood: Mood::Willing,
            calls: 0,
            released: Vec::new(),
        })))
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    pub(crate) fn calls(&self) -> u32 {
        self.0.lock().unwrap().calls
    }

    /// Puts `value` into the only entry, or removes it.
    pub(crate) fn replace(&self, value: Option<Vec<u8>>) {
        let mut kept = self.0.lock().unwrap();
        let name = kept.entries.keys().next().unwrap().clone();
        match value {
            Some(value) => kept.entries.insert(name, value),
            None => kept.entries.remove(&name),
        };
    }

    pub(crate) fn entries(&self) -> usize {
        self.0.lock().unwrap().entries.len()
    }

    /// Lets every call that hangs go on.
    pub(crate) fn release(&self) {
        let mut kept = self.0.lock().unwrap();
        kept.mood = Mood::Willing;
        kept.released.clear();
    }

    fn enter(&self) -> Result<()> {
        let mut kept = self.0.lock().unwrap();
        kept.calls += 1;
        match kept.mood {
            Mood::Willing => Ok(()),
            Mood::Absent => Err(Error::new(Code::KeychainUnavailable, "absent")),
            Mood::Silent | Mood::Asking => {
                let (sender, until) = mpsc::channel();
                kept.released.push(sender);
                drop(kept);
                let _ = until.recv();
                Ok(())
            }
        }
    }
}

impl Entries for Fake {
    fn read(&self, name: &str) -> Result<Option<EntryBytes>> {
        self.enter()?;
        let kept = self.0.lock().unwrap();
        Ok(kept.entries.get(name).cloned().map(EntryBytes::new))
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<()> {
        self.enter()?;
        let mut kept = self.0.lock().unwrap();
        kept.entries.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.enter()?;
        self.0.lock().unwrap().entries.remove(name);
        Ok(())
    }

    fn is_locked(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        let mood = self.0.lock().unwrap().mood;
        Box::pin(async move {
            match mood {
                Mood::Silent => std::future::pending().await,
                mood => mood == Mood::Asking,
            }
        })
    }
}

/// A store with a vault that may be made in it.
pub(crate) struct House {
    _folder: tempfile::TempDir,
    pub(crate) paths: Paths,
    pub(crate) clock: Clock,
    pub(crate) db: Db,
    pub(crate) fake: Fake,
}

/// Shorter than the real one, so that a test that waits for it ends; not so short that a busy
/// machine fails one that doesn't.
pub(crate) const PATIENCE: Patience = Patience {
    answer: Duration::from_millis(600),
    glance: Duration::from_millis(100),
    owner: Duration::from_secs(60),
};

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::under(&folder.path().join("home"));
        let clock = Clock::fixed(Millis(1_795_300_000_000));
        let db = Db::open(&paths, &clock).unwrap();
        Self {
            _folder: folder,
            paths,
            clock,
            db,
            fake: Fake::new(),
        }
    }

    /// Another process's view of the same vault: locked, with a connection of its own.
    pub(crate) fn vault(&self) -> Vault {
        self.vault_of("test")
    }

    pub(crate) fn vault_of(&self, face: &'static str) -> Vault {
        let db = Db::open(&self.paths, &self.clock).unwrap();
        Vault::of(db, Keychain::with(self.fake.clone(), PATIENCE), face).with_cost(Cost::LEAST)
    }

    /// A vault with all three slots, unlocked, and its recovery code.
    pub(crate) async fn full(&self) -> (Vault, crate::secret::RecoveryCode) {
        let vault = self.vault();
        let created = vault
            .create(NewVault {
                keychain: true,
                passphrase: Some(typed(PASSPHRASE)),
                recovery: true,
            })
            .await
            .unwrap();
        assert!(created.no_keychain.is_none());
        (vault, created.recovery_code.unwrap())
    }

    pub(crate) async fn with_passphrase(&self) -> Vault {
        let vault = self.vault();
        let new = NewVault {
            passphrase: Some(typed(PASSPHRASE)),
            ..NewVault::default()
        };
        vault.create(new).await.unwrap();
        vault
    }

    /// Seals a fresh secret and stores it, as the room of keys does.
    pub(crate) async fn store_key(&self, custody: &dyn Custody) -> (KeyId, String) {
        let (id, secret) = (KeyId::new(), fresh_secret());
        let sealed = custody
            .seal_key(&id, None, &ApiKey::new(secret.clone()))
            .await
            .unwrap();
        let row = id.clone();
        let put = move |store: &Connection| {
            store
                .execute(
                    "INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, fingerprint, created_at)
                     VALUES (?1, ?1, ?1, ?2, 'api', 'manual', '', ?3, 0)",
                    (&row, sealed.sealed, sealed.fingerprint),
                )
                .doing("store a key")
                .map(drop)
        };
        self.db.write(put).await.unwrap();
        (id, secret)
    }

    /// Changes the store behind the vault's back.
    pub(crate) fn tamper(&self, sql: &'static str) {
        self.change(move |store| store.execute_batch(sql).doing("tamper"));
    }

    /// As [`House::tamper`], from a thread of its own: a runtime's may not wait.
    pub(crate) fn change(&self, job: impl FnOnce(&Connection) -> Result<()> + Send + 'static) {
        let waits = || self.db.write_blocking(job).unwrap();
        std::thread::scope(|scope| scope.spawn(waits).join().unwrap());
    }

    /// Returns (act, face, key id, purpose) of every audit row, oldest first.
    pub(crate) fn audit(&self) -> Vec<(String, String, Option<String>, String)> {
        self.db
            .read(|store| {
                store
                    .prepare("SELECT act, face, key_id, purpose FROM audit ORDER BY id")
                    .and_then(|mut rows| {
                        rows.query_map([], |row| {
                            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                        })?
                        .collect()
                    })
                    .doing("read the audit")
            })
            .unwrap()
    }
}

pub(crate) const PASSPHRASE: &str = "five sheep walk home late";

pub(crate) fn typed(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

pub(crate) fn fresh_secret() -> String {
    format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple())
}
