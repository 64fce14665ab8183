//! What a store that is newer, damaged or on a full disk ends in.

use super::*;

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
    old.execute_batch(include_str!("../../../../../migrations/0001_store.sql"))
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
