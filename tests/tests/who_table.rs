//! The table of who pays, held against the real CLI and against `who`.
//!
//! Runs in a network namespace with loopback only, so that nothing can leave whatever a house says,
//! and in a mount namespace, so that managed settings can be put under `/etc`.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use switchyard_core::child;
use switchyard_core::shell::precedence::{Payer, Source};
use switchyard_core::shell::{Asker, Question, who};
use switchyard_simulator::{LoggedRequest, Script, Simulator};
use switchyard_tests::{House, real_cli};

#[path = "../../crates/core/src/shell/precedence_rows.rs"]
pub(crate) mod rows;

use super::payer_table::houses;
use rows::{ROWS, Row};

const PATIENCE: Duration = Duration::from_secs(60);
/// So many rows are tried at once: each spends most of its time in processes of its own.
const LANES: usize = 2;

#[tokio::test]
async fn the_real_cli_sends_what_the_table_says_and_who_says_the_same() {
    const NAME: &str = "who_table::the_real_cli_sends_what_the_table_says_and_who_says_the_same";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let lanes = (0..LANES).map(|first| lane(first, &cli));
    let (tried, wrong): (Vec<_>, Vec<_>) = join_all(lanes).await.into_iter().unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tried.iter().sum::<usize>(), all().count());
}

/// Returns every house: those of the rules, and those that only the routes are held against besides.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(houses::MORE)
}

/// Tries every row of a lane, and returns how many those were and what was not as the table says.
async fn lane(first: usize, cli: &Path) -> (usize, Vec<String>) {
    let servers = Servers {
        usual: Simulator::start(Script::new().any_key()).await,
        elsewhere: Simulator::start(Script::new().any_key()).await,
    };
    let (mut count, mut wrong) = (0, Vec::new());
    // Each row is in one lane; the caller sees by their count that none was left out.
    for row in all().skip(first).step_by(LANES) {
        count += 1;
        let house = House::new(cli, &servers.elsewhere.base_url(), row.env, row.files);
        if row.login {
            house.log_in("home/.claude", "login");
        }
        for (who, sends) in [
            ("sent", sent(row, &house, &servers, cli).await),
            ("who says", said(row, &house).await),
        ] {
            if sends != row.sends {
                wrong.push(format!(
                    "{}: expected {}, {who} {sends}",
                    row.about, row.sends
                ));
            }
        }
    }
    (count, wrong)
}

struct Servers {
    usual: Simulator,
    /// That of rows which name a server.
    elsewhere: Simulator,
}

/// Runs a plain `claude -p` and returns what arrived.
async fn sent(row: &Row, house: &House, servers: &Servers, cli: &Path) -> String {
    for server in [&servers.usual, &servers.elsewhere] {
        server.clear();
    }
    let mut command = house.command(
        cli,
        &[
            ("ANTHROPIC_BASE_URL", &servers.usual.base_url()),
            ("DISABLE_AUTOUPDATER", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("CLAUDE_CODE_MAX_RETRIES", "0"),
            ("API_TIMEOUT_MS", "10000"),
        ],
    );
    command.args(["-p", "--model", "claude-sonnet-5-5", "hi"]);
    let done = child::output(command, PATIENCE, 1 << 16).await.unwrap();
    let runs = |server: &Simulator| {
        let mut seen = server.requests();
        seen.retain(|request| request.path == "/v1/messages");
        seen
    };
    let (usual, elsewhere) = (runs(&servers.usual), runs(&servers.elsewhere));
    let cloud = row.sends.starts_with("cloud=");
    if cloud && usual.is_empty() && elsewhere.is_empty() && done.code == Some(1) {
        return row.sends.to_owned();
    }
    let (seen, astray) = match is_elsewhere(row) {
        true => (elsewhere, usual),
        false => (usual, elsewhere),
    };
    match (seen.first(), astray.is_empty()) {
        (_, false) => "something to another server".to_owned(),
        (Some(request), true) => labelled(row, house, request),
        (None, true) => "nothing".to_owned(),
    }
}

/// Tells whether a row names another server.
fn is_elsewhere(row: &Row) -> bool {
    let values = row.env.iter().chain(row.files).map(|(_, value)| value);
    let mut named = values.filter(|value| value.contains("{E}"));
    named.next().is_some()
}

/// Writes what arrived as the table does.
fn labelled(row: &Row, house: &House, request: &LoggedRequest) -> String {
    let credentials = house.credentials(request);
    let credentials = match row.sends.contains("helper") {
        true => credentials
            .replace("=P", "=helper")
            .replace("=K2", "=helper"),
        false => credentials,
    };
    credentials.replace("=R", "=profile")
}

/// Asks `who` about the house, and writes its answer as the table does.
async fn said(row: &Row, house: &House) -> String {
    let variables = house.variables().into_iter();
    let report = who(&Question {
        asker: Asker::Terminal,
        environment: variables.map(|(n, v)| (n.into(), v.into())).collect(),
        home: house.path("home"),
        working: house.path("work"),
        root: house.root().to_owned(),
        shell_deadline: None,
        cli_deadline: Some(PATIENCE),
        cli: None,
    })
    .await;
    if report.redirect.is_some() != is_elsewhere(row) {
        return format!("{:?}", report.redirect);
    }
    let named = |source: &Source| match source {
        Source::Credential(held) => house.label(&held.last4).unwrap_or("unknown"),
        Source::Helper { .. } => "helper",
        Source::Login { .. } => "login",
        Source::Profile { .. } => "profile",
        Source::Federation { .. } => "federation",
    };
    match &report.payer {
        Payer::Nobody(_) => "nothing".to_owned(),
        Payer::Cloud { provider, .. } => format!("cloud={provider}"),
        Payer::Both { key, bearer } => format!("key={} bearer={}", named(key), named(bearer)),
        Payer::One { source } => {
            let name = named(source);
            match source {
                Source::Helper { .. } => "key=helper bearer=helper".to_owned(),
                // One credential alone: which header it goes in is not part of the answer.
                _ if row.sends == format!("key={name}") => row.sends.to_owned(),
                _ => format!("bearer={name}"),
            }
        }
    }
}
