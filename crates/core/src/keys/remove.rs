//! Deleting a key: the secret goes, a tombstone stays, because the ledger still names it.

use super::{ACTIVE_KEY, Key, table};
use crate::db::{Db, SqlContext, note_deletion};
use crate::error::Result;
use crate::id::KeyId;

/// Deletes a key so that its bytes are in neither the database nor its log, and returns what it was.
/// While another process reads, the log keeps the sealed bytes until the next write or opening.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound).
pub async fn remove(db: &Db, id: &KeyId, face: &'static str) -> Result<Key> {
    let (id, now) = (id.clone(), db.clock().now());
    let removed = db
        .write(move |store| {
            let key = table::get(store, &id)?;
            store
                .execute(
                    "UPDATE api_keys SET key = NULL, fingerprint = NULL, is_active = 0,
                            retired_at = coalesce(retired_at, ?2), deleted_at = ?2, note = '' WHERE id = ?1",
                    (&id, now),
                )
                .doing("delete the key")?;
            note_deletion(store)?;
            table::set_tags(store, &id, &[])?;
            if ACTIVE_KEY.get(store)?.as_ref() == Some(&id) {
                ACTIVE_KEY.clear(store)?;
            }
            store
                .execute(
                    "INSERT INTO audit (at, act, key_id, face, pid) VALUES (?1, 'delete', ?2, ?3, ?4)",
                    (now, &id, face, std::process::id()),
                )
                .doing("keep the audit")?;
            Ok(key)
        })
        .await?;
    db.checkpoint_or_later().await;
    Ok(removed)
}
