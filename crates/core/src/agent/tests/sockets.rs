//! The socket: whose it is, and what it takes.

use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::*;
use crate::agent::protocol::{self, Answer, FRAME_MAX};

#[tokio::test]
async fn folder_and_socket_are_private_and_gone_at_the_end() {
    let house = House::new();
    let agent = Running::start(&house);
    let socket = house.paths.socket().unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(house.paths.runtime()), 0o700);
    assert_eq!(mode(&socket), 0o600);
    let second = Server::bind(&house.paths, house.vault_of("agent"));
    assert_eq!(code(second), Some(Code::Duplicate));
    assert!(socket.exists(), "the refused one took the socket with it");
    agent.end().await;
    assert!(!socket.exists());
    assert!(
        Client::connect(&house.paths, "cli")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_socket_that_a_dead_process_left_is_nobodys_and_is_replaced() {
    let house = House::new();
    house.full().await;
    let socket = house.paths.socket().unwrap();
    crate::db::private_folder(house.paths.runtime()).unwrap();
    // A listener that is dropped leaves its file behind, as a killed process does.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(
        Client::connect(&house.paths, "cli")
            .await
            .unwrap()
            .is_none()
    );
    let agent = Running::start(&house);
    assert!(client(&house, "cli").await.status().await.unwrap().exists);
    agent.end().await;
}

#[tokio::test]
async fn an_agent_that_hangs_is_gone_round() {
    let house = House::new();
    crate::db::private_folder(house.paths.runtime()).unwrap();
    let _silent = std::os::unix::net::UnixListener::bind(house.paths.socket().unwrap()).unwrap();
    assert!(
        Client::connect(&house.paths, "cli")
            .await
            .unwrap()
            .is_none()
    );
}

async fn answer_to(house: &House, bytes: &[u8]) -> Option<String> {
    let mut stream = UnixStream::connect(house.paths.socket().unwrap())
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    // Closing with something unread resets the connection, which is an end as well.
    let _ = stream.read_to_end(&mut all).await;
    (!all.is_empty()).then(|| String::from_utf8_lossy(&all[4..]).into_owned())
}

fn framed(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&length, text.as_bytes()].concat()
}

#[tokio::test]
async fn garbage_and_huge_frames_are_refused_and_the_next_caller_is_served() {
    let house = House::new();
    let (_vault, _) = house.full().await;
    let agent = Running::start(&house);
    let huge = u32::try_from(FRAME_MAX + 1).unwrap().to_be_bytes();
    assert_eq!(answer_to(&house, &huge).await, None, "a huge frame");
    assert_eq!(answer_to(&house, &[0xff; 64]).await, None, "garbage");
    assert_eq!(answer_to(&house, &[0, 0]).await, None, "half a length");
    let planted = fresh_secret();
    for text in [
        String::new(),
        "{}".to_owned(),
        "\u{0}".repeat(1000),
        "[".repeat(100_000),
        format!(r#"{{"version":1,"face":"x","request":{{"act":"{planted}"}}}}"#),
        format!(r#"{{"version":1,"face":"x","request":{{"act":"lock","{planted}":1}}}}"#),
        r#"{"version":2,"face":"x","request":{"act":"status"}}"#.to_owned(),
    ] {
        let answer = answer_to(&house, &framed(&text)).await.unwrap();
        assert!(answer.contains(r#""refused""#), "{answer}");
        assert!(!answer.contains(&planted), "it repeats what it was sent");
    }
    assert!(client(&house, "cli").await.status().await.unwrap().exists);
    agent.end().await;
}

#[tokio::test]
async fn more_callers_than_places_are_all_served_in_turn() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    let agent = Running::start(&house);
    client(&house, "cli")
        .await
        .unlock(UnlockWith::Keychain)
        .await
        .unwrap();
    let mut idle = Vec::new();
    for _ in 0..40 {
        // Says nothing, and so holds a place until its deadline.
        idle.push(
            UnixStream::connect(house.paths.socket().unwrap())
                .await
                .unwrap(),
        );
    }
    let client = client(&house, "cli").await;
    let opens = (0..100).map(|_| client.open_key(&key, None, "x"));
    for opened in futures_util::future::join_all(opens).await {
        assert_eq!(opened.unwrap().expose(), secret);
    }
    agent.end().await;
}

#[tokio::test]
async fn a_message_on_the_wire_hides_its_secrets_from_debug() {
    let call = protocol::Call {
        version: 1,
        face: "x".into(),
        request: protocol::Request::UnlockByPassphrase {
            passphrase: protocol::Hidden::text(PASSPHRASE),
            is_asked: true,
        },
    };
    assert!(!format!("{call:?}").contains(PASSPHRASE));
    let answer = Answer::Secret {
        secret: protocol::Hidden::text(PASSPHRASE),
    };
    assert!(!format!("{answer:?} {:?}", Passphrase::new("x".into())).contains(PASSPHRASE));
}

#[tokio::test]
async fn a_process_of_another_user_is_turned_away() {
    if !rustix::process::geteuid().is_root() {
        // Only root can become someone else; the comparison itself has a test of its own.
        return;
    }
    let house = House::new();
    house.full().await;
    let agent = Running::start(&house);
    let socket = house.paths.socket().unwrap();
    let open_up = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // Everything that keeps others out before the check is taken away.
    for folder in socket.ancestors().skip(1).take(3) {
        open_up(folder, 0o755);
    }
    open_up(&socket, 0o666);
    let script = r#"use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
        my $t = '{"version":1,"face":"x","request":{"act":"status"}}';
        print $s pack("N", length $t), $t; $s->flush; read($s, my $all, 100000); print "got ", length($all // "")"#;
    let run = async |user: &str| {
        let mut command = crate::child::command(
            std::path::Path::new("setpriv"),
            &crate::child::Environment::scrubbed_own(),
        );
        command
            .args([user, "--clear-groups", "perl", "-e", script])
            .arg(&socket);
        let deadline = std::time::Duration::from_secs(20);
        let done = crate::child::output(command, deadline, 1000).await.unwrap();
        let (out, err) = (done.stdout, String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.code, Some(0), "{err}");
        String::from_utf8(out).unwrap()
    };
    assert_eq!(run("--reuid=65534").await, "got 0");
    assert_ne!(run("--reuid=0").await, "got 0", "our own user is let in");
    agent.end().await;
}
