//! Files in the store's folder that are not what their names say.

use super::super::restore::restore;
use super::*;

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.paths.data().join(name)
    }
}

/// A store that is open, with one row in its log only.
fn open_store() -> (Place, Db) {
    let place = place();
    let db = place.open();
    db.write_blocking(put("kept")).unwrap();
    (place, db)
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
