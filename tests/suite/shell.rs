//! The shell: a conversation at a prompt. Here it reads from a pipe; an endpoint of the test's own
//! answers.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
#[cfg(unix)]
use crate::support::Terminal;

/// An endpoint on loopback that says back what was said last, word by word; gives its URL.
fn endpoint(answers: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for stream in listener.incoming().take(answers) {
            answer(&mut stream.expect("a connection"));
        }
    });
    format!("http://{address}/v1")
}

fn answer(stream: &mut TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("it can be read and written"));
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a head");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let said = body["messages"].as_array().and_then(|it| it.last()).expect("a message");
    let mut text = String::from("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    for word in ["You", " said: ", said["content"].as_str().unwrap_or_default()] {
        let event = json!({"choices": [{"delta": {"content": word}}]});
        text.push_str(&format!("data: {event}\n\n"));
    }
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
    text.push_str(&format!("data: {usage}\n\ndata: [DONE]\n\n"));
    stream.write_all(text.as_bytes()).expect("it is read");
}

fn only_session(sandbox: &Sandbox) -> Value {
    let listed = sandbox.json(["list"]);
    assert_eq!(listed["total"], 1, "{listed}");
    let id = listed["sessions"][0]["id"].as_str().expect("an id").to_owned();
    sandbox.json(["show", &id])
}

fn said(shown: &Value) -> Vec<String> {
    let messages = shown["messages"].as_array().expect("messages");
    messages.iter().map(|it| it["content"].as_str().expect("a text").to_owned()).collect()
}

fn shell(sandbox: &Sandbox, lines: &str) -> Ran {
    sandbox.run_with(["shell"], lines)
}

#[test]
fn what_is_typed_is_kept_and_nothing_else_makes_a_session() {
    let sandbox = Sandbox::new();
    shell(&sandbox, "/help\n/save\n\n").ok();
    assert_eq!(sandbox.json(["list"])["total"], 0, "an empty session is worth nothing");
    shell(&sandbox, "why is the last line dropped?\n//etc/hosts is fine\n/save\n").ok();
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["why is the last line dropped?", "/etc/hosts is fine"]);
    assert_eq!(shown["session"]["agent"]["name"], "annals-shell");
    let home = sandbox.home().display().to_string();
    assert_eq!(shown["session"]["workspace"]["root"], home.as_str());
}

#[test]
fn an_endpoint_answers_and_its_answers_are_kept() {
    let sandbox = Sandbox::new();
    let url = endpoint(2);
    let arguments = ["shell", "--endpoint", &url, "--model", "parrot-1"];
    let ran = sandbox.run_with(arguments, "hello\nand again\n").ok();
    assert!(ran.stdout.contains("You said: hello\n"), "{ran:?}");
    let shown = only_session(&sandbox);
    let expected = ["hello", "You said: hello", "and again", "You said: and again"];
    assert_eq!(said(&shown), expected);
    assert_eq!(shown["session"]["models"], json!(["parrot-1"]));
    assert_eq!(shown["session"]["tokens"]["total"], 30);
    assert_eq!(shown["messages"][1]["message"], "assistant");
}

#[test]
fn an_endpoint_that_is_not_there_is_told_and_what_was_said_is_kept() {
    let sandbox = Sandbox::new();
    let arguments = ["shell", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"];
    let ran = sandbox.run_with(arguments, "hello\n").ok();
    assert!(
        ran.stderr.contains("http://127.0.0.1:9/v1/chat/completions did not answer"),
        "{ran:?}"
    );
    assert_eq!(said(&only_session(&sandbox)), ["hello"]);
}

#[test]
fn slash_commands_are_the_programs_own() {
    let sandbox = Sandbox::new();
    shell(&sandbox, "first\n/save\nsecond\n/save\n/rollback ~1\n").ok();
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["first"], "the held session is taken back, and stays so");
    let id = shown["session"]["id"].as_str().expect("an id").to_owned();
    let lines = format!("/resume {id}\n/history\nthird\n/sessions rename {id} 'A title'\nfourth\n");
    let ran = shell(&sandbox, &lines).ok();
    assert!(ran.stderr.contains("Going on with") && ran.stdout.contains("first"), "{ran:?}");
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["first", "third", "fourth"]);
    assert_eq!(shown["session"]["title"], "A title");
    let one = sandbox.run(["shell", "-c", "/sessions filter agent:annals-shell"]).ok();
    assert!(one.stdout.contains("A title"), "{one:?}");
}

#[test]
fn a_wrong_line_is_told_and_the_shell_goes_on() {
    let sandbox = Sandbox::new();
    let ran = shell(
        &sandbox,
        "/nonsense\n/sessions show\n/sessions show nothing-like-it\n/history\n/rollback\n\
         /sessions delete \"open\nstill here\n",
    )
    .ok();
    for told in [
        "There is no command /nonsense; /help names them all.",
        "no session is called nothing-like-it",
        "Nothing was said yet.",
        "/rollback takes one revision, such as ~1.",
        "A quote is not closed.",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
    assert_eq!(said(&only_session(&sandbox)), ["still here"]);
    sandbox.run(["shell", "-c", "/nonsense"]).code(2);
    sandbox.run(["shell", "--endpoint", "http://127.0.0.1:9"]).code(2);
}

#[cfg(unix)]
#[test]
fn what_was_interrupted_is_told_once_and_gone_on_with() {
    let sandbox = Sandbox::new();
    let open = || Terminal::start(sandbox.program().arg("shell"), 100, 30);
    let terminal = open();
    terminal.wait_for("annals ›");
    terminal.press("why is the last line dropped?\r").wait_until("the next prompt", |screen| {
        screen.lines().any(|line| line.trim_end().ends_with(" ›") && !line.contains("annals"))
    });
    terminal.signal(rustix::process::Signal::KILL);
    terminal.end();
    let terminal = open();
    let screen = terminal.wait_for("Go on with it? [Y/n]");
    assert_eq!(screen.matches("interrupted").count(), 1, "{screen}");
    assert!(
        screen.contains("Recovered 1 message of ") && screen.contains(", interrupted just now")
    );
    terminal.press("\r").wait_for("Going on with");
    terminal.press("/quit\r");
    assert_eq!(terminal.end().code, 0);
}
