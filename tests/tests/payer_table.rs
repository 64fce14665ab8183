//! The table of routes, with the real CLI and a store of its own for each row: the credential that
//! arrives is the one that the route named, whatever else is planted around it.
//!
//! Each row is a process with the house's home, working directory, environment and `/etc`, in a network
//! namespace with loopback only. A second server stands where `ANTHROPIC_BASE_URL` leads, so that what
//! goes astray is seen.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use switchyard_core::agent::{Answered, Ask as AskUser, Asked, Question};
use switchyard_core::child;
use switchyard_core::clock::Clock;
use switchyard_core::consent::{self, Subject};
use switchyard_core::dispatch::{Ask, Class, PayWith, Request, channel};
use switchyard_core::error::Failure;
use switchyard_core::keys::{self, Edit, NewKey, Source};
use switchyard_core::paths::Paths;
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::secret::{ApiKey, Passphrase};
use switchyard_core::usage::Basis;
use switchyard_core::vault::NewVault;
use switchyard_core::{App, Result};
use switchyard_simulator::{Match, Reply, Script, Simulator};
use switchyard_tests::{House, real_cli};
use tokio_util::sync::CancellationToken;

pub(crate) mod houses;
mod rows;

use rows::{By, Is, KEY_VARIABLE, ROWS, Row, TOKEN_VARIABLE};

const NAME: &str = "payer_table::what_arrives_is_what_the_route_named";
/// The number of the row that a process tries.
const ROW: &str = "SWITCHYARD_TEST_ROW";
/// Beside the store: what the process of a row needs to know, and what it says at its end.
const SHEET: &str = "sheet.json";
const SAID: &str = "said.json";
/// The configuration folder of [`By::Folder`].
const FOLDER: &str = "logins/work";
const LOGIN: &str = "of-the-row";
const PATIENCE: Duration = Duration::from_secs(120);
/// So many rows are tried at once: each spends much of its time waiting for processes of its own.
const LANES: usize = 3;

/// What stands in a configuration folder besides the login.
const HOSTILE: &str =
    r#"{"apiKeyHelper":"echo {P}","env":{"ANTHROPIC_API_KEY":"{K2}","ANTHROPIC_BASE_URL":"{E}"}}"#;

/// Whose login a configuration folder holds, as the CLI keeps it beside the login.
const ACCOUNT_OF_FOLDER: &str = r#"{"oauthAccount":{"accountUuid":"f","emailAddress":"folder@example.com",
    "organizationUuid":"o","organizationName":"The folder's"}}"#;
const PROOF_OF_FOLDER: &str = "claude: Claude Max, The folder's, folder@example.com";
const PROOF_OF_TOKEN: &str = "claude: token from CLAUDE_CODE_OAUTH_TOKEN";

/// The header by which a server says who was billed.
const ORGANIZATION: &str = "anthropic-organization-id";

#[tokio::test]
async fn what_arrives_is_what_the_route_named() {
    if let Ok(row) = std::env::var(ROW) {
        return Tried::new(&ROWS[row.parse::<usize>().unwrap()]).run().await;
    }
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let lanes = (0..LANES).map(|first| lane(first, &cli));
    let (tried, wrong): (Vec<_>, Vec<_>) = join_all(lanes).await.into_iter().unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tried.iter().sum::<usize>(), ROWS.len());
}

#[test]
fn the_table_is_as_wide_as_it_has_to_be() {
    let paid = ROWS.iter().filter(|row| matches!(row.is, Is::Paid(_)));
    assert!(ROWS.len() >= 60 && paid.count() >= 40);
    for (at, row) in ROWS.iter().enumerate() {
        let again = ROWS[..at].iter();
        let mut again = again.filter(|other| (other.house, other.by) == (row.house, row.by));
        assert!(again.next().is_none(), "{} twice", row.house);
    }
}

#[test]
fn a_payer_or_a_proof_that_names_another_fails_its_row() {
    let house = House::new(Path::new("/nonexistent"), "http://127.0.0.1:9", &[], &[]);
    for row in ROWS {
        let Is::Paid(credential) = row.is else {
            continue;
        };
        let [payer, basis, proof] = expected(row.by, credential, &house);
        let right = json!({ "payer": payer, "basis": basis, "proof": proof, "error": null });
        let arrived = [credential.to_owned()];
        assert!(compared(row, &house, &right, &arrived).is_ok());
        for field in ["payer", "basis", "proof", "error"] {
            let mut wrong = right.clone();
            wrong[field] = json!("another");
            assert!(compared(row, &house, &wrong, &arrived).is_err(), "{field}");
        }
    }
}

