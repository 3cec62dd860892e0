//! A service on loopback that answers in the form of OpenAI's chat completions.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;

use serde_json::Value;
use serde_json::json;

/// What must be said for an answer that begins and does not end.
pub(crate) const ENDLESS: &str = "go on for ever";

/// Answers, as long as the test runs, with what was said last and how many messages came with it, word
/// by word; gives its URL.
pub(crate) fn endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            if !answer(&mut stream) {
                open.push(stream);
            }
        }
    });
    format!("http://{address}/v1")
}

/// Whether the answer is whole.
fn answer(stream: &mut TcpStream) -> bool {
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
    let messages = body["messages"].as_array().expect("messages");
    let said = messages.last().expect("a message")["content"].as_str().unwrap_or_default();
    let count = format!(" ({} so far)", messages.len());
    let mut text = String::from("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    for word in ["You", " said: ", said, &count] {
        let event = json!({"choices": [{"delta": {"content": word}}]});
        text.push_str(&format!("data: {event}\n\n"));
    }
    let is_whole = said != ENDLESS;
    if is_whole {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
        text.push_str(&format!("data: {usage}\n\ndata: [DONE]\n\n"));
    }
    // Whoever asked may have gone.
    drop(stream.write_all(text.as_bytes()));
    is_whole
}
