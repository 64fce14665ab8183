//! Files in the store's folder that are not what their names say, and copies of a wrong time.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use super::super::files::tests::take_saved;
use super::super::restore::{ASIDE, READY, restore};
use super::*;

const DAY: i64 = 86_400_000;

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.paths.data().join(name)
    }

    /// Names what is in the folder of backups.
    fn kept(&self) -> Vec<String> {
        let found = std::fs::read_dir(self.paths.backups()).unwrap().flatten();
        let mut names: Vec<_> = found
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A store that is open, with one row in its log only.
fn open_store() -> (Place, Db) {
    let place = place();
    let db = place.open();
    db.write_blocking(put("kept")).unwrap();
    (place, db)
}

fn set_made_at(path: &Path, at: i64) {
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap());
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(at)
        .unwrap();
}

#[test]
fn no_store_is_made_beside_the_log_of_one_that_was_moved_away() {
    let (place, db) = open_store();
    let [store, log] = ["switchyard.db", "switchyard.db-wal"];
    let left = [store, log].map(|name| std::fs::read(place.at(name)).unwrap());
    drop(db);
    std::fs::remove_file(place.at(store)).unwrap();
    std::fs::write(place.at(log), &left[1]).unwrap();
    let refused = Db::open(&place.paths, &place.clock).unwrap_err();
    assert_eq!(refused.code(), Code::StoreDamaged);
    assert!(refused.message().contains(log), "{refused}");
    assert!(refused.advice().unwrap().contains("put it back"));
    assert!(!place.at(store).exists(), "one was made all the same");
    assert_eq!(std::fs::read(place.at(log)).unwrap(), left[1]);
    // Put back, it has all that it had.
    std::fs::write(place.at(store), &left[0]).unwrap();
    assert_eq!(count(&place.open()), 1);
}

#[test]
fn a_copy_is_restored_beside_a_log_that_was_left_and_the_log_is_kept() {
    let (place, db) = open_store();
    let copy = place.folder.path().join("copy");
    db.back_up(Some(&copy)).unwrap();
    drop(db);
    std::fs::remove_file(place.at("switchyard.db")).unwrap();
    std::fs::write(place.at("switchyard.db-wal"), "a log").unwrap();
    let aside = restore(&place.paths, &copy, Millis(0), |_| Ok(())).unwrap();
    let log = aside.unwrap().join("switchyard.db-wal");
    assert_eq!(std::fs::read(log).unwrap(), b"a log");
    assert_eq!(count(&place.open()), 1);
}

#[test]
fn what_sqlite_leaves_without_anything_in_it_keeps_no_store_from_being_made() {
    let place = place();
    private_folder(place.paths.data()).unwrap();
    for (name, bytes) in [
        ("switchyard.db-wal", &b""[..]),
        ("switchyard.db-shm", b"an index of no log"),
        ("switchyard.db.new", b"half a store"),
        ("switchyard.db.new-wal", b"and its log"),
    ] {
        std::fs::write(place.at(name), bytes).unwrap();
    }
    assert_eq!(count(&place.open()), 0);
    assert!(!place.at("switchyard.db.new-wal").exists());
}

#[test]
fn a_copy_among_the_stores_own_files_is_refused() {
    let (place, db) = open_store();
    private_folder(&place.paths.backups()).unwrap();
    let link = place.folder.path().join("link");
    std::os::unix::fs::symlink(place.paths.data(), &link).unwrap();
    let before = std::fs::read_dir(place.paths.data()).unwrap().count();
    for to in [
        place.at(READY),
        place.at("switchyard.db.draft"),
        place.at("switchyard.db-wal"),
        place.at("mine.db"),
        place.at("live/mine.db"),
        place.paths.backups().join("../mine.db"),
        link.join(READY),
    ] {
        let refused = db.back_up(Some(&to)).unwrap_err();
        assert_eq!(refused.code(), Code::BadInput, "{}", to.display());
        assert!(refused.advice().unwrap().contains("backups"));
    }
    let after = std::fs::read_dir(place.paths.data()).unwrap().count();
    assert_eq!(after, before);
    let own = place.paths.backups().join("before the move.db");
    db.back_up(Some(&own)).unwrap();
    assert_eq!(place.kept(), ["before the move.db"]);
}

#[test]
fn what_only_has_the_name_of_a_copy_that_is_ready_does_not_become_the_store() {
    let (place, db) = open_store();
    let copy = place.folder.path().join("copy");
    db.back_up(Some(&copy)).unwrap();
    drop(db);
    let whole = std::fs::read(&copy).unwrap();
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 8192].fill(0xA5);
    let foreign = place.folder.path().join("foreign");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE settings (x)")
        .unwrap();
    let foreign = std::fs::read(foreign).unwrap();
    for (what, bytes) in [
        ("empty", &b""[..]),
        ("garbage", &[0xA5; 20_000]),
        ("torn", &torn),
        ("foreign", &foreign),
    ] {
        let store = place.bytes();
        std::fs::write(place.at(READY), bytes).unwrap();
        let refused = Db::open(&place.paths, &place.clock).unwrap_err();
        assert_eq!(refused.code(), Code::StoreDamaged, "{what}: {refused}");
        assert!(refused.message().contains(READY), "{what}: {refused}");
        assert_eq!(place.bytes(), store, "{what}");
        assert_eq!(std::fs::read(place.at(READY)).unwrap(), bytes, "{what}");
        assert!(!place.at(ASIDE).exists(), "{what}");
    }
    // A restore goes past it, and keeps it.
    restore(&place.paths, &copy, Millis(0), |_| Ok(())).unwrap();
    assert_eq!(count(&place.open()), 1);
    let kept = place.kept();
    let of = |word: &str| kept.iter().filter(|name| name.starts_with(word)).count();
    assert_eq!((of("unusable-"), of("replaced-")), (1, 1), "{kept:?}");
}

