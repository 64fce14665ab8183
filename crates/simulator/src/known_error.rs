//! Every error that the API is known to give, with its exact body.

use crate::reply::Reply;

/// A documented or observed error of the API, or of a proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KnownError {
    /// 400: the request makes no sense.
    InvalidRequest,
    /// 400: the prepaid credit is used up.
    NoCredit,
    /// 400: the spend limit that the owner set is reached.
    OwnSpendLimit,
    /// 400: the spend limit that the owner set for the workspace is reached.
    WorkspaceSpendLimit,
    /// 400: the organisation is disabled.
    OrganizationDisabled,
    /// 400: the organisation is on hold.
    OrganizationOnHold,
    /// 400: a subscription token was used outside Claude Code.
    OnlyForClaudeCode,
    /// 400: this version of Claude Code is no longer served.
    ClaudeCodeTooOld,
    /// 400: who made the key of Claude Code has left the organisation.
    ClaudeCodeKeyCreatorNotMember,
    /// 400: the customer's own encryption key is switched off.
    CmekKeyDisabled,
    /// 400: the customer's own encryption key is behind a network rule.
    CmekKeyNetworkBlocked,
    /// 401: wrong, revoked, deleted or expired key.
    BadKey,
    /// 401: no credential at all.
    MissingCredential,
    /// 401: the OAuth token has expired.
    OauthExpired,
    /// 401: the OAuth token was revoked.
    OauthRevoked,
    /// 401: an OAuth token without the beta header that it needs.
    OauthUnsupported,
    /// 402: a payment problem.
    Billing,
    /// 402: the linked organisation cannot be billed.
    LinkedBillingUnavailable,
    /// 402: the linked organisation has reached its limit.
    LinkedSpendLimit,
    /// 403: the key may not use this resource.
    Permission,
    /// 403: the region or the network is blocked.
    RegionBlocked,
    /// 404: no such path.
    NotFound,
    /// 404: a retired model.
    RetiredModel,
    /// 408: the request took too long to arrive.
    RequestTimeout,
    /// 409: in conflict with another request.
    Conflict,
    /// 413: the body is over the limit.
    TooLarge,
    /// 413: the body is over the limit once decoded.
    TooLargeAfterDecoding,
    /// 413 from a proxy, in HTML.
    TooLargeAtProxy,
    /// 422: understood, but not possible.
    Unprocessable,
    /// 429: too many requests, with `retry-after: 1`.
    RateLimit,
    /// 429: traffic grew too fast, with `retry-after: 1`.
    RampLimit,
    /// 429: the organisation's monthly threshold is crossed; no `retry-after`.
    TierCap,
    /// 429: the contract's limit is reached; no `retry-after`.
    ContractSpendLimit,
    /// 500: internal error.
    Internal,
    /// 502 from a proxy, in HTML.
    BadGateway,
    /// 503 from a proxy, in plain text.
    Unavailable,
    /// 503: the customer's own encryption key cannot be reached.
    CmekKeyUnreachable,
    /// 503: the encryption context cannot be had.
    CmekContextUnavailable,
    /// 504: the upstream took too long.
    UpstreamTimeout,
    /// 529: overloaded.
    Overloaded,
    /// 529: overloaded in one part.
    CompactionUnavailable,
}

