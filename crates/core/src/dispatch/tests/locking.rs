//! Runs with the real vault, which may be locked in the middle of one.

use super::*;
use crate::farm::Farm;
use crate::keys;
use crate::vault::tests::support::{House, PASSPHRASE, typed};
use crate::vault::{UnlockWith, Vault};

struct Desk {
    house: House,
    vault: Vault,
    simulator: Simulator,
    dispatch: Dispatch,
    key: KeyId,
}

async fn desk() -> Desk {
    let house = House::new();
    let vault = house.with_passphrase().await;
    let simulator = Simulator::start(Script::new().any_key()).await;
    let http = Http::new(&HttpSettings::default());
    let new = keys::NewKey {
        secret: ApiKey::new(format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple())),
        source: keys::Source::Manual,
        base_url: Some(simulator.base_url()),
        labels: keys::Edit {
            name: Some("Work".to_owned()),
            ..keys::Edit::default()
        },
        unchecked: false,
        select: true,
    };
    let added = keys::add(&house.db, &vault, &http, new, "test")
        .await
        .unwrap();
    let dispatch = Dispatch {
        db: house.db.clone(),
        http,
        vault: Arc::new(vault.clone()),
        plan: Plan::new(house.db.clone()),
        farm: Farm::new(house.db.clone()),
        face: "test",
    };
    simulator.clear();
    Desk {
        house,
        vault,
        simulator,
        dispatch,
        key: added.key.id,
    }
}

impl Desk {
    fn ask(&self, reply_to: Option<RunId>) -> Ask {
        Ask {
            pay_with: PayWith::Usual,
            class: Class::Chat,
            reply_to,
            request: Request {
                model: "haiku".to_owned(),
                prompt: "Hello?".to_owned(),
                ..Request::default()
            },
        }
    }

    async fn start(&self, reply_to: Option<RunId>) -> Result<Underway> {
        let prepared = self
            .dispatch
            .preflight(self.ask(reply_to), |_| None)
            .await?;
        let (sink, events) = channel();
        let (dispatch, cancel) = (self.dispatch.clone(), CancellationToken::new());
        let token = cancel.clone();
        let run = tokio::spawn(async move { dispatch.run(prepared, sink, token).await });
        Ok(Underway {
            run,
            events,
            cancel,
        })
    }
}

#[tokio::test]
async fn a_run_under_way_outlives_the_lock_and_keeps_its_text() {
    let desk = desk().await;
    desk.simulator
        .push(Reply::deltas(["one ", "two"]).stall_after(1));
    let mut run = desk.start(None).await.unwrap();
    run.first_text().await;
    desk.vault.lock().await.unwrap();
    desk.dispatch.http.drop_pool();
    desk.simulator.release();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.state, State::Finished);
    let run = done.outcome.receipt.run;
    assert_eq!(done.outcome.receipt.key.as_ref(), Some(&desk.key));

    let listed = desk.dispatch.history(None, 10).await.unwrap();
    assert!(
        listed[0].is_kept && listed[0].title.is_none(),
        "the list goes without titles"
    );
    assert_eq!(
        desk.dispatch.show(run).await.unwrap_err().code(),
        Code::Locked
    );
    let refused = desk.start(Some(run)).await.err().unwrap();
    assert_eq!(refused.code(), Code::Locked);
    let refused = desk.start(None).await.unwrap().run.await.unwrap();
    assert_eq!(refused.unwrap_err().code(), Code::Locked);
    assert_eq!(
        desk.simulator.requests().len(),
        1,
        "nothing was sent while locked"
    );

    desk.vault
        .unlock(UnlockWith::Passphrase(&typed(PASSPHRASE)))
        .await
        .unwrap();
    assert_eq!(
        desk.dispatch.show(run).await.unwrap().answer.as_deref(),
        Some("one two")
    );
    let done = desk.start(Some(run)).await.unwrap().end().await;
    assert_eq!(done.outcome.receipt.state, State::Finished);
}

#[tokio::test]
async fn each_use_of_a_key_is_in_the_audit() {
    let desk = desk().await;
    let count = || {
        let sql = "SELECT count(*) FROM audit WHERE key_id IS NOT NULL AND purpose = 'run'";
        let one = |store: &rusqlite::Connection| {
            store.query_row(sql, [], |row| row.get(0)).doing("count")
        };
        desk.house.db.read(one).unwrap()
    };
    let before: i64 = count();
    for _ in 0..2 {
        desk.start(None).await.unwrap().end().await;
    }
    assert_eq!(count(), before + 2);
}
