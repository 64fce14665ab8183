//! Exit codes, as `switchyard --help` and the README list them.

use std::process::ExitCode;

use switchyard_core::Code;

/// Bad input, on the command line or in what was given to it.
pub(crate) const BAD_INPUT: u8 = 2;

/// Some lines of a file have no answer, or one that can't be read.
pub(crate) const SOME_UNANSWERED: u8 = 13;

/// Returns the exit code for an error, one that a script can branch on.
pub(crate) fn code(of: Code) -> ExitCode {
    ExitCode::from(match of {
        Code::BadInput | Code::Duplicate => BAD_INPUT,
        Code::Locked
        | Code::NoVault
        | Code::WrongPassphrase
        | Code::KeychainEmpty
        | Code::KeychainUnavailable
        | Code::KeychainMismatch => 3,
        Code::KeyRefused | Code::Refused | Code::Busy => 4,
        Code::Network => 5,
        Code::Timeout => 6,
        Code::StoreNewer | Code::StoreDamaged | Code::StoreUnwritable | Code::Damaged => 7,
        Code::NotFound => 8,
        Code::ConsentNeeded => 9,
        Code::NoHost => 10,
        Code::HostKey => 11,
        Code::HostFailed => 12,
        Code::Cancelled => 130,
        _ => 1,
    })
}
