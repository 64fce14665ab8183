//! What the page sends: plain data that becomes the core's own types. Secrets come in and are never
//! given back.

use serde::{Deserialize, Serialize};
use switchyard_core::dispatch::{
    Ask, Attachment, Class, Effort, FarmAsk, PayWith, Request, ShownPayer, Thinking,
};
use switchyard_core::id::{HostId, KeyId, RunId};
use switchyard_core::keys::{self, Edit, Source};
use switchyard_core::secret::{ApiKey, Passphrase, RecoveryCode};
use switchyard_core::shell::precedence::Credential;
use switchyard_core::usage::Tier;
use switchyard_core::vault::{self, UnlockWith};
use switchyard_core::{Code, Error, Result};
use ts_rs::TS;

use crate::replies::Attached;

/// Who shall pay for a draft.
#[derive(Clone, Default, Deserialize, Serialize, TS)]
#[ts(rename = "PayWith")]
#[serde(tag = "with", rename_all = "snake_case")]
pub(crate) enum Payer {
    /// Whoever paid for what it replies to, else the active key.
    #[default]
    Usual,
    /// The active key, whoever paid before.
    Active,
    /// This key.
    Key {
        /// The key.
        id: KeyId,
    },
    /// Whoever the routing table names, with the fallbacks that the user has allowed.
    Auto {
        /// What kind of work it is.
        class: Class,
    },
    /// The user's plan.
    Plan {
        /// The login through which it is used; the chosen one where absent.
        login: Option<String>,
    },
    /// Whoever pays on the host of the farm that takes it.
    Farm {
        /// This host and no other.
        host: Option<HostId>,
        /// Any host that bears this label.
        label: Option<String>,
        /// The key that pays in place of the host's.
        key: Option<KeyId>,
    },
}

impl Payer {
    /// Returns what kind of work it is; a person waits where nobody says otherwise.
    fn class(&self) -> Class {
        match self {
            Self::Auto { class } => *class,
            _ => Class::Interactive,
        }
    }
}

impl From<Payer> for PayWith {
    fn from(payer: Payer) -> Self {
        match payer {
            Payer::Usual => Self::Usual,
            Payer::Active => Self::Active,
            Payer::Key { id } => Self::Key(id),
            Payer::Auto { .. } => Self::Auto,
            Payer::Plan { login } => Self::Plan { login },
            Payer::Farm { host, label, key } => Self::Farm(FarmAsk {
                host,
                label,
                key: key.map(|id| Box::new(Self::Key(id))),
                ..FarmAsk::default()
            }),
        }
    }
}

/// A prompt as it stands in the editor.
#[derive(Clone, Default, Deserialize, Serialize, TS)]
pub(crate) struct Draft {
    /// The prompt.
    pub(crate) prompt: String,
    /// The instructions above it.
    pub(crate) system: Option<String>,
    /// An id or a word; the usual one where absent.
    pub(crate) model: Option<String>,
    /// Who shall pay.
    pub(crate) payer: Payer,
    /// Who was shown to pay when it was sent; nobody else does then.
    pub(crate) shown: Option<ShownPayer>,
    /// The run that this one continues.
    pub(crate) reply_to: Option<RunId>,
    /// The longest answer, in tokens.
    pub(crate) max_tokens: Option<u64>,
    /// How hard the model shall try.
    pub(crate) effort: Option<Effort>,
    /// Whether the model thinks first.
    pub(crate) thinking: Option<Thinking>,
    /// The files that go with it, by the names that they were attached under.
    pub(crate) attachments: Vec<u32>,
}

impl Draft {
    /// Turns it into what the core is asked.
    pub(crate) fn ask(self, attachments: Vec<Attachment>) -> Ask {
        Ask {
            class: self.payer.class(),
            pay_with: self.payer.into(),
            reply_to: self.reply_to,
            request: Request {
                model: self.model.unwrap_or_default(),
                system: self.system.filter(|system| !system.trim().is_empty()),
                prompt: self.prompt,
                attachments,
                max_tokens: self.max_tokens,
                effort: self.effort,
                thinking: self.thinking,
                ..Request::default()
            },
        }
    }
}

