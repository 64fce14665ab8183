//! Fills a throw-away store with sample keys and months of ledger rows, so that every screen and
//! command has something to show. Nothing in it is real, and its keys are for the simulator.

mod boxes;
mod plan;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Millis};
use crate::db::{Db, SqlContext};
use crate::dispatch::{Ask, Class, Dispatch, PayWith, Request, channel};
use crate::error::{Code, Error, Result};
use crate::farm::Farm;
use crate::http::Http;
use crate::id::{HostId, KeyId};
use crate::keys::{self, Edit, NewKey, Source};
use crate::plan::Plan;
use crate::secret::{ApiKey, DataKey};
use crate::settings::Setting;
use crate::usage::{self, Basis, Conditions, Entry, Payer, Tier, Tokens};
use crate::vault::Custody;

pub use boxes::{Boxes, set_up as set_up_boxes};

/// Says that everything in this store is simulated; every face shows it.
pub const IS_SIMULATED: Setting<bool> = Setting {
    name: "demo.is_simulated",
    default: || false,
    check: |_| Ok(()),
};

/// Opens the demo's vault, should somebody lock it; every face says so.
pub const PASSPHRASE: &str = "look around freely";

/// The face that the demo acts through.
const FACE: &str = "demo";

const DAYS: u64 = 150;
const DAY: Duration = Duration::from_secs(86_400);
/// For how long the sample farm has been there, and the runs of a box on a day are fewer than this.
const FARM_DAYS: u64 = 40;
const FARM_RUNS: u64 = 14;

/// What the store was filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How many keys.
    pub keys: usize,
    /// How many ledger rows.
    pub rows: u64,
}

/// A sample key: what it is called, what it is for, how busy it is, and what it mostly asks.
struct Character {
    name: &'static str,
    environment: &'static str,
    organization: &'static str,
    tags: &'static [&'static str],
    /// Runs on a busy day.
    runs: u64,
    models: &'static [&'static str],
}

/// The key that pays for jobs, and for what runs on the farm.
const JOBS: &str = "Nightly jobs";

const CHARACTERS: &[Character] = &[
    Character {
        name: "Work",
        environment: "production",
        organization: "Example GmbH",
        tags: &["team"],
        runs: 24,
        models: &["claude-sonnet-5-5", "claude-sonnet-5-5", "claude-opus-5-5"],
    },
    Character {
        name: JOBS,
        environment: "ci",
        organization: "Example GmbH",
        tags: &["batch"],
        runs: 40,
        models: &["claude-haiku-5-5"],
    },
    Character {
        name: "Side project",
        environment: "personal",
        organization: "",
        tags: &[],
        runs: 6,
        models: &[
            "claude-haiku-5-5",
            "claude-sonnet-5-5",
            "experimental-gateway-model",
        ],
    },
];

/// Adds the sample keys, each checked with the simulator at `base_url`, and the ledger's months.
///
/// # Errors
/// [`Code::BadInput`] for a store that holds anything already, or a server that is not on this
/// machine; else as [`keys::add`].
pub async fn fill(db: &Db, custody: &dyn Custody, http: &Http, base_url: &str) -> Result<Sample> {
    if !crate::http::Endpoint::parse(Some(base_url))?.is_loopback() {
        return Err(Error::bad_input(
            "The demo only talks to a simulator on this machine.",
        ));
    }
    db.read(refuse_used)?;
    let now = db.clock().now();
    db.write(move |store| IS_SIMULATED.set(store, &true, now))
        .await?;
    plan::log_in(db).await?;
    let mut rows = 0;
    for character in CHARACTERS {
        let id = add(db, custody, http, character, base_url).await?;
        rows += db
            .write(move |store| book_months(store, &id, character, now))
            .await?;
    }
    db.write(move |store| rules::for_review(store, now)).await?;
    Ok(Sample {
        keys: CHARACTERS.len(),
        rows,
    })
}

