//! `switchyard route`: who would pay through each tier, and why. Sends nothing.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use serde_json::json;
use switchyard_core::dispatch::{Ask, PayWith, Request, Way};
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
        class: wanted.class,
        reply_to: None,
        request: Request {
            model: wanted.model.clone().unwrap_or_default(),
            prompt: wanted.prompt.clone().unwrap_or_default(),
            ..Request::default()
        },
    };
    let dispatch = app.dispatch_quietly()?;
    let ways = dispatch.ways(&ask, |name| std::env::var(name).ok()).await;
    if out.json {
        out.json_line(&json!({ "ways": ways }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let zone = app.db()?.read(zone::zone)?;
    for way in &ways {
        tell(way, wanted.prompt.is_some(), &zone, out)?;
    }
    Ok(ExitCode::SUCCESS)
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
