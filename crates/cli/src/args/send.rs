//! What `switchyard send` and `route` take.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
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
    /// Who pays: a stored key, or env:VAR for the key in a variable (no vault needed)
    #[arg(long, value_name = "KEY|env:VAR")]
    pub(crate) key: Option<String>,
    /// The tier: metered, with a key; subscription, your plan through your own `claude`; or farm, on a host
    #[arg(long, value_enum)]
    pub(crate) tier: Option<TierName>,
    /// The login of the plan, in place of the one that is chosen
    #[arg(long, value_name = "LOGIN", conflicts_with = "key")]
    pub(crate) login: Option<String>,
    /// The server that the key of a variable is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// The host of the farm
    #[arg(long, value_name = "HOST", conflicts_with_all = ["login", "label"])]
    pub(crate) host: Option<String>,
    /// Any host of the farm that bears this label
    #[arg(long, value_name = "LABEL", conflicts_with = "login")]
    pub(crate) label: Option<String>,
    /// On the farm, after how many seconds the run is ended
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
    /// What kind of work it is: interactive, planning, review, chat, task
    #[arg(long, value_name = "CLASS", value_parser = class(), default_value = "interactive")]
    pub(crate) class: Class,
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
    /// The prompt; - or none reads standard input
    pub(crate) prompt: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Route {
    /// The key of the metered tier: a stored one, or env:VAR
    #[arg(long, value_name = "KEY|env:VAR")]
    pub(crate) key: Option<String>,
    /// The server that the key of a variable is for, in place of Anthropic's API
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) base_url: Option<String>,
    /// The login of the plan, in place of the one that is chosen
    #[arg(long, value_name = "LOGIN", conflicts_with = "key")]
    pub(crate) login: Option<String>,
    /// The model, by id or as haiku, sonnet, opus
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What kind of work it is: interactive, planning, review, chat, task
    #[arg(long, value_name = "CLASS", value_parser = class(), default_value = "interactive")]
    pub(crate) class: Class,
    /// The prompt, to estimate its cost
    pub(crate) prompt: Option<String>,
}

fn effort() -> impl TypedValueParser<Value = Effort> {
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

fn class() -> impl TypedValueParser<Value = Class> {
    let words = [
        Class::Interactive,
        Class::Planning,
        Class::Review,
        Class::Chat,
        Class::Task,
    ];
    PossibleValuesParser::new(words.map(Class::as_str))
        .try_map(|word| Class::from_word(&word).ok_or("no such class"))
}
