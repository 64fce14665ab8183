//! The scan where a plan pays, with the real CLI: prompt and token are in no argument and no file, the
//! CLI's own among them, and a token is in the environment of `claude` alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchyard_core::App;
use switchyard_core::agent::{Answered, Ask as AskUser, Asked, Question};
use switchyard_core::clock::Clock;
use switchyard_core::consent::{self, Subject};
use switchyard_core::dispatch::{Ask, Class, Outcome, PayWith, Request, RunEvent, State, channel};
use switchyard_core::paths::Paths;
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::secret::Passphrase;
use switchyard_core::vault::NewVault;
use switchyard_simulator::{Match, Reply, Script, Simulator};
use switchyard_tests::{Machine, Planted, Running, kept_login, real_cli};
use tokio_util::sync::CancellationToken;

const VARIABLE: &str = "PLAN_TOKEN_OF_THE_TEST";
/// The login whose token the user keeps in a variable.
const BY_TOKEN: &str = "by-token";
/// The login that lies in a configuration folder.
const BY_FOLDER: &str = "by-folder";
const LOGIN_FILE: &str = ".credentials.json";

/// Nobody is asked.
struct Nobody;

impl AskUser for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }
}

/// What is secret here.
struct Secrets {
    planted: Planted,
    token: String,
    of_folder: String,
    prompt: String,
}

impl Secrets {
    fn new() -> Self {
        let mut planted = Planted::default();
        Self {
            token: planted.key("sk-ant-oat01-"),
            of_folder: planted.key("sk-ant-oat01-"),
            prompt: planted.key("prompt-"),
            planted,
        }
    }

    /// Logs `claude` in, in a folder, and returns the file that holds the token from then on.
    fn log_in(&self, folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join(LOGIN_FILE);
        std::fs::write(&file, kept_login(&self.of_folder)).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        file
    }
}

/// A store with an open vault and both logins, whose plan is served by the simulator.
struct House {
    app: App,
    server: Simulator,
    login_file: PathBuf,
}

impl House {
    async fn new(root: &Path, cli: &Path, secrets: &Secrets) -> Self {
        let server = Simulator::start(Script::new().any_key()).await;
        let paths = Paths::under(&root.join("store"));
        let folder = paths.data().join("login");
        let login_file = secrets.log_in(&folder);
        let app = App::at(paths, Clock::system(), "test", Arc::new(Nobody));
        let app = app.simulated(server.address()).unwrap();
        let vault = NewVault {
            passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
            ..NewVault::default()
        };
        app.vault().unwrap().create(vault).await.unwrap();
        let cli = Some(cli.to_owned());
        let variable = VARIABLE.to_owned();
        let logins = [
            (BY_TOKEN, Place::Variable { variable }),
            (BY_FOLDER, Place::Folder { folder }),
        ];
        let set = app.write(move |store, now| {
            plan::PROGRAM.set(store, &cli, now)?;
            for (name, place) in logins {
                let name = name.to_owned();
                plan::add(store, PlanLogin { name, place }, now)?;
            }
            let version = Subject::Subscription.text().version;
            consent::accept(store, Subject::Subscription, &version, "test", now).map(drop)
        });
        set.await.unwrap();
        Self {
            app,
            server,
            login_file,
        }
    }

    /// Sends the prompt; `cancels` as soon as there is any text.
    async fn send(&self, login: &str, secrets: &Secrets, cancels: bool) -> Outcome {
        let ask = Ask {
            pay_with: PayWith::Plan {
                login: Some(login.to_owned()),
            },
            class: Class::Interactive,
            reply_to: None,
            request: Request {
                prompt: secrets.prompt.clone(),
                system: Some(format!("Of {}.", secrets.prompt)),
                ..Request::default()
            },
        };
        let dispatch = self.app.dispatch_quietly().unwrap();
        let variable = |name: &str| (name == VARIABLE).then(|| secrets.token.clone());
        let prepared = dispatch.preflight(ask, variable).await.unwrap();
        let (sink, mut events) = channel();
        let cancelled = CancellationToken::new();
        let run = dispatch.run(prepared, sink, cancelled.clone());
        let listen = async {
            while let Some(event) = events.recv().await {
                if cancels && matches!(event, RunEvent::Text { .. }) {
                    cancelled.cancel();
                }
            }
        };
        let (outcome, ()) = tokio::join!(run, listen);
        outcome.unwrap()
    }

