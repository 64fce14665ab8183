//! The recovery code: random, printable, and written so that a slip of the pen is told apart from
//! another code.
//!
//! 26 symbols of Crockford's base 32 carry 130 random bits; six more are the checksum of BIP 350
//! (bech32m), which finds every one to four wrong symbols.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};
use crate::secret::{RecoveryCode, WrappingKey};

/// Crockford's alphabet: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM: usize = 26;
const CHECK: usize = 6;
const GROUP: usize = 4;

/// Makes a fresh code, in eight groups of four.
///
/// # Errors
/// [`Code::Failed`](crate::error::Code::Failed) when the system has no random source.
pub(super) fn fresh() -> Result<RecoveryCode> {
    let mut bytes = Zeroizing::new([0_u8; RANDOM]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|e| Error::failed("The system gave no random bytes.").because(e))?;
    let mut symbols = Zeroizing::new(Vec::with_capacity(RANDOM + CHECK));
    // 256 is a multiple of 32, so every value is equally likely.
    symbols.extend(bytes.iter().map(|byte| byte % 32));
    let check = checksum(&symbols);
    symbols.extend_from_slice(&check);
    let mut text = String::with_capacity((RANDOM + CHECK) / GROUP * (GROUP + 1));
    for (index, symbol) in symbols.iter().enumerate() {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(*symbol)]));
    }
    Ok(RecoveryCode::new(text))
}

/// Derives the wrapping key of one slot. The code's own randomness is enough: no slow function.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) when the code was mistyped.
pub(super) fn derive(code: &RecoveryCode, vault: &str, slot: &str) -> Result<WrappingKey> {
    let symbols = read(code.expose())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&symbols).map_err(|_| mistyped())?;
    mac.update(b"switchyard recovery slot 1\0");
    for part in [vault, slot] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let mut bytes = mac.finalize().into_bytes();
    let key = WrappingKey::from_slice(&bytes);
    bytes.as_mut_slice().zeroize();
    key.ok_or_else(mistyped)
}

/// Tells whether a text has the form of a recovery code: its alphabet, its length and its checksum.
#[must_use]
pub fn is_recovery_code(text: &str) -> bool {
    read(text).is_ok()
}

/// Reads the random values of a code as a person types it: any case, any grouping, O for 0, I and
/// L for 1.
fn read(typed: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(RANDOM + CHECK));
    for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let plain = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if symbols.len() == RANDOM + CHECK {
            return Err(mistyped());
        }
        let value = (0_u8..32).find(|value| char::from(ALPHABET[usize::from(*value)]) == plain);
        symbols.push(value.ok_or_else(mistyped)?);
    }
    if symbols.len() != RANDOM + CHECK || symbols[RANDOM..] != checksum(&symbols[..RANDOM]) {
        return Err(mistyped());
    }
    symbols.truncate(RANDOM);
    Ok(symbols)
}

/// The checksum of BIP 350 over five-bit values: six more of them.
fn checksum(values: &[u8]) -> [u8; CHECK] {
    const BECH32M: u32 = 0x2bc8_30a3;
    let padded = values.iter().copied().chain([0; CHECK]);
    let rest = padded.fold(1, polynomial_step) ^ BECH32M;
    std::array::from_fn(|index| {
        let shift = 5 * (CHECK - 1 - index);
        (rest >> shift & 31).try_into().unwrap_or(0)
    })
}

/// Takes one more value into the remainder; the constants are BIP 173's generator.
fn polynomial_step(rest: u32, value: u8) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = rest >> 25;
    let shifted = (rest & 0x01ff_ffff) << 5 ^ u32::from(value);
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| top >> bit & 1 == 1)
        .fold(shifted, |rest, (_, term)| rest ^ term)
}

fn mistyped() -> Error {
    Error::bad_input("That is not a recovery code as it was shown: a symbol is wrong, missing or too many.")
        .hint("Compare it with your copy: eight groups of four letters and digits. Case and dashes don't matter.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Code;

    fn key(code: &str) -> Result<[u8; 32]> {
        derive(&RecoveryCode::new(code.to_owned()), "vault", "slot").map(|key| *key.expose())
    }

    #[test]
    fn a_code_has_eight_groups_of_four_and_is_new_each_time() {
        let (one, two) = (fresh().unwrap(), fresh().unwrap());
        let groups: Vec<_> = one.expose().split('-').map(str::len).collect();
        assert_eq!(groups, [4; 8]);
        assert_ne!(one.expose(), two.expose());
    }

    #[test]
    fn case_grouping_and_look_alikes_do_not_matter() {
        let code = fresh().unwrap();
        let reference = key(code.expose()).unwrap();
        let typed = code.expose().to_lowercase().replace('-', " ");
        assert_eq!(key(&typed).unwrap(), reference);
        let alike = code.expose().replace('0', "o").replace('1', "l");
        assert_eq!(key(&alike).unwrap(), reference);
    }

    #[test]
    fn the_checksum_is_the_one_of_bip_350() {
        // `A1LQFN3A`, the shortest valid string there: human-readable part `a`, no data.
        let expanded = [
            u8::try_from('a').unwrap() >> 5,
            0,
            u8::try_from('a').unwrap() & 31,
        ];
        let charset = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let check = checksum(&expanded).map(|value| charset[usize::from(value)]);
        assert_eq!(&check, b"lqfn3a");
    }

    #[test]
    fn the_key_belongs_to_one_vault_and_one_slot() {
        let code = fresh().unwrap();
        let of = |vault, slot| *derive(&code, vault, slot).unwrap().expose();
        assert_ne!(of("a", "bc"), of("ab", "c"));
        assert_ne!(of("a", "b"), of("b", "b"));
    }

    proptest! {
        #[test]
        fn up_to_four_wrong_symbols_are_a_mistyped_code_and_not_another_one(
            wrong in prop::collection::btree_map(0..32_usize, 0..31_usize, 1..=4),
        ) {
            let code = fresh().unwrap();
            let mut symbols: Vec<u8> = code.expose().bytes().filter(|b| *b != b'-').collect();
            for (at, other) in wrong {
                let rest: Vec<u8> = ALPHABET.iter().copied().filter(|s| *s != symbols[at]).collect();
                symbols[at] = rest[other];
            }
            let outcome = key(std::str::from_utf8(&symbols).unwrap());
            prop_assert_eq!(outcome.unwrap_err().code(), Code::BadInput);
        }

        #[test]
        fn whatever_is_typed_is_refused_in_words(typed: String) {
            prop_assert_eq!(key(&typed).unwrap_err().code(), Code::BadInput);
        }
    }
}
