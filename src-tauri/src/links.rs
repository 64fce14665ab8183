//! Links that a page may hand to the system's browser.

use switchyard_core::text::shown;
use switchyard_core::{Error, Result};
use tauri::Url;

/// Checks a link: to a web page, without a name or password in it.
pub(crate) fn checked(text: &str) -> Result<Url> {
    let link = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    link.ok_or_else(|| {
        Error::bad_input(format!("{} is not a link to a web page.", shown(text, 200)))
            .hint("Copy it, and look at it before you open it.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        for good in ["https://example.com/a?b#c", "http://localhost:8000/"] {
            assert_eq!(checked(good).unwrap().as_str(), good);
        }
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "mailto:a@example.com",
            "https://",
            "https://user:pass@example.com/",
            "smb://share",
            "example.com",
            "",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
