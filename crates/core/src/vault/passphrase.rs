//! From a passphrase to the key that wraps the data key: Argon2id, with bounds on what it may cost.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Code, Error, Result};
use crate::secret::{Passphrase, WrappingKey};

const SALT: usize = 16;
/// The fewest characters that a new passphrase may have.
pub const PASSPHRASE_MIN: usize = 8;
/// The fewest different characters: `aaaaaaaa` and `12121212` are long and worth nothing.
const DIFFERENT_MIN: usize = 5;

/// What deriving a key from a passphrase costs whoever tries one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB: 19 MiB to 1 GiB.
    pub memory_kib: u32,
    /// Passes over that memory: 2 to 10.
    pub passes: u32,
}

impl Cost {
    /// 128 MiB and three passes: a third of a second on two cores.
    pub const STANDARD: Self = Self {
        memory_kib: 128 * 1024,
        passes: 3,
    };
    /// The least that is accepted anywhere.
    pub const LEAST: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
    };
    const MOST: Self = Self {
        memory_kib: 1024 * 1024,
        passes: 10,
    };
}

/// How one slot derives its key, as `vault_slots.kdf` keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    kdf: Kdf,
    /// Argon2's version, 19 for 1.3.
    v: u32,
    /// Memory in KiB.
    m: u32,
    /// Passes.
    t: u32,
    /// Lanes.
    p: u32,
    /// 16 random bytes in hexadecimal.
    salt: String,
}

#[derive(Serialize, Deserialize)]
enum Kdf {
    #[serde(rename = "argon2id")]
    Argon2id,
}

/// Writes how a new slot derives its key, with a fresh salt.
pub(super) fn new_derivation(cost: Cost) -> Result<String> {
    let mut salt = [0_u8; SALT];
    getrandom::fill(&mut salt)
        .map_err(|e| Error::failed("The system gave no random bytes.").because(e))?;
    let derivation = Derivation {
        kdf: Kdf::Argon2id,
        v: 0x13,
        m: cost.memory_kib,
        t: cost.passes,
        p: 1,
        salt: salt.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    serde_json::to_string(&derivation)
        .map_err(|e| Error::failed("The slot's parameters can't be written.").because(e))
}

/// Derives the wrapping key as `derivation` says, on a thread of its own.
///
/// # Errors
/// [`Code::Damaged`] when `derivation` can't be read or asks for an absurd cost, which is found out
/// before any memory is taken.
pub(super) async fn derive(passphrase: &Passphrase, derivation: &str) -> Result<WrappingKey> {
    let parsed = parse(derivation)?;
    // The same letters typed on another keyboard may come as other bytes.
    let mut typed = Zeroizing::new(String::with_capacity(3 * passphrase.expose().len()));
    typed.extend(passphrase.expose().nfc());
    tokio::task::spawn_blocking(move || derive_here(&typed, &parsed))
        .await
        .map_err(|e| Error::failed("The passphrase could not be worked on.").because(e))?
}

struct Parsed {
    params: Params,
    salt: [u8; SALT],
}

fn parse(derivation: &str) -> Result<Parsed> {
    let found: Derivation = serde_json::from_str(derivation).map_err(|_| unusable())?;
    let Kdf::Argon2id = found.kdf;
    let is_bounded = (Cost::LEAST.memory_kib..=Cost::MOST.memory_kib).contains(&found.m)
        && (Cost::LEAST.passes..=Cost::MOST.passes).contains(&found.t)
        && (1..=16).contains(&found.p);
    if !is_bounded || found.v != 0x13 || !found.salt.is_ascii() || found.salt.len() != 2 * SALT {
        return Err(unusable());
    }
    let mut salt = [0_u8; SALT];
    for (index, byte) in salt.iter_mut().enumerate() {
        let digits = &found.salt[2 * index..2 * index + 2];
        *byte = u8::from_str_radix(digits, 16).map_err(|_| unusable())?;
    }
    let params = Params::new(found.m, found.t, found.p, Some(32)).map_err(|_| unusable())?;
    Ok(Parsed { params, salt })
}

fn derive_here(typed: &str, how: &Parsed) -> Result<WrappingKey> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, how.params.clone());
    let mut memory = Memory(Vec::new());
    memory
        .0
        .try_reserve_exact(how.params.block_count())
        .map_err(|_| no_memory())?;
    memory.0.resize(how.params.block_count(), Block::new());
    let mut key = Zeroizing::new([0_u8; 32]);
    argon2
        .hash_password_into_with_memory(
            typed.as_bytes(),
            &how.salt,
            key.as_mut_slice(),
            memory.0.as_mut_slice(),
        )
        .map_err(|_| Error::bad_input("The passphrase is too long."))?;
    WrappingKey::from_slice(key.as_slice()).ok_or_else(unusable)
}

