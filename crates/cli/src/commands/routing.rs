//! `switchyard routing`: where each class of work goes, and which fallbacks are allowed. Sends nothing.

use std::process::ExitCode;

use switchyard_core::app::RoutingRow;
use switchyard_core::dispatch::routing::{self, Agreement, Destination, Fallback, Rule, Through};
use switchyard_core::dispatch::{Auto, Class, FallbackWay, Way};
use switchyard_core::id::KeyId;
use switchyard_core::text::shown;
use switchyard_core::{App, Code, Error, Failure, Remedy, Result, keys};

use crate::args::routing::{Allow, OneRule, RoutingWhat, SetRule};
use crate::args::send::TierName;
use crate::ask;
use crate::out::Out;
use crate::remedy;

/// How far what belongs to a class is set in.
const INDENT: &str = "    ";

pub(crate) async fn run(wanted: Option<&RoutingWhat>, app: &App, out: &Out) -> Result<ExitCode> {
    match wanted {
        None | Some(RoutingWhat::List) => {
            for row in rows(app).await? {
                tell(&row, out)?;
            }
        }
        Some(RoutingWhat::Set(wanted)) => set(wanted, app, out).await?,
        Some(RoutingWhat::Unset(one)) => unset(one, app, out).await?,
        Some(RoutingWhat::Allow(wanted)) => allow(wanted, app, out).await?,
        Some(RoutingWhat::Disallow(one)) => {
            let agreement = app.disallow_fallback(one.class, one.number).await?;
            said(&agreement, "Not allowed", out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn rows(app: &App) -> Result<Vec<RoutingRow>> {
    app.routing(|name| std::env::var(name).ok()).await
}

async fn row(app: &App, class: Class) -> Result<RoutingRow> {
    let mut rows = rows(app).await?.into_iter();
    rows.find(|row| row.auto.class == class)
        .ok_or_else(|| Error::failed("The routing table does not list this class."))
}

async fn set(wanted: &SetRule, app: &App, out: &Out) -> Result<()> {
    let to = Destination {
        through: through(wanted, app)?,
        model: wanted.model.clone(),
        effort: wanted.effort,
    };
    let (class, on, face) = (wanted.class, wanted.on, app.face());
    app.write(move |store, now| {
        let rule = match (routing::rule(store, class), on) {
            (Ok(Some(rule)), None) => Rule { first: to, ..rule },
            // Also in the place of one that can't be read any more.
            (Ok(None) | Err(_), None) => Rule {
                class,
                first: to,
                fallbacks: Vec::new(),
            },
            (Ok(Some(mut rule)), Some(cause)) => {
                rule.fallbacks.push(Fallback { cause, to });
                rule
            }
            (Ok(None), Some(_)) => return Err(no_first(class)),
            (Err(error), Some(_)) => return Err(error),
        };
        routing::put(store, &rule, face, now)
    })
    .await?;
    tell(&row(app, class).await?, out)
}

/// Reads who shall pay. A key in a variable or a file is not among them: the table holds in every
/// terminal, and says now who will pay.
fn through(wanted: &SetRule, app: &App) -> Result<Through> {
    let is_farm = wanted.host.is_some() || wanted.label.is_some();
    match (wanted.tier, &wanted.key, &wanted.login) {
        (Some(TierName::Farm), _, Some(_)) => Err(Error::bad_input(
            "A login is of your plan, which never goes to the farm.",
        )
        .hint("Leave --login or --tier out.")),
        (Some(TierName::Metered | TierName::Subscription), _, _) if is_farm => Err(
            Error::bad_input("A host is of the farm, not of another tier.")
                .hint("Leave --host and --label out, or name --tier farm."),
        ),
        (Some(TierName::Subscription), Some(_), _) => Err(Error::bad_input(
            "A key pays in the metered tier, not in that of your plan.",
        )
        .hint("Leave --key or --tier out.")),
        (Some(TierName::Metered), _, Some(_)) => Err(Error::bad_input(
            "A login is of your plan, which the metered tier does not bill.",
        )
        .hint("Leave --login or --tier out.")),
        (_, Some(named), _) if named.starts_with("env:") => Err(Error::bad_input(
            "The routing table takes stored keys: a variable is not the same in every terminal.",
        )
        .hint("Store the key first: switchyard keys add NAME --from-env VAR")),
        (_, Some(named), _) if named.starts_with("env-file:") => Err(Error::bad_input(
            "The routing table takes stored keys: a file can be changed by whatever writes it.",
        )
        .hint("Store the key first: switchyard keys add NAME --from-env-file PATH")),
        (tier, named, _) if is_farm || tier == Some(TierName::Farm) => {
            let host = wanted.host.as_deref();
            let host = host
                .map(|name| super::hosts::found(name, app))
                .transpose()?;
            Ok(Through::Farm {
                host: host.map(|host| host.id),
                label: wanted.label.clone(),
                key: named
                    .as_deref()
                    .map(|named| stored(named, app))
                    .transpose()?,
            })
        }
        (_, Some(named), _) => Ok(Through::Metered {
            key: Some(stored(named, app)?),
        }),
        (Some(TierName::Metered), None, _) => Ok(Through::Metered { key: None }),
        (_, None, login) => Ok(Through::Subscription {
            login: login.clone(),
        }),
    }
}

fn stored(named: &str, app: &App) -> Result<KeyId> {
    Ok(app.db()?.read(|store| keys::find(store, named))?.id)
}

fn no_first(class: Class) -> Error {
    Error::new(
        Code::NotFound,
        format!("There is no rule for {class} that a fallback could follow."),
    )
    .hint(format!(
        "Say first where it goes, as in: switchyard routing set {class} --tier subscription"
    ))
}

async fn unset(one: &OneRule, app: &App, out: &Out) -> Result<()> {
    let class = one.class;
    match one.number {
        None => app.unset_routing(class).await?,
        Some(number) => {
            let face = app.face();
            app.write(move |store, now| {
                let gone = || {
                    let message = format!("There is no fallback {number} for {class}.");
                    Error::new(Code::NotFound, message).remedy(Remedy::ListRouting)
                };
                let mut rule = routing::rule(store, class)?.ok_or_else(gone)?;
                if !(1..=rule.fallbacks.len()).contains(&number) {
                    return Err(gone());
                }
                rule.fallbacks.remove(number - 1);
                routing::put(store, &rule, face, now)
            })
            .await?;
        }
    }
    tell(&row(app, class).await?, out)
}

async fn allow(wanted: &Allow, app: &App, out: &Out) -> Result<()> {
    let (class, number) = (wanted.fallback.class, wanted.fallback.number);
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None if out.json || !ask::hears() => return Err(unread(class, number)),
        None => {
            let row = row(app, class).await?;
            let found = number.checked_sub(1);
            let found = found.and_then(|at| row.auto.fallbacks.get(at));
            let Some(one) = found else {
                let message = format!("There is no fallback {number} for {class}.");
                return Err(Error::new(Code::NotFound, message).remedy(Remedy::ListRouting));
            };
            out.line(&one.agreement.sentence)?;
            out.line("It is taken without asking again, shown while it happens, and booked to whoever pays.")?;
            if !ask::is_typed(
                out,
                "Type yes to allow this, anything else to leave it:",
                "yes",
            )? {
                return Err(Error::bad_input("Nothing was allowed."));
            }
            one.agreement.version.clone()
        }
    };
    let agreement = app.allow_fallback(class, number, version).await?;
    said(&agreement, "Allowed", out)
}

fn unread(class: Class, number: usize) -> Error {
    Error::bad_input("Nothing was allowed, because nobody can be shown here what it changes.").hint(
        format!(
            "Read it with: switchyard routing --json, then name the version that you have read: \
         switchyard routing allow {class} {number} --version V"
        ),
    )
}

fn said(agreement: &Agreement, what: &str, out: &Out) -> Result<()> {
    match out.json {
        true => out.json_line(agreement),
        false => out.line(&format!("{what}: {}", agreement.sentence)),
    }
}

fn tell(row: &RoutingRow, out: &Out) -> Result<()> {
    if out.json {
        return out.json_line(row);
    }
    let class = row.auto.class;
    let first = &row.auto.first;
    let Some(rule) = &row.rule else {
        if row.auto.has_rule {
            out.line(&format!("{class:<12} nowhere"))?;
            return trouble(first.why_not.as_ref(), out);
        }
        return out.line(&format!("{class:<12} as work that names no class"));
    };
    let payer = match &first.route {
        Some(route) => shown(&route.payer, 60),
        None => first.tier.to_string(),
    };
    out.line(&format!("{class:<12} {payer}{}", with(&rule.first)))?;
    trouble(first.why_not.as_ref(), out)?;
    fallbacks(&row.auto, out)
}

/// Writes every fallback in full: when, who pays, whether it is allowed, and what stands against it.
pub(crate) fn fallbacks(auto: &Auto, out: &Out) -> Result<()> {
    for (number, one) in (1..).zip(&auto.fallbacks) {
        let allowed = match one.allowed_at {
            Some(_) => "allowed",
            None => "not allowed",
        };
        out.line(&format!(
            "{INDENT}{number} {allowed}: when {}, {} pays{}",
            one.cause.clause(),
            one.payer_label,
            with(&one.to)
        ))?;
        trouble(one.way.why_not.as_ref(), out)?;
    }
    Ok(())
}

/// Says on one line what a fallback costs at most, for a prompt that is there.
pub(crate) fn in_short(one: &FallbackWay) -> String {
    let Way {
        at_most, why_not, ..
    } = &one.way;
    let amount = match why_not {
        Some(why) => format!("not now: {}", shown(&why.message, 200)),
        None => super::route::most(*at_most),
    };
    let (when, payer) = (one.cause.clause(), &one.payer_label);
    format!("when {when}: {payer} pays, {amount}")
}

fn with(to: &Destination) -> String {
    let parts = [
        to.model.as_deref().map(|model| shown(model, 60)),
        to.effort.map(|effort| format!("effort {effort}")),
    ];
    let parts = parts.into_iter().flatten();
    parts.map(|part| format!(" · {part}")).collect()
}

fn trouble(why: Option<&Failure>, out: &Out) -> Result<()> {
    let Some(failure) = why else { return Ok(()) };
    out.line(&format!(
        "{INDENT}  not now: {}",
        shown(&failure.message, 300)
    ))?;
    remedy::advice(failure).map_or(Ok(()), |advice| out.line(&format!("{INDENT}  {advice}")))
}
