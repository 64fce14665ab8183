//! Start-up files as people write them.

use super::*;

fn home(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/home/ann".to_owned())
}

/// Returns each found line in short: `line name act`.
fn read(text: &str, syntax: Syntax) -> Vec<String> {
    parse(text, syntax, &home)
        .iter()
        .map(|found| {
            let act = match &found.act {
                Act::Sets { value, reach } => {
                    let value = value.as_ref().map_or("(computed)", |value| value.expose());
                    format!("{value} {reach:?}")
                }
                other => format!("{other:?}"),
            };
            format!("{} {} {act}", found.line, found.name)
        })
        .collect()
}

#[test]
fn assignments_are_found_in_every_spelling_of_a_posix_shell() {
    let cases: &[(&str, &[&str])] = &[
        (
            "export ANTHROPIC_API_KEY=abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "export ANTHROPIC_API_KEY=\"a b\" # mine",
            &["1 ANTHROPIC_API_KEY a b Exported"],
        ),
        (
            "ANTHROPIC_API_KEY='abc'; export ANTHROPIC_API_KEY",
            &[
                "1 ANTHROPIC_API_KEY abc Shell",
                "1 ANTHROPIC_API_KEY Exports",
            ],
        ),
        (
            "declare -gx ANTHROPIC_API_KEY=abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "typeset -x ANTHROPIC_API_KEY=abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "declare ANTHROPIC_API_KEY=abc",
            &["1 ANTHROPIC_API_KEY abc Shell"],
        ),
        (
            "set -a\nANTHROPIC_API_KEY=abc\nset +a",
            &["2 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "export FOO=1 ANTHROPIC_API_KEY=abc ANTHROPIC_BASE_URL=u",
            &[
                "1 ANTHROPIC_API_KEY abc Exported",
                "1 ANTHROPIC_BASE_URL u Exported",
            ],
        ),
        (
            "export ANTHROPIC_API_KEY=$(pass show x)",
            &["1 ANTHROPIC_API_KEY (computed) Exported"],
        ),
        (
            "export ANTHROPIC_API_KEY=`pass show x`",
            &["1 ANTHROPIC_API_KEY (computed) Exported"],
        ),
        (
            "export ANTHROPIC_API_KEY=\"${KEY:-x}\"",
            &["1 ANTHROPIC_API_KEY (computed) Exported"],
        ),
        (
            "export ANTHROPIC_API_KEY=a\\\nbc\nunset ANTHROPIC_API_KEY",
            &[
                "1 ANTHROPIC_API_KEY abc Exported",
                "3 ANTHROPIC_API_KEY Unsets",
            ],
        ),
        (
            "export -n ANTHROPIC_API_KEY",
            &["1 ANTHROPIC_API_KEY Unsets"],
        ),
        (
            "if true; then export ANTHROPIC_API_KEY=abc; fi",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "[ -f x ] && export ANTHROPIC_API_KEY=abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            "alias claude='ANTHROPIC_API_KEY=abc claude'",
            &["1 ANTHROPIC_API_KEY abc OneCall"],
        ),
        (
            "claude() {\n  ANTHROPIC_API_KEY=abc command claude \"$@\"\n}",
            &["2 ANTHROPIC_API_KEY abc OneCall"],
        ),
        ("alias c='env ANTHROPIC_API_KEY=abc claude'", &[]),
        ("ANTHROPIC_API_KEY=abc python x.py", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text, Syntax::Posix), *expected, "{text}");
    }
}

#[test]
fn comments_strings_and_here_documents_set_nothing() {
    for text in [
        "# export ANTHROPIC_API_KEY=abc",
        "  #export ANTHROPIC_API_KEY=abc",
        "echo 'export ANTHROPIC_API_KEY=abc'",
        "echo \"\nexport ANTHROPIC_API_KEY=abc\n\"",
        "cat <<EOF\nexport ANTHROPIC_API_KEY=abc\nEOF",
        "cat <<-'END' >x\nexport ANTHROPIC_API_KEY=abc\n\tEND",
        "export ANTHROPIC_API_KEY_OLD=abc",
        "x=$(cat <<EOF\nexport ANTHROPIC_API_KEY=abc\nEOF\n)",
    ] {
        assert_eq!(read(text, Syntax::Posix), [""; 0], "{text}");
    }
}

