//! Why an attempt on the farm ended early, and whose fault it is.

use crate::claude::{Failed, Kind};
use crate::error::{Code, Error};

/// Why an attempt ended early.
pub(super) struct Stopped {
    pub(super) error: Error,
    pub(super) fault: Fault,
    /// What it quotes may repeat the prompt, or the system prompt.
    pub(super) may_repeat: bool,
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
        Self {
            error,
            fault: Fault::Run,
            may_repeat: true,
        }
    }
}

impl Stopped {
    /// What went wrong before the prompt was handed over. The system prompt may have been.
    pub(super) fn before(error: Error, may_repeat: bool) -> Self {
        let fault = match error.code() {
            Code::HostKey => Fault::HostKey,
            Code::HostFailed | Code::Timeout | Code::WrongPayer => Fault::Host,
            _ => Fault::Run,
        };
        Self {
            error,
            fault,
            may_repeat,
        }
    }

    /// Returns what is kept with the host: not sealed, and so without anybody's words.
    pub(super) fn for_host(&self) -> Error {
        if !self.may_repeat {
            return self.error.again();
        }
        let message = match self.fault {
            Fault::Lost => "The connection was lost while a run went on.",
            _ => "`claude` failed there in a run. What it said was shown with that.",
        };
        let kept = Error::new(self.error.code(), message);
        match self.error.advice() {
            Some(advice) => kept.hint(advice),
            None => kept,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_with_a_host_repeats_nothing_of_a_run() {
        let error = Error::new(Code::HostFailed, "`claude` ended (it wrote: my prompt).");
        let stopped = Stopped::before(error.again().hint("Look."), true);
        let kept = stopped.for_host();
        assert!(!kept.message().contains("prompt"), "{kept}");
        assert_eq!(
            (kept.code(), kept.advice()),
            (Code::HostFailed, Some("Look."))
        );
        let nothing_crossed = Stopped::before(error.again(), false);
        assert_eq!(nothing_crossed.for_host().message(), error.message());
    }
}
