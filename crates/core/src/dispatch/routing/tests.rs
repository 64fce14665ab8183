//! The table as it is kept, and what the user allowed of it.

use rusqlite::Connection;

use super::*;
use crate::clock::Millis;
use crate::error::{Code, Remedy};
use crate::{keys, plan};

const FACE: &str = "test";

/// A store with two keys, `Work` and `Home`.
struct Store {
    store: Connection,
    work: KeyId,
    home: KeyId,
}

impl Store {
    fn new() -> Self {
        let store = Connection::open_in_memory().unwrap();
        for sql in [
            include_str!("../../../../../migrations/0001_store.sql"),
            include_str!("../../../../../migrations/0002_vault_and_keys.sql"),
            include_str!("../../../../../migrations/0003_runs.sql"),
            include_str!("../../../../../migrations/0006_hosts.sql"),
            include_str!("../../../../../migrations/0007_routing.sql"),
        ] {
            store.execute_batch(sql).unwrap();
        }
        let [work, home] = ["Work", "Home"].map(|name| {
            let id = KeyId::new();
            store
                .execute(
                    "INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, created_at)
                     VALUES (?1, ?2, lower(?2), x'00', 'api', 'manual', '1234', 0)",
                    (&id, name),
                )
                .unwrap();
            id
        });
        Self { store, work, home }
    }

    /// A plan first, then the key `Work` where its limit is reached.
    fn plan_then_work(&self) -> Rule {
        Rule {
            class: Class::Review,
            first: to(Through::Subscription { login: None }),
            fallbacks: vec![Fallback {
                cause: Cause::PlanLimit,
                to: key(&self.work),
            }],
        }
    }

    fn put(&self, rule: &Rule) -> Result<()> {
        put(&self.store, rule, FACE, Millis(1))
    }

    fn agreement(&self, number: usize) -> Agreement {
        let rule = rule(&self.store, Class::Review).unwrap().unwrap();
        agreement(&self.store, &rule, &rule.fallbacks[number - 1]).unwrap()
    }

    fn allow(&self, number: usize) {
        let version = self.agreement(number).version;
        allow(
            &self.store,
            (Class::Review, number),
            &version,
            FACE,
            Millis(2),
        )
        .unwrap();
    }

    fn is_allowed(&self, number: usize) -> bool {
        let version = self.agreement(number).version;
        allowed_at(&self.store, &version).unwrap().is_some()
    }

    fn audit(&self) -> Vec<String> {
        let mut rows = self
            .store
            .prepare("SELECT act || ': ' || purpose FROM audit ORDER BY id")
            .unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }
}

fn to(through: Through) -> Destination {
    Destination {
        through,
        model: None,
        effort: None,
    }
}

fn key(id: &KeyId) -> Destination {
    to(Through::Metered {
        key: Some(id.clone()),
    })
}

#[test]
fn an_empty_table_has_no_rule_and_a_rule_is_read_back_as_it_was_put() {
    let home = Store::new();
    assert_eq!(rules(&home.store).unwrap(), []);
    let mut wanted = home.plan_then_work();
    wanted.first.effort = Some(Effort::High);
    wanted.fallbacks.push(Fallback {
        cause: Cause::HostDown,
        to: Destination {
            through: Through::Farm {
                host: None,
                label: Some("gpu-less".to_owned()),
                key: Some(home.home.clone()),
            },
            model: Some("haiku".to_owned()),
            effort: None,
        },
    });
    home.put(&wanted).unwrap();
    assert_eq!(rule(&home.store, Class::Review).unwrap(), Some(wanted));
    assert_eq!(rule(&home.store, Class::Chat).unwrap(), None);
    remove(&home.store, Class::Review, FACE, Millis(2)).unwrap();
    assert_eq!(rules(&home.store).unwrap(), []);
    let again = remove(&home.store, Class::Review, FACE, Millis(3)).unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
}

#[test]
fn a_fallback_is_off_until_it_is_allowed_and_the_audit_says_who_pays_instead() {
    let home = Store::new();
    home.put(&home.plan_then_work()).unwrap();
    assert!(!home.is_allowed(1));
    home.allow(1);
    assert!(home.is_allowed(1));
    let sentence = home.agreement(1).sentence;
    assert_eq!(
        sentence,
        "For review: when a limit of the plan is reached before an answer has begun, the key Work \
         (…1234) pays in place of your plan, or of a fallback that pays by then, for the same model."
    );
    home.allow(1);
    disallow(&home.store, (Class::Review, 1), FACE, Millis(3)).unwrap();
    assert!(!home.is_allowed(1));
    disallow(&home.store, (Class::Review, 1), FACE, Millis(4)).unwrap();
    assert_eq!(
        home.audit(),
        [
            format!("fallback_allow: {sentence}"),
            format!("fallback_disallow: {sentence}")
        ],
        "what changes nothing is no act"
    );
}

