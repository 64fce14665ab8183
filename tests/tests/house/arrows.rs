//! The arrows between the core's rooms: which may use which.

/// Rooms that every room above them may use; each may use those before it.
pub(super) const FOUNDATION: &[&str] =
    &["words", "error", "id", "secret", "text", "clock", "paths"];

/// The other rooms, from the bottom up, each with what it may use besides the foundation.
/// An arrow only ever points to a room further up in this list, so there can be no circle.
pub(super) const ROOMS: &[(&str, &[&str])] = &[
    ("hardening", &[]),
    ("logging", &[]),
    ("child", &[]),
    ("db", &[]),
    ("settings", &["db"]),
    ("vault", &["child", "db", "settings"]),
    // What is accepted and withdrawn stands in the audit.
    ("consent", &["db", "vault"]),
    ("agent", &["child", "db", "settings", "vault"]),
    ("usage", &["db", "settings"]),
    // Its answers count tokens as the ledger does.
    ("claude", &["child", "usage"]),
    ("plan", &["child", "claude", "db", "settings"]),
    // A call that checks a key says what it used, in the ledger's tokens.
    ("http", &["settings", "usage"]),
    ("shell", &["child", "claude"]),
    // A key can stand in an env file, which is a shell's.
    (
        "keys",
        &["db", "settings", "http", "vault", "usage", "shell"],
    ),
    ("ssh", &["child", "db"]),
    ("hosts", &["db", "ssh"]),
    (
        "farm",
        &["child", "claude", "db", "hosts", "settings", "ssh"],
    ),
    (
        "dispatch",
        &[
            "child", "claude", "consent", "db", "farm", "hosts", "http", "keys", "plan",
            "settings", "usage", "vault",
        ],
    ),
    (
        "scope",
        &["child", "db", "http", "keys", "plan", "shell", "vault"],
    ),
    (
        "demo",
        &[
            "child", "claude", "db", "settings", "http", "vault", "usage", "keys", "plan", "ssh",
            "hosts", "farm", "dispatch",
        ],
    ),
];

/// The composition root, which may use every room.
pub(super) const ROOT: &str = "app";

/// True for a room that has a place in the house.
pub(super) fn is_room(name: &str) -> bool {
    name == ROOT || FOUNDATION.contains(&name) || ROOMS.iter().any(|(room, _)| *room == name)
}

/// True when code in the room `from` may use the room `to`.
pub(super) fn allows(from: &str, to: &str) -> bool {
    if from == to || from == ROOT {
        return true;
    }
    let floor = |room| FOUNDATION.iter().position(|name| *name == room);
    match (floor(from), floor(to)) {
        (Some(from), Some(to)) => to < from,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) => uses(from).contains(&to),
    }
}

/// Returns what a room may use besides the foundation.
pub(super) fn uses(room: &str) -> &'static [&'static str] {
    ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .map_or(&[], |(_, uses)| uses)
}
