//! One command with a login of the plan and nothing beside it: which login that is, and what settings
//! files may not make of it.

use std::os::unix::fs::PermissionsExt;

use switchyard_core::shell::names;
use switchyard_tests::{Machine, Outcome, Planted};

use super::key_and_server;
use super::scope::{plant, purposes, variables};

const EXEC: [&str; 3] = ["exec", "--tier", "subscription"];

fn exec<'a>(machine: &Machine, rest: impl IntoIterator<Item = &'a str>) -> Outcome {
    machine.run(EXEC.into_iter().chain(rest))
}

/// Makes a folder of the machine, and returns its path.
fn folder(machine: &Machine, name: &str) -> String {
    let folder = machine.home().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder.display().to_string()
}

#[test]
fn the_chosen_login_is_handed_over_and_nothing_else() {
    let mut machine = Machine::new();
    let mut planted = Planted::default();
    let _ = plant(&mut machine, &mut planted);
    machine.set(names::CONFIG_DIR, "/home/of/a/login");
    let env = ["--", "env", "-0"];
    let done = exec(&machine, env);
    assert!(!planted.is_in(done.stdout.as_bytes()), "{}", done.stderr);
    let seen = variables(done.stdout.as_bytes());
    for gone in [names::API_KEY, names::BASE_URL, names::CONFIG_DIR] {
        assert!(!seen.contains_key(gone), "{gone}: {}", done.stderr);
    }
    let said = "env has no credential but your plan's login claude (that of `claude` itself)";
    assert!(done.stderr.starts_with(said), "{}", done.stderr);
    assert!(done.stderr.contains("CLAUDE_CONFIG_DIR=/home/of/a/login"));
    assert!(!machine.paths().database().exists(), "it made a store");

    let _ = machine.make_vault();
    exec(&machine, env).expect_success();
    assert_eq!(purposes(&machine), "exec env, paid by plan (claude)");
}

#[test]
fn a_login_in_a_folder_sets_that_folder_and_an_inherited_one_is_named_as_left_out() {
    let mut machine = Machine::new();
    let (work, home) = (folder(&machine, "work"), folder(&machine, "private"));
    for (name, folder) in [("work", &work), ("home", &home)] {
        machine
            .run(["plan", "add", name, "--folder", folder])
            .expect_success();
    }
    machine.run(["plan", "select", "work"]).expect_success();
    let seen = |machine: &Machine, rest: &[&str]| {
        let done = exec(machine, rest.iter().chain(&["--", "env", "-0"]).copied());
        let seen = variables(done.stdout.as_bytes());
        (seen.get(names::CONFIG_DIR).cloned(), done.stderr)
    };
    let (set, said) = seen(&machine, &[]);
    assert_eq!(set.as_ref(), Some(&work), "{said}");
    let expected =
        format!("env has no credential but your plan's login work (CLAUDE_CONFIG_DIR={work})\n");
    assert_eq!(said, expected);
    machine.set(names::CONFIG_DIR, &home);
    let (set, said) = seen(&machine, &[]);
    assert_eq!(set.as_ref(), Some(&work), "{said}");
    let left = format!("left out: CLAUDE_CONFIG_DIR={home}");
    assert!(said.contains(&left), "{said}");
    let (set, said) = seen(&machine, &["--login", "home"]);
    assert_eq!(set.as_ref(), Some(&home), "{said}");
    assert!(!said.contains("left out"), "{said}");
    let (set, said) = seen(&machine, &["--login", "claude"]);
    assert_eq!(set, None, "{said}");
    let all = "exec env, paid by plan (work) | exec env, paid by plan (work) | \
               exec env, paid by plan (home) | exec env, paid by plan (claude)";
    assert_eq!(purposes(&machine), all);

    let refused = exec(&machine, ["--login", "nobody", "--", "env"]).failed_with(8);
    assert!(
        refused.contains("There are: claude, work, home."),
        "{refused}"
    );
    std::fs::remove_dir(&work).unwrap();
    let refused = exec(&machine, ["--", "env"]).failed_with(2);
    assert!(refused.contains(&work), "{refused}");
}

