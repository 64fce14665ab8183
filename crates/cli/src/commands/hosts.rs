//! `switchyard hosts`: the boxes of the farm, their keys, and how they stand.

use std::io::Read;
use std::process::ExitCode;

use serde_json::json;
use switchyard_core::app::ShownKey;
use switchyard_core::hosts::{self, Brought, Edit, Host, NewHost, Probe, Row, State, TagFilter};
use switchyard_core::id::KeyId;
use switchyard_core::text::shown;
use switchyard_core::{App, Code, Error, Result, farm, keys};

use crate::args::hosts::{About, AddHost, EditHost, HostsWhat, ImportHosts, PinHost};
use crate::out::{Out, Table, count};
use crate::remedy;
use crate::{ask, exit};

/// The most bytes of what AWS says; a thousand instances are some 5 MB.
const JSON_MAX: u64 = 64 << 20;

pub(crate) async fn run(wanted: Option<&HostsWhat>, app: &App, out: &Out) -> Result<ExitCode> {
    let done = match wanted {
        None | Some(HostsWhat::List) => list(app, out),
        Some(HostsWhat::Add(wanted)) => add(wanted, app, out).await,
        Some(HostsWhat::Edit(wanted)) => edit(wanted, app, out).await,
        Some(HostsWhat::Import(wanted)) => import(wanted, app, out).await,
        Some(HostsWhat::Probe(some)) => return probe(&some.hosts, app, out).await,
        Some(HostsWhat::Pin(wanted)) => pin(wanted, app, out).await,
        Some(HostsWhat::Pause(one)) => {
            let host = app.pause_host(found(&one.host, app)?.id, true).await?;
            said(&host, "takes no further runs", out)
        }
        Some(HostsWhat::Resume(one)) => {
            let host = app.pause_host(found(&one.host, app)?.id, false).await?;
            said(&host, "takes runs again", out)
        }
        Some(HostsWhat::Rm(one)) => {
            let host = app.remove_host(found(&one.host, app)?.id).await?;
            said(&host, "is forgotten; its costs stay in the ledger", out)
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Finds a host by its name.
///
/// # Errors
/// [`Code::NotFound`] with the names that there are.
pub(crate) fn found(name: &str, app: &App) -> Result<Host> {
    app.read(|store, _| hosts::find(store, name))
}

fn said(host: &Host, what: &str, out: &Out) -> Result<()> {
    match out.json {
        true => out.json_line(host),
        false => out.line(&format!("{} {what}.", shown(&host.name, 60))),
    }
}

/// Finds a stored key by what a person calls it; an empty text is none.
fn key(named: Option<&str>, app: &App) -> Result<Option<KeyId>> {
    match named {
        None => Ok(None),
        Some("") => Ok(Some(KeyId::from_text(""))),
        Some(named) => {
            let key = app.read(|store, _| keys::find(store, named))?;
            keys::usable(&key)?;
            Ok(Some(key.id))
        }
    }
}

fn described(about: &About, app: &App) -> Result<NewHost> {
    Ok(NewHost {
        port: about.port,
        identity: about.identity.clone(),
        slots: about.slots,
        service_unit: about.service.clone(),
        key: key(about.key.as_deref(), app)?,
        own_command: about.own_command.clone(),
        labels: about.labels.clone(),
        ..NewHost::default()
    })
}

async fn add(wanted: &AddHost, app: &App, out: &Out) -> Result<()> {
    let new = NewHost {
        name: wanted.name.clone(),
        destination: wanted.destination.clone(),
        ..described(&wanted.about, app)?
    };
    let host = app.add_host(new).await?;
    said(
        &host,
        "is told of; it takes runs once its key is pinned",
        out,
    )?;
    if !out.json {
        out.note(&format!(
            "hint: switchyard hosts pin {}",
            remedy::quoted(&host.name)
        ));
    }
    Ok(())
}

async fn edit(wanted: &EditHost, app: &App, out: &Out) -> Result<()> {
    let about = &wanted.about;
    let change = Edit {
        name: wanted.name.clone(),
        destination: wanted.destination.clone(),
        port: about.port,
        identity: about.identity.clone(),
        slots: about.slots,
        service_unit: about.service.clone(),
        key: key(about.key.as_deref(), app)?,
        own_command: about.own_command.clone(),
        labels: (!about.labels.is_empty()).then(|| {
            let labels = about.labels.iter().filter(|label| !label.is_empty());
            labels.cloned().collect()
        }),
    };
    let host = app.edit_host(found(&wanted.host, app)?.id, change).await?;
    said(&host, "is changed", out)
}

async fn import(wanted: &ImportHosts, app: &App, out: &Out) -> Result<()> {
    let pattern = NewHost {
        destination: wanted.user.clone().unwrap_or_default(),
        ..described(&wanted.about, app)?
    };
    let found = match &wanted.ec2 {
        Some(file) => {
            let json = read(file)?;
            let tag = wanted.tag.as_deref().map(TagFilter::parse).transpose()?;
            hosts::from_ec2(&json, tag.as_ref(), &pattern)?
        }
        None => {
            another_configuration(wanted, app, out)?;
            app.read_ssh_config(wanted.ssh_config.as_deref(), &pattern)
                .await?
        }
    };
    let brought = app.import_hosts(found).await?;
    match out.json {
        true => out.json_line(&brought),
        false => tell_brought(&brought, out),
    }
}

/// Says that names of a configuration mean nothing to `ssh` without it.
fn another_configuration(wanted: &ImportHosts, app: &App, out: &Out) -> Result<()> {
    let Some(file) = &wanted.ssh_config else {
        return Ok(());
    };
    let in_use = app.read(|store, _| farm::SSH_CONFIG.get(store))?;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
    if in_use.as_ref() != Some(&file) {
        let path = shown(&file.display().to_string(), 200);
        out.note(&format!(
            "note: connections are made with another configuration. To use this one: switchyard settings farm.ssh_config {path}"
        ));
    }
    Ok(())
}

fn read(file: &str) -> Result<Vec<u8>> {
    let unreadable =
        |e: std::io::Error| Error::bad_input(format!("{} can't be read: {e}.", shown(file, 200)));
    let from: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(std::fs::File::open(path).map_err(unreadable)?),
    };
    let mut bytes = Vec::new();
    from.take(JSON_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > JSON_MAX {
        return Err(Error::bad_input("That list is larger than 64 MiB.")
            .hint("Ask AWS for fewer instances."));
    }
    Ok(bytes)
}

fn tell_brought(brought: &Brought, out: &Out) -> Result<()> {
    for (hosts, what) in [
        (&brought.added, "new; pin its key before it takes runs"),
        (&brought.changed, "changed"),
        (
            &brought.gone,
            "gone from the list; it takes no runs until it is back",
        ),
    ] {
        for host in hosts {
            let (name, at) = (shown(&host.name, 60), shown(&host.destination, 80));
            out.line(&format!("{name} ({at}): {what}"))?;
        }
    }
    for (name, failure) in &brought.refused {
        out.line(&format!("{name}: left out. {}", failure.message))?;
    }
    let same = u64::try_from(brought.same).unwrap_or(u64::MAX);
    out.note(&format!("{} as before.", count(same, "host")));
    Ok(())
}

async fn pin(wanted: &PinHost, app: &App, out: &Out) -> Result<()> {
    let host = found(&wanted.host, app)?;
    let key = app.host_key(host.id).await?;
    let name = shown(&host.name, 60);
    if !out.json {
        tell_key(&name, &key, out)?;
    }
    if let Some(expected) = &wanted.fingerprint {
        if *expected != key.fingerprint {
            return Err(Error::new(
                Code::HostKey,
                format!("{name} shows {} and not that fingerprint, so nothing was pinned.", key.fingerprint),
            )
            .hint("Look at the key on the box itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"));
        }
    } else if !wanted.yes {
        let question = format!("Is that the key of {name}?");
        if !ask::agrees(out, &question)? {
            return Err(Error::new(Code::Cancelled, "Nothing was pinned."));
        }
    }
    let host = app.pin_host(host.id, vec![key.key]).await?;
    said(&host, "must show this key from now on", out)
}

fn tell_key(name: &str, key: &ShownKey, out: &Out) -> Result<()> {
    out.line(&format!("{name} shows {} {}", key.kind, key.fingerprint))?;
    if key.is_pinned {
        return out.line("That is the key that is pinned.");
    }
    for pinned in &key.pinned {
        out.line(&format!("PINNED IS ANOTHER ONE: {pinned}"))?;
    }
    Ok(())
}

async fn probe(names: &[String], app: &App, out: &Out) -> Result<ExitCode> {
    let hosts = match names {
        [] => app.read(|store, _| hosts::list(store))?,
        names => {
            let found = names.iter().map(|name| found(name, app));
            found.collect::<Result<_>>()?
        }
    };
    let mut code = ExitCode::SUCCESS;
    let ids: Vec<_> = hosts.iter().map(|host| host.id).collect();
    let probes = app.probe_hosts(&ids).await;
    app.close_farm();
    for (host, probe) in hosts.iter().zip(probes) {
        let probe = probe?;
        if let Some(trouble) = &probe.trouble {
            code = exit::code(trouble.code);
        }
        match out.json {
            true => out.json_line(&json!({ "host": host.name, "probe": probe }))?,
            false => tell_probe(host, &probe, out)?,
        }
    }
    Ok(code)
}

fn tell_probe(host: &Host, probe: &Probe, out: &Out) -> Result<()> {
    out.line(&format!("{}: {}", shown(&host.name, 60), facts(probe)))?;
    let Some(trouble) = &probe.trouble else {
        return Ok(());
    };
    out.line(&format!("  {}", trouble.message))?;
    let advice = remedy::advice_about(trouble, Some(&host.name));
    advice.map_or(Ok(()), |advice| out.line(&format!("  {advice}")))
}

/// Says in one line what a host has answered.
fn facts(probe: &Probe) -> String {
    let mut facts = Vec::new();
    if let Some(version) = &probe.version {
        facts.push(format!("claude {}", shown(version, 20)));
    }
    if let Some(service) = probe.service {
        facts.push(format!("service {service}"));
    }
    if let Some(load) = probe.load {
        let of = probe
            .processors
            .map_or_else(String::new, |count| format!(" of {count}"));
        facts.push(format!("load {load:.2}{of}"));
    }
    if let Some(ahead) = probe.clock_ahead_ms.filter(|ahead| ahead.abs() >= 1_000) {
        facts.push(format!("clock {:+} s", ahead / 1_000));
    }
    if let Some(latency) = probe.latency_ms {
        facts.push(format!("{latency:.1} ms away"));
    }
    match facts.is_empty() {
        true => "no answer".to_owned(),
        false => facts.join(" · "),
    }
}

fn list(app: &App, out: &Out) -> Result<()> {
    let rows = app.hosts()?;
    if out.json {
        return rows.iter().try_for_each(|row| out.json_line(row));
    }
    if rows.is_empty() {
        out.note("There are no hosts yet. Add one with: switchyard hosts add NAME USER@HOST");
        return Ok(());
    }
    let mut table = Table::new(&[
        "NAME",
        "STATE",
        "DESTINATION",
        ">SLOTS",
        "CLAUDE",
        "SERVICE",
        "LABELS",
    ]);
    for row in &rows {
        let (host, probe) = (&row.host, row.host.probe.as_ref());
        table.row(vec![
            shown(&host.name, 30),
            state(row),
            shown(&host.destination, 40),
            host.slots.to_string(),
            probe
                .and_then(|probe| probe.version.as_deref())
                .map_or_else(String::new, |text| shown(text, 12)),
            probe
                .and_then(|probe| probe.service)
                .map_or_else(String::new, |service| service.to_string()),
            shown(&host.labels.join(", "), 40),
        ]);
    }
    table.lines().iter().try_for_each(|line| out.line(line))?;
    let is_told = |row: &&Row| matches!(row.state, State::Resting | State::KeyChanged);
    for row in rows.iter().filter(is_told) {
        if let Some(failure) = &row.host.last_failure {
            out.note(&format!(
                "{}: {}",
                shown(&row.host.name, 30),
                failure.message
            ));
        }
    }
    Ok(())
}

fn state(row: &Row) -> String {
    match row.state {
        State::Ready => "ready",
        State::Unpinned => "key not pinned",
        State::KeyChanged => "KEY CHANGED",
        State::Paused => "paused",
        State::Resting => "resting",
        State::Gone => "gone",
    }
    .to_owned()
}
