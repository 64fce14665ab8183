//! The logins that the user has told of, side by side. Which one is used is chosen by the user, and
//! never switched by anything else.

use std::path::PathBuf;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::seen;
use crate::claude;
use crate::clock::Millis;
use crate::error::{Code, Error, Remedy, Result};
use crate::secret::SubscriptionToken;
use crate::settings::Setting;
use crate::text::{check_name, shown};

/// The most logins.
const MOST: usize = 20;

/// How much of a name is shown, in columns of text.
const NAME_MAX: usize = 40;

/// The login that is there before the user tells of any: the CLI's own, where it usually is.
const USUAL: &str = "claude";

/// A login, by the name that the user calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct PlanLogin {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
}

/// Where a login is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "LoginPlace"))]
pub enum Place {
    /// In the CLI's usual folder.
    Usual,
    /// In another configuration folder of the CLI.
    Folder {
        /// The whole path.
        folder: PathBuf,
    },
    /// A token in an environment variable.
    Variable {
        /// The variable's name.
        variable: String,
    },
}

/// Every login, in the order in which they were told of.
pub const LOGINS: Setting<Vec<PlanLogin>> = Setting {
    name: "plan.logins",
    default: || {
        vec![PlanLogin {
            name: USUAL.to_owned(),
            place: Place::Usual,
        }]
    },
    check: |logins| logins.iter().try_for_each(check),
};

/// The name of the login that is used.
pub const LOGIN: Setting<String> = Setting {
    name: "plan.login",
    default: || USUAL.to_owned(),
    check: |_| Ok(()),
};

/// Returns the login that the user has chosen.
///
/// # Errors
/// [`Code::NotFound`] when it is gone.
pub fn chosen(store: &Connection) -> Result<PlanLogin> {
    find(store, &LOGIN.get(store)?)
}

/// Finds a login by its name.
///
/// # Errors
/// [`Code::NotFound`] with the names that there are.
pub fn find(store: &Connection, name: &str) -> Result<PlanLogin> {
    let logins = LOGINS.get(store)?;
    let names: Vec<_> = logins
        .iter()
        .map(|login| shown(&login.name, NAME_MAX))
        .collect();
    let hint = format!("There are: {}.", names.join(", "));
    logins
        .into_iter()
        .find(|login| login.name == name)
        .ok_or_else(|| {
            let name = shown(name, NAME_MAX);
            Error::new(Code::NotFound, format!("There is no login {name}."))
                .hint(hint)
                .remedy(Remedy::ListLogins)
        })
}

/// Tells of another login, in the caller's transaction.
///
/// # Errors
/// [`Code::Duplicate`] where its name is taken, [`Code::BadInput`] for one that can't be.
pub fn add(store: &Connection, login: PlanLogin, now: Millis) -> Result<()> {
    let mut logins = LOGINS.get(store)?;
    if logins.iter().any(|other| other.name == login.name) {
        let name = shown(&login.name, NAME_MAX);
        return Err(
            Error::new(Code::Duplicate, format!("There is a login {name} already."))
                .hint("Give it another name."),
        );
    }
    if logins.len() >= MOST {
        return Err(Error::bad_input(format!("{MOST} logins is the most."))
            .hint("Remove one that is not used."));
    }
    logins.push(login);
    LOGINS.set(store, &logins, now)
}

/// Forgets a login, in the caller's transaction. The CLI's own files stay as they are.
///
/// # Errors
/// As [`find`], and [`Code::BadInput`] for the one that is chosen.
pub fn remove(store: &Connection, name: &str, now: Millis) -> Result<()> {
    find(store, name)?;
    if LOGIN.get(store)? == name {
        return Err(
            Error::bad_input("That is the login that is used.").hint("Choose another one first.")
        );
    }
    let mut logins = LOGINS.get(store)?;
    logins.retain(|login| login.name != name);
    seen::forget(store, name)?;
    LOGINS.set(store, &logins, now)
}

