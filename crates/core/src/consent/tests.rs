use super::*;

const PAGE: &str = "https://code.claude.com/docs/en/legal-and-compliance";

/// What every text has to quote, and the day on which the page said so.
const QUOTED: [(&str, &str); 4] = [
    (
        "Anthropic does not permit third-party developers to offer Claude.ai login into their own applications, \
         or to route requests through Free, Pro, or Max plan credentials on behalf of their users.",
        "2026-08-22",
    ),
    (
        "Moreover, developers may not collect, store, or intermediate Claude.ai credentials or session tokens \
         \u{2014} sign-in to a Claude account must complete through Anthropic's own flow.",
        "2026-08-22",
    ),
    ("should use API key authentication", "2026-07-02"),
    ("without prior notice", "2026-07-02"),
];

fn store() -> Connection {
    let store = Connection::open_in_memory().unwrap();
    store
        .execute_batch(include_str!("../../../../migrations/0001_store.sql"))
        .unwrap();
    store
}

fn accepted(store: &Connection, subject: Subject, at: i64) -> Consent {
    accept(store, subject, &subject.text().version, "test", Millis(at)).unwrap()
}

/// Records an acceptance of a text that is not the current one.
fn accepted_before(store: &Connection, subject: Subject, at: i64) -> Text {
    let old = Text::parse(subject, "---\nversion: 0\ntitle: Old\n---\n\nOld words.\n");
    store
        .execute(
            "INSERT INTO consents (subject, version, text_hash, face, accepted_at) VALUES (?1, ?2, ?3, 'test', ?4)",
            (subject, &old.version, &old.hash[..], Millis(at)),
        )
        .unwrap();
    old
}

fn audit(store: &Connection) -> Vec<(String, String)> {
    let mut rows = store
        .prepare("SELECT act, purpose FROM audit ORDER BY id")
        .unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn each_text_quotes_the_policy_word_for_word_with_its_page_and_day() {
    for subject in SUBJECTS {
        let text = subject.text();
        let quotes: Vec<_> = text
            .quotes()
            .map(|quote| (&*quote.sentence, &*quote.date))
            .collect();
        assert_eq!(quotes, QUOTED, "{subject}");
        assert!(text.quotes().all(|quote| quote.url == PAGE), "{subject}");
    }
}

#[test]
fn each_text_says_what_its_reader_must_know() {
    for subject in SUBJECTS {
        let text = subject.text();
        let said: Vec<_> = text
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Paragraph { text } => Some(text.as_str()),
                Block::Quote(_) => None,
            })
            .collect();
        let said = said.join("\n");
        for part in [
            "recommended way",
            "API key",
            "without a warning",
            "unmodified `claude`",
            "What is not clear:",
            "What can happen:",
            "You can withdraw at any time.",
        ] {
            assert!(said.contains(part), "{subject} does not say: {part}");
        }
        assert!(!text.title.is_empty(), "{subject} has no title");
        assert!(text.version.starts_with("1-"), "{}", text.version);
        assert!(!said.contains("> ") && !said.contains("--"), "{said}");
    }
}

#[test]
fn the_head_of_each_file_names_its_own_subject() {
    for (subject, file) in SUBJECTS.into_iter().zip([
        include_str!("texts/subscription.md"),
        include_str!("texts/extra_usage.md"),
        include_str!("texts/oauth.md"),
    ]) {
        let head = format!("---\nsubject: {subject}\n");
        assert!(file.starts_with(&head), "{subject}");
    }
}

#[test]
fn a_text_is_accepted_from_its_acceptance_until_it_is_withdrawn_and_can_be_accepted_again() {
    let store = store();
    let subject = Subject::Subscription;
    assert_eq!(ask(&store, subject).unwrap(), Standing::Never);
    accepted(&store, subject, 5);
    assert_eq!(
        ask(&store, subject).unwrap(),
        Standing::Accepted { at: Millis(5) }
    );
    withdraw(&store, subject, "test", Millis(6)).unwrap();
    assert_eq!(
        ask(&store, subject).unwrap(),
        Standing::Withdrawn { at: Millis(6) }
    );
    let again = accepted(&store, subject, 7);
    assert_eq!(again.standing, Standing::Accepted { at: Millis(7) });
    let times: Vec<_> = again
        .history
        .iter()
        .map(|one| (one.accepted_at.0, one.withdrawn_at.map(|at| at.0)))
        .collect();
    assert_eq!(times, [(7, None), (5, Some(6))]);
    assert_eq!(
        ask(&store, Subject::OAuth).unwrap(),
        Standing::Never,
        "one subject is no other"
    );
}