/// What stood in the editor when a page went, for the next one. It is kept in memory alone.
#[derive(Clone, Default, Deserialize, Serialize, TS)]
pub(crate) struct LeftDraft {
    /// The prompt and all that goes with it.
    pub(crate) draft: Draft,
    /// The files that its attachments name.
    pub(crate) files: Vec<Attached>,
    /// The first line of what it replies to.
    pub(crate) title: Option<String>,
    /// Who paid for what it replies to.
    pub(crate) payer: Option<String>,
    /// The tier that it went through.
    pub(crate) tier: Option<Tier>,
}

/// A key that was pasted.
#[derive(Deserialize, TS)]
pub(crate) struct NewKey {
    /// The key.
    pub(crate) secret: ApiKey,
    /// The gateway that it is for; Anthropic's own API where absent.
    pub(crate) base_url: Option<String>,
    /// Its name, which is required, and its labels.
    pub(crate) labels: Edit,
    /// Store it although the server can't be asked.
    pub(crate) unchecked: bool,
    /// Make it the active key.
    pub(crate) select: bool,
}

impl NewKey {
    /// Tells a mistake in pasting before anything is asked or opened.
    pub(crate) fn classified(self) -> Result<keys::NewKey> {
        keys::classify(&self.secret, self.base_url.is_some())?;
        Ok(keys::NewKey {
            secret: self.secret,
            source: Source::Manual,
            base_url: self.base_url,
            labels: self.labels,
            unchecked: self.unchecked,
            select: self.select,
        })
    }
}

/// The key that pays for a plain `claude` right now, to be stored as well.
#[derive(Deserialize, TS)]
pub(crate) struct TakeOver {
    /// The variable that holds it, as the finding named it.
    pub(crate) name: String,
    /// Its last four characters: what was seen is what is taken.
    pub(crate) last4: String,
    /// The gateway that it is for; Anthropic's own API where absent.
    pub(crate) base_url: Option<String>,
    /// The name that it gets, and its labels.
    pub(crate) labels: Edit,
    /// Store it although the server can't be asked.
    pub(crate) unchecked: bool,
    /// Make it the active key.
    pub(crate) select: bool,
}

impl TakeOver {
    /// Takes the key that was found, if it is still the one that was seen.
    pub(crate) fn of(self, found: Option<(Credential, ApiKey)>) -> Result<keys::NewKey> {
        let (_, secret) = found
            .filter(|(found, _)| found.name == self.name && found.last4 == self.last4)
            .ok_or_else(|| {
                Error::new(
                    Code::NotFound,
                    "The key that was found does not pay any more, or can't be read.",
                )
                .hint("Look again at who pays right now; or paste the key.")
            })?;
        Ok(keys::NewKey {
            secret,
            source: Source::Env,
            base_url: self.base_url,
            labels: self.labels,
            unchecked: self.unchecked,
            select: self.select,
        })
    }
}

/// The slots of a vault that is to be made.
#[derive(Deserialize, TS)]
pub(crate) struct NewVault {
    /// The keychain shall open it.
    pub(crate) keychain: bool,
    /// This passphrase shall open it.
    pub(crate) passphrase: Option<Passphrase>,
    /// A recovery code shall open it.
    pub(crate) recovery: bool,
}

impl From<NewVault> for vault::NewVault {
    fn from(new: NewVault) -> Self {
        Self {
            keychain: new.keychain,
            passphrase: new.passphrase,
            recovery: new.recovery,
        }
    }
}

/// What the vault is opened with.
#[derive(Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Opener {
    /// The key in the platform's keychain.
    Keychain,
    /// The passphrase, as it was typed.
    Passphrase(Passphrase),
    /// The recovery code, as it was typed.
    Recovery(RecoveryCode),
}

impl Opener {
    pub(crate) fn with(&self) -> UnlockWith<'_> {
        match self {
            Self::Keychain => UnlockWith::Keychain,
            Self::Passphrase(passphrase) => UnlockWith::Passphrase(passphrase),
            Self::Recovery(code) => UnlockWith::Recovery(code),
        }
    }
}

/// A further way to open the vault, in place of the one of its kind.
#[derive(Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NewSlot {
    /// A new key in the platform's keychain.
    Keychain,
    /// This passphrase.
    Passphrase(Passphrase),
    /// A new recovery code.
    Recovery,
}

impl<'a> From<&'a NewSlot> for vault::NewSlot<'a> {
    fn from(new: &'a NewSlot) -> Self {
        match new {
            NewSlot::Keychain => Self::Keychain,
            NewSlot::Passphrase(passphrase) => Self::Passphrase(passphrase),
            NewSlot::Recovery => Self::Recovery,
        }
    }
}
