//! What `switchyard routing` takes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use switchyard_core::dispatch::routing::Cause;
use switchyard_core::dispatch::{Class, Effort};

use super::send::{TierName, class, effort};

#[derive(Args, Debug)]
pub(crate) struct Routing {
    #[command(subcommand)]
    pub(crate) what: Option<RoutingWhat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoutingWhat {
    /// List where each class of work goes, and what may follow
    List,
    /// Say where a class of work goes first; or, with --on, add a fallback, which is off until you allow it
    Set(Box<SetRule>),
    /// Remove the rule of a class, or one of its fallbacks
    Unset(OneRule),
    /// Allow a fallback beforehand, after reading who pays then
    Allow(Allow),
    /// Allow a fallback no longer
    Disallow(OneFallback),
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("payer").required(true).multiple(true)))]
pub(crate) struct SetRule {
    /// The class: interactive, planning, review, chat, task
    #[arg(value_name = "CLASS", value_parser = class())]
    pub(crate) class: Class,
    /// The tier: metered, with the active key; subscription, with the login that is chosen; or farm
    #[arg(long, value_enum, group = "payer")]
    pub(crate) tier: Option<TierName>,
    /// The stored key that pays
    #[arg(long, value_name = "KEY", group = "payer", conflicts_with = "login")]
    pub(crate) key: Option<String>,
    /// The login of the plan that pays
    #[arg(long, value_name = "LOGIN", group = "payer", conflicts_with_all = ["host", "label"])]
    pub(crate) login: Option<String>,
    /// The host of the farm that it goes to
    #[arg(long, value_name = "HOST", group = "payer", conflicts_with = "label")]
    pub(crate) host: Option<String>,
    /// Any host of the farm with this label
    #[arg(long, value_name = "LABEL", group = "payer")]
    pub(crate) label: Option<String>,
    /// The model, by id or as haiku, sonnet, opus
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// How much work goes into the answer: low, medium, high, xhigh, max
    #[arg(long, value_name = "EFFORT", value_parser = effort())]
    pub(crate) effort: Option<Effort>,
    /// Add a fallback for this: plan_limit, rate_limited, overloaded, host_down, unavailable
    #[arg(long, value_name = "CAUSE", value_parser = cause())]
    pub(crate) on: Option<Cause>,
}

#[derive(Args, Debug)]
pub(crate) struct OneRule {
    /// The class
    #[arg(value_name = "CLASS", value_parser = class())]
    pub(crate) class: Class,
    /// The number of one fallback; without it, the whole rule goes
    #[arg(value_name = "NUMBER")]
    pub(crate) number: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct OneFallback {
    /// The class
    #[arg(value_name = "CLASS", value_parser = class())]
    pub(crate) class: Class,
    /// The number of the fallback, as the list has it
    #[arg(value_name = "NUMBER")]
    pub(crate) number: usize,
}

#[derive(Args, Debug)]
pub(crate) struct Allow {
    #[command(flatten)]
    pub(crate) fallback: OneFallback,
    /// The version that was read, as the list names it with --json; needed where nobody can be asked
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<String>,
}

fn cause() -> impl TypedValueParser<Value = Cause> {
    PossibleValuesParser::new(Cause::ALL.map(Cause::as_str))
        .try_map(|word| Cause::from_word(&word).ok_or("no such cause"))
}
