//! The engine alone: from the call to the first byte on the wire, and from the last byte of the
//! answer to the last event, which comes when the run is booked and durable.

use std::sync::Arc;
use std::time::Instant;

use switchyard_core::agent::{Access, Ask, Asked, Question};
use switchyard_core::clock::Clock;
use switchyard_core::db::{Db, SqlContext};
use switchyard_core::dispatch::{Ask as Wanted, Class, Dispatch, PayWith, Request, channel};
use switchyard_core::farm::Farm;
use switchyard_core::http::{Endpoint, Http, HttpSettings};
use switchyard_core::keys;
use switchyard_core::plan::Plan;
use switchyard_core::vault::{Custody, Keychain, UnlockWith, Vault};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::place::{Place, Server};
use crate::report::{Report, Samples, Target};
use crate::send::MODEL;
use crate::wire::{self, Marks};
use crate::{Measured, Size};

/// Nobody is asked: the vault is open.
struct Nobody;

impl Ask for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None))
    }
}

pub(crate) async fn measure(place: &Place, size: Size, report: &mut Report) -> Measured<()> {
    report
        .title("The engine: `Dispatch::run` to the first byte out, last byte in to the last event");
    let times = size.times(30, 200);
    // A key is sealed for its server. So this one is checked with the simulator, and then sealed anew
    // for the server that takes the time.
    let simulator = Server::start(["--events", "1"]).await?;
    place.add_key("engine", &simulator.url).await?;
    let db = Db::open(&place.paths(), &Clock::system())?;
    let (url, mut marks) = wire::serve(2 * times)?;
    let vault = Vault::of(db.clone(), Keychain::of_system(), "bench");
    let passphrase = place.passphrase();
    vault
        .unlock_here(UnlockWith::Passphrase(&passphrase))
        .await?;
    move_key(&db, &vault, &url).await?;
    let http = Http::new(&HttpSettings::default());
    let (mut own, mut by_agent) = (Sides::default(), Sides::default());
    for _ in 0..times {
        // A window: its own vault, its client in use.
        let window = dispatch(&db, http.clone(), Arc::new(vault.clone()));
        own.add(&window, &mut marks).await?;
        // A command: it looks for the agent, and makes its client.
        let access = Access::new(place.paths(), vault.clone(), "bench", Nobody);
        let command = dispatch(&db, Http::new(&HttpSettings::default()), Arc::new(access));
        by_agent.add(&command, &mut marks).await?;
    }
    report.judged(
        "vault here: before the first byte",
        "ms",
        &own.before,
        Target::AtMost(5.0),
    );
    report.judged(
        "vault in an agent: before the first byte",
        "ms",
        &by_agent.before,
        Target::AtMost(5.0),
    );
    report.figure("vault here: after the last byte", "ms", &own.after);
    report.figure(
        "vault in an agent: after the last byte",
        "ms",
        &by_agent.after,
    );
    Ok(())
}

/// Seals the key for the server at `url`, as if it had been added there.
async fn move_key(db: &Db, vault: &Vault, url: &str) -> Measured<()> {
    let id = db.read(|store| keys::find(store, "engine"))?.id;
    let url = Endpoint::parse(Some(url))?.to_store();
    let secret = vault
        .open_key(
            &id,
            db.read(|store| keys::get(store, &id))?.base_url.as_deref(),
            "bench",
        )
        .await?;
    let sealed = vault.seal_key(&id, url.as_deref(), &secret).await?;
    db.write(move |store| {
        store
            .execute(
                "UPDATE api_keys SET base_url = ?2, key = ?3, fingerprint = ?4 WHERE id = ?1",
                (&id, url, sealed.sealed, sealed.fingerprint),
            )
            .doing("move the key")
            .map(drop)
    })
    .await?;
    Ok(())
}

/// Makes what a face sends through.
pub(crate) fn dispatch(db: &Db, http: Http, vault: Arc<dyn Custody>) -> Dispatch {
    Dispatch {
        db: db.clone(),
        http,
        vault,
        plan: Plan::new(db.clone()),
        farm: Farm::new(db.clone()),
        face: "bench",
    }
}

/// What the engine adds on both sides of the wire.
#[derive(Default)]
struct Sides {
    before: Samples,
    after: Samples,
}

impl Sides {
    async fn add(
        &mut self,
        dispatch: &Dispatch,
        marks: &mut mpsc::UnboundedReceiver<Marks>,
    ) -> Measured<()> {
        let key = dispatch.db.read(|store| keys::find(store, "engine"))?.id;
        let wanted = Wanted {
            pay_with: PayWith::Key(key),
            class: Class::Interactive,
            reply_to: None,
            request: Request {
                model: MODEL.to_owned(),
                prompt: "Why do trains need switches?".to_owned(),
                ..Request::default()
            },
        };
        let prepared = dispatch.preflight(wanted, |_| None).await?;
        let (sink, mut events) = channel();
        let listening = async {
            let mut last = None;
            while events.recv().await.is_some() {
                last = Some(Instant::now());
            }
            last
        };
        let begin = Instant::now();
        let running = dispatch.run(prepared, sink, CancellationToken::new());
        let (outcome, last) = tokio::join!(running, listening);
        if let Some(error) = outcome?.error {
            return Err(error.into());
        }
        let (marks, last) = (marks.recv().await, last);
        let (marks, last) = marks.zip(last).ok_or("the run left no marks")?;
        self.before.add_time(marks.first_in.duration_since(begin));
        self.after.add_time(last.duration_since(marks.last_out));
        Ok(())
    }
}
