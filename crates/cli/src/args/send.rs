//! What `switchyard send` and `route` take.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use switchyard_core::dispatch::routing::CLASSES;
use switchyard_core::dispatch::{Class, Effort};

/// A tier that a prompt can be sent through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierName {
    /// The Messages API, with a key that pays
    Metered,
    /// The user's plan, through their own `claude`
    Subscription,
    /// A host of the farm, over SSH
    Farm,
}

#[derive(Args, Debug)]
pub(crate) struct Send {
    /// Who pays: a stored key, env:VAR for the key in a variable, or env-file:PATH
    /// for the ANTHROPIC_API_KEY of an env file (PATH#VAR for another one); the last two need no vault
    #[arg(long, value_name = "KEY|env:VAR|env-file:PATH")]
    pub(crate) key: Option<String>,
    /// The tier: metered, with a key; subscription, your plan through your own `claude`; or farm, on a host
    #[arg(long, value_enum)]
    pub(crate) tier: Option<TierName>,
    /// The login of the plan, in place of the one that is chosen
    #[arg(long, value_name = "LOGIN", conflicts_with = "key")]
    pub(crate) login: Option<String>,
    /// The server that the key of a variable or file is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// The host of the farm
    #[arg(long, value_name = "HOST", conflicts_with_all = ["login", "label"])]
    pub(crate) host: Option<String>,
    /// Any host of the farm that bears this label
    #[arg(long, value_name = "LABEL", conflicts_with = "login")]
    pub(crate) label: Option<String>,
    /// On the farm, after how many seconds the run is ended; waiting for a slot does not count
    #[arg(long, value_name = "S")]
    pub(crate) timeout: Option<u64>,
    /// On the farm, how often another host may be tried
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// The model, by id or as haiku, sonnet, opus
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// How much work goes into the answer: low, medium, high, xhigh, max
    #[arg(long, value_name = "EFFORT", value_parser = effort())]
    pub(crate) effort: Option<Effort>,
    /// What kind of work it is: interactive, planning, review, chat, task. Where nothing else says who pays,
    /// the routing table does (see switchyard routing)
    #[arg(long, value_name = "CLASS", value_parser = class())]
    pub(crate) class: Option<Class>,
    /// The system prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// A text or image file to send along; may be given several times
    #[arg(long = "attach", value_name = "FILE")]
    pub(crate) attachments: Vec<PathBuf>,
    /// Continue this run: what came before is sent again
    #[arg(long, value_name = "RUN")]
    pub(crate) reply: Option<String>,
    /// The most tokens of the answer
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u32>,
    /// Show the model's thinking on standard error
    #[arg(long)]
    pub(crate) thinking: bool,
    /// Say who would pay and how much at most, and send nothing
    #[arg(long)]
    pub(crate) estimate: bool,
    #[command(flatten)]
    pub(crate) lines: Lines,
    /// The prompt; - or none reads standard input
    pub(crate) prompt: Option<String>,
}

/// The most lines that are under way at once.
pub(crate) const JOBS_MAX: i64 = 64;

#[derive(Args, Debug)]
pub(crate) struct Lines {
    /// Send each line of this file by itself, with a key that pays; results are JSON lines in its order. The
    /// same call again sends what has no answer yet, also of a file to which lines were added
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "reply", "login", "thinking"])]
    pub(crate) each_line: Option<PathBuf>,
    /// How many lines are under way at once; else 4, and on the farm as many as its hosts have slots, 64 at most
    #[arg(long = "jobs", short = 'j', value_name = "N", requires = "each_line",
        value_parser = clap::value_parser!(u16).range(1..=JOBS_MAX))]
    pub(crate) jobs: Option<u16>,
    /// Send those lines again that were billed without a whole answer
    #[arg(long, requires = "each_line")]
    pub(crate) again: bool,
    /// Begin with the first line, whatever was answered before
    #[arg(long, requires = "each_line", conflicts_with = "again")]
    pub(crate) anew: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Route {
    /// The key of the metered tier: a stored one, env:VAR, or env-file:PATH
    #[arg(long, value_name = "KEY|env:VAR|env-file:PATH")]
    pub(crate) key: Option<String>,
    /// The server that the key of a variable or file is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// The login of the plan, in place of the one that is chosen
    #[arg(long, value_name = "LOGIN", conflicts_with = "key")]
    pub(crate) login: Option<String>,
    /// The model, by id or as haiku, sonnet, opus
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What kind of work it is: interactive, planning, review, chat, task; says also where the routing table
    /// sends it, and who else may pay
    #[arg(long, value_name = "CLASS", value_parser = class())]
    pub(crate) class: Option<Class>,
    /// The prompt, to estimate its cost
    pub(crate) prompt: Option<String>,
}

pub(super) fn effort() -> impl TypedValueParser<Value = Effort> {
    let words = [
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Xhigh,
        Effort::Max,
    ];
    PossibleValuesParser::new(words.map(Effort::as_str))
        .try_map(|word| Effort::from_word(&word).ok_or("no such effort"))
}

pub(super) fn class() -> impl TypedValueParser<Value = Class> {
    PossibleValuesParser::new(CLASSES.map(Class::as_str))
        .try_map(|word| Class::from_word(&word).ok_or("no such class"))
}
