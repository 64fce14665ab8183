//! The envelope of every sealed value: AES-256-GCM, bound to the one place that the value belongs in.
//!
//! Layout: one version byte, a random 96-bit nonce, the ciphertext with its 128-bit tag. The place
//! is authenticated and not stored, so a blob that is moved to another row does not open.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::secret::{DataKey, HistoryKey, PrivateText, WrappingKey};

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Where a sealed value belongs; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The vault's id: see [`vault_id`](super::vault_id).
    pub vault: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub column: &'a str,
    /// The row's id, as text.
    pub row: &'a str,
}

impl Place<'_> {
    /// Writes every part with its length before it, so that no two places read the same.
    fn authenticated(&self, more: &[u8]) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let parts = [self.vault, self.table, self.column, self.row];
        for part in parts.map(str::as_bytes).into_iter().chain([more]) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// A key that seals values.
pub trait Seals: sealed::Seals {}

mod sealed {
    pub trait Seals {
        fn bytes(&self) -> &[u8; 32];
    }
}

macro_rules! seals {
    ($($key:ty),+) => {
        $(
            impl Seals for $key {}
            impl sealed::Seals for $key {
                fn bytes(&self) -> &[u8; 32] {
                    self.expose()
                }
            }
        )+
    };
}
seals!(DataKey, HistoryKey, WrappingKey);

/// Seals `plain` for `place`.
///
/// # Errors
/// [`Code::Failed`] when the system has no random source.
pub fn seal(key: &impl Seals, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>> {
    seal_with(key, place, b"", plain)
}

/// Opens what [`seal`] made for the same place.
///
/// # Errors
/// [`Code::Damaged`] when it does not open: it was changed, moved, or sealed by another key.
pub fn open(key: &impl Seals, place: &Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    open_with(key, place, b"", blob).ok_or_else(|| damaged(place))
}

/// Seals text of the user's, such as a prompt.
///
/// # Errors
/// As [`seal`].
pub fn seal_text(key: &HistoryKey, place: &Place<'_>, text: &str) -> Result<Vec<u8>> {
    seal(key, place, text.as_bytes())
}

/// Opens what [`seal_text`] made for the same place.
///
/// # Errors
/// As [`open`].
pub fn open_text(key: &HistoryKey, place: &Place<'_>, blob: &[u8]) -> Result<PrivateText> {
    let plain = open(key, place, blob)?;
    let text = std::str::from_utf8(&plain).map_err(|_| damaged(place))?;
    Ok(PrivateText::new(text.to_owned()))
}

/// As [`seal`], and authenticates `more` as well, which is kept beside the blob.
pub(super) fn seal_with(
    key: &impl Seals,
    place: &Place<'_>,
    more: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>> {
    let mut nonce = [0_u8; NONCE];
    getrandom::fill(&mut nonce)
        .map_err(|e| Error::failed("The system gave no random bytes.").because(e))?;
    // All the room at once: a buffer that grows would leave a copy of the plain text behind.
    let mut body = Vec::with_capacity(plain.len() + TAG);
    body.extend_from_slice(plain);
    cipher(key)
        .encrypt_in_place(&Nonce::from(nonce), &place.authenticated(more), &mut body)
        .map_err(|_| Error::bad_input("That is too large to be sealed."))?;
    let mut blob = Vec::with_capacity(1 + NONCE + body.len());
    blob.push(VERSION);
    blob.extend_from_slice(&nonce);
    blob.append(&mut body);
    Ok(blob)
}

/// Opens what [`seal_with`] made, or returns `None`: nothing says why an envelope does not open.
pub(super) fn open_with(
    key: &impl Seals,
    place: &Place<'_>,
    more: &[u8],
    blob: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (&version, rest) = blob.split_first()?;
    let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
    if version != VERSION || body.len() < TAG {
        return None;
    }
    let mut plain = Zeroizing::new(body.to_vec());
    cipher(key)
        .decrypt_in_place(
            &Nonce::from(*nonce),
            &place.authenticated(more),
            &mut *plain,
        )
        .ok()?;
    Some(plain)
}

/// The cipher wipes its key schedule when it is dropped. `aes_gcm::Key` never gets a name here,
/// because its Debug prints the key.
fn cipher(key: &impl Seals) -> Aes256Gcm {
    Aes256Gcm::new(key.bytes().into())
}

fn damaged(place: &Place<'_>) -> Error {
    Error::new(
        Code::Damaged,
        format!(
            "A sealed value does not open in its place ({}.{}, row {}): it was damaged or moved there.",
            place.table, place.column, place.row
        ),
    )
    .hint("Everything else still opens. Put this one back from a backup, or enter it again.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place<'_> = Place {
        vault: "v1",
        table: "api_keys",
        column: "key",
        row: "7",
    };

    fn key() -> DataKey {
        DataKey::random().unwrap()
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_in_its_place(plain: Vec<u8>, row in ".*") {
            let (key, place) = (key(), Place { row: &row, ..PLACE });
            let blob = seal(&key, &place, &plain).unwrap();
            let opened = open(&key, &place, &blob).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn a_blob_with_one_flipped_bit_does_not_open(plain: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
            let key = key();
            let mut blob = seal(&key, &PLACE, &plain).unwrap();
            let at = at.index(blob.len());
            blob[at] ^= 1 << bit;
            prop_assert_eq!(open(&key, &PLACE, &blob).unwrap_err().code(), Code::Damaged);
        }

        #[test]
        fn a_blob_that_was_cut_or_lengthened_does_not_open(plain: Vec<u8>, at: prop::sample::Index, extra: u8) {
            let key = key();
            let blob = seal(&key, &PLACE, &plain).unwrap();
            prop_assert!(open(&key, &PLACE, &blob[..at.index(blob.len())]).is_err());
            let longer = [blob.as_slice(), &[extra]].concat();
            prop_assert!(open(&key, &PLACE, &longer).is_err());
        }

        #[test]
        fn a_blob_moved_to_another_place_does_not_open(
            a in "[a-c]{0,2}", b in "[a-c]{0,2}", c in "[a-c]{0,2}", d in "[a-c]{0,2}",
            e in "[a-c]{0,2}", f in "[a-c]{0,2}", g in "[a-c]{0,2}", h in "[a-c]{0,2}",
        ) {
            let here = Place { vault: &a, table: &b, column: &c, row: &d };
            let there = Place { vault: &e, table: &f, column: &g, row: &h };
            let key = key();
            let blob = seal(&key, &here, b"secret").unwrap();
            prop_assert_eq!(open(&key, &there, &blob).is_ok(), here == there);
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let blob = seal(&key(), &PLACE, b"secret").unwrap();
        assert_eq!(
            open(&key(), &PLACE, &blob).unwrap_err().code(),
            Code::Damaged
        );
    }

    #[test]
    fn the_same_text_is_never_sealed_to_the_same_bytes() {
        let key = key();
        let one = seal(&key, &PLACE, b"secret").unwrap();
        assert_ne!(one, seal(&key, &PLACE, b"secret").unwrap());
    }

    #[test]
    fn text_that_is_not_text_any_more_is_damaged_and_not_a_panic() {
        let key = HistoryKey::random().unwrap();
        let blob = seal(&key, &PLACE, &[0xff, 0xfe]).unwrap();
        assert_eq!(
            open_text(&key, &PLACE, &blob).unwrap_err().code(),
            Code::Damaged
        );
        let blob = seal_text(&key, &PLACE, "naïve 🔑").unwrap();
        assert_eq!(open_text(&key, &PLACE, &blob).unwrap().expose(), "naïve 🔑");
    }
}
