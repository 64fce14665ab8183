//! `switchyard send`: the payer is said first, the answer streams to standard output, the cost
//! comes last.

mod printed;

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use switchyard_core::dispatch::{
    Ask, Attachment, Auto, Class, Dispatch, FarmAsk, FarmRoute, Outcome, PayWith, Prepared,
    Request, channel,
};
use switchyard_core::text::shown;
use switchyard_core::usage::{CountedBy, Nano, shown as money};
use switchyard_core::{App, Code, Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::history;
use crate::args::send::{Send, TierName};
use crate::exit;
use crate::out::Out;
use printed::{Printed, summary};

/// The most bytes of a prompt from standard input; the API takes 32 MB in all.
pub(super) const PROMPT_MAX: u64 = 32_000_000;

pub(crate) async fn run(wanted: &Send, app: &App, out: &Out) -> Result<ExitCode> {
    if let Some(path) = &wanted.lines.each_line {
        return Box::pin(super::each_line::run(wanted, path, app, out)).await;
    }
    let ask = question(wanted, prompt(wanted.prompt.as_deref())?, app)?;
    let is_without_vault = match &ask.pay_with {
        PayWith::Env { .. } | PayWith::EnvFile { .. } | PayWith::Plan { .. } | PayWith::Auto => {
            true
        }
        PayWith::Farm(farm) => matches!(
            farm.key.as_deref(),
            Some(PayWith::Env { .. } | PayWith::EnvFile { .. })
        ),
        PayWith::Usual | PayWith::Metered | PayWith::Active | PayWith::Key(_) => false,
    };
    // Neither a variable's key nor a plan needs the vault, so nobody is asked to open one for it.
    let mut dispatch = if is_without_vault && ask.reply_to.is_none() {
        app.dispatch_quietly()?
    } else {
        app.dispatch()?
    };
    let variable = |name: &str| std::env::var(name).ok();
    let mut prepared = dispatch.preflight(ask.clone(), variable).await?;
    if prepared.route.key.is_some() {
        dispatch = app.dispatch()?;
    }
    let wants_vault = prepared.auto.as_deref().is_some_and(Auto::wants_vault);
    // Opened before it is said who pays: once it is, those may pay whom it barred.
    if wants_vault && !wanted.estimate && opens(app).await? {
        dispatch = app.dispatch()?;
        prepared = dispatch.preflight(ask, variable).await?;
    }
    if let Some(unknown) = &prepared.route.unknown_model {
        super::models::warn(unknown, out);
    }
    if wanted.estimate {
        return estimate(&dispatch, &mut prepared, out).await;
    }
    if !out.json {
        out.note(&announcement(&prepared));
        foretell(&prepared, out);
    }
    let outcome = stream(&dispatch, prepared, wanted.thinking, out).await;
    // What the connections hold here and there ends with this command.
    app.close_farm();
    let outcome = outcome?;
    let code = outcome
        .error
        .as_ref()
        .map_or(ExitCode::SUCCESS, |error| exit::code(error.code()));
    // With JSON the last event has said it all.
    if !out.json {
        if let Some(error) = &outcome.error {
            out.error(error);
        }
        out.note(&summary(&outcome.receipt));
    }
    // Nobody waits for it any more: the answer and its cost are on the screen.
    app.tidy().await;
    Ok(code)
}

/// Opens the vault, and tells whether it could be; where nobody can be asked, what needs no vault still goes.
async fn opens(app: &App) -> Result<bool> {
    match app.access()?.ensure_open().await {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Code::Locked => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads what is asked with this prompt, and who shall pay.
pub(super) fn question(wanted: &Send, prompt: String, app: &App) -> Result<Ask> {
    let mut attachments = Vec::new();
    for path in &wanted.attachments {
        attachments.push(attachment(path)?);
    }
    Ok(Ask {
        pay_with: payer(wanted, app)?,
        class: wanted.class.unwrap_or(Class::Interactive),
        reply_to: wanted.reply.as_deref().map(history::number).transpose()?,
        request: Request {
            model: wanted.model.clone().unwrap_or_default(),
            system: wanted.system.clone(),
            prompt,
            attachments,
            max_tokens: wanted.max_tokens.map(u64::from),
            effort: wanted.effort,
            ..Request::default()
        },
    })
}

fn payer(wanted: &Send, app: &App) -> Result<PayWith> {
    let (tier, login) = (wanted.tier, wanted.login.clone());
    let key = wanted.key.as_deref();
    let is_farm = wanted.host.is_some() || wanted.label.is_some() || tier == Some(TierName::Farm);
    if is_farm {
        return farm(wanted, app).map(PayWith::Farm);
    }
    if wanted.timeout.is_some() || wanted.retries.is_some() {
        return Err(Error::bad_input("--timeout and --retries are of the farm.")
            .hint("Add --tier farm, or leave them out. Nothing was sent."));
    }
    match (tier, key) {
        // Naming the class alone leaves it to the routing table.
        (None, None) if login.is_none() && wanted.class.is_some() => Ok(PayWith::Auto),
        (Some(TierName::Subscription), Some(_)) => Err(Error::bad_input(
            "A key pays in the metered tier, not in that of your plan.",
        )
        .hint("Leave --key or --tier out. Nothing was sent.")),
        (Some(TierName::Metered), _) if login.is_some() => Err(Error::bad_input(
            "A login is of your plan, which the metered tier does not bill.",
        )
        .hint("Leave --login or --tier out. Nothing was sent.")),
        (Some(TierName::Subscription), None) => Ok(PayWith::Plan { login }),
        (None, None) if login.is_some() => Ok(PayWith::Plan { login }),
        (_, Some(named)) => super::payer::named(named, wanted.base_url.as_deref(), app),
        (Some(TierName::Metered), None) => Ok(PayWith::Metered),
        (_, None) => Ok(PayWith::Usual),
    }
}

fn farm(wanted: &Send, app: &App) -> Result<FarmAsk> {
    if wanted.tier.is_some_and(|tier| tier != TierName::Farm) || wanted.login.is_some() {
        return Err(
            Error::bad_input("A host is of the farm, not of another tier.")
                .hint("Leave --host and --label out, or name --tier farm. Nothing was sent."),
        );
    }
    let key = wanted.key.as_deref();
    let key = key.map(|named| super::payer::named(named, wanted.base_url.as_deref(), app));
    let host = wanted.host.as_deref();
    Ok(FarmAsk {
        host: host
            .map(|name| super::hosts::found(name, app).map(|host| host.id))
            .transpose()?,
        label: wanted.label.clone(),
        key: key.transpose()?.map(Box::new),
        timeout: wanted.timeout.map(Duration::from_secs),
        retries: wanted.retries,
    })
}

fn prompt(given: Option<&str>) -> Result<String> {
    match given {
        Some(text) if text != "-" => Ok(text.to_owned()),
        None if io::stdin().is_terminal() => {
            Err(Error::bad_input("There is no prompt.")
                .hint("switchyard send \"…\", or pipe one in."))
        }
        _ => {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .take(PROMPT_MAX + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| Error::bad_input("Standard input can't be read.").because(e))?;
            if bytes.len() as u64 > PROMPT_MAX {
                return Err(Error::bad_input(
                    "The prompt is larger than 32 MB, the most the API takes.",
                ));
            }
            let text = String::from_utf8(bytes).map_err(|_| {
                Error::bad_input("The prompt is not UTF-8 text.")
                    .hint("Convert it with iconv, or attach an image with --attach.")
            })?;
            // A pipe ends its last line; that line end is not part of what is asked.
            Ok(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
        }
    }
}

fn attachment(path: &Path) -> Result<Attachment> {
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let unreadable = |e: io::Error| {
        Error::bad_input(format!(
            "{} can't be read: {e}.",
            shown(&path.display().to_string(), 200)
        ))
        .hint("Nothing was sent.")
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut body = Vec::new();
    file.take(PROMPT_MAX + 1)
        .read_to_end(&mut body)
        .map_err(unreadable)?;
    Attachment::new(&name, body)
}

pub(super) fn announcement(prepared: &Prepared) -> String {
    let route = &prepared.route;
    let gateway = route
        .gateway
        .as_ref()
        .map_or_else(String::new, |url| format!(" via {url}"));
    let most = match (&route.plan, prepared.at_most()) {
        (Some(_), Some(Nano(0))) => "no dollars".to_owned(),
        (_, most) => format!("at most {}", money(most.map(Nano::rounded_up))),
    };
    let place = route.farm.as_ref().map_or_else(String::new, place);
    format!(
        "{} pays{gateway}, {} · {most} · {}{place}",
        shown(&route.payer, 60),
        route.reason,
        shown(&route.model, 60)
    )
}

/// Says where on the farm a run may go.
fn place(farm: &FarmRoute) -> String {
    let names = farm.hosts.iter().take(3).map(|host| shown(&host.name, 30));
    let names = names.collect::<Vec<_>>().join(", ");
    match farm.hosts.len().saturating_sub(3) {
        0 => format!(" · on {names}"),
        more => format!(" · on {names} or {more} more"),
    }
}

/// Says who else may pay for it, and how much in all.
pub(super) fn foretell(prepared: &Prepared, out: &Out) {
    let Some(auto) = &prepared.auto else { return };
    let allowed = auto.fallbacks.iter();
    let allowed: Vec<_> = allowed.filter(|one| one.allowed_at.is_some()).collect();
    for one in &allowed {
        out.note(&format!("  {}", super::routing::in_short(one)));
    }
    if !allowed.is_empty() {
        out.note(&format!("  in all: {}", super::route::most(auto.at_most)));
    }
}

async fn estimate(dispatch: &Dispatch, prepared: &mut Prepared, out: &Out) -> Result<ExitCode> {
    // Where the server can't count, the local estimate stands, and says that it is one.
    let uncounted = dispatch.count(prepared).await.err();
    if out.json {
        out.json_line(&json!({
            "route": prepared.route, "estimate": prepared.estimate, "auto": prepared.auto,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(&announcement(prepared))?;
    foretell(prepared, out);
    let estimate = &prepared.estimate;
    let counted = match estimate.counted_by {
        CountedBy::Server => "counted by the server",
        CountedBy::Local => "estimated here, on the high side",
    };
    out.line(&format!(
        "About {} for a usual answer · {} tokens in, {counted} · at most {} out",
        money(estimate.likely),
        estimate.prompt_tokens,
        prepared.route.max_tokens,
    ))?;
    if let Some(why) = uncounted {
        out.note(&format!("note: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn stream(
    dispatch: &Dispatch,
    prepared: Prepared,
    show_thinking: bool,
    out: &Out,
) -> Result<Outcome> {
    let cancel = CancellationToken::new();
    let (sink, mut events) = channel();
    let printing = async {
        let mut shown = Printed::default();
        while let Some(event) = events.recv().await {
            if shown.print(&event, show_thinking, out).is_err() {
                // Nobody reads: dropping the events ends the run, which books what was used.
                break;
            }
        }
        shown.finish(out);
        drop(events);
    };
    let mut ending = Ending::new();
    let work = async { tokio::join!(dispatch.run(prepared, sink, cancel.clone()), printing).0 };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        outcome = &mut work => return outcome,
        () = ending.told() => {
            out.note("Cancelling …");
            cancel.cancel();
        }
    }
    work.await
}

/// Ctrl+C, the system, or a closed terminal, which end this process. From the beginning on, none of them is missed.
pub(super) struct Ending([Option<Signal>; 3]);

impl Ending {
    pub(super) fn new() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Self(kinds.map(|kind| signal(kind).ok()))
    }

    /// Waits for one of them. Where signals can't be received, for ever.
    pub(super) async fn told(&mut self) {
        async fn received(signals: &mut Option<Signal>) {
            match signals {
                Some(signals) => {
                    signals.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = received(hangup) => {}
        }
    }
}
