//! Which credential a plain `claude -p` sends: the CLI's own rules, as one pure function.
//!
//! Every rule here was seen with CLI 2.1.330 against a recording server; the table in the tests has
//! a row for each. The CLI fills two slots, `x-api-key` and `Authorization`, and can fill both with
//! different secrets; then the server decides who is billed.

use super::place::Place;

/// What a credential's text says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Shape {
    /// `sk-ant-api…`
    ApiKey,
    /// `sk-ant-admin…`, which can't be used for a run.
    AdminKey,
    /// `sk-ant-oat…`
    SubscriptionToken,
    /// Anything else: a gateway's token.
    Other,
}

impl Shape {
    /// Tells the shape from the prefix.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with("sk-ant-oat") {
            Self::SubscriptionToken
        } else if text.starts_with("sk-ant-admin") {
            Self::AdminKey
        } else if text.starts_with("sk-ant-api") {
            Self::ApiKey
        } else {
            Self::Other
        }
    }
}

/// A credential as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Credential {
    /// The variable or setting that holds it.
    pub name: String,
    /// Its last four characters.
    pub last4: String,
    /// What its prefix says.
    pub shape: Shape,
    /// Where it is set.
    pub place: Place,
}

/// One thing that can fill a slot of the request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "PayerSource"))]
pub enum Source {
    /// A key or token that is written somewhere.
    Credential(Credential),
    /// What the settings' `apiKeyHelper` prints.
    Helper {
        /// The settings entry.
        place: Place,
    },
    /// The subscription login of the CLI.
    Login {
        /// The plan, as the CLI names it (`max`, `pro`, …), where it is known.
        plan: Option<String>,
    },
    /// An Anthropic profile.
    Profile {
        /// Its name; `None` is the default profile.
        name: Option<String>,
    },
    /// A federation rule, which bills its organisation.
    Federation {
        /// Where the rule is set.
        place: Place,
    },
}

/// Why nobody is billed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Nobody {
    /// There is no credential at all.
    NotLoggedIn,
    /// There is a login, but something in force keeps the CLI from using it.
    LoginUnused,
    /// The managed settings can't be read, so the CLI refuses to start.
    Refuses {
        /// The managed settings file.
        place: Place,
    },
}

/// Who is billed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "payer", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "WhoPays"))]
pub enum Payer {
    /// No request is sent, or none that could be billed.
    Nobody(Nobody),
    /// One credential is sent.
    One {
        /// The credential.
        source: Source,
    },
    /// Two credentials are sent; which one is billed is the server's choice.
    Both {
        /// What is sent as `x-api-key`.
        key: Source,
        /// What is sent as `Authorization`.
        bearer: Source,
    },
    /// A cloud provider bills.
    Cloud {
        /// Its name.
        provider: String,
        /// The switch.
        name: String,
        /// Where the switch is set.
        place: Place,
    },
}

/// What the CLI keeps by itself, from `claude auth login`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// A subscription login; the inner value is the plan.
    pub subscription: Option<Option<String>>,
    /// The API key of a Console login.
    pub console_key: Option<Credential>,
    /// A default Anthropic profile is there.
    pub default_profile: bool,
}

/// What is really there, after settings files and environment are laid over one another.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Managed settings that can't be parsed.
    pub refused: Option<Place>,
    /// The strongest cloud switch that is on: provider, variable and place.
    pub cloud: Option<(String, String, Place)>,
    /// Bare mode is on.
    pub simple: bool,
    /// A host program says that it manages the credential.
    pub managed_by_host: bool,
    /// Requests go to a local socket, or a key is promised on a file descriptor.
    pub login_unused: bool,
    /// `ANTHROPIC_API_KEY`
    pub key: Option<Credential>,
    /// `ANTHROPIC_AUTH_TOKEN`
    pub auth_token: Option<Credential>,
    /// `CLAUDE_CODE_OAUTH_TOKEN`
    pub oauth_token: Option<Credential>,
    /// `x-api-key` among the custom headers.
    pub header_key: Option<Credential>,
    /// `Authorization` among the custom headers.
    pub header_bearer: Option<Credential>,
    /// The settings' `apiKeyHelper`.
    pub helper: Option<Place>,
    /// The profile that `ANTHROPIC_PROFILE` names, if it exists.
    pub profile: Option<String>,
    /// A federation rule with its organisation.
    pub federation: Option<Place>,
    /// What the CLI keeps by itself.
    pub login: Login,
}

