//! Every error that the API is known to give, as it comes over the wire.

use switchyard_simulator::KnownError as E;

use super::*;

fn expected(error: E) -> (Kind, Code, bool) {
    match error {
        E::InvalidRequest | E::Unprocessable | E::ClaudeCodeTooOld => {
            (Kind::BadRequest, Code::Refused, false)
        }
        E::NoCredit => (Kind::NoCredit, Code::Refused, false),
        E::OwnSpendLimit | E::WorkspaceSpendLimit | E::LinkedSpendLimit => {
            (Kind::OwnSpendLimit, Code::Refused, false)
        }
        E::OrganizationDisabled => (Kind::OrganizationDisabled, Code::KeyRefused, false),
        E::OrganizationOnHold => (Kind::OrganizationOnHold, Code::KeyRefused, false),
        E::BadKey | E::MissingCredential => (Kind::BadKey, Code::KeyRefused, false),
        E::OnlyForClaudeCode | E::OauthExpired | E::OauthRevoked | E::OauthUnsupported => {
            (Kind::SubscriptionToken, Code::KeyRefused, false)
        }
        E::Billing | E::LinkedBillingUnavailable => (Kind::Billing, Code::Refused, false),
        E::CmekKeyDisabled | E::CmekKeyNetworkBlocked => {
            (Kind::EncryptionKey, Code::Refused, false)
        }
        E::Permission | E::ClaudeCodeKeyCreatorNotMember => {
            (Kind::NotAllowed, Code::KeyRefused, false)
        }
        E::RegionBlocked => (Kind::RegionBlocked, Code::Network, false),
        E::NotFound => (Kind::NotFound, Code::Refused, false),
        E::RetiredModel => (Kind::NoModel, Code::Refused, false),
        E::RequestTimeout | E::UpstreamTimeout => (Kind::ServerTimeout, Code::Timeout, true),
        E::Conflict => (Kind::Conflict, Code::Busy, true),
        E::TooLarge | E::TooLargeAfterDecoding | E::TooLargeAtProxy => {
            (Kind::TooLarge, Code::Refused, false)
        }
        E::RateLimit | E::RampLimit => (Kind::RateLimited, Code::Busy, true),
        E::TierCap | E::ContractSpendLimit => (Kind::TierCap, Code::Refused, false),
        E::Internal => (Kind::ServerFault, Code::Busy, true),
        // Not the API's own word: it may be billed.
        E::BadGateway => (Kind::ServerFault, Code::Busy, false),
        E::Unavailable
        | E::Overloaded
        | E::CompactionUnavailable
        | E::CmekKeyUnreachable
        | E::CmekContextUnavailable => (Kind::Overloaded, Code::Busy, true),
        other => panic!("{other:?} has no row in this table"),
    }
}

#[tokio::test]
async fn every_known_error_has_its_verdict_its_advice_and_its_retry() {
    let simulator = Simulator::start(Script::new().any_key()).await;
    let (http, endpoint, key) = (http(), endpoint(&simulator), key());
    for &error in E::ALL {
        simulator.when(Match::path("/v1/models").times(1), error);
        let reply = http.get(&endpoint, "/v1/models", &key).await.unwrap();
        let verdict = http.judge(reply, &endpoint, &key, NOW).await;
        let (kind, code, retried) = expected(error);
        assert_eq!(verdict.kind, kind, "{error:?}");
        assert_eq!(verdict.error.code(), code, "{error:?}");
        assert_eq!(verdict.retry.is_some(), retried, "{error:?}");
        let advice = verdict.error.advice();
        assert!(
            advice.is_some_and(|advice| advice.len() > 10),
            "{error:?} has no advice"
        );
        assert!(
            verdict.error.message().contains(&endpoint.host()),
            "{error:?}"
        );
    }
}
