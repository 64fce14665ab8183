//! Embeds the page, the configuration and what each window may do.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    // Naming the commands makes each of them need a permission: one that no capability grants can't
    // be called. The capabilities are the one list of them; a test holds the wire's table against it.
    let mut commands: Vec<&'static str> = Vec::new();
    for file in std::fs::read_dir("capabilities")? {
        commands.extend(granted(&file?.path())?);
    }
    // The page is compiled in; its files' names change with their contents.
    println!("cargo::rerun-if-changed=../ui/dist");
    commands.sort_unstable();
    commands.dedup();
    let manifest = tauri_build::AppManifest::new().commands(commands.leak());
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}

/// Returns the commands of ours that a capability file grants.
fn granted(file: &Path) -> Result<Vec<&'static str>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", file.display());
    let capability: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let permissions = capability["permissions"].as_array().into_iter().flatten();
    Ok(permissions
        .filter_map(|permission| permission.as_str()?.strip_prefix("allow-"))
        .map(|name| &*name.replace('-', "_").leak())
        .collect())
}
