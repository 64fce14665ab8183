//! Copies of the store, and putting one in its place.

use super::super::restore::{ASIDE, READY, restore};
use super::*;

const PARTS: [&str; 3] = ["switchyard.db", "switchyard.db-wal", "switchyard.db-shm"];

impl Place {
    fn data(&self, name: &str) -> PathBuf {
        self.paths.data().join(name)
    }

    fn restore(&self, copy: &Path) -> Result<Option<PathBuf>> {
        restore(&self.paths, copy, self.clock.now(), |_| Ok(()))
    }

    /// Everything in the store's folder, except what a look at it makes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let found = std::fs::read_dir(self.paths.data()).unwrap().flatten();
        let mut files: Vec<_> = found
            .filter(|entry| entry.path().is_file())
            .map(|entry| (entry.path(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }
}

/// A store as a killed process leaves it, with two rows of which one is in its log only, and a copy
/// with one row.
fn killed_store_and_copy() -> (Place, PathBuf) {
    let place = place();
    let db = place.open();
    db.write_blocking(put("kept")).unwrap();
    let copy = place.folder.path().join("copy");
    db.back_up(Some(&copy)).unwrap();
    db.write_blocking(put("later")).unwrap();
    let left = PARTS.map(|part| (part, std::fs::read(place.data(part)).unwrap()));
    drop(db);
    for (part, bytes) in left {
        std::fs::write(place.data(part), bytes).unwrap();
    }
    (place, copy)
}

/// The rows of the store that was put aside, read together with its log.
fn rows_aside(folder: &Path) -> i64 {
    let store = Connection::open(folder.join("switchyard.db")).unwrap();
    store
        .query_row("SELECT count(*) FROM settings", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_copy_takes_the_place_of_the_store_and_the_log_goes_aside_with_the_store() {
    let (place, copy) = killed_store_and_copy();
    let aside = place.restore(&copy).unwrap().unwrap();
    assert_eq!(count(&place.open()), 1, "the log was replayed into it");
    assert!(aside.starts_with(place.paths.backups()));
    assert_eq!(rows_aside(&aside), 2);
    assert_eq!(mode(&place.paths.database()), 0o600);
    // What was put aside is a copy like any other, its log included.
    let first = place.restore(&aside.join("switchyard.db")).unwrap();
    assert_eq!(count(&place.open()), 2);
    assert_ne!(first.unwrap(), aside);
}

#[test]
fn a_copy_is_restored_where_there_is_no_store() {
    let (whole, copy) = killed_store_and_copy();
    let empty = place();
    assert!(!Db::exists(&empty.paths));
    assert_eq!(empty.restore(&copy).unwrap(), None);
    assert_eq!(count(&empty.open()), 1);
    drop(whole);
}

#[test]
fn killed_at_any_step_a_restore_leaves_the_old_store_or_the_new_one() {
    type Step = fn(&Place, &Path);
    fn aside(place: &Place, part: &str) {
        std::fs::rename(place.data(part), place.data(ASIDE).join(part)).unwrap();
    }
    let steps: [Step; 6] = [
        |place, copy| {
            std::fs::copy(copy, place.data(READY)).unwrap();
        },
        |place, _| private_folder(&place.data(ASIDE)).unwrap(),
        |place, _| aside(place, PARTS[0]),
        |place, _| aside(place, PARTS[1]),
        |place, _| aside(place, PARTS[2]),
        |place, _| {
            private_folder(&place.paths.backups()).unwrap();
            let kept = place.paths.backups().join("replaced-x");
            std::fs::rename(place.data(ASIDE), kept).unwrap();
        },
    ];
    for done in 0..=steps.len() {
        let (place, copy) = killed_store_and_copy();
        std::fs::write(place.data("switchyard.db.draft"), "half a copy").unwrap();
        for step in &steps[..done] {
            step(&place, &copy);
        }
        assert!(Db::exists(&place.paths), "after step {done}");
        let rows = count(&place.open());
        if done == 0 {
            assert_eq!(rows, 2, "it was not decided yet");
            continue;
        }
        assert_eq!(rows, 1, "after step {done}");
        let kept: Vec<_> = std::fs::read_dir(place.paths.backups()).unwrap().collect();
        assert_eq!(kept.len(), 1, "after step {done}");
        let kept = kept.into_iter().next().unwrap().unwrap().path();
        assert_eq!(rows_aside(&kept), 2, "after step {done}");
        assert!(!place.data(READY).exists() && !place.data(ASIDE).exists());
    }
}

#[test]
fn a_damaged_newer_foreign_or_missing_file_is_not_restored_and_nothing_changes() {
    let (place, copy) = killed_store_and_copy();
    let other = |name: &str| place.folder.path().join(name);
    let mut torn = std::fs::read(&copy).unwrap();
    let middle = torn.len() / 2;
    torn[middle..middle + 8192].fill(0xA5);
    std::fs::write(other("torn"), &torn).unwrap();
    std::fs::write(other("cut"), &torn[..torn.len() - 4096]).unwrap();
    std::fs::write(other("garbage"), [0xA5; 20_000]).unwrap();
    std::fs::write(other("empty"), "").unwrap();
    std::fs::copy(&copy, other("newer")).unwrap();
    let newer = Connection::open(other("newer")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let foreign = Connection::open(other("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE settings (x)").unwrap();
    let before = place.files();
    for (name, code) in [
        ("torn", Code::StoreDamaged),
        ("cut", Code::StoreDamaged),
        ("garbage", Code::StoreDamaged),
        ("empty", Code::StoreDamaged),
        ("foreign", Code::StoreDamaged),
        ("newer", Code::StoreNewer),
        ("missing", Code::NotFound),
    ] {
        let refused = place.restore(&other(name)).unwrap_err();
        assert_eq!(refused.code(), code, "{name}: {refused}");
        assert!(refused.advice().is_some(), "{name}");
    }
    let itself = place.restore(&place.paths.database()).unwrap_err();
    assert_eq!(itself.code(), Code::BadInput);
    let no = restore(&place.paths, &copy, Millis(0), |_| {
        Err(Error::failed("changed my mind"))
    });
    assert_eq!(no.unwrap_err().message(), "changed my mind");
    let after: Vec<_> = place.files();
    let locks = |(path, _): &&(PathBuf, Vec<u8>)| !path.ends_with("opening.lock");
    assert!(after.iter().filter(locks).eq(before.iter().filter(locks)));
    assert_eq!(count(&place.open()), 2);
}

#[test]
fn a_store_that_a_process_has_open_is_not_replaced_also_when_it_is_damaged() {
    let (place, copy) = killed_store_and_copy();
    for is_damaged in [false, true] {
        if is_damaged {
            std::fs::write(place.paths.database(), "garbage").unwrap();
        }
        let db = place.open();
        assert_eq!(*db.access() != Access::Full, is_damaged);
        let refused = place.restore(&copy).unwrap_err();
        assert_eq!(refused.code(), Code::StoreUnwritable);
        let own = std::process::id().to_string();
        assert!(refused.message().contains(&own), "{refused}");
        drop(db);
    }
    place.restore(&copy).unwrap();
    assert_eq!(count(&place.open()), 1);
}

#[test]
fn an_older_copy_is_brought_to_this_schema_and_stays_as_it_is() {
    let (place, _) = killed_store_and_copy();
    let path = place.folder.path().join("old");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../../../migrations/0001_store.sql"))
        .unwrap();
    old.execute_batch("PRAGMA user_version = 1;").unwrap();
    drop(old);
    let before = std::fs::read(&path).unwrap();
    place.restore(&path).unwrap();
    assert_eq!(count(&place.open()), 0);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_backup_stands_alone_is_private_and_overwrites_nothing() {
    let place = place();
    let db = place.open();
    db.write_blocking(put("kept")).unwrap();
    let path = place.folder.path().join("copy");
    assert_eq!(db.back_up(Some(&path)).unwrap(), path);
    assert_eq!(mode(&path), 0o600);
    assert!(!path.with_file_name("copy-wal").exists());
    let before = std::fs::read(&path).unwrap();
    let again = db.back_up(Some(&path)).unwrap_err();
    assert_eq!(again.code(), Code::Duplicate);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let nowhere = place.folder.path().join("no/such/folder");
    let nowhere = db.back_up(Some(&nowhere)).unwrap_err();
    assert_eq!(nowhere.code(), Code::StoreUnwritable);
}

#[test]
fn what_a_killed_backup_left_is_no_backup_and_goes_after_a_day() {
    let place = place();
    let db = place.open();
    private_folder(&place.paths.backups()).unwrap();
    let left = |name: &str| private_file(&place.paths.backups().join(name)).unwrap();
    for old in ["weekly-a.part", "weekly-a.part-wal"] {
        left(old).set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    left("weekly-b.part");
    assert_eq!(db.backups_made_at(), []);
    let made = db.back_up(None).unwrap();
    let there = std::fs::read_dir(place.paths.backups()).unwrap().flatten();
    let mut there: Vec<_> = there.map(|entry| entry.path()).collect();
    there.sort();
    assert_eq!(there, [made, place.paths.backups().join("weekly-b.part")]);
}

#[test]
fn the_newest_five_backups_of_each_kind_are_kept() {
    let place = place();
    let db = place.open();
    let first = db.back_up(None).unwrap();
    for minute in 1..=6 {
        let later = Millis(place.clock.now().0 + minute * 60_000);
        place.clock.set(later);
        db.back_up_unasked().unwrap().unwrap();
    }
    assert!(first.exists(), "those of another kind pushed it out");
    let made = db.backups_made_at();
    assert_eq!(made.len(), 6);
    assert_eq!(made.into_iter().max(), Some(place.clock.now()));
}
