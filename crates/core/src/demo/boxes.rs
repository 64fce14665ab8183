//! The demo's farm: boxes that are folders of the demo, each behind an `sshd` of its own. Nothing but the
//! demo can log in there, and all of them end with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{JOBS, book_farm, made_up_key, rules};
use crate::child::{self, Environment};
use crate::clock::Millis;
use crate::db::{Db, private_folder, write_private};
use crate::error::{Error, Result};
use crate::farm::{Farm, SSH_CONFIG};
use crate::hosts::{self, NewHost};
use crate::id::HostId;
use crate::keys;
use crate::ssh::HostKey;

/// Where systems keep `sshd`, which is on the `PATH` of root alone. It wants to be called by its whole path.
const SSHD: &[&str] = &["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];

/// What an `sshd` that root starts wants to be there; its service makes it at each start of the system.
#[cfg(unix)]
const EMPTY: &str = "/run/sshd";

/// How long making a key may take.
const KEYGEN: Duration = Duration::from_secs(20);

/// The program of a box that brings a key of its own.
const OWN: &str = "claude-own-key";

/// The label of those that cost little.
const CHEAP: &str = "cheap";

/// A sample box.
struct Sample {
    name: &'static str,
    slots: u32,
    labels: &'static [&'static str],
    stands: Stands,
}

/// How a sample box is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Ready for runs that the key for jobs pays.
    Ready,
    /// Ready for runs that its own key pays.
    OwnKey,
    /// Its key is not pinned yet.
    New,
    /// Nothing listens where it should be.
    Away,
}

const SAMPLES: &[Sample] = &[
    Sample {
        name: "sample-a",
        slots: 4,
        labels: &[CHEAP],
        stands: Stands::Ready,
    },
    Sample {
        name: "sample-b",
        slots: 2,
        labels: &[CHEAP],
        stands: Stands::Ready,
    },
    Sample {
        name: "sample-own-key",
        slots: 2,
        labels: &["own"],
        stands: Stands::OwnKey,
    },
    Sample {
        name: "sample-new",
        slots: 1,
        labels: &[],
        stands: Stands::New,
    },
    Sample {
        name: "sample-away",
        slots: 4,
        labels: &["away"],
        stands: Stands::Away,
    },
];

/// The demo's boxes, for as long as it is held.
#[derive(Debug)]
pub struct Boxes {
    // Its tasks are ended with it, and each `sshd` with its task.
    _doors: JoinSet<()>,
}

/// Sets up the demo's boxes in a store that [`fill`](super::fill) has filled, has them asked how they stand, and
/// books what they did before. `claude` is the CLI that they share; without it, that it is missing is what
/// they answer. `None` where no `sshd` is installed.
///
/// # Errors
/// When a key, a file or a door of a box can't be made.
pub async fn set_up(db: &Db, farm: &Farm, claude: Option<&Path>) -> Result<Option<Boxes>> {
    let Some(sshd) = SSHD.iter().map(Path::new).find(|path| path.is_file()) else {
        return Ok(None);
    };
    let folder = db.paths().data().join("farm");
    private_folder(&folder)?;
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        // That it is there already is what is wanted.
        let _ = std::fs::create_dir(EMPTY);
    }
    let identity = folder.join("id");
    let own = key_pair(&identity).await?;
    write_private(&folder.join("authorized_keys"), own.to_string().as_bytes())?;
    // What the user's own configuration says of every host is not meant for these.
    let config = folder.join("ssh_config");
    write_private(&config, b"# The demo's boxes need none.\n")?;
    db.write(move |store| SSH_CONFIG.set(store, &Some(config), Millis(0)))
        .await?;
    let server = db.read(|store| Ok(keys::find(store, JOBS)?.base_url))?;
    let server = server.unwrap_or_default();
    let mut doors = JoinSet::new();
    let mut ready = Vec::new();
    for (number, sample) in SAMPLES.iter().enumerate() {
        let home = folder.join(format!("box-{number}"));
        let (configuration, key) = furnish(&home, &folder, sample, (claude, &server)).await?;
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let door = door.map_err(|e| unmade("a door").because(e))?;
        let address = door.local_addr().map_err(|e| unmade("a door").because(e))?;
        let host = add(db, sample, (address, identity.clone()), key).await?;
        if sample.stands == Stands::Ready {
            ready.push(host);
        }
        if sample.stands != Stands::Away {
            doors.spawn(keep_door(door, sshd.to_owned(), configuration));
        }
    }
    let now = db.clock().now();
    db.write(move |store| {
        book_farm(store, &ready, now)?;
        rules::for_tasks(store, CHEAP, now)
    })
    .await?;
    let all = db.read(hosts::list)?;
    let pinned = all.iter().filter(|host| !host.host_keys.is_empty());
    futures_util::future::join_all(pinned.map(|host| farm.probe(host))).await;
    Ok(Some(Boxes { _doors: doors }))
}

/// Puts a sample box among the hosts.
async fn add(
    db: &Db,
    sample: &'static Sample,
    (address, identity): (SocketAddr, PathBuf),
    key: HostKey,
) -> Result<HostId> {
    db.write(move |store| {
        let now = Millis(0);
        let payer = match sample.stands {
            Stands::Ready => Some(keys::find(store, JOBS)?.id),
            Stands::OwnKey | Stands::New | Stands::Away => None,
        };
        let new = NewHost {
            name: sample.name.to_owned(),
            destination: address.ip().to_string(),
            port: Some(address.port()),
            identity: Some(identity.display().to_string()),
            slots: Some(sample.slots),
            key: payer,
            own_command: (sample.stands == Stands::OwnKey).then(|| OWN.to_owned()),
            labels: sample
                .labels
                .iter()
                .map(|&label| label.to_owned())
                .collect(),
            ..NewHost::default()
        };
        let host = hosts::add(store, new, now)?;
        if sample.stands != Stands::New {
            hosts::pin(store, host.id, &[key], now)?;
        }
        Ok(host.id)
    })
    .await
}

