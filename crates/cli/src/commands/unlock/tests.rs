//! Unlocking where the keychain does as it is told.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchyard_core::agent::{Answered, Ask, Asked, Question};
use switchyard_core::clock::Clock;
use switchyard_core::db::Db;
use switchyard_core::paths::Paths;
use switchyard_core::secret::Passphrase;
use switchyard_core::vault::{Cost, Entries, EntryBytes, Keychain, NewVault, Patience, Vault};

use super::*;

const PHRASE: &str = "a sentence of some length";

/// A keychain that keeps what it is given, and then is locked: its owner dismisses what it asks.
#[derive(Clone, Default)]
struct Dismissed(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entry: Option<EntryBytes>,
    reads: usize,
    /// Set once it is locked: what its owner does.
    owner: Option<Receiver<()>>,
}

impl Dismissed {
    /// Locks it, and returns by what its owner dismisses the question.
    fn lock(&self) -> Sender<()> {
        let (dismiss, dismissed) = channel();
        let mut kept = self.0.lock().unwrap();
        kept.owner = Some(dismissed);
        kept.reads = 0;
        dismiss
    }

    fn reads(&self) -> usize {
        self.0.lock().unwrap().reads
    }
}

impl Entries for Dismissed {
    fn read(&self, _: &str) -> Result<Option<EntryBytes>> {
        let owner = {
            let mut kept = self.0.lock().unwrap();
            kept.reads += 1;
            match kept.owner.take() {
                None => return Ok(kept.entry.clone()),
                Some(owner) => owner,
            }
        };
        owner.recv().unwrap();
        Err(Error::new(Code::KeychainUnavailable, "It was dismissed."))
    }

    fn write(&self, _: &str, value: &[u8]) -> Result<()> {
        self.0.lock().unwrap().entry = Some(value.to_vec().into());
        Ok(())
    }

    fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn is_locked(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async { true })
    }
}

/// A user who dismisses the keychain's question once it is shown that it is waited for, and then
/// gives these answers.
#[derive(Clone)]
struct User {
    dismiss: Sender<()>,
    answers: Arc<Mutex<Vec<&'static str>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ask for User {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        let trouble = question.trouble.as_ref().map(Error::code);
        self.heard
            .lock()
            .unwrap()
            .push(format!("asked {trouble:?}"));
        let answer = self.answers.lock().unwrap().pop();
        let answer = answer.map(|text| Answered::Passphrase(Passphrase::new(text.to_owned())));
        Box::pin(async move { answer })
    }

    fn waiting(&self, is_waiting: bool) {
        self.heard
            .lock()
            .unwrap()
            .push(format!("waits {is_waiting}"));
        if is_waiting {
            self.dismiss.send(()).unwrap();
        }
    }
}

/// Makes a vault in a keychain, with a passphrase where it is wanted, and opens it again with a
/// keychain that is dismissed. Returns the outcome, what the user heard, how often the keychain was
/// read, and how many agents were started.
async fn unlock(
    has_passphrase: bool,
    answers: &[&'static str],
) -> (Result<()>, Vec<String>, usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::under(folder.path());
    let db = Db::open(&paths, &Clock::system()).unwrap();
    let entries = Dismissed::default();
    let patience = Patience {
        answer: Duration::from_secs(60),
        glance: Duration::from_millis(1),
        owner: Duration::from_secs(60),
    };
    let vault = || {
        let keychain = Keychain::with(entries.clone(), patience);
        Vault::of(db.clone(), keychain, "test").with_cost(Cost::LEAST)
    };
    let new = NewVault {
        keychain: true,
        passphrase: has_passphrase.then(|| Passphrase::new(PHRASE.to_owned())),
        recovery: false,
    };
    vault().create(new).await.unwrap();
    let user = User {
        dismiss: entries.lock(),
        answers: Arc::new(Mutex::new(answers.iter().rev().copied().collect())),
        heard: Arc::default(),
    };
    let access = Access::new(paths, vault(), "test", user.clone());
    let status = access.status().await.unwrap();
    let mut agents = 0;
    let outcome = open(&access, &status, async || {
        agents += 1;
        Ok(None)
    })
    .await;
    assert_eq!(
        access.status().await.unwrap().lock == Lock::Unlocked,
        outcome.is_ok()
    );
    let heard = user.heard.lock().unwrap().clone();
    (outcome, heard, entries.reads(), agents)
}

#[tokio::test]
async fn a_keychain_that_is_waited_for_is_shown_and_not_asked_again_once_it_refused() {
    let (outcome, heard, reads, agents) = unlock(true, &[PHRASE]).await;
    outcome.unwrap();
    assert_eq!(
        heard,
        [
            "waits true",
            "waits false",
            "asked Some(KeychainUnavailable)"
        ]
    );
    assert_eq!((reads, agents), (1, 1));
}

#[tokio::test]
async fn a_mistyped_passphrase_is_asked_for_again_and_the_keychain_is_not() {
    let (outcome, heard, reads, agents) = unlock(true, &["another sentence", PHRASE]).await;
    outcome.unwrap();
    assert_eq!(heard[3..], ["asked Some(WrongPassphrase)"]);
    assert_eq!((reads, agents), (1, 1));
}

#[tokio::test]
async fn where_nothing_but_the_keychain_opens_the_vault_no_agent_is_started_for_its_refusal() {
    let (outcome, heard, reads, agents) = unlock(false, &[]).await;
    let refused = outcome.unwrap_err();
    assert_eq!(refused.code(), Code::Locked);
    assert!(refused.message().contains("It was dismissed"), "{refused}");
    assert_eq!(heard, ["waits true", "waits false"]);
    assert_eq!((reads, agents), (1, 0));
}
