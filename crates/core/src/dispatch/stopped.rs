//! Why an attempt on the farm ended early, and whose fault it is.

use crate::claude::{Failed, Kind};
use crate::error::{Code, Error};
use crate::farm::Unready;

/// Why an attempt ended early.
pub(super) struct Stopped {
    pub(super) error: Error,
    pub(super) fault: Fault,
    /// What is kept with the host: not sealed, and so without anybody's words.
    pub(super) kept: Box<Error>,
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
        Self::in_turn(error, Fault::Run)
    }
}

impl Stopped {
    /// What went wrong before the prompt was handed over.
    pub(super) fn before(Unready { error, kept }: Unready) -> Self {
        let fault = match error.code() {
            Code::HostKey => Fault::HostKey,
            Code::HostFailed | Code::Timeout | Code::WrongPayer => Fault::Host,
            _ => Fault::Run,
        };
        Self { error, fault, kept }
    }

    /// What went wrong once the prompt was handed over, which what is quoted may repeat.
    pub(super) fn in_turn(error: Error, fault: Fault) -> Self {
        let kept = error.in_other_words(match fault {
            Fault::Lost => "The connection was lost while a run went on.",
            _ => "`claude` failed there in a run. What it said was shown with that.",
        });
        Self {
            error,
            fault,
            kept: Box::new(kept),
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
    use crate::error::{Failure, Remedy};

    #[test]
    fn what_is_kept_with_a_host_repeats_nothing_of_a_run() {
        let error = Error::new(Code::HostFailed, "`claude` ended (it wrote: my prompt).")
            .hint("Look.")
            .remedy(Remedy::ProbeHost);
        let stopped = Stopped::in_turn(error.again(), Fault::Claude);
        let expected = Failure {
            message: "`claude` failed there in a run. What it said was shown with that.".to_owned(),
            ..Failure::from(&error)
        };
        assert_eq!(Failure::from(&*stopped.kept), expected);
        let nothing_crossed = Stopped::before(error.again().into());
        assert_eq!(nothing_crossed.kept.failure(), error.failure());
    }
}
