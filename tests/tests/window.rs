//! The real window in the real web view, clicked through as a person would: what it asks for is found
//! by role and name, as a screen reader finds it.

mod ends;
mod farm;
mod first_run;
mod hostile;
mod instance;
mod plan;
mod routing;
mod runs;
mod tray;

use switchyard_simulator::{KeyState, Script, Simulator};
use switchyard_tests::{Desk, Planted};

/// Names the CLI to test with.
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";

/// Makes a key, and a server that takes it.
async fn key_and_server() -> (Planted, String, Simulator) {
    let mut planted = Planted::default();
    let key = planted.key("sk-ant-api03-");
    let server = Simulator::start(Script::new().key(&key, KeyState::Valid)).await;
    (planted, key, server)
}

/// Ends a test: nothing secret is in any file of the machine, and the page and the program had
/// nothing to complain about.
fn expect_clean(desk: &Desk, planted: &Planted) {
    let found = planted.found_under(desk.machine.root());
    assert!(found.is_empty(), "{found:#?}");
    let faults = desk.faults();
    assert!(faults.is_empty(), "{faults:#?}");
}
