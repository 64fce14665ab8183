//! Keys as they come on standard input, one JSON object to a line.

use serde::Deserialize;
use switchyard_simulator::KeyState;

/// Seconds that a rate-limited key is told to wait.
const RETRY_AFTER: u32 = 30;

#[derive(Deserialize)]
struct KeyLine {
    key: String,
    state: String,
}

/// Parses one line. A problem is told without repeating the line, which may hold a key.
pub(crate) fn parse(line: &str) -> Result<(String, KeyState), String> {
    let line: KeyLine = serde_json::from_str(line)
        .map_err(|_| "a line on standard input is not {\"key\": …, \"state\": …}".to_owned())?;
    let state = match line.state.as_str() {
        "valid" => KeyState::Valid,
        "refused" => KeyState::Refused,
        "no_credit" => KeyState::NoCredit,
        "organization_disabled" => KeyState::OrganizationDisabled,
        "own_spend_limit" => KeyState::OwnSpendLimit,
        "forbidden" => KeyState::Forbidden,
        "region_blocked" => KeyState::RegionBlocked,
        "billing" => KeyState::Billing,
        "rate_limited" => KeyState::RateLimited {
            retry_after: RETRY_AFTER,
        },
        "tier_cap" => KeyState::TierCap,
        _ => return Err("a line on standard input names a state that does not exist".into()),
    };
    Ok((line.key, state))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use switchyard_simulator::KeyState;

    #[test]
    fn a_line_puts_a_key_in_a_state() {
        let parsed = parse(r#"{"key": "k", "state": "no_credit"}"#);
        assert_eq!(parsed, Ok(("k".to_owned(), KeyState::NoCredit)));
    }

    #[test]
    fn a_problem_is_told_without_the_key() {
        for line in [
            "not json, planted",
            r#"{"key": "planted", "state": "rich"}"#,
        ] {
            assert!(!parse(line).unwrap_err().contains("planted"));
        }
    }
}
