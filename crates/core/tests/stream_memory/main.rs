//! What a hostile or broken server can make the process hold.

#[cfg(all(test, target_os = "linux"))]
mod bounded;