/// Chooses the login that is used from now on, in the caller's transaction. Whoever's account it is by now is
/// meant: the next run takes note of it.
///
/// # Errors
/// As [`find`].
pub fn select(store: &Connection, name: &str, now: Millis) -> Result<PlanLogin> {
    let login = find(store, name)?;
    seen::forget(store, name)?;
    LOGIN.set(store, &login.name, now)?;
    Ok(login)
}

impl PlanLogin {
    /// Makes it usable; `variable` reads an environment variable.
    ///
    /// # Errors
    /// [`Code::BadInput`] when the folder or the token can't be used.
    pub fn open(&self, variable: impl FnOnce(&str) -> Option<String>) -> Result<claude::Login> {
        match &self.place {
            Place::Usual => claude::Login::own(None),
            Place::Folder { folder } => claude::Login::own(Some(folder.clone())),
            Place::Variable { variable: name } => {
                let token = SubscriptionToken::new(variable(name).unwrap_or_default());
                claude::Login::token(name, &token)
            }
        }
    }
}

fn check(login: &PlanLogin) -> Result<()> {
    if check_name("login's name", &login.name)? != login.name {
        return Err(
            Error::bad_input("The login's name begins or ends with a space.").hint("Leave it out."),
        );
    }
    let is_variable = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty()
            && name.chars().all(is_part)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    match &login.place {
        Place::Usual => Ok(()),
        Place::Folder { folder } if folder.is_absolute() => Ok(()),
        Place::Folder { .. } => Err(Error::bad_input("That is not the whole path of a folder.")
            .hint("Write it from the root on.")),
        Place::Variable { variable } if is_variable(variable) => Ok(()),
        Place::Variable { .. } => Err(Error::bad_input("That is not the name of a variable.")
            .hint("Give the name alone, not what is in it: such as MY_CLAUDE_TOKEN.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Connection {
        let store = Connection::open_in_memory().unwrap();
        for migration in [
            include_str!("../../../../migrations/0001_store.sql"),
            include_str!("../../../../migrations/0005_plan.sql"),
        ] {
            store.execute_batch(migration).unwrap();
        }
        store
    }

    fn named(name: &str, place: Place) -> PlanLogin {
        PlanLogin {
            name: name.to_owned(),
            place,
        }
    }

    #[test]
    fn a_login_is_chosen_by_the_user_and_the_chosen_one_stays() {
        let store = store();
        assert_eq!(chosen(&store).unwrap(), named("claude", Place::Usual));
        let work = named(
            "work",
            Place::Variable {
                variable: "WORK_TOKEN".to_owned(),
            },
        );
        add(&store, work.clone(), Millis(1)).unwrap();
        assert_eq!(
            chosen(&store).unwrap().name,
            "claude",
            "telling of one chooses nothing"
        );
        select(&store, "work", Millis(2)).unwrap();
        assert_eq!(chosen(&store).unwrap(), work);
        assert_eq!(
            remove(&store, "work", Millis(3)).unwrap_err().code(),
            Code::BadInput
        );
        remove(&store, "claude", Millis(3)).unwrap();
        assert_eq!(LOGINS.get(&store).unwrap(), std::slice::from_ref(&work));
        assert_eq!(
            add(&store, work, Millis(4)).unwrap_err().code(),
            Code::Duplicate
        );
        let gone = select(&store, "claude", Millis(5)).unwrap_err();
        assert_eq!(gone.code(), Code::NotFound);
        assert_eq!(gone.advice(), Some("There are: work."));
    }

    #[test]
    fn a_token_in_the_place_of_its_variables_name_is_refused_and_not_repeated() {
        let store = store();
        let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
        let login = named(
            "work",
            Place::Variable {
                variable: token.clone(),
            },
        );
        let refused = add(&store, login, Millis(1)).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains(&token));
        for login in [
            named("", Place::Usual),
            named(" a", Place::Usual),
            named("a\nb", Place::Usual),
            named(
                "a",
                Place::Folder {
                    folder: "here".into(),
                },
            ),
        ] {
            assert_eq!(
                add(&store, login, Millis(1)).unwrap_err().code(),
                Code::BadInput
            );
        }
    }
}
