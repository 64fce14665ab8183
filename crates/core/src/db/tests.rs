mod faults;
mod files;
mod leftovers;
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
