//! A server on this machine that speaks TLS, with a certificate of its own making.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

struct TlsServer {
    url: String,
    /// The certificate's authority: itself.
    pem: String,
    heard: Arc<AtomicBool>,
}

/// Listens with a certificate for the host `name`.
async fn listen(name: &str) -> (TcpListener, TlsAcceptor, TlsServer) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = TlsServer {
        url: format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        ),
        pem: made.cert.pem(),
        heard: Arc::default(),
    };
    (listener, TlsAcceptor::from(Arc::new(config)), server)
}

/// Answers each request with an empty list of models, for the host `name`.
async fn serve(name: &str) -> TlsServer {
    let (listener, acceptor, server) = listen(name).await;
    let noticed = Arc::clone(&server.heard);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(connection).await else {
                continue;
            };
            let mut head = [0_u8; 4096];
            if stream.read(&mut head).await.is_ok_and(|count| count > 0) {
                noticed.store(true, Ordering::SeqCst);
                let body = r#"{"data":[],"has_more":false}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    server
}

/// Reads a request and answers with what can't be opened, so that TLS itself fails.
async fn serve_nonsense() -> TlsServer {
    let (listener, acceptor, server) = listen("localhost").await;
    let noticed = Arc::clone(&server.heard);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(connection).await else {
                continue;
            };
            let _ = stream.read(&mut [0_u8; 4096]).await;
            noticed.store(true, Ordering::SeqCst);
            let (raw, _) = stream.get_mut();
            // The head of a record of 32 bytes, and 32 bytes that no key of this session sealed.
            let record = [b"\x17\x03\x03\x00\x20".as_slice(), &[7; 32]].concat();
            let _ = raw.write_all(&record).await;
            let _ = raw.read(&mut [0_u8; 64]).await;
        }
    });
    server
}

#[tokio::test]
async fn a_tls_failure_after_the_request_is_not_told_as_a_key_that_was_not_sent() {
    let server = serve_nonsense().await;
    let check = check_with(&server, Some(&server.pem)).await;
    let error = check.error().expect("it was no answer");
    assert!(server.heard.load(Ordering::SeqCst), "nothing was sent");
    assert_eq!(error.code(), Code::Network);
    assert!(error.message().contains("broke"), "{error}");
}

async fn check_with(server: &TlsServer, trusted: Option<&str>) -> Check {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = trusted.map(|pem| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        file
    });
    let http = Http::new(&HttpSettings {
        ca_file,
        ..HttpSettings::default()
    });
    let endpoint = Endpoint::parse(Some(&server.url)).unwrap();
    check_key(&http, &endpoint, &key(), NOW).await
}

#[tokio::test]
async fn a_server_with_an_unknown_certificate_does_not_get_the_key() {
    let server = serve("localhost").await;
    let check = check_with(&server, None).await;
    let error = check.error().expect("it was trusted");
    assert_eq!(error.code(), Code::Network);
    assert!(
        error.message().contains("could not prove who it is"),
        "{error}"
    );
    assert!(
        !server.heard.load(Ordering::SeqCst),
        "bytes of a request arrived"
    );
}

#[tokio::test]
async fn the_users_own_authority_makes_its_server_trusted() {
    let server = serve("localhost").await;
    let check = check_with(&server, Some(&server.pem)).await;
    assert!(matches!(check, Check::Valid), "{check:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_does_not_get_the_key() {
    let server = serve("other.example").await;
    let check = check_with(&server, Some(&server.pem)).await;
    assert!(check.error().is_some());
    assert!(
        !server.heard.load(Ordering::SeqCst),
        "bytes of a request arrived"
    );
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_said_to_be_none() {
    let server = serve("localhost").await;
    let check = check_with(&server, Some("no certificate here")).await;
    let error = check.error().unwrap();
    assert_eq!(error.code(), Code::BadInput);
    assert!(error.message().contains("ca.pem"));
}
