//! How a vault that nothing opens in silence reaches its user.

use std::future::Future;
use std::pin::Pin;

use crate::error::Error;
use crate::secret::{Passphrase, RecoveryCode};

/// What a face is to ask its user for.
#[derive(Debug)]
pub struct Question {
    /// Whether a passphrase opens this vault.
    pub takes_passphrase: bool,
    /// Whether a recovery code opens this vault.
    pub takes_recovery: bool,
    /// What went wrong before: a mistyped answer, or a keychain that could not be used.
    pub trouble: Option<Error>,
}

/// What the user gave.
#[derive(Debug)]
pub enum Answered {
    /// The passphrase.
    Passphrase(Passphrase),
    /// The recovery code.
    Recovery(RecoveryCode),
    /// That whatever needs the vault is to end.
    Cancelled,
}

/// The future of an answer.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Option<Answered>> + Send + 'a>>;

/// A face's way to reach its user.
pub trait Ask: Send + Sync {
    /// Asks, hidden, for what opens the vault; `None` when nobody can be asked, or nobody wants to
    /// answer.
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a>;

    /// Shows, or takes down, that the keychain is waiting for its owner.
    fn waiting(&self, is_waiting: bool) {
        let _ = is_waiting;
    }
}