/// What was asked in the demo's past: how many minutes ago, of which model and paid by whom, and
/// whether it goes on with what was asked before it.
struct Asked {
    minutes_ago: u64,
    key: &'static str,
    model: &'static str,
    prompt: &'static str,
    goes_on: bool,
}

/// How long the sample answers take from one event to the next.
const BETWEEN_EVENTS: Duration = Duration::from_millis(90);

const ASKED: &[Asked] = &[
    Asked {
        minutes_ago: 27 * 60,
        key: JOBS,
        model: "claude-haiku-5-5",
        prompt: "Sum up last night's failed builds in three lines.",
        goes_on: false,
    },
    Asked {
        minutes_ago: 190,
        key: "Work",
        model: "claude-opus-5-5",
        prompt: "Which risks do you see in moving all invoices to the new tax rate in one night?",
        goes_on: false,
    },
    Asked {
        minutes_ago: 184,
        key: "Work",
        model: "claude-opus-5-5",
        prompt: "Which of them would you test first, and how?",
        goes_on: true,
    },
    Asked {
        minutes_ago: 42,
        key: "Side project",
        model: "claude-sonnet-5-5",
        prompt: "Explain a write-ahead log to someone who keeps a paper diary.",
        goes_on: false,
    },
];

/// Sends the sample conversations to the simulator, each at a time in the past, so that there is a
/// history to look at. The runs are real ones: sealed, answered and booked like any other.
///
/// # Errors
/// As [`Dispatch::run`](crate::dispatch::Dispatch::run), for a store that [`fill`] has not filled.
pub async fn converse(db: &Db, custody: Arc<dyn Custody>, http: &Http) -> Result<()> {
    let now = db.clock().now();
    let mut last = None;
    for asked in ASKED {
        let ago = Duration::from_secs(asked.minutes_ago * 60);
        let then = Clock::fixed(Millis(
            now.0 - i64::try_from(ago.as_millis()).unwrap_or_default(),
        ));
        let dispatch = Dispatch {
            // The same store, as it was at that time.
            db: Db::open(db.paths(), &then)?,
            http: http.clone(),
            vault: Arc::clone(&custody),
            plan: Plan::new(db.clone()),
            farm: Farm::new(db.clone()),
            face: FACE,
        };
        let key = dispatch.db.read(|store| keys::find(store, asked.key))?;
        let ask = Ask {
            pay_with: PayWith::Key(key.id),
            class: Class::Interactive,
            reply_to: last.filter(|_| asked.goes_on),
            request: Request {
                model: asked.model.to_owned(),
                prompt: asked.prompt.to_owned(),
                ..Request::default()
            },
        };
        let prepared = dispatch.preflight(ask, |_| None).await?;
        let (sink, mut events) = channel();
        // Each event comes a moment after the last, as from a model.
        let heard = async {
            while events.recv().await.is_some() {
                then.set(then.now().plus(BETWEEN_EVENTS));
            }
        };
        let run = dispatch.run(prepared, sink, CancellationToken::new());
        let (ended, ()) = tokio::join!(run, heard);
        last = Some(ended?.receipt.run);
    }
    Ok(())
}

fn refuse_used(store: &Connection) -> Result<()> {
    let used: bool = store
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM api_keys) OR EXISTS (SELECT 1 FROM key_usage)",
            [],
            |row| row.get(0),
        )
        .doing("look whether the store is empty")?;
    if used {
        return Err(Error::new(
            Code::BadInput,
            "This store is in use, and the demo wants an empty one.",
        )
        .hint("Start the demo with ./dev demo, which makes a throw-away store."));
    }
    Ok(())
}

async fn add(
    db: &Db,
    custody: &dyn Custody,
    http: &Http,
    character: &Character,
    base_url: &str,
) -> Result<KeyId> {
    let labels = Edit {
        name: Some(character.name.to_owned()),
        environment: Some(character.environment.to_owned()),
        organization: Some(character.organization.to_owned()),
        tags: Some(character.tags.iter().map(|&tag| tag.to_owned()).collect()),
        note: Some("A sample key: only the simulator knows it.".to_owned()),
        ..Edit::default()
    };
    let new = NewKey {
        secret: made_up_key()?,
        source: Source::Manual,
        base_url: Some(base_url.to_owned()),
        labels,
        unchecked: false,
        select: false,
    };
    Ok(keys::add(db, custody, http, new, FACE).await?.key.id)
}

