//! Every test that crosses rooms, in one binary.

// Clippy's leave for tests to unwrap and panic covers only what it can see is a test.
#[cfg(test)]
mod claude_cli;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod farm;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod house;
#[cfg(test)]
mod keyring;
#[cfg(test)]
mod package;
#[cfg(test)]
mod payer_table;
#[cfg(test)]
mod plan_tier;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod who_table;
#[cfg(test)]
mod window;
