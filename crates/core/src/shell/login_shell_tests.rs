//! The real shells, with start-up files as people have them.

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    async fn ask(&self, shell: &str, deadline: Duration) -> Result<Exported> {
        let environment = Environment::scrubbed_own().with("HOME", self.0.path());
        exported(&installed(shell), environment, deadline).await
    }

    async fn value(&self, shell: &str, name: &str) -> Option<String> {
        let answer = self.ask(shell, Duration::from_secs(20)).await.unwrap();
        answer
            .variables()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned())
    }
}

fn installed(shell: &str) -> PathBuf {
    ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(shell))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{shell} is not installed; ./dev test installs it"))
}

/// The start-up file of each shell that a line for the environment is usually written to.
const SHELLS: &[(&str, &str)] = &[
    ("bash", ".bash_profile"),
    ("zsh", ".zshrc"),
    ("fish", ".config/fish/config.fish"),
    ("dash", ".profile"),
    ("tcsh", ".login"),
];

fn assignment(shell: &str, name: &str, value: &str) -> String {
    match shell {
        "fish" => format!("set -gx {name} '{value}'\n"),
        "tcsh" => format!("setenv {name} '{value}'\n"),
        _ => format!("export {name}='{value}'\n"),
    }
}

#[tokio::test]
async fn every_shell_says_what_its_start_up_file_exports() {
    for (shell, file) in SHELLS {
        let text = assignment(shell, "SOME_NAME", "one = two; three");
        let home = Home::new().file(file, &text);
        let value = home.value(shell, "SOME_NAME").await;
        assert_eq!(value.as_deref(), Some("one = two; three"), "{shell}");
    }
}

#[tokio::test]
async fn banners_and_forged_marks_are_not_taken_for_the_answer() {
    for (shell, file) in SHELLS {
        let noise = "echo SOME_NAME=forged; echo SWITCHYARD_MARK=guess; echo ANTHROPIC\n";
        let text = format!("{noise}{}", assignment(shell, "SOME_NAME", "true"));
        let home = Home::new().file(file, &text);
        let value = home.value(shell, "SOME_NAME").await;
        assert_eq!(value.as_deref(), Some("true"), "{shell}");
    }
}

#[tokio::test]
async fn a_start_up_file_that_reads_its_input_gets_none_and_goes_on() {
    for (shell, file) in SHELLS {
        let read = match *shell {
            "tcsh" => "set answer = \"$<\"\n",
            "zsh" => "read answer; read -q other </dev/tty\n",
            "fish" => "read answer\n",
            _ => "read answer; cat\n",
        };
        let text = format!("{read}{}", assignment(shell, "SOME_NAME", "after"));
        let home = Home::new().file(file, &text);
        let value = home.value(shell, "SOME_NAME").await;
        assert_eq!(value.as_deref(), Some("after"), "{shell}");
    }
}

#[tokio::test]
async fn a_process_left_in_the_background_is_not_waited_for_and_does_not_live_on() {
    for (shell, file) in SHELLS {
        let home = Home::new();
        let fifo = home.0.path().join("alive");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let mut watched = tokio::net::unix::pipe::OpenOptions::new()
            .open_receiver(&fifo)
            .unwrap();
        // The background process holds the answer's pipe and the fifo's other end, and the start-up
        // file goes on only when it does.
        let ready = home.0.path().join("ready");
        let text = format!(
            "/bin/sh -c 'exec 9>{}; : >{ready}; exec sleep 600' &\n\
             /bin/sh -c 'until [ -e {ready} ]; do sleep 0.01; done'\n{}",
            fifo.display(),
            assignment(shell, "SOME_NAME", "there"),
            ready = ready.display(),
        );
        let home = home.file(file, &text);
        let value = home.value(shell, "SOME_NAME").await;
        assert_eq!(value.as_deref(), Some("there"), "{shell}");
        // Reading ends when no process holds the other end any more.
        let mut rest = [0_u8; 1];
        let count = tokio::time::timeout(Duration::from_secs(20), watched.read(&mut rest))
            .await
            .unwrap_or_else(|_| panic!("{shell}: the background process lives on"))
            .unwrap();
        assert_eq!(count, 0);
    }
}

#[tokio::test]
async fn a_start_up_file_that_hangs_is_ended_at_the_deadline() {
    for (shell, file) in SHELLS {
        let home = Home::new().file(file, "sleep 600\n");
        let late = home.ask(shell, Duration::from_millis(300)).await;
        let error = late.err().unwrap();
        assert_eq!(error.code(), Code::Timeout, "{shell}");
        assert_eq!(error.message(), "Your login shell did not answer in 0.3 s.");
    }
}

#[tokio::test]
async fn a_start_up_file_that_ends_the_shell_is_reported() {
    let home = Home::new().file(".bash_profile", "exit 0\n");
    let error = home
        .ask("bash", Duration::from_secs(20))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::Failed);
}

#[tokio::test]
async fn no_credential_of_ours_reaches_the_shell() {
    let home = Home::new();
    let environment = Environment::scrubbed([
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("ANTHROPIC_API_KEY".into(), "planted".into()),
    ])
    .with("HOME", home.0.path());
    let answer = exported(&installed("bash"), environment, Duration::from_secs(20))
        .await
        .unwrap();
    assert!(answer.variables().all(|(_, value)| value != "planted"));
    assert!(answer.variables().any(|(name, _)| name == "PATH"));
}

#[test]
fn the_password_database_is_the_second_place_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let passwd = folder.path().join("passwd");
    std::fs::write(
        &passwd,
        "root:x:0:0:root:/root:/bin/sh\nann:x:1:1:,,,:/home/ann:/bin/sh\n",
    )
    .unwrap();
    let shell = |variable, user| of_user(variable, user, &passwd);
    assert_eq!(shell(None, Some("ann")), Some("/bin/sh".into()));
    assert_eq!(shell(Some("relative"), Some("ann")), Some("/bin/sh".into()));
    assert_eq!(shell(Some("/nonexistent"), Some("bob")), None);
}
