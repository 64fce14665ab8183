//! What [`who`](super::who) answers, and the sentences it is said in.

use std::path::Path;

use super::names;
use super::place::Place;
use super::precedence::{Credential, Nobody, Payer, Source};
use crate::claude::Cli;

/// Who pays right now, and why. Holds no secret: last four characters at most.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "Who"))]
pub struct Report {
    /// Who a plain `claude -p` bills.
    pub payer: Payer,
    /// The same in one sentence.
    pub sentence: String,
    /// Where the credential goes, when that is not Anthropic's own server.
    pub redirect: Option<Redirect>,
    /// Who a terminal opened next would bill, where that is someone else.
    pub next: Option<Next>,
    /// Every place that sets or overrides a credential, strongest first.
    pub findings: Vec<Finding>,
    /// What could not be found out, and what is worth knowing.
    pub notes: Vec<String>,
    /// The CLI, where there is one.
    pub cli: Option<Cli>,
}

/// A server that gets the credential instead of Anthropic's.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Redirect {
    /// The host, or what stands for it.
    pub host: String,
    /// Where that is set.
    pub place: Place,
    /// The same in one sentence.
    pub sentence: String,
}

/// Who the next login shell bills.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Next {
    /// Who is billed then.
    pub payer: Payer,
    /// The same in one sentence.
    pub sentence: String,
}

/// One place that sets or overrides a credential.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Finding {
    /// The variable or setting.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The place in words.
    pub source: String,
    /// What is set, as far as it may be shown: `…abcd`, a host, or "computed".
    pub value: Option<String>,
    /// Whether it has its way.
    pub state: State,
    /// What it does, in one sentence.
    pub effect: String,
}

/// Whether a finding has its way.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "FindingState"))]
pub enum State {
    /// It decides.
    InForce,
    /// It would decide, but for something stronger.
    Overridden {
        /// What is stronger, in words.
        by: String,
    },
    /// Not here yet, but in every new login shell.
    Pending,
    /// Nothing comes of it.
    Unused {
        /// Why, as a sentence.
        why: String,
    },
}

/// Says in one sentence who a plain `claude -p` bills.
#[must_use]
pub fn sentence(payer: &Payer, home: &Path) -> String {
    format!("Plain `claude -p` {}.", billed(payer, home))
}

/// Says it as the end of a sentence: "bills your plan, …".
pub(super) fn billed(payer: &Payer, home: &Path) -> String {
    match payer {
        Payer::Nobody(Nobody::NotLoggedIn) => "bills nobody: not logged in".to_owned(),
        Payer::Nobody(Nobody::LoginUnused) => {
            "bills nobody: there is a login, but a setting keeps the CLI from using it".to_owned()
        }
        Payer::Nobody(Nobody::Refuses { place }) => format!(
            "bills nobody: it refuses to start, because managed settings ({}) can't be parsed",
            place.shown(home)
        ),
        Payer::One { source } => format!("bills {}", described(source, home)),
        Payer::Both { key, bearer } => format!(
            "sends two credentials, one for {} and one for {}: which one is billed is the server's choice",
            described(key, home),
            described(bearer, home)
        ),
        Payer::Cloud {
            provider,
            name,
            place,
        } => format!("bills {provider} ({name}, {})", place.shown(home)),
    }
}

/// Describes what fills one slot of the request.
pub(super) fn described(source: &Source, home: &Path) -> String {
    match source {
        Source::Credential(credential) => described_credential(credential, home),
        Source::Helper { place } => {
            format!("the key that apiKeyHelper prints, {}", place.shown(home))
        }
        Source::Login { plan } => match plan {
            Some(plan) => format!("your plan ({}), through the login of the CLI", titled(plan)),
            None => "your account, through the login of the CLI".to_owned(),
        },
        Source::Profile { name: Some(name) } => format!(
            "the Anthropic profile \"{}\"",
            crate::text::shown(name, crate::text::NAME_MAX)
        ),
        Source::Profile { name: None } => "the default Anthropic profile".to_owned(),
        Source::Federation { place } => {
            format!(
                "the organisation of a federation rule, {}",
                place.shown(home)
            )
        }
    }
}

