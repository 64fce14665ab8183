//! The table itself: from what a server says to what it means.

use super::Kind;

/// What the table looks at.
pub(super) struct Facts<'a> {
    pub(super) status: u16,
    pub(super) error_type: &'a str,
    pub(super) error_code: &'a str,
    pub(super) message: &'a str,
}

/// The table. Order matters: codes before texts, texts before bare statuses.
pub(super) fn kind(facts: &Facts<'_>) -> Kind {
    if let Some(kind) = by_code(facts.status, facts.error_code) {
        return kind;
    }
    if let Some(kind) = by_text(facts.status, facts.message) {
        return kind;
    }
    match (facts.status, facts.error_type) {
        (300..=399, _) => Kind::Redirected,
        (401, _) => Kind::BadKey,
        (402, _) => Kind::Billing,
        (403, "forbidden") => Kind::RegionBlocked,
        (403, "permission_error") => Kind::NotAllowed,
        // A page from something in between: not a word about the key.
        (403, _) => Kind::RegionBlocked,
        (404, "not_found_error") if starts(facts.message, "model:") => Kind::NoModel,
        (404, _) => Kind::NotFound,
        (408 | 504, _) => Kind::ServerTimeout,
        (409, _) => Kind::Conflict,
        (413, _) => Kind::TooLarge,
        (429, _) => Kind::RateLimited,
        (503 | 529, _) => Kind::Overloaded,
        (500..=599, _) => Kind::ServerFault,
        (400..=499, "") => Kind::NotTheApi,
        (400..=499, _) => Kind::BadRequest,
        _ => Kind::NotTheApi,
    }
}

fn by_code(status: u16, code: &str) -> Option<Kind> {
    Some(match code {
        "enforced_spend_limit_reached" | "contract_spend_limit_reached" => Kind::TierCap,
        "ramp_limit_exceeded" => Kind::RateLimited,
        "organization_on_hold" => Kind::OrganizationOnHold,
        "linked_organization_billing_unavailable" => Kind::Billing,
        "linked_organization_spend_limit_reached" => Kind::OwnSpendLimit,
        "request_body_too_large_after_decoding" => Kind::TooLarge,
        "claude_code_key_creator_not_member" => Kind::NotAllowed,
        // With a 503 it is only out of reach for the moment.
        _ if status == 400 && code.starts_with("cmek_") => Kind::EncryptionKey,
        _ => return None,
    })
}

fn by_text(status: u16, message: &str) -> Option<Kind> {
    const TEXTS: &[(u16, &str, Kind)] = &[
        (400, "your credit balance is too low", Kind::NoCredit),
        (
            400,
            "you have reached your specified api usage limits",
            Kind::OwnSpendLimit,
        ),
        (
            400,
            "you have reached your specified workspace api usage limits",
            Kind::OwnSpendLimit,
        ),
        (
            429,
            "you have reached your api usage limits: your organization has crossed",
            Kind::TierCap,
        ),
        (
            400,
            "this organization has been disabled",
            Kind::OrganizationDisabled,
        ),
        (
            400,
            "this credential is only authorized for use with claude code",
            Kind::SubscriptionToken,
        ),
        (401, "oauth token has expired", Kind::SubscriptionToken),
        (401, "oauth token has been revoked", Kind::SubscriptionToken),
        (
            401,
            "oauth authentication is currently not supported",
            Kind::SubscriptionToken,
        ),
    ];
    TEXTS
        .iter()
        .find(|(of, start, _)| *of == status && starts(message, start))
        .map(|(_, _, kind)| *kind)
}

/// Tells whether `message` begins with `start`, which is in lower case.
fn starts(message: &str, start: &str) -> bool {
    message
        .trim_start()
        .get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}