/// Makes a key that no server but the simulator takes.
fn made_up_key() -> Result<ApiKey> {
    let random = DataKey::random()?;
    let digits: String = random
        .expose()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(ApiKey::new(format!("sk-ant-api03-simulated-{digits}")))
}

/// Books one character's months: busy weekdays, quiet weekends, now and then a run that was cut off.
fn book_months(store: &Connection, id: &KeyId, character: &Character, now: Millis) -> Result<u64> {
    let mut chance = Chance(character.name.bytes().map(u64::from).sum());
    let mut rows = 0;
    for day in (0..DAYS).rev() {
        let begin = days_before(now, day);
        let is_weekend = begin
            .timestamp()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .weekday()
            .to_monday_zero_offset()
            >= 5;
        let most = if is_weekend {
            character.runs / 4
        } else {
            character.runs
        };
        for _ in 0..chance.below(most + 1) {
            let entry = run(&mut chance, id, character, begin);
            usage::book(store, &entry)?;
            rows += 1;
        }
    }
    store
        .execute(
            "UPDATE api_keys SET last_used_at =
                 (SELECT max(timestamp) FROM key_usage WHERE key_id = ?1) WHERE id = ?1",
            [id],
        )
        .doing("note when the key was used")?;
    Ok(rows)
}

/// Books what the farm's boxes did until now.
fn book_farm(store: &Connection, boxes: &[HostId], now: Millis) -> Result<()> {
    let jobs = keys::find(store, JOBS)?.id;
    let Some(character) = CHARACTERS.iter().find(|one| one.name == JOBS) else {
        return Ok(());
    };
    let mut chance = Chance(character.runs);
    for day in (0..FARM_DAYS).rev() {
        let begin = days_before(now, day);
        for host in boxes {
            for _ in 0..chance.below(FARM_RUNS) {
                let mut entry = run(&mut chance, &jobs, character, begin);
                (entry.tier, entry.host) = (Tier::Farm, Some(*host));
                usage::book(store, &entry)?;
            }
        }
    }
    Ok(())
}

fn days_before(now: Millis, days: u64) -> Millis {
    let ago = DAY.as_millis() * u128::from(days);
    Millis(now.0 - i64::try_from(ago).unwrap_or_default())
}

fn run(chance: &mut Chance, id: &KeyId, character: &Character, day: Millis) -> Entry {
    let models = character.models;
    let model = models[usize::try_from(chance.below(models.len() as u64)).unwrap_or(0)];
    let tokens = Tokens {
        input: 200 + chance.below(6_000),
        output: 50 + chance.below(1_800),
        cache_write_5m: chance.below(3) * 1_000,
        cache_read: chance.below(4) * 9_000,
        ..Tokens::default()
    };
    let priced = usage::catalogue().price(model, &tokens, &Conditions::default());
    let is_cut_off = chance.below(40) == 0;
    Entry {
        run: None,
        // Within the last day of the day's end, so that nothing lies in the future.
        at: Millis(day.0 - i64::try_from(chance.below(36_000_000)).unwrap_or(0)),
        payer: Payer::Key(id.clone()),
        key: Some(id.clone()),
        tier: Tier::Metered,
        model: model.to_owned(),
        host: None,
        environment: character.environment.to_owned(),
        basis: if is_cut_off {
            Basis::Estimated
        } else {
            Basis::Metered
        },
        tokens,
        cost: priced.as_ref().map(|priced| priced.cost),
        priced_as_of: priced.map(|priced| priced.as_of),
    }
}

/// The same numbers at every start, so that pictures of the demo stay comparable (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}
