//! `switchyard settings`: list them, show one, change one.

use std::process::ExitCode;

use serde_json::value::RawValue;
use switchyard_core::app::{Listed, SETTINGS, setting};
use switchyard_core::{App, Error, Result};

use crate::args::Settings;
use crate::out::Out;

pub(crate) async fn run(wanted: &Settings, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    match (&wanted.name, &wanted.value) {
        (None, _) => list(app, out)?,
        (Some(name), None) => {
            let listed = setting(name)?;
            let value = db.read(|store| listed.value(store))?;
            show(listed, &value, out)?;
        }
        (Some(name), Some(text)) => {
            let listed = setting(name)?;
            let (text, now) = (text.clone(), db.clock().now());
            let (value, doubt) = db
                .write(move |store| {
                    let doubt = listed.set(store, &text, now)?;
                    Ok((listed.value(store)?, doubt))
                })
                .await?;
            if let Some(unknown) = doubt {
                super::models::warn(&unknown, out);
            }
            show(listed, &value, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(app: &App, out: &Out) -> Result<()> {
    let values = app.db()?.read(|store| {
        SETTINGS
            .iter()
            .map(|listed| Ok((listed, listed.value(store)?)))
            .collect::<Result<Vec<_>>>()
    })?;
    if out.json {
        for (listed, value) in values {
            show(listed, &value, out)?;
        }
        return Ok(());
    }
    for (listed, value) in values {
        show(listed, &value, out)?;
        out.line(&format!("  {}", listed.about))?;
    }
    Ok(())
}

fn show(listed: &Listed, value: &str, out: &Out) -> Result<()> {
    if !out.json {
        return out.line(&format!("{} = {value}", listed.name));
    }
    let value = RawValue::from_string(value.to_owned())
        .map_err(|e| Error::failed("A setting can't be shown.").because(e))?;
    out.json_line(
        &serde_json::json!({ "name": listed.name, "value": value, "about": listed.about }),
    )
}
