//! One run: how long until the program on the box says its first byte.

use std::sync::Arc;
use std::time::Instant;

use switchyard_core::clock::Clock;
use switchyard_core::db::Db;
use switchyard_core::dispatch::{Ask, Class, Dispatch, FarmAsk, PayWith, Request, channel};
use switchyard_core::http::{Http, HttpSettings};
use switchyard_core::vault::{Keychain, UnlockWith, Vault};
use switchyard_core::{hosts, keys};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::boxes::{BOXES, Began, Boxes, KEY};
use crate::engine::dispatch;
use crate::place::Place;
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

pub(super) async fn measure(
    place: &Place,
    boxes: &Boxes,
    size: Size,
    report: &mut Report,
) -> Measured<()> {
    report.title(
        "The farm: `Dispatch::run` to the first byte of the program on the box, connections open",
    );
    let db = Db::open(&place.paths(), &Clock::system())?;
    let vault = Vault::of(db.clone(), Keychain::of_system(), "bench");
    let passphrase = place.passphrase();
    vault
        .unlock_here(UnlockWith::Passphrase(&passphrase))
        .await?;
    let window = dispatch(&db, Http::new(&HttpSettings::default()), Arc::new(vault));
    let _connections = boxes.connect().await?;
    let mut began = boxes.began(BOXES[0])?;
    let (mut own, mut job, mut bare) = <(Samples, Samples, Samples)>::default();
    for turn in 0..=size.times(20, 60) {
        let by_us = run(&window, &mut began).await?;
        let by_ssh = job_over_ssh(boxes, &mut began).await?;
        let by_bare_ssh = over_ssh(boxes, &mut began).await?;
        // The first one opens the connection.
        if turn > 0 {
            own.add(by_us);
            job.add(by_ssh);
            bare.add(by_bare_ssh);
        }
    }
    window.farm.close();
    report.figure("a run on the farm, written down first", "ms", &own);
    report.figure("`ssh` with the same job", "ms", &job);
    report.figure("`ssh` with the bare program", "ms", &bare);
    report.judged(
        "a run ÷ `ssh` with the same job",
        "×",
        &own.beside(&job),
        Target::AtMost(1.2),
    );
    report.figure(
        "a run ÷ `ssh` with the bare program",
        "×",
        &own.beside(&bare),
    );
    Ok(())
}

/// Carries a run to its end, and returns the milliseconds until the program on the box had begun.
async fn run(dispatch: &Dispatch, began: &mut Began) -> Measured<f64> {
    let (host, key) = dispatch.db.read(|store| {
        let host = hosts::find(store, BOXES[0])?;
        Ok((host.id, keys::find(store, KEY)?.id))
    })?;
    let ask = Ask {
        pay_with: PayWith::Farm(FarmAsk {
            host: Some(host),
            key: Some(Box::new(PayWith::Key(key))),
            ..FarmAsk::default()
        }),
        class: Class::Task,
        reply_to: None,
        request: Request {
            model: super::MODEL.to_owned(),
            prompt: "Hello.".to_owned(),
            ..Request::default()
        },
    };
    let prepared = dispatch.preflight(ask, |_| None).await?;
    let (sink, mut events) = channel();
    let begin = Instant::now();
    let running = dispatch.run(prepared, sink, CancellationToken::new());
    let listening = async { while events.recv().await.is_some() {} };
    let (outcome, (), first) = tokio::join!(running, listening, began.next());
    match outcome?.error {
        None => Ok(first?.duration_since(begin).as_secs_f64() * 1_000.0),
        Some(error) => Err(error.into()),
    }
}

/// The same job by `ssh`, with the same words to it.
async fn job_over_ssh(boxes: &Boxes, began: &mut Began) -> Measured<f64> {
    let words = [
        "of-nobody",
        "",
        "claude",
        super::MODEL,
        "",
        "8192",
        "610",
        "mark",
    ];
    let begin = Instant::now();
    let mut ssh = boxes.job_over_ssh(BOXES[0]).spawn()?;
    let mut input = ssh.stdin.take().ok_or("its input is not a pipe")?;
    input
        .write_all((words.join("\n") + "\n").as_bytes())
        .await?;
    let first = began.next().await?;
    drop(input);
    ssh.wait().await?;
    Ok(first.duration_since(begin).as_secs_f64() * 1_000.0)
}

/// The program alone by `ssh`.
async fn over_ssh(boxes: &Boxes, began: &mut Began) -> Measured<f64> {
    let begin = Instant::now();
    let mut ssh = boxes.over_ssh(BOXES[0]).spawn()?;
    let (ended, first) = tokio::join!(ssh.wait(), began.next());
    match ended?.success() {
        true => Ok(first?.duration_since(begin).as_secs_f64() * 1_000.0),
        false => Err("`ssh` could not run anything on the box".into()),
    }
}
