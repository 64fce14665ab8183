//! Which credential a `claude` of ours gets: exactly one.

use std::path::{Path, PathBuf};

use super::variables;
use crate::child::Environment;
use crate::error::{Error, Result};
use crate::secret::SubscriptionToken;

/// What a subscription token begins with, also the one that `claude setup-token` prints.
const PREFIX: &str = "sk-ant-oat01-";

/// The most characters of a token; the known ones have about 110.
const LENGTH_MAX: usize = 8_192;

/// The credential of one `claude`. Switchyard reads no login, and keeps no token.
#[derive(Debug)]
pub struct Login(Held);

#[derive(Debug)]
enum Held {
    Own {
        folder: Option<PathBuf>,
    },
    Token {
        variable: String,
        token: SubscriptionToken,
    },
}

/// What a `claude` must say that it will use, before it is given a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The CLI's own login.
    OwnLogin,
    /// The token that stands in a variable of this name.
    Token {
        /// The variable that the user named.
        variable: String,
    },
    /// The API key that a host of the farm was sent.
    Key,
    /// An API key that a host of the farm has itself.
    KeyOfHost,
}

impl Login {
    /// Takes the CLI's own login: that of `folder`, else that of the CLI's usual folder.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when the folder is no absolute path to one.
    pub fn own(folder: Option<PathBuf>) -> Result<Self> {
        if let Some(folder) = &folder
            && !(folder.is_absolute() && folder.is_dir())
        {
            return Err(Error::bad_input(format!(
                "{} is not a folder that holds a login of `claude`.",
                folder.display()
            ))
            .hint(
                "Give the whole path of a folder that is there. A new login is made in it by \
                 `CLAUDE_CONFIG_DIR=FOLDER claude auth login`.",
            ));
        }
        Ok(Self(Held::Own { folder }))
    }

    /// Takes the token that stood in the environment variable of this name.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when it is anything but a subscription token:
    /// an API key in its place would be billed by use. The text never holds it.
    pub fn token(variable: &str, token: &SubscriptionToken) -> Result<Self> {
        let text = token.expose().trim();
        let hint = format!(
            "Put what `claude setup-token` prints in {variable}, or choose the login of `claude` \
             itself (`claude auth login`)."
        );
        let refused = |why: &str| {
            Err(Error::bad_input(format!("The variable {variable} {why}.")).hint(hint.clone()))
        };
        if text.is_empty() {
            return refused("is empty or not set");
        }
        if text.starts_with("sk-ant-api") || text.starts_with("sk-ant-admin") {
            return refused(
                "holds an API key. That would be billed by use and not to a plan, so it is not \
                 used for this tier",
            );
        }
        if !text.starts_with(PREFIX) {
            return refused("does not hold a subscription token: those begin with sk-ant-oat01-");
        }
        // What has only these characters is found by redaction wherever it turns up again.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.len() < PREFIX.len() + 8 || text.len() > LENGTH_MAX || !text.chars().all(is_plain) {
            return refused("holds a subscription token that is cut short or damaged");
        }
        Ok(Self(Held::Token {
            variable: variable.to_owned(),
            token: SubscriptionToken::new(text.to_owned()),
        }))
    }

    /// Returns what the CLI must say that it will use.
    #[must_use]
    pub fn expected(&self) -> Expected {
        match &self.0 {
            Held::Own { .. } => Expected::OwnLogin,
            Held::Token { variable, .. } => Expected::Token {
                variable: variable.clone(),
            },
        }
    }

    /// Returns the file that the CLI keeps its login in, where it keeps one in a file: macOS has a keychain for
    /// that.
    pub(super) fn file(&self, home: Option<&Path>) -> Option<PathBuf> {
        let Held::Own { folder } = &self.0 else {
            return None;
        };
        let usual = || home.map(|home| home.join(".claude"));
        let folder = folder.clone().or_else(usual)?;
        Some(folder.join(".credentials.json"))
    }

    /// Adds this credential to a child's environment, which holds no other. With a token, the CLI keeps its
    /// files in `kept`.
    pub(super) fn added_to(&self, environment: Environment, kept: &Path) -> Environment {
        match &self.0 {
            Held::Own { folder: None } => environment,
            Held::Own {
                folder: Some(folder),
            } => environment.with(variables::CONFIG_DIR, folder),
            Held::Token { token, .. } => environment
                .with(variables::CONFIG_DIR, kept)
                .with(variables::OAUTH_TOKEN, token.expose()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn made(kind: &str) -> SubscriptionToken {
        SubscriptionToken::new(format!("sk-ant-{kind}-{}", uuid::Uuid::now_v7().simple()))
    }

    #[test]
    fn only_a_subscription_token_is_taken_and_no_refusal_repeats_what_was_given() {
        assert!(Login::token("MY_TOKEN", &made("oat01")).is_ok());
        for (token, reason) in [
            (made("api03"), "API key"),
            (made("admin01"), "API key"),
            (made("ort01"), "sk-ant-oat01-"),
            (SubscriptionToken::new(" ".into()), "not set"),
            (SubscriptionToken::new("sk-ant-oat01-x".into()), "cut short"),
            (
                SubscriptionToken::new(format!("{}\nx", made("oat01").expose())),
                "damaged",
            ),
        ] {
            let end = token.expose().trim().get(14..).map(str::to_owned);
            let error = Login::token("MY_TOKEN", &token).unwrap_err();
            assert_eq!(error.code(), Code::BadInput);
            assert!(error.message().contains("MY_TOKEN"), "{error}");
            assert!(error.message().contains(reason), "{error}");
            assert!(end.is_none_or(|end| end.is_empty() || !error.message().contains(&end)));
        }
    }

    #[test]
    fn a_folder_of_logins_must_be_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Login::own(Some(folder.path().to_owned())).is_ok());
        for wrong in [folder.path().join("none"), PathBuf::from("relative")] {
            assert!(Login::own(Some(wrong)).is_err());
        }
    }
}
