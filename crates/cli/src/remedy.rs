//! How the command line words what the core advises: the one place that names commands for it.

use switchyard_core::text::shown;
use switchyard_core::{Failure, Remedy};

/// Returns what to type, as a sentence without its full stop: a command is copied as it stands.
pub(crate) fn words(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::MakeVault => "Make it with: switchyard vault init",
        Remedy::UnlockVault => {
            "Open it for every window and terminal with: switchyard vault unlock"
        }
        Remedy::StartAgent => "Start it in a terminal to see why: switchyard agent",
        Remedy::AddKey => "Add one with: switchyard keys add NAME",
        Remedy::StoreUnchecked => "To store it all the same: --unchecked",
        Remedy::NameGateway => "For a gateway's own token, name the gateway: --base-url URL",
        Remedy::SelectKey => {
            "Select one with: switchyard keys select NAME, or name who pays: --key NAME, env:VARIABLE or env-file:PATH"
        }
        Remedy::ChoosePayer => "Say who pays: --key NAME, env:VARIABLE or env-file:PATH",
        Remedy::ListRuns => "See which there are with: switchyard history",
        Remedy::AcceptSubscription => {
            "Read it, and accept it, with: switchyard consent accept subscription"
        }
        Remedy::AcceptExtraUsage => {
            "Read it, and accept it, with: switchyard consent accept extra_usage"
        }
        Remedy::AcceptSignIn => "Read it, and accept it, with: switchyard consent accept oauth",
        Remedy::PointToClaude => {
            "Which program is started is set with: switchyard settings plan.program PATH"
        }
        Remedy::AddHost => "Add one with: switchyard hosts add NAME USER@HOST",
        Remedy::PinHost => "Look at its key, and pin it, with: switchyard hosts pin NAME",
        Remedy::ListHosts => "See how they stand with: switchyard hosts",
        Remedy::ProbeHost => "Ask it how it stands with: switchyard hosts probe NAME",
        Remedy::ConfirmLogin => "Choose it again with: switchyard plan select NAME",
        Remedy::LogIn => "Then try again",
        Remedy::ListLogins => "See which there are with: switchyard plan",
        Remedy::ListRouting => "See the table with: switchyard routing",
        Remedy::AllowFallback => {
            "Read what that changes, and allow it, with: switchyard routing allow CLASS NUMBER"
        }
        Remedy::RestoreStore => "Put a copy in its place with: switchyard store restore FILE",
    }
}

/// Returns all that a failure advises, in one line.
pub(crate) fn advice(failure: &Failure) -> Option<String> {
    advice_about(failure, None)
}

/// As [`advice`], with the name of what it is about, where that is known.
pub(crate) fn advice_about(failure: &Failure, subject: Option<&str>) -> Option<String> {
    let remedy = failure.remedy.map(|remedy| match (remedy, subject) {
        (Remedy::PinHost | Remedy::ProbeHost, Some(host)) => {
            words(remedy).replace("NAME", &quoted(host))
        }
        _ => words(remedy).to_owned(),
    });
    let said: Vec<String> = failure.hint.clone().into_iter().chain(remedy).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// Writes a name as a shell takes it.
pub(crate) fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("'{}'", shown(name, 60).replace('\'', "'\\''")),
    }
}