#[test]
fn what_was_not_shown_can_t_be_allowed() {
    let home = Store::new();
    home.put(&home.plan_then_work()).unwrap();
    let shown = home.agreement(1).version;
    let mut other = home.plan_then_work();
    other.fallbacks[0].to = key(&home.home);
    home.put(&other).unwrap();
    let refused = allow(&home.store, (Class::Review, 1), &shown, FACE, Millis(2)).unwrap_err();
    assert_eq!(refused.code(), Code::BadInput);
    assert!(!home.is_allowed(1));
    for number in [0, 2, usize::MAX] {
        let at = (Class::Review, number);
        let refused = allow(&home.store, at, &shown, FACE, Millis(2)).unwrap_err();
        assert_eq!(refused.failure().remedy, Some(Remedy::ListRouting));
    }
}

#[test]
fn every_change_of_who_pays_voids_what_was_allowed_also_for_a_rule_that_comes_back() {
    type Change = fn(&Store, &mut Rule);
    let changes: [(&str, Change); 6] = [
        ("another payer", |home, rule| {
            rule.fallbacks[0].to = key(&home.home);
        }),
        ("another model", |_, rule| {
            rule.fallbacks[0].to.model = Some("opus".to_owned());
        }),
        ("another effort", |_, rule| {
            rule.fallbacks[0].to.effort = Some(Effort::Max);
        }),
        ("another cause", |_, rule| {
            rule.fallbacks[0].cause = Cause::Overloaded;
        }),
        ("another first payer", |home, rule| {
            rule.first = key(&home.home);
        }),
        ("none", |_, rule| rule.fallbacks.clear()),
    ];
    for (what, change) in changes {
        let home = Store::new();
        home.put(&home.plan_then_work()).unwrap();
        home.allow(1);
        let mut rule = home.plan_then_work();
        change(&home, &mut rule);
        home.put(&rule).unwrap();
        assert!(rule.fallbacks.is_empty() || !home.is_allowed(1), "{what}");
        home.put(&home.plan_then_work()).unwrap();
        assert!(!home.is_allowed(1), "{what}, and back");
        assert_eq!(home.audit().len(), 2, "{what}: the withdrawal is an act");
    }
}

#[test]
fn what_changes_beside_a_fallback_leaves_it_allowed() {
    let home = Store::new();
    home.put(&home.plan_then_work()).unwrap();
    home.allow(1);
    let mut rule = home.plan_then_work();
    let before = Fallback {
        cause: Cause::Overloaded,
        to: key(&home.home),
    };
    rule.fallbacks.insert(0, before);
    home.put(&rule).unwrap();
    assert!(
        !home.is_allowed(1) && home.is_allowed(2),
        "its place is no part of it"
    );
    let rename = "UPDATE api_keys SET name = 'Office', name_folded = 'office' WHERE id = ?1";
    home.store.execute(rename, [&home.work]).unwrap();
    assert!(home.is_allowed(2), "it is the same key");
    assert!(home.agreement(2).sentence.contains("Office"));
}

