use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

fn file(text: &str) -> EnvFile {
    EnvFile {
        bytes: Zeroizing::new(text.as_bytes().to_vec()),
        ..EnvFile::empty(Path::new("/srv/repos.env"))
    }
}

fn read(text: &str) -> Result<Option<String>> {
    let value = file(text).value("KEY")?;
    Ok(value.map(|value| value.expose().to_owned()))
}

fn is(text: &str, value: &str) {
    assert_eq!(read(text).unwrap().as_deref(), Some(value), "{text:?}");
}

fn set(text: &str, value: &str) -> String {
    let changed = file(text).with("KEY", value).unwrap();
    String::from_utf8(changed.bytes().to_vec()).unwrap()
}

#[test]
fn what_a_script_would_get_is_read_and_the_last_assignment_wins() {
    is("KEY=abc", "abc");
    is("# the key\nexport KEY=abc # mine\n", "abc");
    is("KEY='a b'\"c\"\\ d", "a bc d");
    is("A=$(date)\nKEY=one\nexport KEY='two'\n", "two");
    is("set -a\r\nKEY=abc\r\nset +a\r\n", "abc");
    is("export A=1 KEY=abc B=2; C=3", "abc");
    is("KEY=abc\nNAME=Our App\n", "abc");
    is("NOTE='KEY=no\nKEY=neither'\nKEY=abc", "abc");
    is("unset KEY\nKEY=abc", "abc");
}

#[test]
fn a_variable_that_is_not_set_is_nothing() {
    for text in [
        "",
        "# KEY=abc",
        "OTHER_KEY=abc",
        "KEY=",
        "KEY=abc\nunset KEY",
        "export KEY",
    ] {
        assert_eq!(read(text).unwrap(), None, "{text:?}");
    }
}

#[test]
fn what_only_a_shell_can_tell_is_refused_with_its_line_and_without_the_value() {
    let lines = [
        ("\nKEY=$(pass show work)", "line 2"),
        ("KEY=\"$OTHER\"", "to compute"),
        ("KEY=`cat secret-part`", "to compute"),
        ("KEY=secret-part claude", "one command alone"),
        ("KEY=secret-part\n[ -f x ] && . x", "Line 2"),
        (
            "KEY=secret-part\nif true; then KEY=b; fi",
            "shell code (if)",
        ),
        ("KEY=secret-part\nsource other.env", "shell code (source)"),
        ("KEY=secret-part\nA=1 eval KEY=b", "shell code"),
        ("KEY+=secret-part", "shell code"),
    ];
    for (text, said) in lines {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{text:?}");
        assert!(error.message().contains(said), "{text:?}: {error}");
        assert!(
            !format!("{error:?}").contains("secret-part") || text.starts_with("KEY+="),
            "{error:?}"
        );
    }
}

#[test]
fn an_assignment_is_replaced_in_its_place() {
    let text = "# ours\r\n  export KEY=\"old one\"   # of Ann\r\nB=2";
    assert_eq!(
        set(text, "new"),
        "# ours\r\n  export KEY=new   # of Ann\r\nB=2"
    );
    assert_eq!(set("KEY=", "new"), "KEY=new");
    assert_eq!(set("KEY='a'\"b\"\\ c\n", "new"), "KEY=new\n");
    assert_eq!(
        set("KEY=x\nA=1\nexport KEY=y\n", "new"),
        "KEY=new\nA=1\nexport KEY=new\n"
    );
}

#[test]
fn what_is_not_there_is_added_at_the_end_as_the_other_lines_have_it() {
    assert_eq!(set("", "new"), "export KEY=new\n");
    assert_eq!(set("# nothing", "new"), "# nothing\nexport KEY=new\n");
    assert_eq!(set("A=1\n", "new"), "A=1\nKEY=new\n");
    assert_eq!(
        set("export A=1\r\nB=2", "new"),
        "export A=1\r\nB=2\r\nexport KEY=new\r\n"
    );
}

#[test]
fn a_value_that_a_shell_would_not_leave_alone_is_quoted() {
    assert_eq!(set("", "a'b$c"), "export KEY='a'\\''b$c'\n");
    assert_eq!(
        set("KEY=x\n", "sk-ant-api03-a_B-9"),
        "KEY=sk-ant-api03-a_B-9\n"
    );
}