impl KnownError {
    /// Every one of them, by status.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::NoCredit,
        Self::OwnSpendLimit,
        Self::WorkspaceSpendLimit,
        Self::OrganizationDisabled,
        Self::OrganizationOnHold,
        Self::OnlyForClaudeCode,
        Self::ClaudeCodeTooOld,
        Self::ClaudeCodeKeyCreatorNotMember,
        Self::CmekKeyDisabled,
        Self::CmekKeyNetworkBlocked,
        Self::BadKey,
        Self::MissingCredential,
        Self::OauthExpired,
        Self::OauthRevoked,
        Self::OauthUnsupported,
        Self::Billing,
        Self::LinkedBillingUnavailable,
        Self::LinkedSpendLimit,
        Self::Permission,
        Self::RegionBlocked,
        Self::NotFound,
        Self::RetiredModel,
        Self::RequestTimeout,
        Self::Conflict,
        Self::TooLarge,
        Self::TooLargeAfterDecoding,
        Self::TooLargeAtProxy,
        Self::Unprocessable,
        Self::RateLimit,
        Self::RampLimit,
        Self::TierCap,
        Self::ContractSpendLimit,
        Self::Internal,
        Self::BadGateway,
        Self::Unavailable,
        Self::CmekKeyUnreachable,
        Self::CmekContextUnavailable,
        Self::UpstreamTimeout,
        Self::Overloaded,
        Self::CompactionUnavailable,
    ];

    /// Returns the error as the API words it.
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::TooLargeAtProxy => Reply::html(413, "Request Entity Too Large"),
            Self::BadGateway => Reply::html(502, "Bad Gateway"),
            Self::Unavailable => Reply::raw(
                503,
                "text/plain",
                "upstream connect error or disconnect/reset",
            )
            .without_api_headers(),
            Self::RegionBlocked => {
                let body = r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#;
                Reply::raw(403, "application/json", body)
            }
            _ => self.api_error(),
        }
    }

    fn api_error(self) -> Reply {
        let (status, kind, message) = self.wording();
        let reply = Reply::error(status, kind, message);
        let reply = match self {
            Self::RateLimit | Self::RampLimit => reply.header("retry-after", "1"),
            _ => reply,
        };
        match (self, self.error_code()) {
            (Self::OrganizationOnHold, Some(code)) => reply.details(serde_json::json!({
                "error_code": code, "appeal_url": "https://example.invalid/appeal",
            })),
            (_, Some(code)) => reply.error_code(code),
            (_, None) => reply,
        }
    }

    /// Returns `error.details.error_code`, for the errors that have one.
    #[must_use]
    pub fn error_code(self) -> Option<&'static str> {
        Some(match self {
            Self::OrganizationOnHold => "organization_on_hold",
            Self::ClaudeCodeTooOld => "claude_code_version_too_old",
            Self::ClaudeCodeKeyCreatorNotMember => "claude_code_key_creator_not_member",
            Self::CmekKeyDisabled => "cmek_key_disabled",
            Self::CmekKeyNetworkBlocked => "cmek_key_network_blocked",
            Self::CmekKeyUnreachable => "cmek_key_unreachable",
            Self::CmekContextUnavailable => "cmek_context_unavailable",
            Self::LinkedBillingUnavailable => "linked_organization_billing_unavailable",
            Self::LinkedSpendLimit => "linked_organization_spend_limit_reached",
            Self::TooLargeAfterDecoding => "request_body_too_large_after_decoding",
            Self::RampLimit => "ramp_limit_exceeded",
            Self::TierCap => "enforced_spend_limit_reached",
            Self::ContractSpendLimit => "contract_spend_limit_reached",
            Self::CompactionUnavailable => "compaction_unavailable",
            _ => return None,
        })
    }

    /// Returns status, `error.type` and message. The messages of the spend limits, of credit, of
    /// the disabled organisation and of credentials are the API's own up to their first full stop;
    /// the others are worded like them.
    fn wording(self) -> (u16, &'static str, &'static str) {
        const INVALID: &str = "invalid_request_error";
        const UNAUTHENTICATED: &str = "authentication_error";
        match self {
            Self::InvalidRequest => (400, INVALID, "messages: at least one message is required"),
            Self::NoCredit => (
                400,
                INVALID,
                "Your credit balance is too low to access the Anthropic API. \
                 Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            Self::OwnSpendLimit => (
                400,
                INVALID,
                "You have reached your specified API usage limits. \
                 You will regain access at the start of the next month.",
            ),
            Self::WorkspaceSpendLimit => (
                400,
                INVALID,
                "You have reached your specified workspace API usage limits. \
                 You will regain access at the start of the next month.",
            ),
            Self::OrganizationDisabled => (400, INVALID, "This organization has been disabled."),
            Self::OrganizationOnHold => (400, INVALID, "This organization is on hold."),
            Self::OnlyForClaudeCode => (
                400,
                INVALID,
                "This credential is only authorized for use with Claude Code \
                 and cannot be used for other API requests.",
            ),
            Self::ClaudeCodeTooOld => (400, INVALID, "Please update Claude Code."),
            Self::ClaudeCodeKeyCreatorNotMember => (
                400,
                INVALID,
                "The creator of this key is no longer a member.",
            ),
            Self::CmekKeyDisabled | Self::CmekKeyNetworkBlocked => (
                400,
                INVALID,
                "The workspace's encryption key cannot be used.",
            ),
            Self::CmekKeyUnreachable | Self::CmekContextUnavailable => (
                503,
                "api_error",
                "The workspace's encryption key cannot be reached.",
            ),
            Self::BadKey => (401, UNAUTHENTICATED, "invalid x-api-key"),
            Self::MissingCredential => (401, UNAUTHENTICATED, "x-api-key header is required"),
            Self::OauthExpired => (
                401,
                UNAUTHENTICATED,
                "OAuth token has expired. Please obtain a new token or refresh your existing token.",
            ),
            Self::OauthRevoked => (
                401,
                UNAUTHENTICATED,
                "OAuth token has been revoked. Please obtain a new token.",
            ),
            Self::OauthUnsupported => (
                401,
                UNAUTHENTICATED,
                "OAuth authentication is currently not supported.",
            ),
            Self::Billing | Self::LinkedBillingUnavailable => (
                402,
                "billing_error",
                "There is a problem with your payment method.",
            ),
            Self::LinkedSpendLimit => (
                402,
                "billing_error",
                "The linked organization has reached its spend limit.",
            ),
            Self::Permission => (
                403,
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            Self::NotFound => (404, "not_found_error", "Not found"),
            Self::RetiredModel => (404, "not_found_error", "model: claude-3-5-haiku-20241022"),
            Self::RequestTimeout => (408, "timeout_error", "Request timeout"),
            Self::Conflict => (
                409,
                "conflict_error",
                "The request conflicts with another one.",
            ),
            Self::TooLarge | Self::TooLargeAfterDecoding | Self::TooLargeAtProxy => {
                (413, "request_too_large", "Request exceeds the maximum size")
            }
            Self::Unprocessable => (422, INVALID, "The request could not be processed."),
            Self::RateLimit => (
                429,
                "rate_limit_error",
                "This request would exceed your organization's rate limit. \
                 Please reduce the prompt length or the maximum tokens requested, or try later.",
            ),
            Self::RampLimit => (
                429,
                "rate_limit_error",
                "Your traffic grew too fast. Please slow down.",
            ),
            Self::TierCap => (
                429,
                "rate_limit_error",
                "You have reached your API usage limits: your organization has crossed its monthly \
                 API usage threshold.",
            ),
            Self::ContractSpendLimit => (
                429,
                "rate_limit_error",
                "Your organization has reached its contract's limit.",
            ),
            Self::UpstreamTimeout => (504, "timeout_error", "Request timed out"),
            Self::Overloaded | Self::CompactionUnavailable => {
                (529, "overloaded_error", "Overloaded")
            }
            Self::Internal | Self::BadGateway | Self::Unavailable | Self::RegionBlocked => {
                (500, "api_error", "Internal server error")
            }
        }
    }
}

impl From<KnownError> for Reply {
    fn from(error: KnownError) -> Self {
        error.reply()
    }
}
