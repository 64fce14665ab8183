//! Giving this process to another program, as a shell's `exec` does.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::{Environment, not_started};
use crate::error::{Code, Error, Result};
use crate::text;

/// Looks for a program as `exec` will: at its path, or in the folders of `path`. Where `path` is not
/// known, the system's own list counts and nothing is said.
///
/// # Errors
/// [`Code::NotFound`] when there is none, [`Code::Failed`] when it is there but can't be run.
pub fn find(program: &OsStr, path: Option<&OsStr>) -> Result<()> {
    let shown = text::shown(&program.to_string_lossy(), 200);
    let missing = || Error::new(Code::NotFound, format!("There is no program {shown}."));
    let denied = || Error::failed(format!("{shown} is not a program that can be run."));
    if program.is_empty() {
        return Err(missing());
    }
    if program.as_encoded_bytes().contains(&b'/') {
        return match kind(Path::new(program)) {
            Kind::Runs => Ok(()),
            Kind::Other => Err(denied()),
            Kind::Nothing => Err(missing()),
        };
    }
    let Some(path) = path else { return Ok(()) };
    let found = std::env::split_paths(path).map(|folder| kind(&folder.join(program)));
    // A folder of that name does not hide a program further on, and is none itself.
    match found.min().unwrap_or(Kind::Nothing) {
        Kind::Runs => Ok(()),
        Kind::Other => Err(denied()),
        Kind::Nothing => Err(missing()),
    }
}

/// What stands at a path, the best first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Runs,
    Other,
    Nothing,
}

fn kind(path: &Path) -> Kind {
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() && about.permissions().mode() & 0o111 != 0 => Kind::Runs,
        Ok(_) => Kind::Other,
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Kind::Other,
        Err(_) => Kind::Nothing,
    }
}

/// Replaces this process by `program`, which gets exactly `environment` and otherwise all that is ours:
/// terminal, standard streams, working directory, process group and number. Comes back only where that
/// failed; whatever a destructor was to do is done before, or never.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a part of the one place that starts a process"
)]
pub fn replace(program: &OsStr, arguments: &[OsString], environment: &Environment) -> Error {
    // The standard library also gives the program the usual answer to a broken pipe, and no blocked
    // signals.
    let failed = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.variables())
        .exec();
    not_started(&text::shown(&program.to_string_lossy(), 200), failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_a_shell_does_and_a_file_that_can_not_run_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        for (place, name, mode) in [
            (&first, "plain", 0o644),
            (&first, "both", 0o644),
            (&second, "both", 0o755),
        ] {
            std::fs::create_dir_all(place).unwrap();
            let file = place.join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::create_dir(first.join("folder")).unwrap();
        let path = std::env::join_paths([&first, &second]).unwrap();
        let code = |name: &str| find(OsStr::new(name), Some(&path)).map_err(|error| error.code());
        assert_eq!(code("both"), Ok(()));
        assert_eq!(code("plain"), Err(Code::Failed));
        assert_eq!(code("folder"), Err(Code::Failed));
        assert_eq!(code("nothing"), Err(Code::NotFound));
        assert_eq!(code(""), Err(Code::NotFound));
        assert_eq!(code(second.join("both").to_str().unwrap()), Ok(()));
        assert_eq!(code("/nonexistent/both"), Err(Code::NotFound));
        assert_eq!(find(OsStr::new("nothing"), None).map_err(drop), Ok(()));
    }
}
