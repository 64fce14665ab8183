//! Reads files that others wrote: never more than a limit, never a device or a pipe.

use std::io::Read;
use std::path::Path;

/// Reads a text file whole. `Ok(None)` means that there is no such file.
///
/// Bytes that are not UTF-8 become U+FFFD, so that one stray byte does not hide the other lines.
///
/// # Errors
/// Half a sentence that follows the file's name and says why it was not read.
pub(super) fn read_text(path: &Path, max: u64) -> Result<Option<String>, String> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(None),
        Err(error) => return Err(format!("could not be read: {error}")),
    };
    // Opening a pipe would wait for its writer.
    if !about.is_file() {
        return Ok(None);
    }
    if about.len() > max {
        return Err(format!("is larger than {} MiB and was not read", max >> 20));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(max).read_to_end(&mut bytes))
        .map_err(|error| format!("could not be read: {error}"))?;
    Ok(Some(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}
