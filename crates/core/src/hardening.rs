//! What a process asks of the system when it starts: its memory to itself, and room for its files.

use crate::error::{Error, Result};

/// Turns core dumps off for this process and its children: a dump would hold every secret in
/// memory. Both faces do this first.
///
/// # Errors
/// [`Code::Failed`](crate::error::Code::Failed) when the system refuses.
pub fn forbid_core_dumps() -> Result<()> {
    #[cfg(unix)]
    {
        let none = rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        rustix::process::setrlimit(rustix::process::Resource::Core, none)
            .map_err(|e| Error::failed("Core dumps could not be turned off.").because(e))?;
    }
    Ok(())
}

/// Hides this process's memory and environment from other processes of the same user.
///
/// For the command line and the agent only: desktop file portals refuse a window that does this.
///
/// # Errors
/// [`Code::Failed`](crate::error::Code::Failed) when the system refuses.
pub fn forbid_inspection() -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|e| Error::failed("The process's memory could not be hidden.").because(e))?;
    Ok(())
}

/// So many open files are enough for the most runs at a time, each with a few. With far more, programs that are
/// started here and close every number one by one would take long.
#[cfg(unix)]
const FILES: u64 = 4096;

/// Lets this process open more files than is usual for one (256 on macOS), as far as the system allows it: a run
/// on the farm alone takes four or five. Where it does not, what fails for it says so.
pub fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let most = limit.maximum.map_or(FILES, |maximum| maximum.min(FILES));
        if limit.current.is_some_and(|current| current < most) {
            let raised = Rlimit {
                current: Some(most),
                ..limit
            };
            let _ = setrlimit(Resource::Nofile, raised);
        }
    }
}

/// Keeps what this process was started with, besides the three standard streams, from the processes
/// that it starts: a descriptor with a passphrase, a lock or a pipe that somebody waits on.
///
/// Called first, while there is one thread: what is opened later is marked as it is opened.
pub fn pass_on_no_descriptors() {
    #[cfg(unix)]
    close_fds::set_fds_cloexec(3, &[]);
}

/// As [`pass_on_no_descriptors`], for a process whose place another program will take: what it was started
/// with is meant for that program, but for a descriptor with a passphrase.
pub fn pass_on_descriptors_but(passphrase: Option<u32>) {
    #[cfg(unix)]
    {
        let open = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
        let mut others: Vec<i32> = open
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|number: &i32| u32::try_from(*number).ok() != passphrase)
            .collect();
        others.sort_unstable();
        close_fds::set_fds_cloexec(3, &others);
    }
    #[cfg(not(unix))]
    let _ = passphrase;
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn afterwards_there_is_room_for_many_files_as_far_as_the_system_allows() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let before = getrlimit(Resource::Nofile);
        let most = before.maximum.map_or(FILES, |maximum| maximum.min(FILES));
        // Hardly less: other tests go on meanwhile.
        let fewer = Rlimit {
            current: Some(most - 1),
            ..before
        };
        setrlimit(Resource::Nofile, fewer).unwrap();
        allow_many_files();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!(
            (raised.current, raised.maximum),
            (Some(most), before.maximum)
        );
        allow_many_files();
        assert_eq!(getrlimit(Resource::Nofile).current, Some(most));
    }

    #[test]
    fn afterwards_the_process_leaves_no_core_and_is_not_dumpable() {
        forbid_core_dumps().unwrap();
        forbid_inspection().unwrap();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert!(matches!(
            rustix::process::dumpable_behavior(),
            Ok(rustix::process::DumpableBehavior::NotDumpable)
        ));
    }
}
