//! What a hostile or broken server can make the process hold.

#[cfg(test)]
#[cfg(target_os = "linux")]
mod bounded;