    /// One that succeeds, one that is cancelled, and one that is refused by a server which gives the
    /// credential back.
    async fn job(&self, secrets: &Secrets) -> Vec<String> {
        let mut said = Vec::new();
        for (login, token) in [(BY_TOKEN, &secrets.token), (BY_FOLDER, &secrets.of_folder)] {
            for state in [State::Finished, State::Cancelled, State::Failed] {
                match state {
                    State::Cancelled => {
                        let reply = Reply::text("By the plan.").stall_after(1);
                        self.server.push(reply);
                    }
                    State::Failed => {
                        let message = format!("no such token: {token}");
                        let refusal = Reply::error(400, "invalid_request_error", message);
                        // However often the CLI tries.
                        let all = Match::path("/v1/messages").key(token.as_str());
                        self.server.when(all, refusal);
                    }
                    _ => self.server.push(Reply::text("By the plan.")),
                }
                let cancels = state == State::Cancelled;
                let outcome = self.send(login, secrets, cancels).await;
                assert_eq!(outcome.receipt.state, state, "{login}: {:?}", outcome.error);
                said.push(format!("{outcome:?}"));
            }
        }
        said
    }
}

/// The same from the command line, where the server can't be reached: one that fails, and one that is
/// cancelled once it is known who pays.
fn by_command(cli: &Path, secrets: &Secrets) -> (Machine, PathBuf, Vec<String>) {
    let machine = Machine::new();
    let folder = machine.home().join("work");
    let login_file = secrets.log_in(&folder);
    let read = machine.run(["consent", "show", "subscription", "--json"]);
    let version = read.json_lines().remove(0)["text"]["version"].clone();
    let version = version.as_str().unwrap();
    let (cli, folder) = (cli.to_str().unwrap(), folder.to_str().unwrap());
    for arguments in [
        &["settings", "plan.program", cli][..],
        &["consent", "accept", "subscription", "--version", version],
        &["plan", "add", BY_FOLDER, "--folder", folder],
        &["plan", "select", BY_FOLDER],
    ] {
        machine.run(arguments).expect_success();
    }
    let send = ["send", "--tier", "subscription", "--json", "-"];
    let failed = machine.run_with(send, &secrets.prompt);
    assert_ne!(failed.code, Some(0), "{failed:?}");
    let mut sending = machine.start(send);
    let mut input = sending.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, secrets.prompt.as_bytes()).unwrap();
    drop(input);
    let mut sending = Running::new(sending);
    sending.hear("\n");
    sending.signal(rustix::process::Signal::INT);
    let cancelled = sending.end();
    assert_eq!(cancelled.code, Some(130), "{cancelled:?}");
    let said = [failed, cancelled].map(|outcome| format!("{outcome:?}"));
    (machine, login_file, said.to_vec())
}

#[tokio::test]
async fn what_a_plan_pays_for_is_in_no_argument_no_file_and_no_environment_but_claude_s() {
    const NAME: &str = "planted::plan::\
        what_a_plan_pays_for_is_in_no_argument_no_file_and_no_environment_but_claude_s";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    // The home and the folder of all temporary files, the stores among them.
    let home = std::env::home_dir().unwrap();
    assert_eq!(std::env::temp_dir(), home);
    let secrets = Secrets::new();
    let arguments = secrets.planted.watch_arguments();
    let environments = secrets.planted.watch_environments();
    let house = House::new(&home.join("house"), &cli, &secrets).await;
    let mut said = house.job(&secrets).await;
    let (machine, own_login, more) = by_command(&cli, &secrets);
    said.extend(more);

    assert_eq!(arguments.end(), Vec::<String>::new());
    let claude = std::fs::canonicalize(&cli).unwrap();
    let expected = format!("in the environment of {}", claude.display());
    assert_eq!(environments.end(), [expected]);
    assert!(
        !said
            .iter()
            .any(|said| secrets.planted.is_in(said.as_bytes()))
    );

    let login_files = [&house.login_file, &own_login].map(|file| file.display().to_string());
    let found = secrets.planted.found_under(&home);
    let elsewhere = |found: &&String| !login_files.iter().any(|file| found.ends_with(file));
    let found_elsewhere: Vec<_> = found.iter().filter(elsewhere).collect();
    assert_eq!(found_elsewhere, Vec::<&String>::new());
    assert_eq!(
        found.len(),
        login_files.len(),
        "the scan reads what is there"
    );
    // What the CLI wrote of its own was there to be scanned.
    for folder in [
        house.app.paths().kept(),
        house.login_file.parent().unwrap().to_owned(),
        machine.home().join("work"),
    ] {
        let state = folder.join(".claude.json");
        assert!(state.is_file(), "{} is not there", state.display());
    }
}
