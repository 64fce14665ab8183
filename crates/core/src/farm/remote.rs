//! The texts that run on a box, as the one command that every login shell hands on unchanged.

use std::sync::LazyLock;

use crate::error::{Error, Result};

/// Runs one prompt.
pub(super) static WORKER: LazyLock<String> = LazyLock::new(|| command(include_str!("worker.sh")));

/// Says how the box stands.
pub(super) static PROBE: LazyLock<String> = LazyLock::new(|| command(include_str!("probe.sh")));

/// Makes a command of a text. sshd hands it to the user's login shell, which may be bash, zsh, dash, fish
/// or tcsh: all of them take words in single quotes as they are, as long as these hold no quote, no
/// backslash (fish), no line end and no exclamation mark but before a blank (tcsh).
fn command(text: &str) -> String {
    let enter = one_line(include_str!("enter.sh"));
    let text = one_line(text);
    format!("exec /bin/sh -c '{enter}' '{text}'")
}

/// Leaves comments out and joins the lines: each statement of the texts ends with its own semicolon, and a
/// line that goes on ends with a backslash, so that they mean the same as they stand.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end_matches('\\').trim());
    let lines: Vec<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    lines.join(" ")
}

/// Makes a random word that nothing on a box can know beforehand.
pub(super) fn mark() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::failed("The system gave no random bytes.").because(e))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_login_shell_finds_anything_to_take_apart() {
        for command in [&*WORKER, &*PROBE] {
            assert_eq!(command.matches('\'').count(), 4, "{command}");
            assert!(!command.contains(['\\', '\n']), "{command}");
            assert_eq!(command.matches('!').count(), command.matches("! ").count());
            assert!(command.is_ascii());
        }
    }

    #[test]
    fn a_reviewer_reads_the_worker_on_one_screen() {
        assert!(include_str!("worker.sh").lines().count() <= 50);
    }
}
