//! The desktop program of Switchyard.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    switchyard_desktop::run()
}
