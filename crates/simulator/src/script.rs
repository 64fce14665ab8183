//! What the simulator knows and will say.

use std::collections::{HashMap, VecDeque};

use crate::catalogue::{self, Model};
use crate::known_error::KnownError;
use crate::log::LoggedRequest;
use crate::reply::Reply;

/// What an accepted key runs into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// Everything works.
    Valid,
    /// Revoked, deleted or expired: 401 everywhere.
    Refused,
    /// No prepaid credit: Messages and token counting give 400, the model list works.
    NoCredit,
    /// The organisation is disabled: 400 everywhere.
    OrganizationDisabled,
    /// The key's own spend limit is reached: Messages give 400, the rest works.
    OwnSpendLimit,
    /// The key may not do this: 403 everywhere.
    Forbidden,
    /// The region or network is blocked: 403 in a form of its own, everywhere.
    RegionBlocked,
    /// A payment problem: Messages give 402, the rest works.
    Billing,
    /// Too many requests: 429 everywhere, with `retry-after` in seconds.
    RateLimited {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The organisation's monthly cap is reached: Messages give 429 without `retry-after`.
    TierCap,
}

impl KeyState {
    fn objection(self, path: &str) -> Option<Reply> {
        let spends = path == "/v1/messages";
        let counts = spends || path == "/v1/messages/count_tokens";
        let error = match self {
            Self::Refused => KnownError::BadKey,
            Self::NoCredit if counts => KnownError::NoCredit,
            Self::OrganizationDisabled => KnownError::OrganizationDisabled,
            Self::OwnSpendLimit if spends => KnownError::OwnSpendLimit,
            Self::Forbidden => KnownError::Permission,
            Self::RegionBlocked => KnownError::RegionBlocked,
            Self::Billing if spends => KnownError::Billing,
            Self::TierCap if spends => KnownError::TierCap,
            Self::RateLimited { retry_after } => {
                let reply = KnownError::RateLimit.reply();
                return Some(reply.header("retry-after", retry_after.to_string()));
            }
            _ => return None,
        };
        Some(error.reply())
    }
}

/// Which requests a rule answers. An empty match answers every request.
#[derive(Clone, Debug, Default)]
pub struct Match {
    method: Option<String>,
    path: Option<String>,
    model: Option<String>,
    key: Option<String>,
    times: Option<u32>,
}

impl Match {
    /// Returns a match for every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Returns a match for requests to exactly this path, such as `/v1/models`.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Narrows the match to a method, in capitals.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Narrows the match to bodies that name this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Narrows the match to requests with this credential.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Ends the rule after it has answered so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn fits(&self, request: &LoggedRequest, body: &serde_json::Value) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        self.times != Some(0)
            && same(&self.method, Some(&request.method))
            && same(&self.path, Some(&request.path))
            && same(&self.model, body["model"].as_str())
            && same(&self.key, request.credential())
    }
}

/// A description of a server: whom it lets in and what it says.
///
/// A new script knows the current models, accepts no key, and answers with [`Reply::echo`].
pub struct Script {
    keys: HashMap<String, KeyState>,
    any_key: bool,
    pub(crate) models: Vec<Model>,
    rules: Vec<(Match, Reply)>,
    queue: VecDeque<Reply>,
    standing: Reply,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// Returns a script that accepts no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: HashMap::new(),
            any_key: false,
            models: catalogue::models(),
            rules: Vec::new(),
            queue: VecDeque::new(),
            standing: Reply::echo(),
        }
    }

    /// Knows a key or token, in a state.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>, state: KeyState) -> Self {
        self.set_key(key.into(), state);
        self
    }

    /// Accepts every credential that is not known in another state.
    #[must_use]
    pub fn any_key(mut self) -> Self {
        self.any_key = true;
        self
    }

    /// Adds a model to the list, in front.
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.models.insert(0, model);
        self
    }

    /// Adds a reply to the queue; each Messages request takes one.
    #[must_use]
    pub fn reply(mut self, reply: impl Into<Reply>) -> Self {
        self.push(reply.into());
        self
    }

    /// Adds a rule: requests that fit get this reply. The first rule that fits wins.
    #[must_use]
    pub fn when(mut self, requests: Match, reply: impl Into<Reply>) -> Self {
        self.add_rule(requests, reply.into());
        self
    }

    /// Sets the answer to Messages requests when the queue is empty.
    #[must_use]
    pub fn otherwise(mut self, reply: impl Into<Reply>) -> Self {
        self.standing = reply.into();
        self
    }

    pub(crate) fn set_key(&mut self, key: String, state: KeyState) {
        self.keys.insert(key, state);
    }

    pub(crate) fn push(&mut self, reply: Reply) {
        self.queue.push_back(reply);
    }

    pub(crate) fn add_rule(&mut self, requests: Match, reply: Reply) {
        self.rules.push((requests, reply));
    }

    /// Returns the refusal of a credential, if it is refused on this path.
    pub(crate) fn objection_to(&self, credential: &str, path: &str) -> Option<Reply> {
        match self.keys.get(credential) {
            Some(state) => state.objection(path),
            None if self.any_key => None,
            None => Some(KnownError::BadKey.reply()),
        }
    }

    /// Returns the reply of the first rule that fits, and uses the rule up by one.
    pub(crate) fn ruled(
        &mut self,
        request: &LoggedRequest,
        body: &serde_json::Value,
    ) -> Option<Reply> {
        let (rule, reply) = self
            .rules
            .iter_mut()
            .find(|(rule, _)| rule.fits(request, body))?;
        rule.times = rule.times.map(|left| left.saturating_sub(1));
        Some(reply.clone())
    }

    /// Returns the next queued reply, else the standing answer.
    pub(crate) fn next_reply(&mut self) -> Reply {
        self.queue
            .pop_front()
            .unwrap_or_else(|| self.standing.clone())
    }
}
