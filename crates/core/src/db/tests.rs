mod restoring;

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::clock::Millis;

struct Place {
    folder: tempfile::TempDir,
    paths: Paths,
    clock: Clock,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::under(&folder.path().join("home"));
    Place {
        folder,
        paths,
        clock: Clock::fixed(Millis(1_795_300_000_000)),
    }
}

impl Place {
    fn open(&self) -> Db {
        Db::open(&self.paths, &self.clock).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.paths.database()).unwrap()
    }
}

fn put(name: &'static str) -> impl FnOnce(&Connection) -> Result<()> + Send {
    move |store| {
        store
            .execute("INSERT INTO settings VALUES (?1, '1', 0)", [name])
            .doing("keep a setting")
            .map(drop)
    }
}

fn count(db: &Db) -> i64 {
    db.read(|store| {
        store
            .query_row("SELECT count(*) FROM settings", [], |row| row.get(0))
            .doing("count")
    })
    .unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_private() {
    let place = place();
    let db = place.open();
    db.write_blocking(put("a")).unwrap();
    assert_eq!(mode(place.paths.data()), 0o700);
    for name in [
        "switchyard.db",
        "switchyard.db-wal",
        "switchyard.db-shm",
        "opening.lock",
    ] {
        assert_eq!(mode(&place.paths.data().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_folder_in_which_others_may_write_is_refused() {
    let place = place();
    std::fs::create_dir(place.paths.data()).unwrap();
    std::fs::set_permissions(place.paths.data(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Db::open(&place.paths, &place.clock).unwrap_err();
    assert_eq!(error.code(), Code::StoreUnwritable);
    assert!(error.advice().unwrap().contains("chmod 700"));
}

#[test]
fn a_job_that_fails_takes_back_its_own_writes_and_no_others() {
    let place = place();
    let db = place.open();
    let (one, two, three) = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let one = db.write(put("one"));
            let two = db.write(|store| {
                put("two")(store)?;
                Err::<(), _>(Error::bad_input("changed my mind"))
            });
            let three = db.write(put("three"));
            tokio::join!(one, two, three)
        });
    assert!(one.is_ok() && two.is_err() && three.is_ok());
    assert_eq!(count(&db), 2);
}

#[test]
fn what_was_queued_is_saved_when_the_process_ends_in_order() {
    let place = place();
    let db = place.open();
    for _ in 0..50 {
        drop(db.write(|store| {
            store
                .execute("INSERT INTO audit (at, act, face) VALUES (0, 'x', 'x')", [])
                .doing("x")
        }));
    }
    drop(db);
    let rows: i64 = place
        .open()
        .read(|store| {
            store
                .query_row("SELECT count(*) FROM audit", [], |row| row.get(0))
                .doing("count")
        })
        .unwrap();
    assert_eq!(rows, 50);
}

#[test]
fn a_read_connection_can_not_write() {
    let place = place();
    let db = place.open();
    assert!(db.read(put("a")).is_err());
    assert_eq!(count(&db), 0);
}

#[test]
fn a_newer_schema_is_refused_and_the_file_stays_as_it_was() {
    let place = place();
    drop(place.open());
    let newer = Connection::open(place.paths.database()).unwrap();
    newer
        .pragma_update(
            None,
            "user_version",
            i64::try_from(SCHEMA_VERSION).unwrap() + 1,
        )
        .unwrap();
    newer
        .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .unwrap();
    drop(newer);
    let before = place.bytes();
    assert_eq!(
        Db::open(&place.paths, &place.clock).unwrap_err().code(),
        Code::StoreNewer
    );
    assert_eq!(place.bytes(), before);
}

#[test]
fn an_older_schema_is_backed_up_before_it_is_brought_forward() {
    let place = place();
    std::fs::create_dir(place.paths.data()).unwrap();
    std::fs::set_permissions(place.paths.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let old = Connection::open(place.paths.database()).unwrap();
    old.execute_batch(include_str!("../../../../migrations/0001_store.sql"))
        .unwrap();
    old.execute_batch("INSERT INTO settings VALUES ('kept', '1', 0); PRAGMA user_version = 1;")
        .unwrap();
    drop(old);
    assert_eq!(count(&place.open()), 1);
    let copies: Vec<_> = std::fs::read_dir(place.paths.backups())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(copies.len(), 1);
    let copy = Connection::open(copies[0].path()).unwrap();
    let version: i64 = copy
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!((version, mode(&copies[0].path())), (1, 0o600));
}

#[test]
fn a_backup_that_fails_stops_the_migration() {
    let place = place();
    drop(place.open());
    let old = Connection::open(place.paths.database()).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    // A file where the folder of the backups should be.
    std::fs::write(place.paths.backups(), "in the way").unwrap();
    assert_eq!(
        Db::open(&place.paths, &place.clock).unwrap_err().code(),
        Code::StoreUnwritable
    );
    let still = Connection::open(place.paths.database()).unwrap();
    let version: i64 = still
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
}

#[test]
fn empty_garbage_and_truncated_files_are_opened_for_reading_only_and_never_recreated() {
    let whole = place();
    let db = whole.open();
    db.write_blocking(put("kept")).unwrap();
    drop(db);
    let sound = whole.bytes();
    let cases: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("garbage", vec![0xA5; 20_000]),
        ("a header and no more", sound[..100].to_vec()),
        ("cut short", sound[..sound.len() - 4096].to_vec()),
    ];
    for (case, bytes) in cases {
        std::fs::write(whole.paths.database(), &bytes).unwrap();
        let db = whole.open();
        assert!(matches!(db.access(), Access::Rescue(_)), "{case}");
        let refused = db.write_blocking(put("more")).unwrap_err();
        assert_eq!(refused.code(), Code::StoreDamaged, "{case}");
        if case == "cut short" {
            assert_eq!(count(&db), 1, "what is still there can be read");
        } else {
            assert!(db.read(|_| Ok(())).is_err(), "{case}");
        }
        drop(db);
        assert_eq!(whole.bytes(), bytes, "{case} was changed");
    }
}

#[test]
fn a_read_only_folder_is_a_clear_error() {
    if rustix::process::geteuid().is_root() {
        // Root ignores permission bits, so this can only be seen as a read-only file system; the
        // fault tests do that with a mount.
        return;
    }
    let place = place();
    std::fs::set_permissions(place.folder.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(
        Db::open(&place.paths, &place.clock).unwrap_err().code(),
        Code::StoreUnwritable
    );
}

#[test]
fn a_full_disk_saves_nothing_and_harms_nothing() {
    let place = place();
    let db = place.open();
    db.write_blocking(put("before")).unwrap();
    db.write_blocking(|store| {
        let pages: i64 = store
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .doing("x")?;
        store
            .pragma_update(None, "max_page_count", pages)
            .doing("x")
    })
    .unwrap();
    let full = db
        .write_blocking(|store| {
            store
                .execute(
                    "INSERT INTO settings VALUES ('big', json_quote(hex(zeroblob(100000))), 0)",
                    [],
                )
                .doing("keep a setting")
        })
        .unwrap_err();
    assert_eq!(full.code(), Code::StoreUnwritable);
    assert!(full.message().contains("disk is full"), "{full}");
    assert_eq!(count(&db), 1);
}

#[test]
fn what_a_full_disk_took_from_a_shared_commit_is_neither_saved_nor_called_saved() {
    let place = place();
    let db = place.open();
    db.write_blocking(|store| {
        let pages: i64 = store
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .doing("x")?;
        store
            .pragma_update(None, "max_page_count", pages)
            .doing("x")
    })
    .unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let first = db.write(move |_| wait.recv().map_err(|_| Error::failed("nobody waits")));
    let early = db.write(put("early"));
    let large = db.write(|store| {
        store
            .execute(
                "INSERT INTO settings VALUES ('large', json_quote(hex(zeroblob(100000))), 0)",
                [],
            )
            .doing("keep a setting")
    });
    let late = db.write(put("late"));
    go.send(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let outcomes = runtime.block_on(async {
        let (first, early, large, late) = tokio::join!(first, early, large, late);
        assert!(large.is_err());
        [first.is_ok(), early.is_ok(), late.is_ok()]
    });
    let kept: Vec<String> = db
        .read(|store| {
            let mut rows = store.prepare("SELECT name FROM settings").doing("x")?;
            let names = rows.query_map([], |row| row.get(0)).doing("x")?;
            names.collect::<rusqlite::Result<_>>().doing("x")
        })
        .unwrap();
    assert_eq!(kept.contains(&"early".to_owned()), outcomes[1]);
    assert_eq!(kept.contains(&"late".to_owned()), outcomes[2]);
    assert!(outcomes[2], "what comes after has a transaction of its own");
}

#[test]
fn deleted_bytes_are_in_neither_file_after_a_checkpoint() {
    let place = place();
    let db = place.open();
    let planted = uuid::Uuid::now_v7().simple().to_string();
    let text = format!("\"{planted}\"");
    db.write_blocking(move |store| {
        store
            .execute("INSERT INTO settings VALUES ('secret', ?1, 0)", [text])
            .doing("x")
    })
    .unwrap();
    let found = |place: &Place| {
        ["switchyard.db", "switchyard.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(place.paths.data().join(name)).unwrap_or_default();
            bytes
                .windows(planted.len())
                .any(|window| window == planted.as_bytes())
        })
    };
    assert!(found(&place), "the positive control");
    db.write_blocking(|store| store.execute("DELETE FROM settings", []).doing("x"))
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(db.checkpoint()).unwrap();
    assert!(!found(&place));
}

#[tokio::test]
async fn another_process_s_commit_is_noticed() {
    let place = place();
    let db = place.open();
    let mut changes = db.changes().unwrap();
    let other = place.open();
    let noticed = tokio::spawn(async move { changes.next().await });
    other.write(put("a")).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(20), noticed)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(count(&db), 1);
}

#[test]
fn an_owner_is_gone_when_its_process_has_let_go_of_its_file() {
    let place = place();
    let db = place.open();
    let other = place.open();
    let owner = other.owner().to_owned();
    assert!(!db.is_gone(&owner));
    assert!(!db.is_gone(db.owner()));
    drop(other);
    assert!(db.is_gone(&owner));
    assert!(db.is_gone("../../etc/passwd"));
}

/// Plants a text, then deletes it as a process does that ends before it could empty the log.
fn delete_and_end(place: &Place) -> Vec<u8> {
    let planted = uuid::Uuid::now_v7().simple().to_string();
    let text = format!("\"{planted}\"");
    let db = place.open();
    db.write_blocking(move |store| {
        store
            .execute("INSERT INTO settings VALUES ('secret', ?1, 0)", [text])
            .doing("x")
    })
    .unwrap();
    db.write_blocking(|store| {
        note_deletion(store)?;
        store
            .execute("DELETE FROM settings WHERE name = 'secret'", [])
            .doing("x")
    })
    .unwrap();
    planted.into_bytes()
}

fn log_holds(place: &Place, planted: &[u8]) -> bool {
    let log = place.paths.database().with_file_name("switchyard.db-wal");
    let bytes = std::fs::read(log).unwrap();
    bytes.windows(planted.len()).any(|part| part == planted)
}

/// Writes until the log is emptied, which one write does unless a connection opens or closes just then:
/// it is tried without waiting, after the answer of each write.
fn emptied_with_a_few_writes(db: &Db, place: &Place, planted: &[u8]) {
    let writes = (0..50).find(|_| {
        db.write_blocking(|_| Ok(())).unwrap();
        !log_holds(place, planted)
    });
    assert!(writes.is_some(), "the log still holds what was deleted");
    // What is tried after the last of them is over when this one is answered.
    db.write_blocking(|_| Ok(())).unwrap();
}

#[test]
fn a_log_that_could_not_be_emptied_is_emptied_by_the_next_to_open_or_write() {
    let place = place();
    // As long as this one is open, nobody is the last to close, which would empty the log anyway.
    let reader = place.open();
    let planted = delete_and_end(&place);
    assert!(log_holds(&place, &planted));
    let next = place.open();
    emptied_with_a_few_writes(&next, &place, &planted);

    let planted = delete_and_end(&place);
    let writer = reader.read(|store| {
        let rows: i64 = store
            .query_row("SELECT count(*) FROM settings", [], |row| row.get(0))
            .doing("read")?;
        let writer = place.open();
        writer.write_blocking(move |_| Ok(rows))?;
        // Asked while this is still being read: what is tried after an answer may come any time.
        assert!(log_holds(&place, &planted), "a reader did not keep the log");
        Ok(writer)
    });
    let writer = writer.unwrap();
    emptied_with_a_few_writes(&writer, &place, &planted);
}

#[test]
fn a_link_in_place_of_a_file_is_not_followed_and_what_it_leads_to_stays_as_it_is() {
    let place = place();
    drop(place.open());
    let other = place.folder.path().join("other");
    std::fs::write(&other, "text").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o644)).unwrap();
    let link = place.paths.data().join("link");
    std::os::unix::fs::symlink(&other, &link).unwrap();
    let refused = private_file(&link).unwrap_err();
    assert_eq!(refused.code(), Code::StoreUnwritable);
    assert_eq!(mode(&other), 0o644);

    let (folder, way) = (place.folder.path().join("f"), place.folder.path().join("w"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(&folder, &way).unwrap();
    assert!(private_folder(&way).is_err());
    assert_eq!(mode(&folder), 0o755);
    private_folder(&folder).unwrap();
    assert_eq!(mode(&folder), 0o700);
    private_folder(&way).unwrap();
}

#[test]
fn a_private_file_is_written_whole_over_what_a_killed_process_left_or_not_at_all() {
    let place = place();
    private_folder(place.paths.data()).unwrap();
    let path = place.paths.data().join("one.json");
    let draft = path.with_extension("new");
    std::fs::write(&draft, "a longer text that was cut").unwrap();
    write_private(&path, b"first").unwrap();
    assert_eq!(
        (read_private(&path, 5).unwrap(), mode(&path)),
        (b"first".to_vec(), 0o600)
    );
    assert!(read_private(&path, 4).is_err(), "longer than what is taken");
    assert!(!draft.exists());

    std::fs::create_dir(&draft).unwrap();
    assert!(write_private(&path, b"second").is_err());
    assert_eq!(read_private(&path, 5).unwrap(), b"first");
    let link = place.paths.data().join("link.json");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(read_private(&link, 5).is_err(), "a link was followed");
}

#[test]
fn live_files_of_killed_processes_are_swept_and_those_of_others_stay() {
    let place = place();
    let db = place.open();
    let live = place.paths.live();
    let long_ago = std::time::UNIX_EPOCH;
    let put = |name: &str, is_old: bool| {
        let file = private_file(&live.join(name)).unwrap();
        if is_old {
            file.set_modified(long_ago).unwrap();
        }
        file
    };
    drop(put("killed", true));
    drop(put("young", false));
    let held = put("held", true);
    held.lock().unwrap();
    db.sweep();
    let is_there = |name: &str| live.join(name).exists();
    assert_eq!(
        ["killed", "young", "held"].map(is_there),
        [false, true, true]
    );
    assert!(is_there(db.owner()));
}
