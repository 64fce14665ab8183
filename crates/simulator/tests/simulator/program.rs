//! The binary: ready, labelled, and gone with its parent.

use std::io::{BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{line, new_key};

fn start(arguments: &[&str]) -> Child {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts the program under test"
    )]
    let mut program = Command::new(env!("CARGO_BIN_EXE_switchyard-simulator"));
    let pipes = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    pipes.args(arguments).spawn().unwrap()
}

#[test]
fn it_says_where_it_is_and_that_it_is_simulated_and_ends_with_its_input() {
    let mut program = start(&["--events", "3"]);
    let mut output = BufReader::new(program.stdout.take().unwrap());
    let ready: Value = serde_json::from_str(&line(&mut output)).unwrap();
    assert_eq!(ready["simulated"], true);
    assert!(ready["notice"].as_str().unwrap().contains("SIMULATED"));
    let port = u16::try_from(ready["port"].as_u64().unwrap()).unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}

#[test]
fn it_never_prints_a_key_that_it_was_told() {
    let key = new_key();
    let mut program = start(&[]);
    let mut input = program.stdin.take().unwrap();
    writeln!(input, "{{\"key\": \"{key}\", \"state\": \"valid\"}}").unwrap();
    writeln!(input, "{key}").unwrap();
    drop(input);
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        said.contains("is not {"),
        "the second line is a problem, and told: {said}"
    );
    assert!(!said.contains(&key));
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2_and_the_usage() {
    let mut program = start(&["--colour", "red"]);
    let mut said = String::new();
    program
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(2));
    assert!(said.contains("usage: switchyard-simulator"), "{said}");
}

#[cfg(unix)]
#[test]
fn it_ends_on_sigterm_while_its_input_stays_open() {
    let mut program = start(&[]);
    let mut output = BufReader::new(program.stdout.take().unwrap());
    line(&mut output);
    #[expect(
        clippy::disallowed_methods,
        reason = "no safe call in std sends a signal"
    )]
    let sent = Command::new("kill")
        .arg(program.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
    assert!(program.wait().unwrap().success());
}
