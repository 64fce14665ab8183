//! Why an attempt on the farm ended early, and whose fault it is.

use crate::claude::{Failed, Kind};
use crate::error::{Code, Error};

/// Why an attempt ended early.
pub(super) struct Stopped {
    pub(super) error: Error,
    pub(super) fault: Fault,
}

/// Whose fault it is that an attempt ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The run's own: another host would do no better.
    Run,
    /// The host has shown another key than the pinned one. Somebody may stand in its place, so everything stops.
    HostKey,
    /// The host's: it never had the prompt.
    Host,
    /// The connection was lost, which says little of the host.
    Lost,
    /// `claude` failed there once it had the prompt, which may be the prompt's doing.
    Claude,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let fault = Fault::Run;
        Self { error, fault }
    }
}

impl Stopped {
    /// What went wrong before the prompt was handed over.
    pub(super) fn before(error: Error) -> Self {
        let fault = match error.code() {
            Code::HostKey => Fault::HostKey,
            Code::HostFailed | Code::Timeout | Code::WrongPayer => Fault::Host,
            _ => Fault::Run,
        };
        Self { error, fault }
    }

    /// Tells whether another way may be taken for it.
    pub(super) fn is_host_down(&self) -> bool {
        matches!(self.fault, Fault::Host | Fault::Lost | Fault::Claude)
    }
}

impl Fault {
    /// Tells whose fault it is that a turn failed.
    pub(super) fn of(failed: &Failed) -> Self {
        match failed.kind {
            Kind::Lost => Self::Lost,
            Kind::Died | Kind::Garbled | Kind::TooLongLine if !failed.may_have_run => Self::Host,
            Kind::Died | Kind::Garbled | Kind::TooLongLine | Kind::Network | Kind::Unasked => {
                Self::Claude
            }
            _ => Self::Run,
        }
    }
}

/// Says on which host it happened, where that matters.
pub(super) fn named(host: &str, fault: Fault, error: &Error) -> Error {
    if fault == Fault::Run {
        return error.again();
    }
    let code = match error.code() {
        Code::Failed => Code::HostFailed,
        code => code,
    };
    let worded = Error::new(code, format!("On {host}: {}", error.message()));
    match error.advice() {
        Some(advice) => worded.hint(advice),
        None => worded,
    }
}
