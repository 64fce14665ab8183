//! `switchyard models`: what a key can use, with list prices.

use std::process::ExitCode;

use serde_json::json;
use switchyard_core::dispatch::{self, Models as Listed, UnknownModel};
use switchyard_core::http::Endpoint;
use switchyard_core::text::shown;
use switchyard_core::usage::{Conditions, Nano, Tokens, catalogue};
use switchyard_core::{App, Error, Result, keys};

use crate::args::Models;
use crate::out::{Out, Table};

/// What prices are quoted for.
const MILLION: u64 = 1_000_000;

pub(crate) async fn run(wanted: &Models, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let key = db.read(|store| match &wanted.key {
        Some(name) => keys::find(store, name).map(Some),
        None => keys::active(store),
    })?;
    let endpoint = Endpoint::parse(key.as_ref().and_then(|key| key.base_url.as_deref()))?;
    let now = db.clock().now();
    if wanted.refresh {
        let key = key.ok_or_else(|| {
            Error::bad_input("No key is active, so the server can't be asked.")
                .hint("Name one with --key.")
        })?;
        app.dispatch()?.refresh_models(&key.id).await?;
    }
    let listed = db.read(|store| dispatch::models(store, &endpoint, now))?;
    tell(&listed, out)
}

/// Says that a model may be a slip, before it costs anything.
pub(crate) fn warn(unknown: &UnknownModel, out: &Out) {
    let nearest = unknown.nearest.as_deref().map_or_else(String::new, |name| {
        format!(" The nearest known name is {}.", shown(name, 60))
    });
    out.note(&format!(
        "warning: no model {} is known here, so what it costs will be unknown.{nearest}",
        shown(&unknown.name, 60)
    ));
}

fn tell(listed: &Listed, out: &Out) -> Result<ExitCode> {
    let mut table = Table::new(&["MODEL", "NAME", "STATE", ">$/M IN", ">$/M OUT", ">CONTEXT"]);
    for model in &listed.models {
        let price = |tokens: Tokens| catalogue().price(&model.id, &tokens, &Conditions::default());
        let input = price(Tokens {
            input: MILLION / 10,
            ..Tokens::default()
        });
        let output = price(Tokens {
            output: MILLION,
            ..Tokens::default()
        });
        // Quoted for a tenth of a million and scaled, because long prompts may cost more a token.
        let input = input.map(|priced| Nano(priced.cost.0.saturating_mul(10)));
        let output = output.map(|priced| priced.cost);
        if out.json {
            out.json_line(&json!({ "model": model, "input_per_million": input, "output_per_million": output }))?;
            continue;
        }
        let amount =
            |cost: Option<Nano>| cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
        table.row(vec![
            shown(&model.id, 40),
            shown(&model.display_name, 30),
            shown(model.lifecycle.as_deref().unwrap_or_default(), 20),
            amount(input),
            amount(output),
            model
                .max_input
                .map_or_else(String::new, |tokens| tokens.to_string()),
        ]);
    }
    if out.json {
        return Ok(ExitCode::SUCCESS);
    }
    for line in table.lines() {
        out.line(&line)?;
    }
    let list = match listed.fetched_at {
        Some(at) => format!("asked on {}", at.timestamp().strftime("%Y-%m-%d")),
        None => "built in; ask the server with --refresh".to_owned(),
    };
    out.note(&format!(
        "Models: {list}. Prices: list of {}, without long-context rates.",
        catalogue().as_of()
    ));
    Ok(ExitCode::SUCCESS)
}