#[test]
fn a_text_that_changed_is_asked_again_and_its_withdrawal_covers_what_was_accepted_before() {
    let store = store();
    let subject = Subject::ExtraUsage;
    let old = accepted_before(&store, subject, 3);
    let changed = Standing::TextChanged {
        version: old.version.clone(),
        at: Millis(3),
    };
    assert_eq!(ask(&store, subject).unwrap(), changed);
    let refused = require(&store, subject).unwrap_err();
    assert_eq!(refused.code(), Code::ConsentNeeded);
    assert!(refused.message().contains("has changed"), "{refused}");

    accepted(&store, subject, 4);
    require(&store, subject).unwrap();
    withdraw(&store, subject, "test", Millis(5)).unwrap();
    let history = history(&store, subject).unwrap();
    assert!(history.iter().all(|one| one.withdrawn_at.is_some()));
    assert_eq!(
        standing(&old, &history),
        Standing::Withdrawn { at: Millis(5) }
    );
}

#[test]
fn an_older_program_still_knows_that_its_own_text_was_accepted() {
    let store = store();
    let old = accepted_before(&store, Subject::OAuth, 1);
    accepted(&store, Subject::OAuth, 2);
    let history = history(&store, Subject::OAuth).unwrap();
    assert_eq!(
        standing(&old, &history),
        Standing::Accepted { at: Millis(1) }
    );
}

#[test]
fn one_letter_more_makes_another_version() {
    let file = include_str!("texts/subscription.md");
    let one = Text::parse(Subject::Subscription, file);
    let other = Text::parse(Subject::Subscription, &format!("{file}."));
    assert_eq!(one, Subject::Subscription.text());
    assert_ne!(one.version, other.version);
    assert_ne!(one.hash, other.hash);
}

#[test]
fn only_the_current_text_can_be_accepted() {
    let store = store();
    let subject = Subject::Subscription;
    for version in ["", "1", "0-00000000", &Subject::OAuth.text().version] {
        let refused = accept(&store, subject, version, "test", Millis(1)).unwrap_err();
        assert_eq!(refused.code(), Code::BadInput, "{version}");
    }
    assert_eq!(ask(&store, subject).unwrap(), Standing::Never);
    assert!(audit(&store).is_empty());
}

#[test]
fn what_needs_a_consent_says_which_step_gives_it() {
    let store = store();
    for (subject, remedy) in [
        (Subject::Subscription, Remedy::AcceptSubscription),
        (Subject::ExtraUsage, Remedy::AcceptExtraUsage),
        (Subject::OAuth, Remedy::AcceptSignIn),
    ] {
        let refused = require(&store, subject).unwrap_err();
        assert_eq!(refused.code(), Code::ConsentNeeded);
        assert_eq!(refused.failure().remedy, Some(remedy));
        accepted(&store, subject, 1);
        require(&store, subject).unwrap();
    }
}

#[test]
fn the_audit_has_each_change_and_no_repetition() {
    let store = store();
    let subject = Subject::Subscription;
    for at in [1, 2] {
        accepted(&store, subject, at);
    }
    for at in [3, 4] {
        withdraw(&store, subject, "test", Millis(at)).unwrap();
    }
    let about = format!("subscription {}", subject.text().version);
    assert_eq!(
        audit(&store),
        [
            ("consent_accept".to_owned(), about.clone()),
            ("consent_withdraw".to_owned(), about)
        ]
    );
}

#[test]
fn the_list_has_every_subject_also_where_there_is_no_store() {
    let listed = list(&store()).unwrap();
    let unasked = SUBJECTS.map(Consent::unasked);
    assert_eq!(listed, unasked);
}
