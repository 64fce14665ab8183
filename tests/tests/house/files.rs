//! The files of the repository that the house's rules speak of.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the root")
}

/// One text file, with its path from the root of the repository.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// True for a file that holds nothing but tests.
    pub(super) fn is_tests(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
    }

    /// Returns the file's module as names from the root of its crate, whose sources are in
    /// `folder`; empty for `lib.rs`.
    pub(super) fn module(&self, folder: &str) -> Vec<&str> {
        let path = self.path.strip_prefix(folder).unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        path.split('/')
            .filter(|name| !matches!(*name, "" | "lib" | "main" | "mod"))
            .collect()
    }
}

/// Returns the files with one of these extensions below a folder of the repository, in order of
/// their paths; none when the folder isn't there.
pub(super) fn below(folder: &str, extensions: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|it| extensions.iter().any(|want| it == *want))
            {
                found.push(read(&path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Reads one file, named by its path from the root.
pub(super) fn one(path: &str) -> File {
    read(&root().join(path))
}

fn read(path: &PathBuf) -> File {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let path = path
        .strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/");
    File { path, text }
}
