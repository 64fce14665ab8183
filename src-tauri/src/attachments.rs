//! Files that were attached to drafts: their bytes stay here, the page knows them by number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use switchyard_core::dispatch::{ATTACHMENTS_MAX, Attachment, REQUEST_MAX};
use switchyard_core::text::shown;
use switchyard_core::{Code, Error, Result};

use crate::replies::Attached;

/// The files of the drafts that are being written.
#[derive(Default)]
pub(crate) struct Attachments(Mutex<Held>);

#[derive(Default)]
struct Held {
    next: u32,
    files: BTreeMap<u32, Attachment>,
}

impl Attachments {
    /// Reads a file and keeps it.
    pub(crate) fn read(&self, path: &Path) -> Result<Attached> {
        let unreadable = |error: std::io::Error| {
            Error::bad_input(format!(
                "{} can't be read: {error}.",
                shown(&path.display().to_string(), 200)
            ))
        };
        let mut body = Vec::new();
        File::open(path)
            .map_err(unreadable)?
            .take(REQUEST_MAX as u64 + 1)
            .read_to_end(&mut body)
            .map_err(unreadable)?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        self.keep(&name.to_string_lossy(), body)
    }

    /// Keeps what was pasted or dropped.
    pub(crate) fn keep(&self, name: &str, body: Vec<u8>) -> Result<Attached> {
        let attachment = Attachment::new(name, body)?;
        let mut held = self.held();
        if held.files.len() >= ATTACHMENTS_MAX {
            return Err(Error::bad_input(format!(
                "{ATTACHMENTS_MAX} files are the most that a prompt takes."
            ))
            .hint("Remove one first."));
        }
        held.next += 1;
        let attached = Attached {
            id: held.next,
            name: attachment.name.clone(),
            media: attachment.media.to_string(),
            bytes: attachment.body.len(),
        };
        held.files.insert(attached.id, attachment);
        Ok(attached)
    }

    /// Forgets files that no draft names any more.
    pub(crate) fn drop(&self, ids: &[u32]) {
        let mut held = self.held();
        for id in ids {
            held.files.remove(id);
        }
    }

    /// Forgets every file but these.
    pub(crate) fn keep_only(&self, ids: &[u32]) {
        self.held().files.retain(|id, _| ids.contains(id));
    }

    /// Returns the files of a draft; they stay until it has been sent.
    pub(crate) fn of(&self, ids: &[u32]) -> Result<Vec<Attachment>> {
        let held = self.held();
        let one = |id: &u32| {
            held.files.get(id).cloned().ok_or_else(|| {
                Error::new(Code::NotFound, "An attached file is not there any more.")
                    .hint("Attach it again.")
            })
        };
        ids.iter().map(one).collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