#[test]
fn a_login_in_a_variable_is_handed_over_by_the_name_that_claude_reads() {
    let mut machine = Machine::new();
    let mut planted = Planted::default();
    let (token, other) = (planted.key("sk-ant-oat01-"), planted.key("sk-ant-oat01-"));
    machine
        .set("CI_TOKEN", &token)
        .set(names::OAUTH_TOKEN, &other);
    for name in ["CI_TOKEN", names::OAUTH_TOKEN] {
        let add = ["plan", "add", name, "--variable", name];
        machine.run(add).expect_success();
    }
    let run = |login: &str| exec(&machine, ["--login", login, "--", "env", "-0"]);
    let done = run("CI_TOKEN");
    let seen = variables(done.stdout.as_bytes());
    assert_eq!(
        seen.get(names::OAUTH_TOKEN),
        Some(&token),
        "{}",
        done.stderr
    );
    assert!(!seen.contains_key("CI_TOKEN"), "twice");
    assert!(
        done.stderr
            .contains("CLAUDE_CODE_OAUTH_TOKEN from $CI_TOKEN")
    );
    let left = "left out: CI_TOKEN, CLAUDE_CODE_OAUTH_TOKEN\n";
    assert!(done.stderr.ends_with(left), "{}", done.stderr);
    assert!(!planted.is_in(done.stderr.as_bytes()));

    let done = run(names::OAUTH_TOKEN);
    let seen = variables(done.stdout.as_bytes());
    assert_eq!(
        seen.get(names::OAUTH_TOKEN),
        Some(&other),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.ends_with("left out: CI_TOKEN\n"),
        "{}",
        done.stderr
    );

    machine.set("CI_TOKEN", Planted::default().key("sk-ant-api03-"));
    let refused = exec(&machine, ["--login", "CI_TOKEN", "--", "env"]);
    assert!(refused.failed_with(2).contains("holds an API key"));
}

#[test]
fn a_settings_file_that_would_bill_a_key_keeps_every_program_from_the_plan() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let wrapper = machine.home().join("my-wrapper");
    std::fs::write(&wrapper, "#!/bin/sh\necho started\n").unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let wrapper = wrapper.to_str().unwrap();
    let by_key = || machine.run(["exec", "--key", "Work", "--quiet", "--", wrapper]);
    let by_plan = |rest: &[&str]| {
        let command = ["--quiet", "--", wrapper];
        exec(&machine, rest.iter().copied().chain(command))
    };
    for done in [by_key(), by_plan(&[])] {
        assert_eq!(
            (done.stdout.as_str(), done.stderr.as_str()),
            ("started\n", "")
        );
    }
    let planted = Planted::default().key("sk-ant-api03-");
    let settings = format!("{}/settings.json", folder(&machine, ".claude"));
    for (text, says) in [
        (
            serde_json::json!({ "env": { names::API_KEY: planted } }),
            "claude bills key …",
        ),
        (
            serde_json::json!({ "apiKeyHelper": "print-a-key" }),
            "the key that apiKeyHelper prints",
        ),
        (
            serde_json::json!({ "env": { names::BASE_URL: "https://gateway.example" } }),
            "sends the credential to gateway.example",
        ),
    ] {
        std::fs::write(&settings, text.to_string()).unwrap();
        let noted = purposes(&machine);
        let refused = by_plan(&[]);
        assert_eq!(refused.stdout, "", "it was started");
        let refused = refused.failed_with(1);
        assert!(refused.contains(says), "{refused}");
        assert!(
            refused.contains("~/.claude/settings.json, line 1"),
            "{refused}"
        );
        assert!(refused.contains("--anyway"), "{refused}");
        assert!(!refused.contains(&planted));
        assert_eq!(purposes(&machine), noted, "a use that was none is noted");
        for done in [by_plan(&["--anyway"]), by_key()] {
            assert!(
                done.stderr.starts_with("warning: A settings file "),
                "{done:?}"
            );
            assert!(done.stderr.contains(says), "{done:?}");
            assert_eq!(done.stdout, "started\n");
        }
    }
}
