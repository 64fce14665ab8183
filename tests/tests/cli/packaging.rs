//! What a package ships beside the program, made by the program.

use std::process::Command;

use switchyard_tests::Machine;

#[test]
fn every_shell_is_told_of_each_command() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = machine.run(["completions", shell]).succeeded();
        for word in ["history", "add-slot", "real-call"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test asks the shell itself")]
fn bash_completes_from_the_script_alone() {
    let machine = Machine::new();
    let script = machine.root().join("switchyard.bash");
    std::fs::write(&script, machine.run(["completions", "bash"]).succeeded()).unwrap();
    let asking = "source \"$0\"; COMP_WORDS=(switchyard vault add-); COMP_CWORD=2
        _switchyard switchyard add- vault; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let answer = Command::new("bash")
        .args(["--norc", "-c", asking])
        .arg(&script)
        .output();
    let answer = answer.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer.stdout),
        "add-slot\n",
        "{answer:?}"
    );
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let machine = Machine::new();
    let folder = machine.root().join("man1");
    std::fs::create_dir(&folder).unwrap();
    let folder_name = folder.to_str().unwrap();
    machine.run(["man-pages", folder_name]).expect_success();
    for page in [
        "switchyard.1",
        "switchyard-send.1",
        "switchyard-vault-init.1",
    ] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let refused = machine.run(["man-pages", "/nonexistent"]).failed_with(1);
    assert_eq!(refused.lines().count(), 2, "{refused}");
}
