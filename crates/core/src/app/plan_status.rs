//! How things stand with the user's plan, for the faces.

use serde::Serialize;

use super::App;
use crate::claude::Cli;
use crate::consent::{self, Subject};
use crate::error::{Failure, Result};
use crate::plan::{self, Known, PlanLogin};

/// How things stand with the user's plan.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct PlanStatus {
    /// Why nothing may be sent through it; `None` where the user has accepted that.
    pub off: Option<Failure>,
    /// The user has accepted that dollars leave when the plan's limits are reached.
    pub may_be_extra: bool,
    /// The logins, in the order in which they were told of.
    pub logins: Vec<LoginRow>,
    /// The CLI, where it passed the gate.
    pub cli: Option<Cli>,
    /// What is missing, where it did not.
    pub missing: Option<Failure>,
}

/// A login of the plan in a list.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct LoginRow {
    /// Its name and place.
    pub login: PlanLogin,
    /// It is the one that is used.
    pub is_chosen: bool,
    /// What its last run said.
    pub known: Known,
    /// Whether somebody is logged in, as the CLI says itself; `None` where it was not asked, or gave no
    /// answer. A variable counts as logged in where it holds a token.
    pub is_logged_in: Option<bool>,
    /// What logs in, to be typed in a terminal; `None` for a token in a variable.
    pub command: Option<String>,
}

impl App {
    /// Says how things stand with the user's plan. Spends nothing, and asks the CLI for no more than its version
    /// before the user has accepted that it is started. `variable` reads an environment variable.
    ///
    /// # Errors
    /// As [`App::db`].
    pub async fn plan_status(
        &self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Result<PlanStatus> {
        let (rows, off, may_be_extra) = self.read(|store, _| {
            let chosen = plan::LOGIN.get(store)?;
            let mut rows = Vec::new();
            for login in plan::LOGINS.get(store)? {
                rows.push(LoginRow {
                    is_chosen: login.name == chosen,
                    known: plan::known(store, &login.name)?,
                    is_logged_in: None,
                    command: login.command(),
                    login,
                });
            }
            let off = consent::require(store, Subject::Subscription).err();
            let extra = consent::ask(store, Subject::ExtraUsage)?.is_accepted();
            Ok((rows, off, extra))
        })?;
        let plan = self.plan()?;
        let mut status = PlanStatus {
            off: off.as_ref().map(Failure::from),
            may_be_extra,
            logins: Vec::new(),
            cli: None,
            missing: None,
        };
        match plan.program().await {
            Ok(program) => {
                status.cli = Some(Cli {
                    path: program.path().to_owned(),
                    version: Some(program.version().to_owned()),
                });
            }
            Err(error) => status.missing = Some(Failure::from(&error)),
        }
        for mut row in rows {
            if status.off.is_none() && status.cli.is_some() {
                row.is_logged_in = plan.is_logged_in(&row.login, &variable).await;
            }
            status.logins.push(row);
        }
        Ok(status)
    }
}