/// Tries every row of a lane, and returns how many those were and what was not as its row says.
async fn lane(first: usize, cli: &Path) -> (usize, Vec<String>) {
    let server = Simulator::start(Script::new().any_key()).await;
    let elsewhere = Simulator::start(Script::new().any_key()).await;
    let (mut count, mut wrong) = (0, Vec::new());
    // Each row is in one lane; the caller sees by their count that none was left out.
    for (number, row) in ROWS.iter().enumerate().skip(first).step_by(LANES) {
        count += 1;
        server.clear();
        let tried = tried(number, row, cli, &server, &elsewhere).await;
        let astray = elsewhere.requests();
        elsewhere.clear();
        let seen = match (tried, astray.as_slice()) {
            (Ok(()), []) => continue,
            (Err(seen), []) => seen,
            (_, astray) => format!("{astray:?} elsewhere"),
        };
        wrong.push(format!(
            "{} by {:?}: expected {:?}, but {seen}",
            row.house, row.by, row.is
        ));
    }
    (count, wrong)
}

/// Tries a row in a process of its own.
async fn tried(
    number: usize,
    row: &Row,
    cli: &Path,
    server: &Simulator,
    elsewhere: &Simulator,
) -> Result<(), String> {
    let mut all = super::who_table::all();
    let planted = all.find(|planted| planted.about == row.house);
    let planted = planted.ok_or("there is no such house")?;
    let house = House::new(cli, &elsewhere.base_url(), planted.env, planted.files);
    if planted.login {
        house.log_in("home/.claude", "login");
    }
    house.log_in(FOLDER, "F");
    house.write_filled(&format!("{FOLDER}/settings.json"), HOSTILE);
    house.write(&format!("{FOLDER}/.claude.json"), ACCOUNT_OF_FOLDER);
    if let Is::Paid(credential) = row.is {
        let label = label(credential);
        let paid = Match::path("/v1/messages").key(house.value(label));
        let reply = Reply::text("You.").header(ORGANIZATION, organization(label));
        server.when(paid, reply);
    }
    let sheet = json!({ "server": server.address(), "cli": cli, "stored": house.value("S") });
    house.write(SHEET, &sheet.to_string());
    let number = number.to_string();
    let mut command = house.command(
        &std::env::current_exe().unwrap(),
        &[
            ("ANTHROPIC_BASE_URL", &elsewhere.base_url()),
            (TOKEN_VARIABLE, house.value("V")),
            (KEY_VARIABLE, house.value("W")),
            (ROW, &number),
        ],
    );
    command.args(["--exact", NAME]);
    let done = child::output(command, PATIENCE, 1 << 20).await.unwrap();
    let said = std::fs::read_to_string(house.path(SAID)).map_err(|_| {
        let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        format!("its process failed: {text}")
    })?;
    let said: Value = serde_json::from_str(&said).unwrap();
    let requests = server.requests().into_iter();
    let arrived: Vec<_> = requests
        // A key is tried before it is stored.
        .filter(|request| row.by != By::Stored || request.path != "/v1/models")
        .map(|request| house.credentials(&request))
        .collect();
    compared(row, &house, &said, &arrived)
}

/// Returns the label of the credential of a row that is paid, such as `S` of `key=S`.
fn label(credential: &'static str) -> &'static str {
    credential.split_once('=').unwrap().1
}

/// Returns whom the server says that a credential belongs to.
fn organization(label: &str) -> String {
    format!("organization-of-{label}")
}

/// Returns who is named before the run, what it is booked as, and the proof that is kept with it.
fn expected(by: By, credential: &'static str, house: &House) -> [Value; 3] {
    let label = label(credential);
    let plan = format!("your plan ({LOGIN})");
    let by_key = || format!("organization {}", organization(label));
    let (payer, basis, proof) = match by {
        By::Login => (plan, Basis::Plan, "claude: Claude Max".to_owned()),
        By::Folder => (plan, Basis::Plan, PROOF_OF_FOLDER.to_owned()),
        By::Token(_) => (plan, Basis::Plan, PROOF_OF_TOKEN.to_owned()),
        By::Stored => ("Stored".to_owned(), Basis::Metered, by_key()),
        By::Variable(name) => {
            let value = house.value(label);
            let payer = format!("${name} …{}", &value[value.len() - 4..]);
            (payer, Basis::Metered, by_key())
        }
    };
    [json!(payer), json!(basis), json!(proof)]
}

fn compared(row: &Row, house: &House, said: &Value, arrived: &[String]) -> Result<(), String> {
    let is_right = match row.is {
        Is::Paid(credential) => {
            let [payer, basis, proof] = expected(row.by, credential, house);
            arrived == [credential]
                && said["payer"] == payer
                && said["basis"] == basis
                && said["proof"] == proof
                && said["error"].is_null()
        }
        Is::Refused(code, word) => {
            let message = said["error"]["message"].as_str().unwrap_or_default();
            arrived.is_empty()
                && said["basis"].is_null()
                && said["error"]["code"] == json!(code)
                && message.contains(word)
        }
    };
    match is_right {
        true => Ok(()),
        false => Err(format!("{arrived:?} arrived, and it was said: {said}")),
    }
}

/// Nobody is asked.
struct Nobody;

impl AskUser for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }
}

