//! Ends that were set aside and are found, or can be read, only after their run was given up.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::unbooked::{USED, another_process, end_unwritten, files};
use super::*;
use crate::dispatch::unbooked::{Found, Read};
use crate::usage::zone;

/// A store whose process has ended before it could book its second run.
struct Orphan {
    store: Db,
    file: PathBuf,
    /// A run that was booked at once, with the same prompt and the same answer.
    twin: RunId,
    run: RunId,
    _folder: tempfile::TempDir,
}

impl Orphan {
    async fn new() -> Self {
        let home = Home::new(Script::new().reply(Reply::deltas(["one ", "two"]).usage(USED))).await;
        let twin = home.send("Hi").await.outcome.receipt.run;
        let run = end_unwritten(&home).await.outcome.receipt.run;
        let file = files(&home).remove(0);
        let store = another_process(&home);
        let owner = home.dispatch.db.owner().to_owned();
        let Home {
            folder,
            dispatch,
            vault,
            ..
        } = home;
        drop((dispatch, vault));
        assert!(store.is_gone(&owner));
        Self {
            store,
            file,
            twin,
            run,
            _folder: folder,
        }
    }

    /// Recovers where the file can't be seen, as a process does that has another runtime folder.
    async fn recover_elsewhere(&self) {
        let hidden = self.file.with_file_name("hidden");
        std::fs::rename(&self.file, &hidden).unwrap();
        let recovered = recover(&self.store).await.unwrap();
        assert_eq!(recovered.as_estimates, [self.run]);
        std::fs::rename(&hidden, &self.file).unwrap();
    }

    fn text(&self, sql: &str) -> String {
        let one =
            |store: &rusqlite::Connection| store.query_row(sql, [], |row| row.get(0)).doing("read");
        self.store.read(one).unwrap()
    }

    fn books(&self, run: RunId) -> String {
        self.text(&format!(
            "SELECT json_array(r.state, r.finished_at, r.model_served, r.stop_reason, u.key_id,
                 u.tokens_used, u.cost_estimate, u.timestamp, u.payer, u.tier, u.model, u.basis,
                 u.input, u.output, u.cache_read, u.web_searches, u.priced_as_of)
             FROM runs r LEFT JOIN key_usage u ON u.run_id = r.id WHERE r.id = {run}"
        ))
    }

    fn sums(&self) -> String {
        self.text(
            "SELECT json_group_array(json_array(day, payer, key_id, tier, model, basis, runs,
                 unpriced, cost, input, output, cache_write_5m, cache_write_1h, cache_read, thinking,
                 web_searches)) FROM usage_daily",
        )
    }

    /// Checks that the sums are those of the ledger.
    async fn assert_summed(&self) {
        let kept = self.sums();
        self.store.write(zone::rebuild).await.unwrap();
        assert_eq!(kept, self.sums());
    }
}

#[tokio::test]
async fn an_estimate_gives_way_to_the_exact_end_that_is_found_later() {
    let orphan = Orphan::new().await;
    orphan.recover_elsewhere().await;
    assert_eq!(orphan.text("SELECT max(basis) FROM key_usage"), "metered");
    assert_ne!(orphan.books(orphan.run), orphan.books(orphan.twin));
    let recovered = recover(&orphan.store).await.unwrap();
    assert_eq!(recovered.exactly, [orphan.run]);
    assert_eq!(recovered.as_estimates, []);
    assert_eq!(orphan.books(orphan.run), orphan.books(orphan.twin));
    assert!(!orphan.file.exists(), "it stays though it is booked");
    orphan.assert_summed().await;
    assert_eq!(
        recover(&orphan.store).await.unwrap(),
        Recovered::default(),
        "booked again"
    );
}

#[tokio::test]
async fn processes_that_find_the_exact_end_at_once_book_it_once() {
    let orphan = Orphan::new().await;
    orphan.recover_elsewhere().await;
    let others: Vec<Db> = (0..8)
        .map(|_| Db::open(orphan.store.paths(), &Clock::fixed(NOW)).unwrap())
        .collect();
    let recovered = futures_util::future::join_all(others.iter().map(recover)).await;
    let exactly: Vec<RunId> = recovered
        .into_iter()
        .flat_map(|recovered| recovered.unwrap().exactly)
        .collect();
    assert_eq!(exactly, [orphan.run]);
    assert_eq!(orphan.books(orphan.run), orphan.books(orphan.twin));
    orphan.assert_summed().await;
}

#[tokio::test]
async fn an_estimate_that_was_folded_away_stays_and_nothing_is_booked_twice() {
    let orphan = Orphan::new().await;
    orphan.recover_elsewhere().await;
    let fold = |store: &rusqlite::Connection| {
        crate::usage::retention::fold_slice(store, Millis(NOW.0 + 1), 100)
    };
    assert_eq!(orphan.store.write(fold).await.unwrap(), 2);
    let before = orphan.sums();
    assert_eq!(recover(&orphan.store).await.unwrap(), Recovered::default());
    assert_eq!(orphan.sums(), before);
    assert!(!orphan.file.exists(), "it stays for ever");
}

#[tokio::test]
async fn a_folder_that_cannot_be_trusted_now_puts_the_estimate_off() {
    let orphan = Orphan::new().await;
    let folder = orphan.file.parent().unwrap();
    let set = |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode));
    set(0o777).unwrap();
    let put_off = recover(&orphan.store).await.unwrap_err();
    assert!(put_off.message().contains("is booked yet"), "{put_off}");
    assert!(put_off.advice().unwrap().contains("chmod"));
    assert_eq!(
        orphan.text("SELECT group_concat(state) FROM runs"),
        "finished,started"
    );
    set(0o700).unwrap();
    let recovered = recover(&orphan.store).await.unwrap();
    assert_eq!(recovered.exactly, [orphan.run]);
    assert_eq!(orphan.books(orphan.run), orphan.books(orphan.twin));
}

#[test]
fn a_file_that_cannot_be_read_now_is_not_taken_for_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| {
        let found = Found {
            path: path.to_owned(),
            owner: "owner".to_owned(),
            run: RunId(1),
        };
        found.read()
    };
    let path = folder.path().join("owner-1.json");
    assert!(
        matches!(read(&path), Read::NotNow(_)),
        "it may be there later"
    );
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(read(&path), Read::NotWhole));
    std::fs::write(&path, vec![b' '; 2 * 1024 * 1024]).unwrap();
    assert!(matches!(read(&path), Read::NotWhole), "too long for one");
}
