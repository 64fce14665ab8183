//! `switchyard route`: who would pay through each tier, and why. Sends nothing.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use serde_json::json;
use switchyard_core::dispatch::{Ask, Auto, Class, PayWith, Request, Way};
use switchyard_core::text::shown;
use switchyard_core::usage::{Nano, shown as money, zone};
use switchyard_core::{App, Result};

use crate::args::send::Route;
use crate::out::Out;
use crate::remedy;

pub(crate) async fn run(wanted: &Route, app: &App, out: &Out) -> Result<ExitCode> {
    let pay_with = match (&wanted.key, &wanted.login) {
        (Some(named), _) => super::payer::named(named, wanted.base_url.as_deref(), app)?,
        (None, Some(_)) => PayWith::Plan {
            login: wanted.login.clone(),
        },
        (None, None) => PayWith::Usual,
    };
    let ask = Ask {
        pay_with,
        class: wanted.class.unwrap_or(Class::Interactive),
        reply_to: None,
        request: Request {
            model: wanted.model.clone().unwrap_or_default(),
            prompt: wanted.prompt.clone().unwrap_or_default(),
            ..Request::default()
        },
    };
    let dispatch = app.dispatch_quietly()?;
    let ways = dispatch.ways(&ask, |name| std::env::var(name).ok()).await;
    let auto = match wanted.class {
        Some(_) => Some(dispatch.auto(&ask, |name| std::env::var(name).ok()).await?),
        None => None,
    };
    if out.json {
        out.json_line(&json!({ "ways": ways, "auto": auto }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let zone = app.db()?.read(zone::zone)?;
    if let Some(auto) = &auto {
        by_class(auto, wanted.prompt.is_some(), &zone, out)?;
    }
    for way in &ways {
        tell(way, wanted.prompt.is_some(), &zone, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says where the routing table sends it, and all who may pay.
fn by_class(auto: &Auto, has_prompt: bool, zone: &TimeZone, out: &Out) -> Result<()> {
    out.line(&match auto.has_rule {
        true => format!("By the routing table, {} goes", auto.class),
        false => format!(
            "The routing table has no rule for {}; without one it goes",
            auto.class
        ),
    })?;
    tell(&auto.first, has_prompt, zone, out)?;
    super::routing::fallbacks(auto, out)?;
    if let Some(at) = auto.begins_with {
        let (number, payer) = (at + 1, &auto.fallbacks[at].payer_label);
        out.line(&format!(
            "So it begins with fallback {number}: {payer} pays."
        ))?;
    }
    if has_prompt {
        out.line(&format!("In all: {}", most(auto.at_most)))?;
    }
    out.line("")?;
    out.line("The tiers side by side:")
}

/// Says how much leaves at most.
pub(crate) fn most(amount: Option<Nano>) -> String {
    match amount {
        Some(Nano(0)) => "no dollars".to_owned(),
        amount => format!("at most {}", money(amount.map(Nano::rounded_up))),
    }
}

fn tell(way: &Way, has_prompt: bool, zone: &TimeZone, out: &Out) -> Result<()> {
    let tier = way.tier;
    if let Some(route) = &way.route {
        out.line(&format!(
            "{tier:<13} {} pays, {}",
            shown(&route.payer, 60),
            route.reason
        ))?;
        let most = match (&route.plan, way.at_most) {
            (Some(_), Some(Nano(0))) => "no dollars".to_owned(),
            (_, most) if has_prompt => format!("at most {}", money(most.map(Nano::rounded_up))),
            _ => "the cost depends on the prompt".to_owned(),
        };
        let budget = match way.budget_left {
            Some(left) => format!("{} left of the budget", money(Some(left))),
            None => "no budget set".to_owned(),
        };
        out.line(&format!(
            "              {} · {most} · {budget}",
            shown(&route.model, 60)
        ))?;
        if let Some(limits) = route
            .plan
            .as_ref()
            .and_then(|plan| plan.known.limits.as_ref())
        {
            let used = super::plan::used(limits, zone);
            out.line(&format!("              {used}"))?;
        }
    }
    if let Some(failure) = &way.why_not {
        out.line(&format!(
            "{tier:<13} not now: {}",
            shown(&failure.message, 300)
        ))?;
        if let Some(advice) = remedy::advice(failure) {
            out.line(&format!("              {advice}"))?;
        }
    }
    Ok(())
}
