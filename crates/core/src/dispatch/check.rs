//! Trying out a stored key with the smallest run there is.

use super::event::Books;
use super::request::Request;
use super::route::{Ask, Class, PayWith};
use super::run::Dispatch;
use crate::error::{Error, Result};
use crate::http::{self, Check, Endpoint, ModelInfo, REAL_CALL_TOKENS, RealCall};
use crate::id::KeyId;
use crate::keys::{self, Asked, Checked};
use crate::secret::ApiKey;
use crate::usage::{Conditions, catalogue};

impl Dispatch {
    /// Makes one real call with a stored key, the smallest there is: the only way to see whether there
    /// is credit. It costs a fraction of a cent and is a run like any other: written down before it
    /// leaves, booked however it ends.
    ///
    /// # Errors
    /// As [`keys::check`]; [`Code::BadInput`](crate::error::Code::BadInput) for a key that never pays
    /// for runs, and [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) where the call can't
    /// be booked now.
    pub async fn check_with_real_call(&self, id: &KeyId) -> Result<Checked> {
        let key = self.db.read(|store| keys::get(store, id))?;
        keys::usable(&key)?;
        let endpoint = Endpoint::parse(key.base_url.as_deref())?;
        let secret = self
            .vault
            .open_key(id, endpoint.to_store().as_deref(), "test with a real call")
            .await?;
        let now = self.db.clock().now();
        let verdict = match http::list_models(&self.http, &endpoint, &secret, now).await {
            Err(verdict) => verdict.into(),
            Ok(models) => match cheapest(&models) {
                Some(model) => return self.real_call(id, &endpoint, secret, model).await,
                None => Check::Unknown(no_model()),
            },
        };
        keys::keep_verdict(&self.db, id, verdict, Asked::ForFree).await
    }

    async fn real_call(
        &self,
        id: &KeyId,
        endpoint: &Endpoint,
        secret: ApiKey,
        model: &str,
    ) -> Result<Checked> {
        let start = self.db.clock().monotonic();
        let ask = Ask {
            pay_with: PayWith::Key(id.clone()),
            class: Class::Check,
            reply_to: None,
            request: Request {
                model: model.to_owned(),
                prompt: http::REAL_CALL_PROMPT.to_owned(),
                max_tokens: Some(1),
                ..Request::default()
            },
        };
        let prepared = self.preflight(ask, |_| None).await?;
        // Its texts say nothing, so they are not kept.
        let mut booking = self.begin(&prepared, None, start).await?;
        // Should nobody wait for the answer any more, it is booked as the prompt that was sent.
        booking.seen.may_have_run = true;
        booking.seen.attempts = 1;
        let now = self.db.clock().now();
        let RealCall {
            check,
            tokens,
            is_reported,
            ..
        } = http::test_with_real_call(&self.http, endpoint, &secret, model, now).await;
        drop(secret);
        booking.seen.may_have_run = tokens.is_some();
        booking.seen.used.is_reported = tokens.is_some();
        // What the server did not say is a guess, and booked as one.
        booking.seen.used.is_final = is_reported;
        booking.seen.used.tokens = tokens.unwrap_or_default();
        let (receipt, written) = booking.close(check.error()).await;
        if receipt.books != Books::Kept {
            written?;
        }
        let checked = keys::keep_verdict(&self.db, id, check, Asked::ByRealCall).await?;
        Ok(Checked {
            cost: receipt.booked.and_then(|amount| amount.cost),
            ..checked
        })
    }
}

/// Returns the listed model on which the real call costs least. It comes from the server's own list,
/// because a model that is named in a program is one day a retired one.
fn cheapest(models: &[ModelInfo]) -> Option<&str> {
    let price = |id: &str| catalogue().price(id, &REAL_CALL_TOKENS, &Conditions::default());
    models
        .iter()
        .filter(|model| {
            model
                .lifecycle
                .as_deref()
                .is_none_or(|lifecycle| lifecycle == "active")
        })
        .filter_map(|model| Some((price(&model.id)?.cost, model.id.as_str())))
        .min()
        .map(|(_, id)| id)
}

fn no_model() -> Error {
    Error::failed("The server lists no model whose price is known, so no call was made.")
        .hint("Send a prompt with this key and a model of your choice instead.")
}
