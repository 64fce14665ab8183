//! One error for everything a person may have to act on: what happened, what it means, what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as far as a caller branches on it; everything else is [`Code::Failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Code {
    /// The request itself can't be carried out as written.
    BadInput,
    /// The named thing does not exist.
    NotFound,
    /// The thing exists already.
    Duplicate,
    /// There is no vault yet.
    NoVault,
    /// The vault is locked and nothing could open it without asking.
    Locked,
    /// The passphrase or recovery code does not open its slot.
    WrongPassphrase,
    /// The keychain holds no entry for this vault.
    KeychainEmpty,
    /// The keychain did not answer, is locked, or is not there.
    KeychainUnavailable,
    /// The keychain holds an entry, but it does not open this vault.
    KeychainMismatch,
    /// A sealed value does not open in its place: damaged or moved.
    Damaged,
    /// The store was written by a newer Switchyard.
    StoreNewer,
    /// The store's file is damaged or cut short.
    StoreDamaged,
    /// The store can't be written: read-only, no permission, or no space.
    StoreUnwritable,
    /// The server refused the credential.
    KeyRefused,
    /// The server refused the request.
    Refused,
    /// The server is overloaded or limits the rate; later may work.
    Busy,
    /// The server could not be reached, or the connection broke.
    Network,
    /// A time limit ran out.
    Timeout,
    /// The user has not accepted the risk text that this needs, or not the current one.
    ConsentNeeded,
    /// Somebody else would have been billed than the route said; nothing was sent.
    WrongPayer,
    /// No host of the farm can take the run now.
    NoHost,
    /// A host's key is not pinned, or is another one than the pinned.
    HostKey,
    /// A host can't be reached, or can't do what it was asked.
    HostFailed,
    /// The user cancelled.
    Cancelled,
    /// Anything that no caller tells apart.
    Failed,
}

/// A step that would help and that every face has in a form of its own: a button in a window, a
/// command on a command line. The core names it, the face words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Remedy {
    /// Make the vault.
    MakeVault,
    /// Open the vault, for every window and terminal.
    UnlockVault,
    /// Start what keeps the vault open where its errors can be seen.
    StartAgent,
    /// Store a key.
    AddKey,
    /// Store the key although it could not be checked.
    StoreUnchecked,
    /// Say which gateway the key is for.
    NameGateway,
    /// Make a key the active one.
    SelectKey,
    /// Say who pays for this prompt.
    ChoosePayer,
    /// Look at the runs that there are.
    ListRuns,
    /// Put a copy in the place of the store.
    RestoreStore,
    /// Read, and accept, what it means to send prompts through one's plan.
    AcceptSubscription,
    /// Read, and accept, what it means to pay beyond the plan's limits.
    AcceptExtraUsage,
    /// Read, and accept, what the sign-in means.
    AcceptSignIn,
    /// Say where `claude` is.
    PointToClaude,
    /// Look at the logins of the plan that there are.
    ListLogins,
    /// Tell of a host.
    AddHost,
    /// Look at a host's key, and pin it.
    PinHost,
    /// Look at the hosts that there are, and at how they stand.
    ListHosts,
    /// Ask a host how it stands.
    ProbeHost,
    /// Choose the login again whose account has changed.
    ConfirmLogin,
    /// Log in to the plan with one's own `claude`, then try again.
    LogIn,
    /// Look at the routing table.
    ListRouting,
    /// Allow a fallback of the routing table beforehand.
    AllowFallback,
}

/// A failure in words: what goes to another process, into an event, or into JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Failure {
    /// What callers branch on.
    pub code: Code,
    /// What happened and what it means.
    pub message: String,
    /// What to do about it, as far as it is the same in every face.
    pub hint: Option<String>,
    /// What else would help; each face words it.
    pub remedy: Option<Remedy>,
}

/// A [`Failure`] with what caused it.
pub struct Error {
    failure: Failure,
    /// Few have it, and every result is as large as its error.
    more: Option<Box<More>>,
}

#[derive(Default)]
struct More {
    subject: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Too many open files in the whole system; the same number on Linux, macOS and the BSDs.
const ENFILE: i32 = 23;

/// Too many open files in this process; the same number on Linux, macOS and the BSDs.
const EMFILE: i32 = 24;

/// The result of nearly everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of `code` that says `message`. The text must not hold a secret.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
            hint: None,
            remedy: None,
        }
        .into()
    }

    /// Makes an error for a request that can't be carried out as written.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadInput, message)
    }

    /// Makes an error that no caller tells apart.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, message)
    }

    /// Words that as many files are open as may be, by this process or on the whole machine; `None` where
    /// something else is behind an error.
    #[must_use]
    pub fn of_open_files(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        let is_full = |cause: &(dyn std::error::Error + 'static)| {
            let system = cause.downcast_ref::<std::io::Error>();
            system.is_some_and(|error| {
                cfg!(unix) && matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
            })
        };
        causes.any(is_full).then(|| {
            Self::failed("The system lets this process open no more files and connections.")
                .hint("Do less at a time, or raise the limit of open files (ulimit -n).")
        })
    }

    /// Adds what the user can do about it, in words that fit every face.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure.hint = Some(hint.into());
        self
    }

    /// Adds a step that would help, for the face to word.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.failure.remedy = Some(remedy);
        self
    }

    /// Adds the name of what the step is about, such as a host's.
    #[must_use]
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.more.get_or_insert_default().subject = Some(name.into());
        self
    }

    /// Keeps the error that caused this one, for logs; it is not shown to the user.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.more.get_or_insert_default().source = Some(Box::new(source));
        self
    }

    /// Makes the same error once more, for another caller; what caused it stays with the first.
    #[must_use]
    pub fn again(&self) -> Self {
        let again = Self::from(self.failure.clone());
        match self.subject() {
            Some(name) => again.about(name),
            None => again,
        }
    }

    /// Makes the same error with another message, for where this one can't be kept.
    #[must_use]
    pub fn in_other_words(&self, message: impl Into<String>) -> Self {
        let mut other = self.again();
        other.failure.message = message.into();
        other
    }

    /// Returns what callers branch on.
    #[must_use]
    pub fn code(&self) -> Code {
        self.failure.code
    }

    /// Returns what happened and what it means.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.failure.message
    }

    /// Returns what to do about it, where that is the same in every face.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.failure.hint.as_deref()
    }

    /// Returns the name of what [`Failure::remedy`] is about, where that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.more.as_ref()?.subject.as_deref()
    }

    /// Returns all that is said of it.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            more: None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        error.failure.clone()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure.message)
    }
}

// Written by hand so that `{:?}` in a log never reaches into a source's own Debug, which may carry
// bytes of a secret (keyring's error type does).
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.more.as_ref()?.source.as_deref();
        source.map(|s| s as _)
    }
}
