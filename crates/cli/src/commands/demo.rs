//! The hidden `switchyard demo-fill`: sample keys and months for a throw-away store.

use std::process::ExitCode;
use std::sync::Arc;

use switchyard_core::{App, Result, demo};

use crate::args::DemoFill;
use crate::out::Out;

pub(crate) async fn run(wanted: &DemoFill, app: &App, out: &Out) -> Result<ExitCode> {
    let custody = app.access()?;
    let sample = demo::fill(app.db()?, custody.as_ref(), app.http()?, &wanted.base_url).await?;
    demo::converse(app.db()?, Arc::clone(custody) as _, app.http()?).await?;
    out.line(&format!(
        "SIMULATED: {} sample keys and {} ledger rows.",
        sample.keys, sample.rows
    ))?;
    Ok(ExitCode::SUCCESS)
}