/// Argon2's working memory, from which a key could be read back; wiped when it goes.
struct Memory(Vec<Block>);

impl Drop for Memory {
    fn drop(&mut self) {
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}

/// Checks that a passphrase is worth its slot.
///
/// # Errors
/// [`Code::BadInput`] that says which rule it breaks.
pub fn check_passphrase(passphrase: &Passphrase) -> Result<()> {
    let text = passphrase.expose();
    let count = text.chars().count();
    if count < PASSPHRASE_MIN {
        return Err(Error::bad_input(format!(
            "The passphrase has {count} characters; {PASSPHRASE_MIN} are the fewest."
        ))
        .hint("Four or five words that have nothing to do with each other are easy to remember and hard to guess."));
    }
    let mut different: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Err(Error::bad_input(
            "The passphrase repeats too few characters; it would be guessed at once.",
        )
        .hint("Four or five words that have nothing to do with each other are easy to remember and hard to guess."));
    }
    Ok(())
}

fn unusable() -> Error {
    Error::new(
        Code::Damaged,
        "The passphrase slot is damaged: what it says of its derivation can't be used.",
    )
    .hint("Open the vault another way (keychain or recovery code), then set the passphrase anew.")
}

fn no_memory() -> Error {
    Error::failed("There is not enough free memory to work on the passphrase.")
        .hint("Close something large and try again; nothing was changed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kdf(m: u64, t: u64) -> String {
        format!(
            r#"{{"kdf":"argon2id","v":19,"m":{m},"t":{t},"p":1,"salt":"{}"}}"#,
            "0a".repeat(16)
        )
    }

    #[test]
    fn an_absurd_cost_is_refused_before_anything_is_allocated() {
        for (m, t) in [
            (19 * 1024 - 1, 3),
            (1024 * 1024 + 1, 3),
            (u64::from(u32::MAX), 3),
            (u64::MAX, 3),
            (128 * 1024, 1),
            (128 * 1024, 11),
        ] {
            let refused = parse(&kdf(m, t)).err().map(|e| e.code());
            assert_eq!(refused, Some(Code::Damaged), "m={m} t={t}");
        }
        for (m, t) in [(19 * 1024, 2), (1024 * 1024, 10)] {
            assert!(parse(&kdf(m, t)).is_ok(), "m={m} t={t}");
        }
    }

    #[test]
    fn a_derivation_that_is_not_ours_is_refused() {
        let good = kdf(19 * 1024, 2);
        for bad in [
            String::new(),
            "{}".to_owned(),
            good.replace("argon2id", "argon2i"),
            good.replace("19,", "16,"),
            good.replace("\"p\":1", "\"p\":0"),
            good.replace("\"p\":1", "\"p\":1,\"x\":1"),
            good.replace("0a0a0a", "0a0a"),
            good.replace("0a0a0a", "zzzzzz"),
            good.replace("0a0a0a", "éaaa"),
        ] {
            assert!(parse(&bad).is_err(), "{bad} was taken");
        }
    }

    #[tokio::test]
    async fn the_key_depends_on_the_passphrase_and_the_salt_and_not_on_the_keyboard() {
        let (one, two) = (
            new_derivation(Cost::LEAST).unwrap(),
            new_derivation(Cost::LEAST).unwrap(),
        );
        let key = async |text: &str, how: &str| {
            let typed = Passphrase::new(text.to_owned());
            *derive(&typed, how).await.unwrap().expose()
        };
        let reference = key("caf\u{e9} au lait", &one).await;
        assert_eq!(reference, key("cafe\u{301} au lait", &one).await);
        assert_ne!(reference, key("cafe au lait", &one).await);
        assert_ne!(reference, key("caf\u{e9} au lait", &two).await);
    }

    #[test]
    fn a_passphrase_that_is_short_or_repeats_itself_is_refused() {
        let check = |text: &str| check_passphrase(&Passphrase::new(text.to_owned()));
        for weak in ["", "short", "1234567", "aaaaaaaaaaaa", "121212121212"] {
            assert_eq!(check(weak).unwrap_err().code(), Code::BadInput, "{weak}");
        }
        assert!(check("four words of mine").is_ok());
        assert!(check("пароль из слов").is_ok());
    }
}
