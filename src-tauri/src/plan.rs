//! Who may pay, as the window asks for it: the tiers, the routing table, the user's plan, and what they
//! consented to.

use switchyard_core::app::{PlanStatus, RoutingRow};
use switchyard_core::consent::{self, Consent, SUBJECTS, Subject};
use switchyard_core::dispatch::Way;
use switchyard_core::{Result, plan};

use crate::desktop::{Desktop, own_variable};
use crate::inputs::Draft;

impl Desktop {
    pub(crate) async fn ways(&self, draft: Draft) -> Result<Vec<Way>> {
        let ask = self.ask(draft)?;
        Ok(self.app.dispatch()?.ways(&ask, own_variable).await)
    }

    /// Looking makes no store where there is none.
    pub(crate) async fn routing(&self) -> Result<Vec<RoutingRow>> {
        match self.app.db_if_any()? {
            Some(_) => self.app.routing(own_variable).await,
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn plan_status(&self) -> Result<PlanStatus> {
        self.app.plan_status(own_variable).await
    }

    pub(crate) async fn log_in(&self, name: &str) -> Result<()> {
        let login = self.app.read(|store, _| plan::find(store, name))?;
        self.app.plan()?.log_in(&login).await
    }

    /// Looking makes no store where there is none.
    pub(crate) fn consents(&self) -> Result<Vec<Consent>> {
        match self.app.db_if_any()? {
            Some(_) => self.app.read(|store, _| consent::list(store)),
            None => Ok(SUBJECTS.map(Consent::unasked).into()),
        }
    }

    pub(crate) async fn accept(&self, subject: Subject, version: String) -> Result<Consent> {
        let face = self.app.face();
        self.app
            .write(move |store, now| consent::accept(store, subject, &version, face, now))
            .await
    }

    pub(crate) async fn withdraw(&self, subject: Subject) -> Result<Consent> {
        let face = self.app.face();
        self.app
            .write(move |store, now| consent::withdraw(store, subject, face, now))
            .await
    }
}
