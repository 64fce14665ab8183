//! Proxies: used when they are named, and never told the key.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A proxy that refuses every tunnel and tells what it was asked.
async fn proxy() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://me:word@{}", listener.local_addr().unwrap());
    let (heard, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = vec![0_u8; 4096];
            let count = connection.read(&mut head).await.unwrap_or(0);
            let _ = heard.send(String::from_utf8_lossy(&head[..count]).into_owned());
            let _ = connection
                .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    (url, asked)
}

fn through(url: &str) -> Http {
    Http::new(&HttpSettings {
        proxy: ProxyChoice::parse(url).unwrap(),
        ..HttpSettings::default()
    })
}

#[tokio::test]
async fn a_proxy_sees_the_host_and_not_the_key() {
    let (url, mut asked) = proxy().await;
    let key = key();
    let endpoint = Endpoint::parse(Some("https://gateway.example")).unwrap();
    let check = check_key(&through(&url), &endpoint, &key, NOW).await;
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with("CONNECT gateway.example:443"), "{head}");
    assert!(!head.contains(key.expose()));
    let error = check.error().expect("the tunnel was refused");
    assert_eq!(error.code(), Code::Network);
    assert!(!format!("{error:?}").contains("word"), "{error:?}");
}

#[tokio::test]
async fn this_machine_is_reached_without_the_proxy() {
    let (url, mut asked) = proxy().await;
    let simulator = Simulator::start(Script::new().any_key()).await;
    let check = check_key(&through(&url), &endpoint(&simulator), &key(), NOW).await;
    assert!(matches!(check, Check::Valid), "{check:?}");
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}

#[tokio::test]
async fn a_server_that_accepts_and_never_shakes_hands_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::parse(Some(&url)).unwrap();
    let check = check_key(&quick(), &endpoint, &key(), NOW).await;
    let error = check.error().unwrap();
    assert_eq!(error.code(), Code::Timeout, "{error:?}");
    drop(listener);
}
