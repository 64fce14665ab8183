use super::*;

#[test]
fn patterns_match_whole_names_only() {
    assert_eq!(role("CLAUDE_CODE_SKIP_BEDROCK_AUTH"), Some(Role::Provider));
    assert_eq!(role("ANTHROPIC_VERTEX_BASE_URL"), Some(Role::Endpoint));
    assert_eq!(role("ANTHROPIC_DEFAULT_OPUS_MODEL_NAME"), Some(Role::Model));
    assert_eq!(role("MY_AWS_KEY"), None);
    assert_eq!(role("ANTHROPIC_API_KEY_OLD"), None);
}

#[test]
fn switches_are_on_as_the_cli_reads_them() {
    for on in ["1", "true", "yes", "on", "TRUE", " 1 "] {
        assert!(is_on(on), "{on}");
    }
    for off in ["0", "false", "", "no", "2"] {
        assert!(!is_on(off), "{off}");
    }
}

#[test]
fn the_order_of_ranks_is_the_order_of_precedence() {
    let order = [
        "CLAUDE_CODE_USE_BEDROCK",
        AUTH_TOKEN,
        API_KEY,
        HELPER,
        OAUTH_TOKEN,
        PROFILE,
        LOGIN,
    ];
    assert!(order.is_sorted_by_key(|name| rank(name)));
}
