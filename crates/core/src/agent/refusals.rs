//! Why the vault stays as it is, in words.

use crate::error::{Code, Error, Remedy, Result};
use crate::vault::Status;

/// Tells of a vault that there is; anything else is for who makes one.
pub(super) fn existing(status: Status) -> Result<Status> {
    if status.exists {
        return Ok(status);
    }
    Err(Error::new(Code::NoVault, "There is no vault yet.").remedy(Remedy::MakeVault))
}

/// The store could not take a lock down, and its agent did not take it either.
pub(super) fn still_open(why: &Error) -> Error {
    Error::new(
        why.code(),
        format!(
            "The vault is locked here, but the agent still has it open. {}",
            why.message()
        ),
    )
    .hint("End the agent, or log out: its keys are only in its memory.")
}

/// The keys are wiped, but the store could not take that down.
pub(super) fn not_noted(why: &Error) -> Error {
    Error::new(
        why.code(),
        format!(
            "The vault is locked, but that could not be written down. {}",
            why.message()
        ),
    )
    .hint("Free some space and lock again: until then, the keychain may open it without asking.")
}

pub(super) fn cancelled() -> Error {
    Error::new(
        Code::Cancelled,
        "Nothing was entered, so the vault stays locked.",
    )
}

/// Nothing opened it: says so, and what stood in the way.
pub(super) fn still_locked(trouble: Option<Error>) -> Error {
    let Some(trouble) = trouble else {
        return Error::new(Code::Locked, "The vault is locked.").remedy(Remedy::UnlockVault);
    };
    let mut locked = trouble.failure().clone();
    locked.code = Code::Locked;
    locked.message = format!("The vault is locked. {}", trouble.message());
    locked.into()
}
