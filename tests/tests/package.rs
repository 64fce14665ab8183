//! The Debian package that `./dev bundle` makes, installed by the real `dpkg`: what it needs is looked
//! for among this system's own packages.
//!
//! The test starts this binary once more in a mount namespace, where what is written below `/usr`, and
//! into dpkg's own list, is kept in memory and gone with it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use switchyard_tests::{Desk, Machine, Outcome, finish, namespace};

/// Set inside of the namespace, so that the `inside` test can't run anywhere else.
const INSIDE: &str = "SWITCHYARD_TEST_PACKAGE";
/// The most bytes of a program that is shipped.
const PROGRAM_MAX: u64 = 20_000_000;
/// Far more than it takes: it only ends what hangs.
const GUARD: Duration = Duration::from_secs(180);

/// Lays memory over the folders that a package is installed into.
const OVERLAID: &str = r#"set -e
mount -t tmpfs switchyard "$1"
for folder in /usr /var/lib/dpkg; do
  mkdir -p "$1$folder/upper" "$1$folder/work"
  mount -t overlay switchyard "$folder" \
    -o "lowerdir=$folder,upperdir=$1$folder/upper,workdir=$1$folder/work"
done
exec "$0" --exact package::inside --ignored --nocapture"#;

/// Returns the package that was built last.
fn package() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folders = test
        .ancestors()
        .map(|folder| folder.join("bundle/bundle/deb"));
    let folder = folders.into_iter().find(|folder| folder.is_dir());
    let files = folder.into_iter().flat_map(|it| it.read_dir().unwrap());
    let mut packages = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"));
    packages
        .next()
        .expect("there is no package to install: `./dev bundle` makes it")
}

#[tokio::test]
#[ignore = "long: needs `./dev bundle`, which builds everything once more"]
async fn the_package_installs_and_starts_and_leaves_nothing_behind() {
    let package = package();
    let memory = tempfile::Builder::new().prefix("sy").tempdir().unwrap();
    let environment = Environment::scrubbed_own()
        .with(INSIDE, package)
        .with("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut command = child::command(Path::new("unshare"), &environment);
    command
        .args(namespace::as_root())
        .args(["--mount", "sh", "-c", OVERLAID])
        .arg(std::env::current_exe().unwrap())
        .arg(memory.path());
    let done = child::output(command, GUARD, 1 << 20).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "it did not run: {said}");
}

#[tokio::test]
#[ignore = "inside: run by the test above, in a namespace"]
async fn inside() {
    let Some(package) = std::env::var_os(INSIDE) else {
        return;
    };
    let mut desk = Desk::new();
    // A developer may have it installed.
    let _ = dpkg(&desk.machine, "--purge", OsStr::new("switchyard"));
    let before = all_below(Path::new("/usr"));
    dpkg(&desk.machine, "--install", &package).expect_success();
    for file in [
        "share/applications/Switchyard.desktop",
        "share/bash-completion/completions/switchyard",
        "share/icons/hicolor/128x128/apps/switchyard-desktop.png",
        "share/man/man1/switchyard-send.1",
    ] {
        let path = Path::new("/usr").join(file);
        assert!(path.is_file(), "{} is not installed", path.display());
    }
    for program in [
        "bin/switchyard",
        "bin/switchyard-desktop",
        "lib/switchyard/switchyard-simulator",
    ] {
        let size = Path::new("/usr").join(program).metadata().unwrap().len();
        assert!(size <= PROGRAM_MAX, "{program} takes {size} bytes");
    }
    let command = Path::new("/usr/bin/switchyard");
    let said = finish(desk.machine.spawn(command, ["--version"]), "").succeeded();
    assert!(said.starts_with("switchyard "), "{said}");
    let window = desk
        .open_program(Path::new("/usr/bin/switchyard-desktop"), &["--demo"])
        .await;
    window.read("SIMULATED").await;
    window.type_into("textbox", "Prompt", "Hello").await;
    window.click("button", "Send").await;
    window.read("Simulated answer to: Hello").await;
    window.close().await;
    assert!(desk.faults().is_empty(), "{:#?}", desk.faults());

    dpkg(&desk.machine, "--remove", OsStr::new("switchyard")).expect_success();
    let after = all_below(Path::new("/usr"));
    let left: Vec<_> = after.symmetric_difference(&before).collect();
    assert!(left.is_empty(), "not as it was before: {left:#?}");
}

fn dpkg(machine: &Machine, what: &str, package: &OsStr) -> Outcome {
    // What other packages do when files come and go is not ours to test.
    let options = [
        "--no-triggers",
        "--force-unsafe-io",
        "--log=/dev/null",
        what,
    ];
    let arguments = options.map(OsStr::new).into_iter().chain([package]);
    finish(machine.spawn(Path::new("/usr/bin/dpkg"), arguments), "")
}

/// Returns every path below a folder.
fn all_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}