#[test]
fn a_rule_that_can_t_be_carried_out_is_not_kept() {
    let home = Store::new();
    let (active, login) = (
        to(Through::Metered { key: None }),
        to(Through::Subscription {
            login: Some("claude".to_owned()),
        }),
    );
    let nowhere = to(Through::Farm {
        host: Some(HostId(1)),
        label: Some("b".to_owned()),
        key: None,
    });
    let odd = Destination {
        model: Some("two words".to_owned()),
        ..key(&home.home)
    };
    let first = |first: &Destination| Rule {
        first: first.clone(),
        ..home.plan_then_work()
    };
    let second = |fallback: &Destination| Rule {
        fallbacks: vec![Fallback {
            cause: Cause::Overloaded,
            to: fallback.clone(),
        }],
        ..first(&key(&home.work))
    };
    let mut many = second(&key(&home.home));
    many.fallbacks = (0..=FALLBACKS_MAX)
        .map(|number| Fallback {
            cause: Cause::Overloaded,
            to: Destination {
                model: Some(format!("model-{number}")),
                ..key(&home.home)
            },
        })
        .collect();
    let mut twice = second(&key(&home.home));
    twice.fallbacks.extend(twice.fallbacks.clone());
    for (why, rule) in [
        ("whose key pays is chosen elsewhere", second(&active)),
        ("where it went already", second(&key(&home.work))),
        ("a host and a label", first(&nowhere)),
        ("no model", first(&odd)),
        ("too many", many),
        ("twice the same", twice),
        (
            "work without a person on a plan",
            Rule {
                class: Class::Task,
                ..second(&login)
            },
        ),
        (
            "a check of a key",
            Rule {
                class: Class::Check,
                ..first(&key(&home.work))
            },
        ),
    ] {
        assert_eq!(home.put(&rule).unwrap_err().code(), Code::BadInput, "{why}");
    }
    let gone = home.put(&first(&key(&KeyId::new()))).unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let nobody = to(Through::Subscription {
        login: Some("nobody".to_owned()),
    });
    assert_eq!(
        home.put(&second(&nobody)).unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(rules(&home.store).unwrap(), [], "nothing was kept");
}

#[test]
fn a_key_that_went_meanwhile_keeps_nobody_from_changing_the_rest() {
    let home = Store::new();
    home.put(&home.plan_then_work()).unwrap();
    let version = home.agreement(1).version;
    let retire = "UPDATE api_keys SET is_active = 0, retired_at = 0 WHERE id = ?1";
    home.store.execute(retire, [&home.work]).unwrap();
    let refused = allow(&home.store, (Class::Review, 1), &version, FACE, Millis(2)).unwrap_err();
    assert!(refused.message().contains("retired"), "{refused}");
    let mut rule = home.plan_then_work();
    rule.fallbacks.push(Fallback {
        cause: Cause::Overloaded,
        to: key(&home.home),
    });
    home.put(&rule).unwrap();
    rule.class = Class::Planning;
    assert!(home.put(&rule).is_err(), "but it comes into no other rule");
}

#[test]
fn on_the_farm_a_fallback_names_the_key_that_pays_there() {
    let home = Store::new();
    let farm = |key: Option<&KeyId>| {
        let mut rule = home.plan_then_work();
        rule.fallbacks[0].to = to(Through::Farm {
            host: None,
            label: Some("small".to_owned()),
            key: key.cloned(),
        });
        rule
    };
    let open = home.put(&farm(None)).unwrap_err();
    assert!(open.message().contains("name who pays"), "{open}");
    home.put(&farm(Some(&home.work))).unwrap();
    home.allow(1);
    assert!(home.is_allowed(1));
    let sentence = home.agreement(1).sentence;
    assert!(
        sentence.contains("the key Work (…1234) on a host of the farm labelled small pays"),
        "{sentence}"
    );
    let mut gone = farm(Some(&home.work));
    gone.first = to(Through::Farm {
        host: Some(HostId(7)),
        label: None,
        key: None,
    });
    assert_eq!(home.put(&gone).unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_rule_that_can_t_be_read_is_told_and_can_be_made_anew() {
    let home = Store::new();
    home.put(&home.plan_then_work()).unwrap();
    let spoil = "UPDATE routing SET destination = '{\"through\":{\"tier\":\"moon\"}}'";
    home.store.execute(spoil, []).unwrap();
    let damaged = rule(&home.store, Class::Review).unwrap_err();
    assert_eq!(damaged.code(), Code::Damaged);
    home.put(&home.plan_then_work()).unwrap();
    assert!(rule(&home.store, Class::Review).unwrap().is_some());
}

#[test]
fn a_login_in_the_table_is_one_that_the_user_has_told_of() {
    let home = Store::new();
    let mut rule = home.plan_then_work();
    rule.first = key(&home.work);
    rule.fallbacks[0].cause = Cause::RateLimited;
    rule.fallbacks[0].to = to(Through::Subscription {
        login: Some("claude".to_owned()),
    });
    home.put(&rule).unwrap();
    assert!(plan::find(&home.store, "claude").is_ok());
    assert!(keys::get(&home.store, &home.work).is_ok());
    assert!(
        home.agreement(1)
            .sentence
            .contains("your plan (login claude) pays in place of the key Work")
    );
}
