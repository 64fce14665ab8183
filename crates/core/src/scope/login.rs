//! One login of the plan for a command, in the place of whatever its environment would have led to.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::Scrubbed;
use crate::error::Result;
use crate::plan::{Place, PlanLogin};
use crate::secret::SubscriptionToken;
use crate::shell::{Chosen, names};

/// A login of the plan, checked and ready to be handed to a command.
#[derive(Debug)]
pub struct HandedLogin {
    login: PlanLogin,
    token: Option<SubscriptionToken>,
}

impl HandedLogin {
    /// Takes a login, as the subscription tier would; `variable` reads an environment variable.
    ///
    /// # Errors
    /// As [`PlanLogin::open`]: [`Code::BadInput`](crate::error::Code::BadInput) for a folder that is not
    /// there, or a variable without a subscription token.
    pub fn new(login: PlanLogin, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        // What the tier would not use is refused here with the same words.
        login.open(&variable)?;
        let token = match &login.place {
            Place::Usual | Place::Folder { .. } => None,
            Place::Variable { variable: name } => {
                variable(name).map(|token| SubscriptionToken::new(token.trim().to_owned()))
            }
        };
        Ok(Self { login, token })
    }

    /// Returns which login it is.
    #[must_use]
    pub fn login(&self) -> &PlanLogin {
        &self.login
    }

    /// Returns what a `claude` with this login alone would use.
    #[must_use]
    pub fn chosen(&self) -> Chosen {
        match self.token {
            Some(_) => Chosen::Token,
            None => Chosen::Login,
        }
    }

    /// Returns an environment that leads to this login. A configuration folder that leads to another one
    /// is taken away, and is among what was; beside a token it stays, because the token comes first.
    #[must_use]
    pub fn handed_to(&self, mut scrubbed: Scrubbed) -> Scrubbed {
        match &self.login.place {
            Place::Usual => scrubbed.lead_to(None),
            Place::Folder { folder } => scrubbed.lead_to(Some(folder)),
            Place::Variable { variable } if variable == names::OAUTH_TOKEN => {
                // What is handed over by its own name is not left out.
                scrubbed.removed.remove(names::OAUTH_TOKEN);
            }
            Place::Variable { .. } => {}
        }
        if let Some(token) = &self.token {
            let set = (names::OAUTH_TOKEN.into(), token.expose().into());
            scrubbed.environment.push(set);
        }
        scrubbed
    }
}

impl Scrubbed {
    /// Puts this configuration folder in the place of the one that was inherited, if there was one.
    fn lead_to(&mut self, own: Option<&Path>) {
        let is_folder = |name: &OsStr| name == names::CONFIG_DIR;
        let leads_there = |value: &OsStr| own.is_some_and(|own| Path::new(value) == own);
        let mut inherited = self.environment.iter();
        let is_other = inherited.any(|(name, value)| is_folder(name) && !leads_there(value));
        if is_other {
            self.removed.insert(names::CONFIG_DIR.to_owned());
        }
        self.environment.retain(|(name, _)| !is_folder(name));
        if let Some(own) = own {
            let set = (OsString::from(names::CONFIG_DIR), own.into());
            self.environment.push(set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scrub;
    use super::*;

    fn inherited() -> Scrubbed {
        let variables = [(names::CONFIG_DIR, "/elsewhere"), ("EDITOR", "vi")]
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        scrub(variables, false)
    }

    fn handed(place: Place, variable: impl Fn(&str) -> Option<String>) -> Scrubbed {
        let name = "work".to_owned();
        let login = HandedLogin::new(PlanLogin { name, place }, variable).unwrap();
        login.handed_to(inherited())
    }

    fn value(scrubbed: &Scrubbed, name: &str) -> Option<String> {
        let mut all = scrubbed.environment.iter();
        let found = all.find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_login_decides_about_the_folder_and_not_what_was_inherited() {
        let usual = handed(Place::Usual, |_| None);
        assert_eq!(value(&usual, names::CONFIG_DIR), None);
        assert!(usual.removed.contains(names::CONFIG_DIR));

        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().to_owned();
        let work = handed(
            Place::Folder {
                folder: own.clone(),
            },
            |_| None,
        );
        assert_eq!(
            value(&work, names::CONFIG_DIR),
            own.to_str().map(str::to_owned)
        );
        assert!(work.removed.contains(names::CONFIG_DIR));
        // The same folder again is no other one.
        let login = PlanLogin {
            name: "work".to_owned(),
            place: Place::Folder { folder: own },
        };
        let login = HandedLogin::new(login, |_| None).unwrap();
        let again = login.handed_to(Scrubbed {
            removed: std::collections::BTreeSet::new(),
            ..work
        });
        assert!(again.removed.is_empty());
        assert_eq!(value(&again, "EDITOR").as_deref(), Some("vi"));
    }

    #[test]
    fn a_token_is_handed_over_by_its_own_name_and_only_where_it_is_one() {
        let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
        let place = || Place::Variable {
            variable: "CI".to_owned(),
        };
        let given = handed(place(), |_| Some(format!(" {token}\n")));
        assert_eq!(value(&given, names::OAUTH_TOKEN), Some(token));
        assert_eq!(
            value(&given, names::CONFIG_DIR).as_deref(),
            Some("/elsewhere")
        );
        let login = PlanLogin {
            name: "ci".to_owned(),
            place: place(),
        };
        let key = format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple());
        let refused = HandedLogin::new(login.clone(), |_| Some(key.clone())).unwrap_err();
        assert!(refused.message().contains("API key"), "{refused}");
        assert!(!format!("{refused:?}").contains(&key));
        assert!(HandedLogin::new(login, |_| None).is_err());
    }
}