#[test]
fn an_unclosed_quote_hides_no_later_line() {
    let text = "echo don't\nexport ANTHROPIC_API_KEY=abc";
    assert_eq!(
        read(text, Syntax::Posix),
        ["2 ANTHROPIC_API_KEY abc Exported"]
    );
    let text = "cat <<NEVER\nexport ANTHROPIC_API_KEY=abc";
    assert_eq!(
        read(text, Syntax::Posix),
        ["2 ANTHROPIC_API_KEY abc Exported"]
    );
}

#[test]
fn sourced_files_are_followed_when_their_path_is_written_out() {
    let text = ". ~/.keys\n[ -s \"$HOME/k 2\" ] && source \"$HOME/k 2\"\n. \"$NVM/x\"\n. ${HOME}/z";
    assert_eq!(
        read(text, Syntax::Posix),
        [
            "1 /home/ann/.keys Sources",
            "2 /home/ann/k 2 Sources",
            "4 /home/ann/z Sources",
        ]
    );
}

#[test]
fn the_other_languages_are_read_as_well() {
    let cases: &[(Syntax, &str, &[&str])] = &[
        (
            Syntax::Fish,
            "set -gx ANTHROPIC_API_KEY abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            Syntax::Fish,
            "set -Ux ANTHROPIC_API_KEY 'a\\'c'",
            &["1 ANTHROPIC_API_KEY a'c Exported"],
        ),
        (
            Syntax::Fish,
            "set --export ANTHROPIC_API_KEY (pass x)",
            &["1 ANTHROPIC_API_KEY (computed) Exported"],
        ),
        (
            Syntax::Fish,
            "set -e ANTHROPIC_API_KEY",
            &["1 ANTHROPIC_API_KEY Unsets"],
        ),
        (
            Syntax::Fish,
            "set -g ANTHROPIC_API_KEY abc",
            &["1 ANTHROPIC_API_KEY abc Shell"],
        ),
        (
            Syntax::Fish,
            "alias claude 'ANTHROPIC_API_KEY=abc command claude'",
            &["1 ANTHROPIC_API_KEY abc OneCall"],
        ),
        (
            Syntax::Csh,
            "setenv ANTHROPIC_API_KEY abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            Syntax::Csh,
            "unsetenv ANTHROPIC_API_KEY",
            &["1 ANTHROPIC_API_KEY Unsets"],
        ),
        (
            Syntax::Plain,
            "ANTHROPIC_API_KEY=\"abc\"\n#X=1",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            Syntax::Plain,
            "ANTHROPIC_API_KEY=${X}",
            &["1 ANTHROPIC_API_KEY (computed) Exported"],
        ),
        (
            Syntax::Pam,
            "ANTHROPIC_API_KEY DEFAULT=abc",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            Syntax::FishUniversal,
            "# VERSION: 3.0\nSETUVAR --export ANTHROPIC_API_KEY:a\\x2dc\nSETUVAR X:1",
            &["2 ANTHROPIC_API_KEY a-c Exported"],
        ),
        (
            Syntax::PowerShell,
            "$env:ANTHROPIC_API_KEY = \"abc\"",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
        (
            Syntax::Nu,
            "$env.ANTHROPIC_API_KEY = 'abc'",
            &["1 ANTHROPIC_API_KEY abc Exported"],
        ),
    ];
    for (syntax, text, expected) in cases {
        assert_eq!(read(text, *syntax), *expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_whatever_stops_the_reader(text in "[ -~\n\té]{0,200}") {
        for syntax in [Syntax::Posix, Syntax::Fish, Syntax::Plain, Syntax::FishUniversal] {
            read(&text, syntax);
        }
    }
}
