//! Turns what was found into findings, strongest first, each with its state.

use std::path::Path;

use super::claude_settings::Setting;
use super::files::{Line, Scanned};
use super::in_force::Layers;
use super::names;
use super::parse::Reach;
use super::place::{Place, host};
use super::precedence::{Login, Payer, Shape, Source};
use super::report::{Finding, Redirect, State, described};
use crate::secret::ApiKey;

/// The host of Anthropic's own API.
pub(super) const ANTHROPIC: &str = "api.anthropic.com";

/// Everything that findings are made of.
pub(super) struct Found<'a> {
    pub(super) layers: &'a Layers<'a>,
    pub(super) payer: &'a Payer,
    /// The environment of the next login shell, if it was heard.
    pub(super) next: Option<&'a [Setting]>,
    pub(super) scanned: &'a Scanned,
    pub(super) login: &'a Login,
    pub(super) dot_env: &'a [Line],
    pub(super) home: &'a Path,
}

/// Returns all findings, strongest first.
pub(super) fn all(found: &Found<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found
        .layers
        .all()
        .filter_map(|setting| found.setting(setting))
        .chain(found.helpers())
        .chain(found.lines())
        .chain(found.pending())
        .chain(found.logins())
        .chain(found.dot_env.iter().map(|line| {
            let why = "The claude CLI does not read .env files; other programs may.";
            found.line(
                line,
                State::Unused {
                    why: why.to_owned(),
                },
            )
        }))
        .collect();
    findings.sort_by_key(|finding| {
        let state = match finding.state {
            State::InForce => 0,
            State::Overridden { .. } => 1,
            State::Pending => 2,
            State::Unused { .. } => 3,
        };
        (names::rank(&finding.name), state)
    });
    findings
}