/// Makes a box's folder, and returns the configuration of its `sshd` with the key that it shows.
async fn furnish(
    home: &Path,
    folder: &Path,
    sample: &Sample,
    (claude, server): (Option<&Path>, &str),
) -> Result<(PathBuf, HostKey)> {
    let (bin, temporary) = (home.join(".local/bin"), home.join("tmp"));
    private_folder(&bin)?;
    private_folder(&temporary)?;
    if let Some(claude) = claude {
        program(
            &bin.join("claude"),
            &format!("exec {} \"$@\"", word(claude)?),
        )?;
    }
    if sample.stands == Stands::OwnKey {
        let key = made_up_key()?;
        let text = format!(
            "ANTHROPIC_API_KEY={} ANTHROPIC_BASE_URL={server} exec claude \"$@\"",
            key.expose()
        );
        program(&bin.join(OWN), &text)?;
    }
    let host_key = home.join("host_key");
    let key = key_pair(&host_key).await?;
    let enter = home.join("enter");
    // Of the user's own environment and home, nothing is meant for a box.
    let text = format!(
        "exec env -i HOME={} USER=\"$USER\" LOGNAME=\"$LOGNAME\" TMPDIR={} LANG=C.UTF-8 \
         PATH=/usr/local/bin:/usr/bin:/bin /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
        word(home)?,
        word(&temporary)?,
    );
    write_private(&enter, text.as_bytes())?;
    let path = home.join("sshd_config");
    let configuration = configuration(&host_key, folder, &enter)?;
    write_private(&path, configuration.as_bytes())?;
    Ok((path, key))
}

/// Returns the configuration of a box's `sshd`: it takes the demo's own key, for `enter` and nothing else.
fn configuration(host_key: &Path, folder: &Path, enter: &Path) -> Result<String> {
    Ok(format!(
        "HostKey {}\nAuthorizedKeysFile {}\nForceCommand exec /bin/sh {}\nUsePAM no\nStrictModes no\n\
         PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         AllowAgentForwarding no\nAllowTcpForwarding no\nX11Forwarding no\nPermitTTY no\n\
         PidFile none\nUseDNS no\nPrintMotd no\n",
        quoted(host_key)?,
        quoted(&folder.join("authorized_keys"))?,
        word(enter)?,
    ))
}

/// Lets in whoever comes to a box, each to an `sshd` of its own. We stand in between, so that the connection ends
/// when we do, however that is.
async fn keep_door(door: TcpListener, sshd: PathBuf, configuration: PathBuf) {
    let mut guests = JoinSet::new();
    loop {
        tokio::select! {
            Ok((guest, _)) = door.accept() => {
                guests.spawn(let_in(guest, sshd.clone(), configuration.clone()));
            }
            Some(_) = guests.join_next() => {}
            else => break,
        }
    }
}

async fn let_in(mut guest: TcpStream, sshd: PathBuf, configuration: PathBuf) {
    let mut command = child::command(&sshd, &Environment::scrubbed_own());
    command
        .args(["-i", "-f"])
        .arg(configuration)
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    let started = command.spawn();
    let Ok(mut server) = started else {
        tracing::warn!("the demo's sshd does not start");
        return;
    };
    if let (Some(output), Some(input)) = (server.stdout.take(), server.stdin.take()) {
        // However it ended, the connection is over.
        let _ = copy_bidirectional(&mut guest, &mut tokio::io::join(output, input)).await;
    }
}

/// Makes a pair of keys, and returns the public one.
async fn key_pair(path: &Path) -> Result<HostKey> {
    let mut keygen = child::command(Path::new("ssh-keygen"), &Environment::scrubbed_own());
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(path);
    child::output(keygen, KEYGEN, 4096).await?;
    let public = std::fs::read_to_string(path.with_extension("pub"));
    let public = public.map_err(|e| unmade("a key").because(e))?;
    let words: Vec<_> = public.split_whitespace().take(2).collect();
    HostKey::parse(&words.join(" "))
}

/// Writes a program of one line.
fn program(path: &Path, line: &str) -> Result<()> {
    write_private(path, format!("#!/bin/sh\n{line}\n").as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .map_err(|e| unmade("a program").because(e))?;
    }
    Ok(())
}

/// Writes a path as one word for every shell.
fn word(path: &Path) -> Result<String> {
    plain(path).map(|text| format!("'{text}'"))
}

/// Writes a path as one word for a configuration of `sshd`.
fn quoted(path: &Path) -> Result<String> {
    plain(path).map(|text| format!("\"{text}\""))
}

/// Reads a path in which nothing has a meaning.
fn plain(path: &Path) -> Result<&str> {
    let is_special = |c: char| c.is_control() || "'\"\\!%".contains(c);
    path.to_str()
        .filter(|text| !text.contains(is_special))
        .ok_or_else(|| unmade("a box in a folder of that name"))
}

fn unmade(what: &str) -> Error {
    Error::failed(format!("For the demo's farm, {what} could not be made."))
}