/// Decides who a plain `claude -p` bills.
#[must_use]
pub fn decide(facts: &Facts) -> Payer {
    if let Some(place) = facts.refused.clone() {
        return Payer::Nobody(Nobody::Refuses { place });
    }
    if let Some((provider, name, place)) = facts.cloud.clone() {
        return Payer::Cloud {
            provider,
            name,
            place,
        };
    }
    let (key, bearer) = own_slots(facts);
    // A custom x-api-key replaces the key; a custom Authorization replaces all but the auth token.
    let key = credential(&facts.header_key).or(key);
    let bearer = match (&facts.auth_token, &facts.header_bearer) {
        (None, Some(header)) => Some(Source::Credential(header.clone())),
        _ => bearer,
    };
    match (key, bearer) {
        (None, None) if facts.login.subscription.is_some() => Payer::Nobody(Nobody::LoginUnused),
        (None, None) => Payer::Nobody(Nobody::NotLoggedIn),
        (Some(source), None) | (None, Some(source)) => Payer::One { source },
        (Some(key), Some(bearer)) if key == bearer => Payer::One { source: key },
        (Some(key), Some(bearer)) => Payer::Both { key, bearer },
    }
}

/// Returns what fills `x-api-key` and `Authorization` before custom headers are added.
fn own_slots(facts: &Facts) -> (Option<Source>, Option<Source>) {
    let confined = facts.simple || facts.managed_by_host;
    let helper = facts
        .helper
        .clone()
        .filter(|_| !confined)
        .map(|place| Source::Helper { place });
    let console_key = credential(&facts.login.console_key).filter(|_| !confined);
    let key = credential(&facts.key).or_else(|| helper.clone());
    let bearer = credential(&facts.auth_token).or(helper);
    match (key, bearer) {
        (None, None) => match subscription(facts) {
            Some(strong) => (None, Some(strong)),
            // A key of a Console login outranks every profile, though a login outranks the key.
            None if console_key.is_some() => (console_key, None),
            None => (None, profile(facts)),
        },
        (None, bearer) => (console_key, bearer),
        slots => slots,
    }
}

/// Returns the subscription token or login, if it is what a run would use.
fn subscription(facts: &Facts) -> Option<Source> {
    if facts.simple {
        return None;
    }
    if let Some(token) = credential(&facts.oauth_token) {
        return Some(token);
    }
    // A named profile or a federation rule hides the login, whether or not it wins in the end.
    if facts.managed_by_host
        || facts.login_unused
        || facts.profile.is_some()
        || facts.federation.is_some()
    {
        return None;
    }
    let plan = facts.login.subscription.clone()?;
    Some(Source::Login { plan })
}

fn profile(facts: &Facts) -> Option<Source> {
    if facts.simple || facts.managed_by_host || facts.login_unused {
        return None;
    }
    if let Some(name) = facts.profile.clone() {
        return Some(Source::Profile { name: Some(name) });
    }
    if let Some(place) = facts.federation.clone() {
        return Some(Source::Federation { place });
    }
    facts
        .login
        .default_profile
        .then_some(Source::Profile { name: None })
}

fn credential(held: &Option<Credential>) -> Option<Source> {
    held.clone().map(Source::Credential)
}

#[cfg(test)]
#[path = "precedence_rows.rs"]
mod rows;

#[cfg(test)]
#[path = "precedence_tests.rs"]
mod tests;