fn described_credential(credential: &Credential, home: &Path) -> String {
    let Credential {
        name, last4, place, ..
    } = credential;
    let place = place.shown(home);
    match name.as_str() {
        names::API_KEY => format!("key …{last4}, {place}"),
        names::OAUTH_TOKEN => format!("your plan, by token …{last4} in {name}, {place}"),
        names::AUTH_TOKEN => format!("the account behind token …{last4} in {name}, {place}"),
        names::CUSTOM_HEADERS => {
            format!("the account behind header credential …{last4} in {name}, {place}")
        }
        _ => format!("key …{last4} of the CLI's Console login, {place}"),
    }
}

/// Writes the name of a plan as Anthropic does: `max` is "Claude Max".
fn titled(plan: &str) -> String {
    let plan = crate::text::shown(plan, 40);
    let mut letters = plan.chars();
    letters.next().map_or_else(
        || "Claude".to_owned(),
        |first| format!("Claude {}{}", first.to_uppercase(), letters.as_str()),
    )
}

impl Payer {
    /// Returns the sources that are sent.
    pub(super) fn sources(&self) -> Vec<&Source> {
        match self {
            Self::One { source } => vec![source],
            Self::Both { key, bearer } => vec![key, bearer],
            Self::Nobody(_) | Self::Cloud { .. } => Vec::new(),
        }
    }

    /// Returns the credentials that are sent.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.sources()
            .into_iter()
            .filter_map(|source| match source {
                Source::Credential(credential) => Some(credential),
                _ => None,
            })
    }

    /// Tells whether the same credentials are sent, wherever they are set.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let kinds = |payer: &Self| -> Vec<String> {
            match payer {
                Self::Nobody(_) => vec!["nobody".to_owned()],
                Self::Cloud { provider, .. } => vec![provider.clone()],
                _ => payer.sources().into_iter().map(identity).collect(),
            }
        };
        kinds(self) == kinds(other)
    }
}

fn identity(source: &Source) -> String {
    match source {
        Source::Credential(held) => format!("{} {}", held.name, held.last4),
        Source::Helper { place } => format!("helper {place:?}"),
        Source::Login { .. } => "login".to_owned(),
        Source::Profile { name } => format!("profile {name:?}"),
        Source::Federation { .. } => "federation".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::place::Scope;
    use crate::shell::precedence::Shape;

    fn key(name: &str, last4: &str, place: Place) -> Source {
        Source::Credential(Credential {
            name: name.to_owned(),
            last4: last4.to_owned(),
            shape: Shape::ApiKey,
            place,
        })
    }

    #[test]
    fn the_verdict_is_one_plain_sentence() {
        let home = Path::new("/home/ann");
        let line = Place::ShellFile {
            path: "/home/ann/.zshrc".into(),
            line: 42,
        };
        let settings = Place::Settings {
            scope: Scope::User,
            path: "/home/ann/.claude/settings.json".into(),
            line: Some(3),
        };
        let cases = [
            (
                Payer::One {
                    source: key(names::API_KEY, "abcd", line.clone()),
                },
                "Plain `claude -p` bills key …abcd, from ~/.zshrc, line 42.",
            ),
            (
                Payer::One {
                    source: Source::Login {
                        plan: Some("max".to_owned()),
                    },
                },
                "Plain `claude -p` bills your plan (Claude Max), through the login of the CLI.",
            ),
            (
                Payer::Nobody(Nobody::NotLoggedIn),
                "Plain `claude -p` bills nobody: not logged in.",
            ),
            (
                Payer::Both {
                    key: key(names::API_KEY, "abcd", line),
                    bearer: key(names::AUTH_TOKEN, "wxyz", settings),
                },
                "Plain `claude -p` sends two credentials, one for key …abcd, from ~/.zshrc, line 42 and one for \
                 the account behind token …wxyz in ANTHROPIC_AUTH_TOKEN, from \
                 ~/.claude/settings.json, line 3: which one is billed is the server's choice.",
            ),
        ];
        for (payer, expected) in cases {
            assert_eq!(sentence(&payer, home), expected);
        }
    }
}