impl Found<'_> {
    fn finding(&self, name: &str, place: &Place, value: Option<String>, state: State) -> Finding {
        Finding {
            effect: effect(name).to_owned(),
            name: name.to_owned(),
            source: place.shown(self.home),
            place: place.clone(),
            value,
            state,
        }
    }

    fn setting(&self, setting: &Setting) -> Option<Finding> {
        if !names::is_explained(&setting.name) {
            return None;
        }
        let value = shown_value(&setting.name, Some(&setting.value));
        Some(self.finding(&setting.name, &setting.place, value, self.state(setting)))
    }

    fn state(&self, setting: &Setting) -> State {
        let name = setting.name.as_str();
        if !self.layers.counts(setting) {
            let why = if setting
                .scope
                .is_some_and(super::place::Scope::is_of_project)
                && names::is_read_early(name)
            {
                "The CLI reads this variable before it reads a project's settings."
            } else if name == names::MANAGED_BY_HOST {
                "The CLI takes this from the environment alone."
            } else {
                "A host program manages the credential, so settings files are not used."
            };
            return State::Unused {
                why: why.to_owned(),
            };
        }
        if let Some(decisive) = self.layers.decisive(name)
            && !std::ptr::eq(decisive, setting)
        {
            return State::Overridden {
                by: format!("{name}, {}", decisive.place.shown(self.home)),
            };
        }
        if setting.value.expose().trim().is_empty() {
            return State::Unused {
                why: "It is set to nothing, which counts as not set.".to_owned(),
            };
        }
        match name {
            "CLAUDE_API_KEY" => State::Unused {
                why: "The claude CLI does not read it; other programs may.".to_owned(),
            },
            _ if is_switch(name) && !names::is_on(setting.value.expose()) => State::Unused {
                why: "It is switched off.".to_owned(),
            },
            _ if decides_alone(name) => State::InForce,
            _ if self.is_sent(name) => State::InForce,
            _ => self.beaten(),
        }
    }

    /// Tells whether what the name holds is sent.
    fn is_sent(&self, name: &str) -> bool {
        match name {
            names::PROFILE => {
                self.sends(|source| matches!(source, Source::Profile { name: Some(_) }))
            }
            names::FEDERATION_RULE => {
                self.sends(|source| matches!(source, Source::Federation { .. }))
            }
            // Headers without a credential are sent all the same.
            names::CUSTOM_HEADERS => true,
            switch if is_switch(switch) => {
                matches!(self.payer, Payer::Cloud { name, .. } if name == switch)
            }
            _ => self.payer.credentials().any(|sent| sent.name == name),
        }
    }

    fn sends(&self, is_it: impl Fn(&Source) -> bool) -> bool {
        self.payer.sources().into_iter().any(is_it)
    }

    /// Returns the state of something that would decide if what is sent were not there.
    fn beaten(&self) -> State {
        let by = match self.payer {
            Payer::Cloud { provider, .. } => provider.clone(),
            Payer::Nobody(_) => {
                let why = "Something in force keeps the CLI from using it.";
                return State::Unused {
                    why: why.to_owned(),
                };
            }
            _ => {
                let sources = self.payer.sources();
                let sources: Vec<String> = sources
                    .into_iter()
                    .map(|source| described(source, self.home))
                    .collect();
                sources.join(" and ")
            }
        };
        State::Overridden { by }
    }

    fn helpers(&self) -> Vec<Finding> {
        let in_force = self.layers.helper();
        let state = |helper: &super::claude_settings::Helper| match in_force {
            Some(stronger) if !std::ptr::eq(stronger, helper) => State::Overridden {
                by: format!("apiKeyHelper, {}", stronger.place.shown(self.home)),
            },
            Some(_) if self.sends(|source| matches!(source, Source::Helper { .. })) => {
                State::InForce
            }
            _ => self.beaten(),
        };
        self.layers
            .files
            .helpers
            .iter()
            .filter(|helper| helper.is_set)
            .map(|helper| self.finding(names::HELPER, &helper.place, None, state(helper)))
            .collect()
    }

    fn logins(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(plan) = &self.login.subscription {
            let state = if self.sends(|source| matches!(source, Source::Login { .. })) {
                State::InForce
            } else {
                self.beaten()
            };
            findings.push(self.finding(names::LOGIN, &Place::Login, plan.clone(), state));
        }
        if let Some(key) = &self.login.console_key {
            let state = if self.payer.credentials().any(|sent| sent == key) {
                State::InForce
            } else {
                self.beaten()
            };
            let value = Some(format!("…{}", key.last4));
            findings.push(self.finding(names::LOGIN, &key.place, value, state));
        }
        findings
    }

    /// Returns the lines that are not already the place of a variable of this environment.
    fn lines(&self) -> Vec<Finding> {
        let is_new = |line: &&Line| {
            !self
                .layers
                .environment
                .iter()
                .any(|setting| setting.place == line.place && setting.name == line.name)
        };
        self.scanned
            .lines
            .iter()
            .filter(is_new)
            .map(|line| self.line(line, self.line_state(line)))
            .collect()
    }

    fn line(&self, line: &Line, state: State) -> Finding {
        let value = if line.removes {
            None
        } else {
            shown_value(&line.name, line.value.as_ref())
        };
        let mut finding = self.finding(&line.name, &line.place, value, state);
        if line.removes {
            "Removes the variable.".clone_into(&mut finding.effect);
        } else if line.reach == Reach::OneCall {
            "Set for each call of claude, by an alias or a function of your shell."
                .clone_into(&mut finding.effect);
        }
        finding
    }

    fn line_state(&self, line: &Line) -> State {
        let unused = |why: &str| State::Unused {
            why: why.to_owned(),
        };
        if !line.is_read {
            return unused("Your login shell does not read this file.");
        }
        if line.reach == Reach::OneCall {
            return State::InForce;
        }
        if !line.removes && line.reach == Reach::Shell {
            return unused("It is set for the shell alone, not exported.");
        }
        // The last line wins, whatever the ones before it say.
        let mut lines = self.scanned.lines.iter().rev();
        let last = lines.find(|other| {
            other.name == line.name && other.is_read && other.reach == Reach::Exported
        });
        if let Some(last) = last.filter(|last| last.place != line.place) {
            return State::Overridden {
                by: format!("{}, {}", line.name, last.place.shown(self.home)),
            };
        }
        let next = self
            .next
            .map(|next| next.iter().find(|setting| setting.name == line.name));
        match (next, line.removes) {
            (None, _) => State::Pending,
            (Some(None), true) => State::InForce,
            (Some(Some(setting)), false) if line.sets(&line.name, setting.value.expose()) => {
                State::Pending
            }
            (Some(Some(_)), false) if line.value.is_none() => State::Pending,
            _ => unused("Your login shell does not end up with this value."),
        }
    }

    /// Returns what the next login shell exports, with no line found, and this environment lacks.
    fn pending(&self) -> Vec<Finding> {
        let is_new = |setting: &&Setting| {
            setting.place == Place::LoginShell
                && names::is_explained(&setting.name)
                && !self.layers.environment.iter().any(|own| {
                    own.name == setting.name && own.value.expose() == setting.value.expose()
                })
        };
        self.next
            .unwrap_or_default()
            .iter()
            .filter(is_new)
            .map(|setting| {
                let value = shown_value(&setting.name, Some(&setting.value));
                self.finding(&setting.name, &setting.place, value, State::Pending)
            })
            .collect()
    }
}

