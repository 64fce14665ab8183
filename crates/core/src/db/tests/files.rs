//! The files beside the store: whose they are, and whether their owner lives.

use super::*;

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
