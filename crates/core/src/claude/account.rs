//! What the CLI says it will bill, held against what it was started with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::login::Expected;
use super::variables;
use crate::error::{Code, Error, Remedy};
use crate::text::shown;

/// What the CLI calls Anthropic's own service.
const FIRST_PARTY: &str = "firstParty";

/// What the CLI calls a login that has no plan: it is the name for every plan that it does not know
/// (read in CLI 2.1.330, seen with a login file that names none).
const NO_PLAN: &str = "Claude API";

/// What the CLI calls the source of a token that is not there.
const NO_TOKEN: &str = "none";

/// What to do where a host would bill somebody else than the key that it was sent.
const OF_HOST: &str = "Nothing on the box but managed settings can do that: ask whoever manages it, or pause the host.";

/// What to do where a host would bill a plan.
const OWN_OF_HOST: &str = "A plan's login never works for the farm. Let the program of the box's own key set \
                           ANTHROPIC_API_KEY, or let the host be sent a key of yours.";

/// How much of a name that came from outside is shown, in columns.
const SHOWN_MAX: usize = 60;

/// The account that the CLI names in its answer to `initialize`. Two that are equal are the same as
/// far as the CLI tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "ClaudeAccount"))]
pub struct Account {
    /// The plan, such as `Claude Max`; only for the CLI's own login.
    pub plan: Option<String>,
    /// The login's address, where the CLI has it.
    pub email: Option<String>,
    /// The login's organisation, where the CLI has it.
    pub organization: Option<String>,
    /// Where a token comes from.
    pub token_source: Option<String>,
    /// Where an API key comes from; one that is there would be billed before everything else.
    pub key_source: Option<String>,
    /// Who serves: Anthropic itself, or a cloud provider.
    pub provider: Option<String>,
    /// The names of what else the answer held. Its meaning is not known.
    pub unknown: Vec<String>,
}

impl Account {
    /// Reads the `account` of an answer; everything may be missing.
    pub(super) fn read(fields: &Map<String, Value>) -> Self {
        let mut account = Self::default();
        for (name, value) in fields {
            let place = match name.as_str() {
                "subscriptionType" => &mut account.plan,
                "email" => &mut account.email,
                "organization" => &mut account.organization,
                "tokenSource" => &mut account.token_source,
                "apiKeySource" => &mut account.key_source,
                "apiProvider" => &mut account.provider,
                _ => {
                    account.unknown.push(shown(name, SHOWN_MAX));
                    continue;
                }
            };
            match value {
                Value::Null => {}
                Value::String(text) => *place = Some(shown(text, SHOWN_MAX)),
                _ => account.unknown.push(shown(name, SHOWN_MAX)),
            }
        }
        account
    }

    /// Compares it with what the CLI was started with. Only what is known to be right passes: what
    /// a newer CLI may say besides is a mismatch until its meaning is known.
    ///
    /// Source: the answers of CLI 2.1.330 for each credential and for several at once.
    ///
    /// # Errors
    /// [`Code::Failed`] that says what would have been billed, what was expected, and what to do.
    pub fn check(&self, expected: &Expected) -> Result<(), Error> {
        if self.unknown.is_empty() && self.fits(expected) {
            return Ok(());
        }
        if self.pays_nothing() {
            return Err(nobody(expected));
        }
        let is_on_host = matches!(expected, Expected::Key | Expected::KeyOfHost);
        let fitting = match expected {
            Expected::OwnLogin => "its own login with a plan".to_owned(),
            Expected::Token { variable } => format!("the plan behind the token in {variable}"),
            Expected::Key => "the key that it was given".to_owned(),
            Expected::KeyOfHost => "an API key of its host".to_owned(),
        };
        let way_out = match expected {
            Expected::OwnLogin | Expected::Token { .. } => self.way_out(),
            Expected::Key | Expected::KeyOfHost if !self.unknown.is_empty() => self.way_out(),
            Expected::Key => OF_HOST,
            Expected::KeyOfHost => OWN_OF_HOST,
        };
        let wrong = Error::new(
            Code::WrongPayer,
            format!(
                "`claude` would have billed {}, and not {fitting}. It was ended before the prompt \
                 was given to it; nothing was sent.",
                self.would_bill()
            ),
        )
        .hint(way_out);
        Err(match self.unknown.is_empty() && !is_on_host {
            true => wrong.remedy(Remedy::LogIn),
            false => wrong,
        })
    }