fn effect(name: &str) -> &'static str {
    match name {
        names::HELPER => "Runs a program and sends what it prints as key and as bearer token.",
        names::LOGIN => "Used when nothing stronger is set.",
        _ => names::effect(name).unwrap_or_default(),
    }
}

fn is_switch(name: &str) -> bool {
    matches!(name, names::SIMPLE | names::MANAGED_BY_HOST)
        || names::PROVIDERS.iter().any(|(switch, _)| *switch == name)
}

/// Tells whether the variable has its effect whoever is billed.
fn decides_alone(name: &str) -> bool {
    matches!(
        name,
        names::SIMPLE
            | names::MANAGED_BY_HOST
            | names::BASE_URL
            | names::UNIX_SOCKET
            | names::CONFIG_DIR
            | names::PROFILE_DIR
            | names::KEY_DESCRIPTOR
    )
}

/// Returns what may be shown of a value: the last four of a secret, the host of a URL, a switch or
/// a folder as it is.
fn shown_value(name: &str, value: Option<&ApiKey>) -> Option<String> {
    let Some(value) = value else {
        return Some("computed".to_owned());
    };
    let text = value.expose().trim();
    if text.is_empty() {
        return Some("nothing".to_owned());
    }
    Some(match name {
        names::CUSTOM_HEADERS => "headers".to_owned(),
        names::BASE_URL => host(text),
        _ if names::is_secret(name) => {
            format!("…{}", ApiKey::new(text.to_owned()).last4())
        }
        // A key that was put into the wrong variable is still a key.
        _ => crate::text::shown(&crate::secret::redact(text), 80),
    })
}

/// Returns where the credential goes, when that is not Anthropic's own server.
pub(super) fn redirect(layers: &Layers<'_>, payer: &Payer, home: &Path) -> Option<Redirect> {
    if matches!(payer, Payer::Cloud { .. } | Payer::Nobody(_)) {
        return None;
    }
    let (setting, host) = if let Some(setting) = layers.in_force(names::UNIX_SOCKET) {
        (setting, "a local socket".to_owned())
    } else {
        let setting = layers.in_force(names::BASE_URL)?;
        (setting, host(setting.value.expose().trim()))
    };
    (host != ANTHROPIC).then(|| Redirect {
        sentence: format!(
            "The credential is sent to {host}, not to api.anthropic.com ({}, {}).",
            setting.name,
            setting.place.shown(home)
        ),
        host,
        place: setting.place.clone(),
    })
}

/// Returns what is worth knowing beside the verdict.
pub(super) fn warnings(payer: &Payer, scanned: &Scanned, home: &Path) -> Vec<String> {
    let shapes = payer.credentials().filter_map(|sent| {
        let what = match (sent.shape, sent.name.as_str()) {
            (Shape::AdminKey, _) => "an admin key, which can't be used for a run",
            (Shape::SubscriptionToken, names::API_KEY | names::AUTH_TOKEN) => {
                "a subscription token, which belongs into CLAUDE_CODE_OAUTH_TOKEN"
            }
            (Shape::ApiKey, names::OAUTH_TOKEN) => "an API key, not a subscription token",
            _ => return None,
        };
        Some(format!("{} holds {what}.", sent.name))
    });
    let aliases = scanned
        .lines
        .iter()
        .filter(|line| line.reach == Reach::OneCall && line.is_read)
        .map(|line| {
            format!(
                "Typed in your shell, `claude` is an alias or function that sets {} ({}).",
                line.name,
                line.place.shown(home)
            )
        });
    shapes.chain(aliases).collect()
}
