//! What was sent before and what it cost, as people ask for it.

use switchyard_core::clock::Millis;
use switchyard_simulator::{Script, Simulator};
use switchyard_tests::{Machine, Planted};

#[test]
fn history_says_when_by_the_clock_of_the_zone_that_is_set() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().any_key());
    let machine = Machine::with_key(&key, &server);
    machine.run(["send", "Hi."]).expect_success();
    let at = Millis(machine.value("SELECT started_at FROM runs"));
    for zone in ["Asia/Kathmandu", "America/St_Johns"] {
        machine
            .run(["settings", "usage.zone", zone])
            .expect_success();
        let clock = at.timestamp().in_tz(zone).unwrap();
        let time = clock.strftime("%Y-%m-%d %H:%M").to_string();
        for arguments in [&["history"][..], &["history", "1"]] {
            let shown = machine.run(arguments).succeeded();
            assert!(shown.contains(&time), "{time} is not in {shown}");
        }
    }
}

#[test]
fn an_environment_that_nothing_has_is_a_mistake_and_not_a_sum_of_nothing() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().any_key());
    let machine = Machine::with_key(&key, &server);
    let usage = |label: &str| machine.run(["usage", "--environment", label]);
    let said = usage("prodution").failed_with(2);
    assert!(said.contains("hint: None has one yet"), "{said}");
    for label in ["staging", "production"] {
        machine
            .run(["keys", "edit", "Work", "--environment", label])
            .expect_success();
        machine.run(["send", "Hi."]).expect_success();
    }
    assert_eq!(
        usage("prodution").failed_with(2),
        "error: No key and no run has the environment prodution.\n\
         hint: There are: production, staging.\n"
    );
    for label in ["staging", "production", ""] {
        usage(label).expect_success();
    }
}