#[test]
fn where_the_old_store_goes_is_saved_before_it_is_gone_from_where_it_was() {
    let (place, db) = open_store();
    let copy = place.folder.path().join("copy");
    db.back_up(Some(&copy)).unwrap();
    drop(db);
    take_saved();
    let kept = restore(&place.paths, &copy, Millis(0), |_| Ok(())).unwrap();
    let kept = kept
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let saved = take_saved();
    let step = |folder: &Path, has: &str, lacks: &str| {
        let is_it = |(path, names): &(PathBuf, Vec<String>)| {
            path == folder
                && names.iter().any(|name| name == has)
                && names.iter().all(|name| name != lacks)
        };
        let found = saved.iter().position(is_it);
        found.unwrap_or_else(|| panic!("{} with {has}: {saved:?}", folder.display()))
    };
    let (data, backups) = (place.paths.data(), place.paths.backups());
    let steps = [
        step(data, ASIDE, "-"),
        step(&place.at(ASIDE), "switchyard.db", "-"),
        step(&backups, &kept, "-"),
        step(data, READY, "switchyard.db"),
        step(data, "switchyard.db", READY),
    ];
    assert!(steps.is_sorted(), "{steps:?}: {saved:?}");
}

#[test]
fn a_backup_of_a_time_to_come_is_not_the_newest_and_goes_first() {
    let place = place();
    let db = place.open();
    let now = place.clock.now().0;
    let wrong = db.back_up(None).unwrap();
    set_made_at(&wrong, now + 3_650 * DAY);
    assert_eq!(db.newest_backup(), None);
    let mut made = Vec::new();
    for minute in 1..=5 {
        place.clock.set(Millis(now + minute * 60_000));
        made.push(db.back_up(None).unwrap());
    }
    assert!(!wrong.exists(), "it pushed out one that is newer");
    assert!(made.iter().all(|path| path.exists()));
    assert_eq!(db.newest_backup(), Some(place.clock.now()));
}

#[test]
fn what_a_restore_has_put_aside_is_no_backup() {
    let (place, db) = open_store();
    let copy = place.folder.path().join("copy");
    db.back_up(Some(&copy)).unwrap();
    drop(db);
    let aside = restore(&place.paths, &copy, Millis(0), |_| Ok(())).unwrap();
    let aside = aside.unwrap().join("switchyard.db");
    set_made_at(&aside, place.clock.now().0);
    let db = place.open();
    assert_eq!(db.newest_backup(), None);
    assert_eq!(
        db.backups_made_at().len(),
        1,
        "a deleted key is still in there"
    );
}

#[test]
fn a_second_restore_that_can_not_be_done_leaves_the_unfinished_one_and_its_store() {
    let (place, db) = open_store();
    drop(db);
    // Killed on the way, and the disk has lost what was to be installed.
    std::fs::create_dir(place.at(ASIDE)).unwrap();
    let (store, aside) = (
        place.at("switchyard.db"),
        place.at(ASIDE).join("switchyard.db"),
    );
    std::fs::rename(&store, &aside).unwrap();
    std::fs::write(place.at(READY), b"half a store").unwrap();
    let other = place.folder.path().join("no store");
    std::fs::write(&other, b"neither").unwrap();
    let now = place.clock.now();
    let refused = restore(&place.paths, &other, now, |_| Ok(())).unwrap_err();
    assert_eq!(refused.code(), Code::StoreDamaged, "{refused}");
    assert!(place.at(READY).exists() && aside.exists() && !store.exists());
    // So no new one is made in its place.
    let refused = Db::open(&place.paths, &place.clock).unwrap_err();
    assert_eq!(refused.code(), Code::StoreDamaged, "{refused}");
}

#[test]
fn a_store_that_is_aside_is_not_replaced_by_another_one() {
    let (place, db) = open_store();
    let copy = db.back_up(None).unwrap();
    drop(db);
    std::fs::create_dir(place.at(ASIDE)).unwrap();
    std::fs::write(place.at(ASIDE).join("switchyard.db"), b"the first").unwrap();
    restore(&place.paths, &copy, place.clock.now(), |_| Ok(())).unwrap();
    let kept = place.kept();
    let aside = kept.iter().filter(|name| name.starts_with("replaced-"));
    assert_eq!(aside.count(), 2, "{kept:?}");
}
