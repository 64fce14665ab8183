//! What a page is given by others and what it must not be given: a model's hostile Markdown, and secrets.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use switchyard_simulator::Reply;
use switchyard_tests::{Desk, Machine, Planted, Window};

use super::{expect_clean, key_and_server};

/// What a model could answer to reach out of the page. `LEAK` is an address that must not be called.
const HOSTILE: &str = r#"# Before

<script>window.__pwned = 1; fetch('LEAK/script')</script>
<script src="LEAK/script.js"></script>
<img src="LEAK/img" onerror="window.__pwned = 2">
<img src=x onerror=window.__pwned=3>
<svg onload="window.__pwned = 4"><script>window.__pwned = 5</script></svg>
<svg><animate onbegin=window.__pwned=6 attributeName=x dur=1s></svg>
<math><mtext><table><mglyph><style><img src=x onerror=window.__pwned=7></style></mglyph></table></mtext></math>
<iframe src="LEAK/frame" srcdoc="<script>parent.__pwned = 8</script>"></iframe>
<object data="LEAK/object"></object><embed src="LEAK/embed">
<style>body { background: url(LEAK/style) } @import 'LEAK/import';</style>
<link rel="stylesheet" href="LEAK/sheet"><base href="LEAK/">
<meta http-equiv="refresh" content="0; url=LEAK/refresh">
<form action="LEAK/form"><input name=a autofocus onfocus="window.__pwned = 9"><button>Go on</button></form>
<video src="LEAK/video" autoplay onerror="window.__pwned = 10"></video>
<details open ontoggle="window.__pwned = 11">x</details>
<div id="app" style="position: fixed; inset: 0; background: url(LEAK/inset)">over all</div>
<a href="javascript:window.__pwned = 12">inline</a>

![a picture](LEAK/markdown)
![out of the attribute](x"onerror="window.__pwned=13)

[script](javascript:window.__pwned=14)
[spelled](&#106;avascript:window.__pwned=15)
[tab](java	script:window.__pwned=16)
[data](data:text/html;base64,PHNjcmlwdD53aW5kb3cuX19wd25lZD0xNzwvc2NyaXB0Pg==)
[file](file:///etc/passwd)
[ours](tauri://localhost/index.html#/settings)
[title](https://example.com/ "\" onmouseover=\"window.__pwned=18")
<javascript:window.__pwned=19>

[https://good.example](https://evil.example/login)
[bait](https://user:secret@evil.example/)
[referred][leak]

[leak]: LEAK/reference

# After
"#;

/// Puts a program that only writes down what it was asked to open where the system's browser would be.
fn catch_links(machine: &mut Machine) -> std::path::PathBuf {
    let (folder, opened) = (machine.root().join("bin"), machine.root().join("opened"));
    std::fs::create_dir(&folder).unwrap();
    for name in ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"] {
        let script = format!("#!/bin/sh\necho \"$*\" >> '{}'\n", opened.display());
        let program = folder.join(name);
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = std::env::var("PATH").unwrap_or_default();
    machine.set("PATH", format!("{}:{path}", folder.display()));
    opened
}

async fn ask(window: &Window, script: &str) -> Value {
    let said = window.page.execute(script, vec![]).await;
    said.unwrap().json().clone()
}

#[tokio::test]
async fn a_models_hostile_markdown_runs_nothing_fetches_nothing_and_leads_nowhere() {
    let (planted, key, server) = key_and_server().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let leak = format!("http://{}", listener.local_addr().unwrap());
    let mut machine = Machine::with_key(&key, &server);
    let opened = catch_links(&mut machine);
    let mut desk = Desk::of(machine);
    let window = desk.open(&[]).await;
    window.go_to("dispatch").await;
    let place = ask(&window, "return location.href").await;
    server.push(Reply::text(HOSTILE.replace("LEAK", &leak)));
    window.type_into("textbox", "Prompt", "Be nasty").await;
    window.click("button", "Send").await;
    window.read("After").await;
    window.read("to first token").await;

    let ran = ask(&window, "return window.__pwned ?? null").await;
    assert_eq!(ran, Value::Null, "a script of the answer ran");
    let answer = "document.querySelector('.markdown')";
    let foreign = format!(
        "return [...{answer}.querySelectorAll('*')].filter((one) =>
            /^(script|iframe|img|svg|math|style|link|base|meta|form|input|object|embed|video)$/i.test(one.tagName) ||
            one.getAttributeNames().some((name) => /^(on|style|src|id)/i.test(name))).map((one) => one.outerHTML)"
    );
    assert_eq!(ask(&window, &foreign).await, json!([]));
    let links = format!(
        "return [...{answer}.querySelectorAll('a')].map((one) =>
            [one.href, one.innerText, (one.nextElementSibling ?? one).innerText])"
    );
    let links = ask(&window, &links).await;
    let links = links.as_array().unwrap();
    assert!(links.len() >= 4, "{links:#?}");
    for link in links {
        let href = link[0].as_str().unwrap();
        assert!(href.starts_with("http"), "{link}");
        assert!(!href.contains('@'), "{link}");
        let is_said = [1, 2].map(|at| link[at].as_str().unwrap().contains(href));
        assert!(is_said.contains(&true), "its address is not shown: {link}");
    }

    // What is clicked goes to the system's browser, and nothing has gone there before.
    assert!(!opened.exists());
    window.click("link", "https://good.example").await;
    let start = std::time::Instant::now();
    while std::fs::read_to_string(&opened)
        .unwrap_or_default()
        .is_empty()
    {
        assert!(start.elapsed().as_secs() < 30, "the link is not opened");
        tokio::task::yield_now().await;
    }
    let said = std::fs::read_to_string(&opened).unwrap();
    assert!(said.contains("https://evil.example/login"), "{said}");

    assert_eq!(ask(&window, "return location.href").await, place);
    assert_eq!(window.page.windows().await.unwrap().len(), 1);
    let visitor = listener.accept();
    assert!(visitor.is_err(), "the page fetched something: {visitor:?}");
    let _own = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(listener.accept().is_ok(), "nobody's visit would be seen");
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn a_key_that_is_only_listed_is_neither_in_the_pages_memory_nor_in_its_storage() {
    let (planted, key, server) = key_and_server().await;
    let machine = Machine::with_key(&key, &server);
    // Nothing that the page came with contains it.
    let name = format!("Listed {}", uuid::Uuid::new_v4().simple());
    let renamed = machine.run(["keys", "edit", "Work", "--name", &name]);
    renamed.expect_success();
    let mut desk = Desk::of(machine);
    let window = desk.open(&[]).await;
    window.go_to("keys").await;
    window.read(&name).await;
    window.go_to("dispatch").await;
    window
        .type_into("textbox", "Prompt", "Who pays for this?")
        .await;
    window.click("button", "Send").await;
    window.read("Simulated answer").await;
    window.go_to("keys").await;
    window.read(&name).await;

    let page = desk.web_process();
    let mut shown = Planted::default();
    shown.text(&name);
    assert!(page.remembers(&shown), "what the page shows is not found");
    assert!(!page.remembers(&planted), "the page has got the key");
    assert!(
        desk.machine.paths().web().is_dir(),
        "the page keeps nothing"
    );
    window.close().await;
    expect_clean(&desk, &planted);
}
