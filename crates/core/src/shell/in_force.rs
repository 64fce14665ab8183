//! Lays environment and settings files over one another, and says what is in force.

use std::collections::BTreeSet;

use super::claude_settings::{Helper, Setting, SettingsFiles};
use super::names;
use super::place::{Place, Scope};
use super::precedence::{Credential, Facts, Login, Shape};
use crate::secret::ApiKey;

/// Everything that speaks about one environment: its variables and the settings files.
pub(super) struct Layers<'a> {
    /// The environment.
    pub(super) environment: &'a [Setting],
    /// The settings files.
    pub(super) files: &'a SettingsFiles,
    /// The profiles that exist.
    pub(super) profiles: &'a BTreeSet<String>,
}

impl<'a> Layers<'a> {
    /// Returns every setting, weakest layer first.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Setting> {
        self.environment.iter().chain(&self.files.settings)
    }

    /// Tells whether the CLI looks at the setting at all.
    pub(super) fn counts(&self, setting: &Setting) -> bool {
        setting.scope.is_none_or(|scope| {
            let is_too_late = scope.is_of_project() && names::is_read_early(&setting.name);
            let is_unheard = setting.name == names::MANAGED_BY_HOST;
            !(is_too_late || is_unheard || self.is_host_managed())
        })
    }

    /// Returns the setting that decides a variable's value, which may be blank.
    pub(super) fn decisive(&self, name: &str) -> Option<&'a Setting> {
        self.all()
            .filter(|setting| setting.name == name && self.counts(setting))
            .max_by_key(|setting| setting.scope)
    }

    /// Returns the setting in force; a blank value counts as none.
    pub(super) fn in_force(&self, name: &str) -> Option<&'a Setting> {
        self.decisive(name)
            .filter(|setting| !setting.value.expose().trim().is_empty())
    }

    /// Returns the settings' helper in force.
    pub(super) fn helper(&self) -> Option<&'a Helper> {
        self.files
            .helpers
            .iter()
            .filter(|_| !self.is_host_managed())
            .max_by_key(|helper| helper.scope)
            .filter(|helper| helper.is_set)
    }

    /// Returns the facts that decide who pays.
    pub(super) fn facts(&self, login: &Login) -> Facts {
        let credential = |name: &str| self.in_force(name).map(shown);
        let (header_key, header_bearer) = self.headers();
        Facts {
            refused: self.files.refused.clone(),
            cloud: self.cloud(),
            simple: self.is_on(names::SIMPLE),
            managed_by_host: self.is_host_managed(),
            login_unused: self.in_force(names::UNIX_SOCKET).is_some()
                || self.in_force(names::KEY_DESCRIPTOR).is_some(),
            key: credential(names::API_KEY),
            auth_token: credential(names::AUTH_TOKEN),
            oauth_token: credential(names::OAUTH_TOKEN),
            header_key,
            header_bearer,
            helper: self.helper().map(|helper| helper.place.clone()),
            profile: self
                .in_force(names::PROFILE)
                .map(|setting| setting.value.expose().trim().to_owned())
                .filter(|name| self.profiles.contains(name)),
            federation: self
                .in_force(names::ORGANIZATION)
                .and(self.in_force(names::FEDERATION_RULE))
                .map(|setting| setting.place.clone()),
            login: login.clone(),
        }
    }

    /// Tells whether the environment says that a host manages the credential: then no settings file
    /// counts. Said by a settings file, it has no effect.
    fn is_host_managed(&self) -> bool {
        self.environment.iter().any(|setting| {
            setting.name == names::MANAGED_BY_HOST && names::is_on(setting.value.expose())
        })
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.decisive(name)
            .is_some_and(|setting| names::is_on(setting.value.expose()))
    }

    fn cloud(&self) -> Option<(String, String, Place)> {
        names::PROVIDERS
            .iter()
            .filter(|(switch, _)| self.is_on(switch))
            .find_map(|(switch, provider)| {
                let place = self.decisive(switch)?.place.clone();
                Some(((*provider).to_owned(), (*switch).to_owned(), place))
            })
    }

    /// Returns `x-api-key` and `Authorization` of the custom headers; the last of each counts.
    fn headers(&self) -> (Option<Credential>, Option<Credential>) {
        let Some(setting) = self.in_force(names::CUSTOM_HEADERS) else {
            return (None, None);
        };
        let find = |wanted: &str| {
            setting.value.expose().lines().rev().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let value = value.trim();
                let value = value.strip_prefix("Bearer ").unwrap_or(value);
                (name.trim().eq_ignore_ascii_case(wanted) && !value.is_empty())
                    .then(|| as_shown(setting, &ApiKey::new(value.to_owned())))
            })
        };
        (find("x-api-key"), find("authorization"))
    }
}

/// Returns a setting as a credential that may be shown.
pub(super) fn shown(setting: &Setting) -> Credential {
    let trimmed = ApiKey::new(setting.value.expose().trim().to_owned());
    as_shown(setting, &trimmed)
}

fn as_shown(setting: &Setting, secret: &ApiKey) -> Credential {
    Credential {
        name: setting.name.clone(),
        last4: secret.last4(),
        shape: Shape::of(secret.expose()),
        place: setting.place.clone(),
    }
}

/// Returns the key of a Console login as a credential that may be shown.
pub(super) fn console_key(files: &SettingsFiles) -> Option<Credential> {
    let (key, place) = files.console_key.as_ref()?;
    Some(Credential {
        name: names::LOGIN.to_owned(),
        last4: key.last4(),
        shape: Shape::of(key.expose()),
        place: place.clone(),
    })
}

/// Takes the variables that matter out of an environment.
pub(super) fn from_environment<'a>(
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    place: &Place,
) -> Vec<Setting> {
    variables
        .into_iter()
        .filter(|(name, _)| names::role(name).is_some())
        .map(|(name, value)| Setting {
            name: name.to_owned(),
            value: ApiKey::new(value.to_owned()),
            place: place.clone(),
            scope: None::<Scope>,
        })
        .collect()
}
