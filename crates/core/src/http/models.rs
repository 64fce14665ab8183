//! The server's list of models.

use serde::{Deserialize, Serialize};

use super::client::Http;
use super::endpoint::Endpoint;
use super::verdict::Verdict;
use crate::clock::Millis;
use crate::error::{Code, Error};
use crate::secret::ApiKey;

/// The most pages that are asked for, so that a server that always has more ends some time.
const PAGES_MAX: usize = 20;

/// The most models that are taken over, and the longest id, name or word of one, in bytes; what is
/// longer is nothing that a request could name.
const MODELS_MAX: usize = 10_000;
const WORD_MAX: usize = 200;

/// A model as the server lists it. All but the id is optional on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct ModelInfo {
    /// The id that requests name.
    pub id: String,
    /// The name for people; the id where there is none.
    pub display_name: String,
    /// `active`, `deprecated`, `retired`, or unknown.
    pub lifecycle: Option<String>,
    /// The context window, in tokens.
    pub max_input: Option<u64>,
    /// The longest answer, in tokens.
    pub max_output: Option<u64>,
}

impl ModelInfo {
    /// Tells whether the server still answers for this model, as far as it says.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.lifecycle.as_deref() != Some("retired")
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    data: Vec<Listed>,
    #[serde(default)]
    has_more: bool,
    last_id: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    display_name: Option<String>,
    lifecycle: Option<String>,
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
}

impl Listed {
    fn is_fitting(&self) -> bool {
        let words = [
            Some(&self.id),
            self.display_name.as_ref(),
            self.lifecycle.as_ref(),
        ];
        words
            .into_iter()
            .flatten()
            .all(|word| word.len() <= WORD_MAX)
    }
}

/// Asks the server for its models, in its order, page by page. Free.
///
/// # Errors
/// The verdict on the first request that fails.
pub async fn list_models(
    http: &Http,
    endpoint: &Endpoint,
    key: &ApiKey,
    now: Millis,
) -> Result<Vec<ModelInfo>, Verdict> {
    let mut models: Vec<ModelInfo> = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = page(http, endpoint, key, now, after.as_deref()).await?;
        let came = page.data.len();
        let fitting = page.data.into_iter().filter(Listed::is_fitting);
        let room = MODELS_MAX.saturating_sub(models.len());
        models.extend(fitting.take(room).map(ModelInfo::from));
        match page.last_id {
            // A server that repeats its last page is taken at its word once.
            Some(last) if page.has_more && came > 0 && after.as_ref() != Some(&last) => {
                after = Some(last);
            }
            _ => break,
        }
    }
    Ok(models)
}

async fn page(
    http: &Http,
    endpoint: &Endpoint,
    key: &ApiKey,
    now: Millis,
    after: Option<&str>,
) -> Result<Page, Verdict> {
    let mut path = "/v1/models?limit=1000".to_owned();
    if let Some(after) = after {
        path.push_str("&after_id=");
        path.extend(url::form_urlencoded::byte_serialize(after.as_bytes()));
    }
    let body = http.whole_or_verdict(http.get(endpoint, &path, key).await?, endpoint, key, now);
    serde_json::from_slice(&body.await?).map_err(|e| {
        Verdict::local(
            Error::new(
                Code::Refused,
                format!(
                    "{} sent a list of models that can't be read.",
                    endpoint.host()
                ),
            )
            .hint("Check the key's base URL.")
            .because(e),
        )
    })
}

impl From<Listed> for ModelInfo {
    fn from(listed: Listed) -> Self {
        Self {
            display_name: listed.display_name.unwrap_or_else(|| listed.id.clone()),
            id: listed.id,
            lifecycle: listed.lifecycle,
            max_input: listed.max_input_tokens,
            max_output: listed.max_tokens,
        }
    }
}