#[test]
fn a_file_that_would_not_say_the_value_afterwards_is_not_changed() {
    for text in [
        "export A=1 KEY=x",
        "A=1; KEY=x",
        "export \\\nKEY=x",
        "KEY='x\ny'",
        "KEY=x\nunset KEY",
        "KEY=$(pass show work)",
        ". other.env",
    ] {
        assert!(file(text).with("KEY", "new").is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn all_other_bytes_stay_and_the_value_is_read_back(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("KEY=old".to_owned()),
                Just("  export KEY='o l d' # why".to_owned()),
                "# [ -~]{0,20}",
                "(export )?[A-J]{1,4}=('[ -&(-~]{0,12}'|[a-z0-9]{0,8})[ \t]{0,2}",
                Just(String::new()),
            ],
            0..8,
        ),
        end in prop_oneof![Just("\n"), Just("\r\n")],
        has_last_end in any::<bool>(),
        value in "[!-~]{1,40}",
    ) {
        let mut text = lines.join(end);
        if has_last_end && !text.is_empty() {
            text.push_str(end);
        }
        let changed = file(&text).with("KEY", &value).unwrap();
        let read = changed.file.value("KEY").unwrap().unwrap();
        prop_assert_eq!(read.expose(), value.as_str());
        let after = String::from_utf8(changed.bytes().to_vec()).unwrap();
        // Putting a value that is known back leads to what was there, or to a longer file that begins with it.
        let is_old = |line: &str| line.contains("KEY=");
        let others = |text: &str| -> Vec<String> {
            text.split_inclusive('\n').filter(|line| !is_old(line)).map(str::to_owned).collect()
        };
        prop_assert_eq!(changed.replaced, lines.iter().filter(|line| is_old(line)).count());
        if changed.replaced > 0 {
            prop_assert_eq!(others(&after), others(&text));
            let count = |text: &str| text.split_inclusive('\n').count();
            prop_assert_eq!(count(&after), count(&text));
            prop_assert!(after.ends_with('\n') == text.ends_with('\n'));
        } else {
            prop_assert!(after.starts_with(&text));
        }
    }
}

#[test]
fn only_a_regular_file_of_bounded_size_is_read_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.env"), "ANTHROPIC_API_KEY=abc\nOTHER=def\n").unwrap();
    symlink(path("a.env"), path("link")).unwrap();
    let link = path("link").display().to_string();
    let value = |text: &str| FileVariable::parse(text).unwrap().value();
    assert_eq!(value(&link).unwrap().unwrap().expose(), "abc");
    assert_eq!(
        value(&format!("{link}#OTHER")).unwrap().unwrap().expose(),
        "def"
    );
    assert_eq!(
        value(&format!("{link}-not")).unwrap_err().code(),
        Code::NotFound
    );
    // Opening it would wait for a writer that never comes.
    let pipe = path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    for (path, said) in [
        (pipe, "no regular file"),
        (folder.path().to_owned(), "no regular file"),
    ] {
        let error = EnvFile::open(&path).err().unwrap();
        assert!(error.message().contains(said), "{error}");
    }
    std::fs::write(path("large"), vec![b'#'; (1 << 20) + 1]).unwrap();
    let error = EnvFile::open(&path("large")).err().unwrap();
    assert!(error.message().contains("larger than 1 MiB"), "{error}");
}

#[test]
fn a_file_that_others_can_read_is_known_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.env");
    std::fs::write(&path, "A=1\n").unwrap();
    let variable = FileVariable::new(&path, "A").unwrap();
    for (mode, is_open) in [(0o600, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(variable.is_open_to_others(), is_open, "{mode:o}");
    }
}

#[test]
fn a_file_is_named_with_the_variable_only_where_that_is_not_the_usual_one() {
    let home = std::env::home_dir().unwrap();
    let usual = FileVariable::parse("~/repos.env").unwrap();
    assert_eq!(usual.path(), home.join("repos.env"));
    assert_eq!(usual.place(), "~/repos.env");
    assert_eq!(
        usual,
        FileVariable::parse("~/repos.env#ANTHROPIC_API_KEY").unwrap()
    );
    assert_eq!(
        FileVariable::parse("~/repos.env#CI_KEY").unwrap().place(),
        "~/repos.env#CI_KEY"
    );
    assert_eq!(
        FileVariable::parse("/a#1/x.env").unwrap().place(),
        "/a#1/x.env"
    );
    for (path, name) in [
        ("", "A"),
        ("/x", ""),
        ("/x", "1A"),
        ("/x", "A B"),
        ("/x", "A="),
    ] {
        assert!(
            FileVariable::new(Path::new(path), name).is_err(),
            "{path:?} {name:?}"
        );
    }
}

#[test]
fn a_file_is_read_into_a_buffer_that_never_grew_and_left_a_copy_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repos.env");
    for length in [1, 31, 32, 5_000, 100_000] {
        std::fs::write(&path, "#".repeat(length)).unwrap();
        let file = EnvFile::open(&path).unwrap().unwrap();
        let room = (file.bytes.len(), file.bytes.capacity());
        assert_eq!(room, (length, length + PROBED));
    }
}