    fn fits(&self, expected: &Expected) -> bool {
        let (plan, token) = (self.plan.as_deref(), self.token_source.as_deref());
        let key = self.key_source.as_deref();
        let is_first_party = self.provider.as_deref() == Some(FIRST_PARTY);
        let has_no_token = token.is_none_or(|token| token == NO_TOKEN);
        match expected {
            Expected::OwnLogin => {
                let has_plan = plan.is_some_and(|plan| plan != NO_PLAN);
                is_first_party && key.is_none() && token.is_none() && has_plan
            }
            Expected::Token { .. } => {
                let is_token = token == Some(variables::OAUTH_TOKEN);
                is_first_party && key.is_none() && plan.is_none() && is_token
            }
            Expected::Key => {
                let is_key = key == Some(variables::API_KEY);
                is_first_party && is_key && plan.is_none() && has_no_token
            }
            // Whose key it is, is the host's own affair, as long as it is no plan.
            Expected::KeyOfHost => {
                let is_gateways = token == Some(variables::AUTH_TOKEN);
                let has_key = key.is_some() && has_no_token;
                plan.is_none() && (has_key || is_gateways || (!is_first_party && has_no_token))
            }
        }
    }

    fn pays_nothing(&self) -> bool {
        self.unknown.is_empty()
            && self.key_source.is_none()
            && self.plan.is_none()
            && self.provider.as_deref() == Some(FIRST_PARTY)
            && self.token_source.as_deref() == Some(NO_TOKEN)
    }

    /// Says in words who would have been billed, the strongest credential first.
    fn would_bill(&self) -> String {
        if let Some(provider) = self.provider.as_deref().filter(|name| *name != FIRST_PARTY) {
            return format!("the provider {provider}");
        }
        if let Some(source) = &self.key_source {
            return format!("an API key ({source})");
        }
        match (&self.token_source, &self.plan) {
            _ if !self.unknown.is_empty() => format!(
                "something that this Switchyard does not know ({})",
                self.unknown.join(", ")
            ),
            (Some(source), _) => format!("a token ({source})"),
            (None, Some(plan)) if plan == NO_PLAN => "a login without a plan".to_owned(),
            (None, Some(plan)) => format!("its own login ({plan})"),
            (None, None) => "an account that it does not name".to_owned(),
        }
    }

    fn way_out(&self) -> &'static str {
        if !self.unknown.is_empty() {
            return "Update Switchyard; this `claude` is newer than it.";
        }
        if self.key_source.is_some()
            || self.provider.as_deref() != Some(FIRST_PARTY)
            || self.token_source.is_some()
        {
            return "Settings files and variables of yours don't reach this `claude`, so it is most likely \
                    set by your organisation's managed settings, or it is a key in the login itself. \
                    `claude auth logout` and then `claude auth login` makes a new login.";
        }
        "Log in to the plan: `claude auth login`."
    }
}