/// A row in its own process, whose environment and working directory are those of the house.
struct Tried {
    root: PathBuf,
    sheet: Value,
    by: By,
}

impl Tried {
    fn new(row: &Row) -> Self {
        let working = std::env::current_dir().unwrap();
        let root = working.parent().unwrap().to_owned();
        let sheet = std::fs::read_to_string(root.join(SHEET)).unwrap();
        Self {
            root,
            sheet: serde_json::from_str(&sheet).unwrap(),
            by: row.by,
        }
    }

    async fn run(&self) {
        let server: SocketAddr = self.sheet["server"].as_str().unwrap().parse().unwrap();
        let app = App::at(
            Paths::under(&self.root),
            Clock::system(),
            "test",
            Arc::new(Nobody),
        );
        let app = app.simulated(server).unwrap();
        let pay_with = self.set_up(&app, server).await;
        let said = match self.send(&app, pay_with).await {
            Ok(said) => said,
            Err(error) => json!({ "error": Failure::from(&error) }),
        };
        std::fs::write(self.root.join(SAID), said.to_string()).unwrap();
    }

    /// Puts into the store what the row pays with.
    async fn set_up(&self, app: &App, server: SocketAddr) -> PayWith {
        let base_url = Some(format!("http://{server}"));
        let place = match self.by {
            By::Login => Place::Usual,
            By::Folder => Place::Folder {
                folder: self.root.join(FOLDER),
            },
            By::Token(variable) => Place::Variable {
                variable: variable.to_owned(),
            },
            By::Variable(name) => {
                let name = name.to_owned();
                return PayWith::Env { name, base_url };
            }
            By::Stored => return self.store(app, base_url).await,
        };
        let cli = Some(PathBuf::from(self.sheet["cli"].as_str().unwrap()));
        let set = app.write(move |store, now| {
            plan::PROGRAM.set(store, &cli, now)?;
            let name = LOGIN.to_owned();
            plan::add(store, PlanLogin { name, place }, now)?;
            plan::select(store, LOGIN, now)?;
            let version = Subject::Subscription.text().version;
            consent::accept(store, Subject::Subscription, &version, "test", now).map(drop)
        });
        set.await.unwrap();
        PayWith::Plan { login: None }
    }

    async fn store(&self, app: &App, base_url: Option<String>) -> PayWith {
        let vault = NewVault {
            passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
            ..NewVault::default()
        };
        app.vault().unwrap().create(vault).await.unwrap();
        let new = NewKey {
            secret: ApiKey::new(self.sheet["stored"].as_str().unwrap().to_owned()),
            source: Source::Manual,
            base_url,
            labels: Edit {
                name: Some("Stored".to_owned()),
                ..Edit::default()
            },
            unchecked: false,
            select: true,
        };
        let access = app.access_quietly().unwrap();
        let added = keys::add(
            app.db().unwrap(),
            access.as_ref(),
            app.http().unwrap(),
            new,
            "test",
        );
        PayWith::Key(added.await.unwrap().key.id)
    }

    async fn send(&self, app: &App, pay_with: PayWith) -> Result<Value> {
        let dispatch = app.dispatch_quietly()?;
        let ask = Ask {
            pay_with,
            class: Class::Interactive,
            reply_to: None,
            request: Request {
                prompt: "Who pays?".to_owned(),
                ..Request::default()
            },
        };
        let own = |name: &str| std::env::var(name).ok();
        let prepared = dispatch.preflight(ask, own).await?;
        let payer = prepared.route.payer.clone();
        let (sink, mut events) = channel();
        let run = dispatch.run(prepared, sink, CancellationToken::new());
        let listen = async { while events.recv().await.is_some() {} };
        let (outcome, ()) = tokio::join!(run, listen);
        let outcome = outcome?;
        Ok(json!({
            "payer": payer,
            "basis": outcome.receipt.booked.map(|booked| booked.basis),
            "proof": outcome.receipt.proof,
            "error": outcome.error.as_ref().map(Failure::from),
        }))
    }
}
