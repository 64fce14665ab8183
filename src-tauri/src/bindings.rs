//! Writes the page's side of the wire, `ui/src/lib/bindings.ts`, and holds it against the table.

use std::collections::BTreeMap;
use std::fmt::Write;

use ts_rs::{Config, TS, TypeVisitor};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/lib/bindings.ts");
const HEADER: &str = "// Generated from the table in src-tauri/src/commands.rs; a test fails where the two differ.\n\
     // Write it anew: SWITCHYARD_WRITE_BINDINGS=1 cargo test --package switchyard-desktop bindings\n\n\
     import { call, stream } from './host';\n";

/// One line of the table.
pub(crate) struct Command {
    pub(crate) docs: &'static str,
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<(&'static str, String)>,
    pub(crate) channel: Option<(&'static str, String)>,
    pub(crate) reply: String,
}

/// The types that the table names, and those that they are made of.
#[derive(Default)]
pub(crate) struct Types(BTreeMap<String, String>);

impl Types {
    pub(crate) fn take<T: TS + 'static + ?Sized>(&mut self, config: &Config) {
        Visitor {
            config,
            types: self,
        }
        .visit::<T>();
    }
}

struct Visitor<'a> {
    config: &'a Config,
    types: &'a mut Types,
}

impl TypeVisitor for Visitor<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What has a file of its own in ts-rs's eyes is a type of ours; the rest is built in.
        let is_new = T::output_path().is_none()
            || self
                .types
                .0
                .insert(T::ident(self.config), declaration::<T>(self.config))
                .is_none();
        if is_new {
            T::visit_dependencies(self);
            T::visit_generics(self);
        }
    }
}

fn declaration<T: TS + 'static + ?Sized>(config: &Config) -> String {
    format!(
        "{}export {}\n",
        T::docs().unwrap_or_default(),
        T::decl(config)
    )
}

fn written() -> String {
    let config = Config::new().with_large_int("number");
    let mut types = Types::default();
    let commands = crate::commands::table(&config, &mut types);
    let mut text = HEADER.to_owned();
    for declaration in types.0.values() {
        let _ = write!(text, "\n{declaration}");
    }
    for command in &commands {
        let _ = write!(text, "\n{}", function(command));
    }
    text
}

fn function(command: &Command) -> String {
    let Command { name, reply, .. } = command;
    let docs: Vec<&str> = command.docs.lines().map(str::trim).collect();
    let names: Vec<&str> = command.arguments.iter().map(|(name, _)| *name).collect();
    let mut typed: Vec<String> = command
        .arguments
        .iter()
        .map(|(name, kind)| format!("{name}: {kind}"))
        .collect();
    let names = names.join(", ");
    let (outcome, call) = match &command.channel {
        None => (
            format!("Promise<{reply}>"),
            format!("call('{name}', {{ {names} }})"),
        ),
        Some((channel, event)) => {
            typed.push(format!("{channel}: (event: {event}) => void"));
            (
                format!("Promise<{reply}>"),
                format!("stream('{name}', {{ {names} }}, '{channel}', {channel})"),
            )
        }
    };
    format!(
        "/** {} */\nexport const {name} = ({}): {outcome} => {call};\n",
        docs.join(" "),
        typed.join(", "),
    )
}

#[test]
fn the_bindings_of_the_page_are_those_of_the_table() {
    let wanted = written();
    if std::env::var_os("SWITCHYARD_WRITE_BINDINGS").is_some() {
        std::fs::write(PATH, &wanted).unwrap();
    }
    let committed = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        committed == wanted,
        "ui/src/lib/bindings.ts is not what the table says; its first lines tell how to write it anew"
    );
}

#[test]
fn the_main_window_may_call_each_command_of_the_table_and_no_other() {
    let config = Config::new();
    let mut names: Vec<String> = crate::commands::table(&config, &mut Types::default())
        .iter()
        .map(|command| format!("allow-{}", command.name.replace('_', "-")))
        .collect();
    let capability: serde_json::Value =
        serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
    let mut granted: Vec<String> =
        serde_json::from_value(capability["permissions"].clone()).unwrap();
    names.sort();
    granted.sort();
    assert_eq!(granted, names);
}
