//! A key that is in an environment variable, or in an env file, and not in the store.

use super::{Kind, classify};
use crate::error::{Code, Error, Result};
use crate::http::Endpoint;
use crate::secret::ApiKey;
use crate::shell::env_file::FileVariable;
use crate::text;

/// Takes the key that the variable `name` holds, which is to be sent to `endpoint` and pay there.
///
/// # Errors
/// [`Code::NotFound`] when the variable is not set, [`Code::BadInput`] when it holds what can't pay, or
/// what is no key.
pub fn of_variable(name: &str, value: Option<String>, endpoint: &Endpoint) -> Result<ApiKey> {
    let shown = text::shown(name, 60);
    let value = value.map(|value| value.trim().to_owned());
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(Error::new(
            Code::NotFound,
            format!("The variable {shown} is not set, or empty."),
        )
        .hint("Export it in this shell, or use a stored key."));
    };
    that_pays(ApiKey::new(value), &shown, endpoint)
}

/// As [`of_variable`], of a variable that an env file sets. The file is read and not run.
///
/// # Errors
/// [`Code::NotFound`] when there is no such file, or it does not set the variable, [`Code::BadInput`] when
/// only a shell could tell what it sets, and for what can't pay.
pub fn of_file(variable: &FileVariable, endpoint: &Endpoint) -> Result<ApiKey> {
    let Some(key) = variable.value()? else {
        let (file, name) = (variable.file(), text::shown(variable.name(), 60));
        return Err(
            Error::new(Code::NotFound, format!("{file} does not set {name}."))
                .hint("Name another of its variables, or use a stored key."),
        );
    };
    that_pays(key, &variable.place(), endpoint)
}

fn that_pays(key: ApiKey, shown: &str, endpoint: &Endpoint) -> Result<ApiKey> {
    if classify(&key, !endpoint.is_anthropic())? == Kind::Admin {
        return Err(Error::bad_input(format!(
            "{shown} holds an admin key, which never pays for runs."
        ))
        .hint("Use an API key."));
    }
    Ok(key)
}
