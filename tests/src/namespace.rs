//! Namespaces of one's own, for disks and networks that no other process shall meet.

/// Returns what `unshare` needs to be told before the namespaces themselves. Root makes them as it
/// is, also where a container or a chroot forbids user namespaces; anybody else becomes root in one.
#[must_use]
pub fn as_root() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &["--map-root-user"]
    }
}

/// Returns what `nsenter` needs to be told to join the mount namespace of a process that was started
/// with [`as_root`].
#[must_use]
pub fn entering(process: u32) -> Vec<String> {
    let mut arguments = vec![
        format!("--mount=/proc/{process}/ns/mnt"),
        // Its root as well, or a chroot is left behind with the old namespace.
        format!("--root=/proc/{process}/root"),
    ];
    if !as_root().is_empty() {
        arguments.push(format!("--user=/proc/{process}/ns/user"));
        arguments.push("--preserve-credentials".to_owned());
    }
    arguments
}
