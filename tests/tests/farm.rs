//! The farm from draft to ledger: a real sshd, a stand-in `claude` on the box, a real store.

#![cfg(target_os = "linux")]

mod boxes;
mod choice;
mod connections;
mod echoes;
mod faults;
mod keys;
mod payers;
mod real;
mod retries;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use switchyard_core::agent::{Answered, Ask as AskUser, Asked, Question};
use switchyard_core::clock::Clock;
use switchyard_core::dispatch::{
    Ask, Class, FarmAsk, Outcome, PayWith, Request, RunEvent, channel,
};
use switchyard_core::hosts::{Host, NewHost};
use switchyard_core::id::HostId;
use switchyard_core::paths::Paths;
use switchyard_core::{App, Error, farm, hosts};
use switchyard_tests::Planted;
use switchyard_tests::sshd::Sshd;
use tokio_util::sync::CancellationToken;

/// The variable that holds the key that pays.
const VARIABLE: &str = "FARM_KEY_OF_THE_TEST";

/// How long something that is bound to happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody is asked.
struct Nobody;

impl AskUser for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }
}

/// A store with hosts, and a key in a variable that pays.
struct House {
    folder: tempfile::TempDir,
    app: App,
    key: String,
    server: Option<String>,
}

impl House {
    /// Makes one whose hosts are on this sshd; nobody's own ssh configuration is read.
    async fn new(sshd: &Sshd) -> Self {
        let folder = tempfile::Builder::new().prefix("sy").tempdir().unwrap();
        let paths = Paths::under(&folder.path().join("store"));
        let app = App::at(paths, Clock::system(), "test", Arc::new(Nobody));
        let config = Some(sshd.config());
        let set = app.write(move |store, now| {
            farm::CONNECT.set(store, &10, now)?;
            farm::SSH_CONFIG.set(store, &config, now)
        });
        set.await.unwrap();
        Self {
            folder,
            app,
            key: Planted::default().key("sk-ant-api03-"),
            server: None,
        }
    }

    /// Lets a host that does not answer keep it waiting for a second only.
    async fn give_up_after_a_second(&self) {
        let set = self
            .app
            .write(|store, now| farm::CONNECT.set(store, &1, now));
        set.await.unwrap();
    }

    /// Adds a host for a user of an sshd, with its key pinned.
    async fn host(&self, sshd: &Sshd, user: &str, slots: u32) -> Host {
        let host = self.unpinned(sshd, user, slots).await;
        self.app.pin_host(host.id, vec![sshd.key()]).await.unwrap()
    }

    async fn unpinned(&self, sshd: &Sshd, user: &str, slots: u32) -> Host {
        let new = NewHost {
            name: user.to_owned(),
            destination: sshd.destination(user),
            port: Some(sshd.port()),
            identity: Some(sshd.identity()),
            slots: Some(slots),
            ..NewHost::default()
        };
        self.app.add_host(new).await.unwrap()
    }

    fn now(&self, id: HostId) -> Host {
        self.app.read(|store, _| hosts::get(store, id)).unwrap()
    }

    fn ask(&self, prompt: &str, farm: FarmAsk) -> Ask {
        let key = PayWith::Env {
            name: VARIABLE.to_owned(),
            base_url: self.server.clone(),
        };
        Ask {
            pay_with: PayWith::Farm(FarmAsk {
                key: farm.key.or(Some(Box::new(key))),
                timeout: farm.timeout.or(Some(Duration::from_secs(120))),
                ..farm
            }),
            class: Class::Task,
            reply_to: None,
            request: Request {
                model: "haiku".to_owned(),
                prompt: prompt.to_owned(),
                ..Request::default()
            },
        }
    }

    async fn send(&self, ask: Ask) -> Result<(Vec<RunEvent>, Outcome), Error> {
        self.send_until(ask, &CancellationToken::new(), |_| {})
            .await
    }

    /// Sends, and shows each event to `look` as it comes.
    async fn send_until(
        &self,
        ask: Ask,
        cancel: &CancellationToken,
        mut look: impl FnMut(&RunEvent),
    ) -> Result<(Vec<RunEvent>, Outcome), Error> {
        let dispatch = self.app.dispatch_quietly()?;
        let variable = |name: &str| (name == VARIABLE).then(|| self.key.clone());
        let prepared = dispatch.preflight(ask, variable).await?;
        let (sink, mut events) = channel();
        let run = dispatch.run(prepared, sink, cancel.clone());
        let listen = async {
            let mut all = Vec::new();
            while let Some(event) = events.recv().await {
                look(&event);
                all.push(event);
            }
            all
        };
        let (outcome, events) = tokio::join!(run, listen);
        Ok((events, outcome?))
    }

    /// Sends a prompt to any host and expects a complete answer.
    async fn answer(&self, prompt: &str) -> String {
        let (events, outcome) = self
            .send(self.ask(prompt, FarmAsk::default()))
            .await
            .unwrap();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        text(&events)
    }

    /// Sends a prompt to any host and expects it to fail.
    async fn failure(&self, farm: FarmAsk) -> Error {
        match self.send(self.ask("Fail.", farm)).await {
            Err(error) => error,
            Ok((_, outcome)) => outcome.error.expect("it failed"),
        }
    }
}

fn text(events: &[RunEvent]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        RunEvent::Text { text } => Some(text.as_str()),
        _ => None,
    });
    pieces.collect()
}

/// Takes a slot of a host, until it is dropped.
fn take_slot(house: &House, host: &Host) -> farm::Slot {
    let wanted = farm::Wanted {
        among: vec![farm::Chosen::from(host)],
        ..farm::Wanted::default()
    };
    let farm = house.app.farm().unwrap();
    farm.place(&wanted, None).unwrap().unwrap()
}

/// Returns the hosts that a run went to, in order.
fn placed(events: &[RunEvent]) -> Vec<&str> {
    let hosts = events.iter().filter_map(|event| match event {
        RunEvent::Placed { host } => Some(host.as_str()),
        _ => None,
    });
    hosts.collect()
}

/// Waits until nothing is left of the runs on an sshd: what ends a run there may still be at it.
async fn nothing_left(sshd: &Sshd) {
    let gone = async {
        while !sshd.temporary().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A guard against a wait without end, and not against slowness.
    let ended = tokio::time::timeout(Duration::from_secs(60), gone).await;
    assert!(ended.is_ok(), "left behind: {:?}", sshd.temporary());
}
