//! What a pasted credential is, told by its shape alone.

use super::Kind;
use crate::error::{Error, Remedy, Result};
use crate::secret::ApiKey;

/// The most characters of a credential; the longest known ones have about 110, gateways' own
/// signed tokens a few thousand.
const LENGTH_MAX: usize = 8_192;

/// Takes a credential as it was pasted and says what it is.
///
/// `for_gateway` allows any shape of token, because a gateway makes its own; subscription tokens
/// are refused all the same.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) with the reason. The text never holds the credential.
pub fn classify(pasted: &ApiKey, for_gateway: bool) -> Result<Kind> {
    let text = pasted.expose();
    if text.is_empty() {
        return Err(
            Error::bad_input("No key was given.").hint("Paste the whole key, then press Enter.")
        );
    }
    refuse_subscription(pasted)?;
    if text.chars().any(char::is_whitespace) {
        return Err(Error::bad_input("The key holds a space or line break.")
            .hint("Copy the key alone, without the text around it."));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(
            Error::bad_input("The key holds a character that no key has.").hint(
                "Copy it again from where it was shown; a document may have changed its dashes.",
            ),
        );
    }
    if text.len() > LENGTH_MAX {
        return Err(
            Error::bad_input(format!("The key has more than {LENGTH_MAX} characters."))
                .hint("Copy the key alone."),
        );
    }
    // Prefixes of Anthropic's credentials: Console documentation, and `sk-ant-api01-` for the
    // admin keys of Claude Enterprise.
    if text.starts_with("sk-ant-admin01-") || text.starts_with("sk-ant-api01-") {
        return Ok(Kind::Admin);
    }
    if text.starts_with("sk-ant-api") && text.len() >= 24 {
        return Ok(Kind::Api);
    }
    if for_gateway {
        return Ok(Kind::Api);
    }
    Err(Error::bad_input("This is not an Anthropic API key: those begin with sk-ant-api03- and have about 108 characters.")
        .hint("Copy the whole key from the Console.").remedy(Remedy::NameGateway))
}

/// Refuses the tokens of a Claude subscription, which Anthropic's terms do not let other programs
/// keep or send, whatever they are pasted as.
fn refuse_subscription(pasted: &ApiKey) -> Result<()> {
    let text = pasted.expose();
    let is_access = text.starts_with("sk-ant-oat");
    let is_session = [
        "sk-ant-ort",
        "sk-ant-sid",
        "sk-ant-si-",
        "sk-ant-cc-",
        "sk-ant-ccsr-",
    ]
    .iter()
    .any(|prefix| text.starts_with(prefix));
    if is_access || is_session {
        return Err(Error::bad_input(
            "This is a token of a Claude subscription, not an API key. Anthropic does not allow other \
             programs to store or send such tokens, so Switchyard does not take it.",
        )
        .hint(
            "Use an API key from the Console; or leave the subscription to the `claude` CLI's own \
             login (`claude auth login`), which Switchyard never reads.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(prefix: &str) -> ApiKey {
        ApiKey::new(format!("{prefix}{}", uuid::Uuid::now_v7().simple()))
    }

    #[test]
    fn api_and_admin_keys_are_told_apart() {
        assert_eq!(
            classify(&pasted("sk-ant-api03-"), false).unwrap(),
            Kind::Api
        );
        assert_eq!(
            classify(&pasted("sk-ant-admin01-"), false).unwrap(),
            Kind::Admin
        );
        assert_eq!(
            classify(&pasted("sk-ant-api01-"), false).unwrap(),
            Kind::Admin
        );
    }

    #[test]
    fn subscription_tokens_are_refused_with_the_reason_also_for_a_gateway() {
        for prefix in ["sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-sid02-"] {
            for for_gateway in [false, true] {
                let key = pasted(prefix);
                let error = classify(&key, for_gateway).unwrap_err();
                assert!(error.message().contains("subscription"), "{prefix}");
                assert!(!format!("{error:?}").contains(key.expose()));
            }
        }
    }

    #[test]
    fn another_shape_is_only_taken_for_a_gateway() {
        assert!(classify(&pasted("my-gateway-"), false).is_err());
        assert_eq!(classify(&pasted("my-gateway-"), true).unwrap(), Kind::Api);
    }

    #[test]
    fn a_damaged_paste_is_refused_without_repeating_it() {
        for text in [
            "",
            "sk-ant-api03-",
            "two words",
            "sk-ant-api03-dash\u{2011}dash-dash-dash",
        ] {
            let error = classify(&ApiKey::new(text.to_owned()), false).unwrap_err();
            assert!(
                text.len() < 14 || !error.message().contains(text),
                "{text:?}"
            );
        }
    }
}
