//! `switchyard completions` and `man-pages`: what a shell and `man` know of this command, made from
//! the same table that reads its arguments.

use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use switchyard_core::text::shown;
use switchyard_core::{Error, Result};

use crate::args::Arguments;
use crate::out::Out;

pub(crate) fn completions(shell: Shell, out: &Out) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "switchyard", &mut script);
    out.bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man_pages(folder: &Path) -> Result<ExitCode> {
    clap_mangen::generate_to(Arguments::command(), folder).map_err(|e| {
        let folder = shown(&folder.display().to_string(), 200);
        Error::failed(format!("The pages can't be written to {folder}: {e}."))
            .hint("Give a folder that exists and can be written to.")
            .because(e)
    })?;
    Ok(ExitCode::SUCCESS)
}