fn nobody(expected: &Expected) -> Error {
    match expected {
        Expected::OwnLogin => Error::new(
            Code::KeyRefused,
            "`claude` is not logged in, so nobody would pay. Nothing was sent.",
        )
        .hint("Log in with `claude auth login`.")
        .remedy(Remedy::LogIn),
        Expected::Key => Error::new(
            Code::HostFailed,
            "`claude` did not take the key on the host, so nobody would pay. Nothing was sent to a server.",
        )
        .hint("Update `claude` there."),
        Expected::KeyOfHost => Error::new(
            Code::HostFailed,
            "The host is said to have a key of its own, and `claude` found none there. Nothing was sent.",
        )
        .hint("Let the program of the box's own key set ANTHROPIC_API_KEY, or let the host be sent a key of yours."),
        Expected::Token { variable } => Error::new(
            Code::KeyRefused,
            format!(
                "`claude` did not take the token in {variable}, so nobody would pay. Nothing was sent."
            ),
        )
        .hint(format!(
            "Make a new one with `claude setup-token` and put it in {variable}."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Account {
        Account::read(&serde_json::from_str(json).unwrap())
    }

    fn token() -> Expected {
        Expected::Token {
            variable: "MY_TOKEN".to_owned(),
        }
    }

    /// Each answer of the real CLI (2.1.330), with whether it fits the login and the token, and a
    /// word of what is said where it fits neither.
    const ANSWERS: &[(&str, bool, bool, &str)] = &[
        (
            r#"{"subscriptionType":"Claude Max","apiProvider":"firstParty"}"#,
            true,
            false,
            "its own login (Claude Max)",
        ),
        (
            r#"{"subscriptionType":"Claude Pro","apiProvider":"firstParty","email":"a@b.example","organization":"O"}"#,
            true,
            false,
            "its own login",
        ),
        (
            r#"{"subscriptionType":"Claude Max","apiProvider":"firstParty","tokenSource":null}"#,
            true,
            false,
            "its own login",
        ),
        (
            r#"{"tokenSource":"CLAUDE_CODE_OAUTH_TOKEN","apiProvider":"firstParty"}"#,
            false,
            true,
            "a token (CLAUDE_CODE_OAUTH_TOKEN)",
        ),
        (
            r#"{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}"#,
            false,
            false,
            "an API key (ANTHROPIC_API_KEY)",
        ),
        (
            r#"{"tokenSource":"ANTHROPIC_AUTH_TOKEN","apiProvider":"firstParty"}"#,
            false,
            false,
            "a token (ANTHROPIC_AUTH_TOKEN)",
        ),
        (
            r#"{"tokenSource":"CLAUDE_CODE_OAUTH_TOKEN","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}"#,
            false,
            false,
            "an API key",
        ),
        (
            r#"{"tokenSource":"claude.ai","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}"#,
            false,
            false,
            "an API key",
        ),
        (
            r#"{"subscriptionType":"Claude Max","apiKeySource":"/login managed key","apiProvider":"firstParty"}"#,
            false,
            false,
            "/login managed key",
        ),
        (
            r#"{"subscriptionType":"Claude API","apiProvider":"firstParty"}"#,
            false,
            false,
            "a login without a plan",
        ),
        (
            r#"{"apiProvider":"bedrock"}"#,
            false,
            false,
            "the provider bedrock",
        ),
        (
            r#"{"subscriptionType":"Claude Max","apiProvider":"gateway"}"#,
            false,
            false,
            "the provider gateway",
        ),
        (
            r#"{"tokenSource":"none","apiProvider":"firstParty"}"#,
            false,
            false,
            "nobody would pay",
        ),
        // Nothing that a CLI has said yet.
        ("{}", false, false, "does not name"),
        (
            r#"{"subscriptionType":"Claude Max"}"#,
            false,
            false,
            "its own login",
        ),
        (
            r#"{"subscriptionType":"Claude Max","tokenSource":"CLAUDE_CODE_OAUTH_TOKEN","apiProvider":"firstParty"}"#,
            false,
            false,
            "a token",
        ),
        (
            r#"{"subscriptionType":"Claude Max","apiProvider":"firstParty","walletSource":"card"}"#,
            false,
            false,
            "does not know (walletSource)",
        ),
        (
            r#"{"subscriptionType":{"name":"Claude Max"},"apiProvider":"firstParty"}"#,
            false,
            false,
            "does not know",
        ),
    ];

    #[test]
    fn only_the_answers_that_are_known_to_be_right_pass() {
        for (answer, login, by_token, words) in ANSWERS {
            let account = read(answer);
            for (expected, fits) in [(Expected::OwnLogin, login), (token(), by_token)] {
                match account.check(&expected) {
                    Ok(()) => assert!(fits, "{answer} passed"),
                    Err(error) => {
                        assert!(!fits, "{answer}: {error}");
                        assert!(error.message().contains(words), "{answer}: {error}");
                        assert!(error.message().to_lowercase().contains("nothing was sent"));
                        assert!(error.advice().is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn another_login_than_before_is_told_apart() {
        let before =
            r#"{"subscriptionType":"Claude Max","apiProvider":"firstParty","email":"a@b.example"}"#;
        let other = before.replace("a@b", "c@b");
        assert_eq!(read(before), read(before));
        assert_ne!(read(before), read(&other));
    }
}
