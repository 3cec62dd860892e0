//! P8 in a real browser: a page of hostile texts runs nothing, loads nothing, covers nothing. Where
//! no Chromium is installed, this says so and checks nothing.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;
use crate::support::folder;

/// What tries to run, to load (from `HOST`), or to hide the rest of the page.
const HOSTILE: &[&str] = &[
    "<script>document.title='RAN'</script>",
    "<script src=//HOST/script.js></script>",
    "<img src=x onerror=\"document.title='RAN'\">",
    "<img src=//HOST/picture.png>",
    "![x](http://HOST/markdown.png)",
    "![x](//HOST/markdown.png)",
    "[x](javascript:document.title='RAN')",
    "<svg onload=\"document.title='RAN'\">",
    "<svg><script>document.title='RAN'</script></svg>",
    "<body onload=\"document.title='RAN'\">",
    "<details open ontoggle=\"document.title='RAN'\">x",
    "<input autofocus onfocus=\"document.title='RAN'\">",
    "<video><source onerror=\"document.title='RAN'\"></video>",
    "<iframe src=http://HOST/frame></iframe>",
    "<iframe srcdoc=\"<script>parent.document.title='RAN'</script>\"></iframe>",
    "<object data=http://HOST/object></object><embed src=http://HOST/embed>",
    "<link rel=stylesheet href=http://HOST/style.css>",
    "<link rel=preload as=image href=http://HOST/preload>",
    "<link rel=dns-prefetch href=http://HOST/><link rel=icon href=http://HOST/icon>",
    "<meta http-equiv=refresh content='0;url=http://HOST/refresh'>",
    "<base href=http://HOST/>",
    "<style>body{display:none;background:url(http://HOST/background)}</style>",
    "</style><style>@import 'http://HOST/import';</style>",
    "<style>@font-face{font-family:x;src:url(http://HOST/font)}*{font-family:x}</style>",
    "<div style=\"position:fixed;inset:0;background:url(http://HOST/cover);z-index:9\">x</div>",
    "<form action=http://HOST/form><button autofocus>x</button></form>",
    "</pre></details></section></main><script>document.title='RAN'</script>",
    "</title><script>document.title='RAN'</script>",
    "```\n</code></pre><script>document.title='RAN'</script>",
    "`</code><img src=http://HOST/code onerror=\"document.title='RAN'\">`",
    "| <img src=http://HOST/cell> |\n|---|\n| <script>document.title='RAN'</script> |",
];

/// A server that notes what is asked of it.
fn listener() -> (String, Arc<Mutex<Vec<String>>>) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = server.local_addr().expect("an address").to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in server.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap_or_default();
            let line = String::from_utf8_lossy(&request[..length]);
            let line = line.lines().next().unwrap_or_default().to_owned();
            noted.lock().expect("it is not poisoned").push(line);
            drop(stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    (host, asked)
}

fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        let mut command = Command::new(name);
        let ran = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    })
}

/// The page as the browser has it when all is done that the page asks for.
fn opened(browser: &str, page: &Path) -> String {
    let profile = folder();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=390,844"])
        .args(["--disable-background-networking", "--no-first-run", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("--dump-dom")
        .arg(page)
        .output()
        .expect("the browser runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn p08_in_a_browser_a_page_of_hostile_texts_runs_and_loads_nothing() {
    let Some(browser) = browser() else {
        return skip();
    };
    let sandbox = Sandbox::new();
    let (host, asked) = listener();
    let texts: Vec<String> = HOSTILE.iter().map(|text| text.replace("HOST", &host)).collect();
    // The same texts as a page of their own do all of it: the check can fail.
    let control = sandbox.root().join("control.html");
    let picture = texts[3].replace("//", "http://");
    let harmful = format!("<!doctype html><title>x</title>{}{picture}", texts[0]);
    fs::write(&control, harmful).expect("it is written");
    assert!(opened(browser, &control).contains("<title>RAN</title>"), "the browser runs scripts");
    let loaded = std::mem::take(&mut *asked.lock().expect("it is not poisoned"));
    assert!(loaded.iter().any(|line| line.contains("picture.png")), "the browser loads pictures");

    let messages: Vec<Value> = texts
        .iter()
        .flat_map(|text| {
            [
                json!({"role": "user", "text": text}),
                json!({"role": "assistant", "model": text, "content": [
                    text, {"thinking": text}, {"tool_call": text, "id": "t", "input": {"x": text}},
                ]}),
                json!({"role": "user", "content": [{"tool_result": "t", "output": text}]}),
            ]
        })
        .collect();
    let document = json!({
        "title": texts[0], "agent": texts[2], "tags": [texts[3]], "notes": texts[21],
        "workspace": texts[24], "messages": messages,
    });
    let id = sandbox.save(&document.to_string());
    let page = sandbox.home().join("page.html");
    sandbox.run(["export", &id, "-o", "page.html"]).ok();
    let dom = opened(browser, &page);
    assert!(dom.contains("</html>"), "the page was opened");
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    assert!(title.is_some_and(|title| title.contains("&lt;script&gt;")), "{title:?}");
    assert!(!dom.contains("<title>RAN"), "a script ran");
    for tag in [
        "<script", "<iframe", "<img", "<object", "<embed", "<link", "<form", "<base", "<svg",
        "<video",
    ] {
        assert!(!dom.contains(tag), "{tag} stands in the page");
    }
    let asked = asked.lock().expect("it is not poisoned");
    assert!(asked.is_empty(), "the page asked for {asked:?}");
}

#[expect(clippy::print_stderr, reason = "a test that checks nothing says so")]
fn skip() {
    eprintln!("skipped: no chromium is installed");
}
