//! `switchyard env`: what a shell evaluates to have one credential and no other.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use switchyard_core::scope::{self, Scrubbed};
use switchyard_core::shell::names;
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result};
use zeroize::Zeroizing;

use super::{credential, refuse_json};
use crate::args::scope::{Dialect, Env};
use crate::out::Out;

pub(crate) async fn run(wanted: &Env, app: &App, out: &Out) -> Result<ExitCode> {
    refuse_json(out)?;
    let dialect = match wanted.shell {
        Some(dialect) => dialect,
        None => of_shell(std::env::var("SHELL").ok().as_deref())?,
    };
    let Some(named) = &wanted.key else {
        let lines = [names::API_KEY, names::BASE_URL].map(|name| dialect.without(name));
        out.bytes(lines.concat().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    if io::stdout().is_terminal() {
        out.note(&format!(
            "warning: the key is on your screen now. This is meant to be evaluated: {}",
            dialect.evaluated(named)
        ));
    }
    let credential = credential(named, wanted.base_url.as_deref(), "env", app).await?;
    let Scrubbed { removed, .. } = scope::scrub(std::env::vars_os(), wanted.keep_cloud);
    // The variable that the key was taken from holds no other one, and is needed the next time.
    let own = named.strip_prefix("env:");
    let mut lines = Zeroizing::new(String::new());
    for name in removed.iter().filter(|name| own != Some(name.as_str())) {
        if is_plain(name) {
            lines.push_str(&dialect.without(name));
        } else {
            let name = shown(name, 60);
            out.note(&format!(
                "note: {name} holds a credential, and your shell has no word to take it away."
            ));
        }
    }
    for (name, value) in credential.variables() {
        let value = Zeroizing::new(value);
        lines.push_str(&Zeroizing::new(dialect.with(name, &value)));
    }
    out.bytes(lines.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Tells whether a name can stand in any shell's text as it is; nothing else is written there.
fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns the dialect of the shell that SHELL names; without one, that of sh.
fn of_shell(shell: Option<&str>) -> Result<Dialect> {
    let Some(path) = shell.filter(|path| !path.is_empty()) else {
        return Ok(Dialect::Sh);
    };
    let name = Path::new(path).file_stem().unwrap_or_default();
    match name.to_string_lossy().as_ref() {
        "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "mksh" | "busybox" => Ok(Dialect::Sh),
        "fish" => Ok(Dialect::Fish),
        "pwsh" | "powershell" => Ok(Dialect::Powershell),
        other => Err(Error::bad_input(format!(
            "Nothing is known of how {} sets a variable.",
            shown(other, 40)
        ))
        .hint("Name a shell that is: --shell sh, fish or powershell.")),
    }
}

impl Dialect {
    /// Returns the line that sets and exports a variable.
    fn with(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
            Self::Fish => {
                let value = value.replace('\\', r"\\").replace('\'', r"\'");
                format!("set -gx {name} '{value}'\n")
            }
            Self::Powershell => {
                // It takes the typographic ones for the plain one.
                let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
                let doubled =
                    |c: char| std::iter::repeat_n(c, 1 + usize::from(quotes.contains(&c)));
                let value: String = value.chars().flat_map(doubled).collect();
                format!("$env:{name} = '{value}'\n")
            }
        }
    }

    /// Returns the line that takes a variable away.
    fn without(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name}\n"),
            Self::Fish => format!("set -e {name}\n"),
            Self::Powershell => format!("Remove-Item Env:{name} -ErrorAction Ignore\n"),
        }
    }

    /// Returns how a shell evaluates what this command writes.
    fn evaluated(self, named: &str) -> String {
        let named = shown(named, 60);
        match self {
            Self::Sh => format!("eval \"$(switchyard env --key {named})\""),
            Self::Fish => format!("switchyard env --key {named} | source"),
            Self::Powershell => {
                format!("switchyard env --key {named} | Out-String | Invoke-Expression")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_as_each_shell_reads_it() {
        let value = r#"a b'c\d"$(e)`f"#;
        for (dialect, expected) in [
            (Dialect::Sh, r#"export N='a b'\''c\d"$(e)`f'"#),
            (Dialect::Fish, r#"set -gx N 'a b\'c\\d"$(e)`f'"#),
            (Dialect::Powershell, r#"$env:N = 'a b''c\d"$(e)`f'"#),
        ] {
            assert_eq!(dialect.with("N", value), format!("{expected}\n"));
        }
        let curly = Dialect::Powershell.with("N", "\u{2019}");
        assert_eq!(curly, "$env:N = '\u{2019}\u{2019}'\n");
    }

    #[test]
    fn only_a_plain_name_is_written_into_a_shell_s_text() {
        for name in ["A", "_A1", "ANTHROPIC_API_KEY"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "1A", "A.B", "A;rm", "A B", "Ä", "$(A)"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn the_dialect_is_that_of_the_shell_and_an_unknown_one_is_asked_for() {
        assert_eq!(of_shell(Some("/usr/bin/fish")).unwrap(), Dialect::Fish);
        assert_eq!(of_shell(Some("/bin/zsh")).unwrap(), Dialect::Sh);
        assert_eq!(of_shell(Some("/opt/pwsh")).unwrap(), Dialect::Powershell);
        assert_eq!(of_shell(None).unwrap(), Dialect::Sh);
        assert!(of_shell(Some("/bin/tcsh")).is_err());
    }
}
