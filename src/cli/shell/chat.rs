//! An endpoint that answers: any chat service that speaks the form of OpenAI's chat completions, a
//! local Ollama for instance. Answers are streamed (server-sent events).

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Message;
use crate::session::Usage;

/// How long an endpoint may take to be reached.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest line of an answer that is read, in bytes.
const LINE_LIMIT: u64 = 4 << 20;

/// An endpoint, and the model that answers there.
pub(crate) struct Chat {
    agent: ureq::Agent,
    url: String,
    model: String,
    key: Option<String>,
}

/// What came back.
pub(super) struct Answered {
    /// The answer, or what came of it.
    pub(super) message: Option<Message>,
    /// Why it is not whole.
    pub(super) error: Option<Failure>,
}

impl Chat {
    /// The endpoint at `url` (with or without `/chat/completions`); `key`: what it wants to be
    /// shown.
    pub(crate) fn new(url: &str, model: &str, key: Option<String>) -> Self {
        let url = url.trim_end_matches('/');
        let ending = "/chat/completions";
        let url = if url.ends_with(ending) { url.to_owned() } else { format!("{url}{ending}") };
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), url, model: model.to_owned(), key }
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Has the endpoint answer to what was said; `part` is shown each piece as it comes.
    pub(super) fn answer(
        &self,
        said: &[Message],
        part: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> Answered {
        let mut text = String::new();
        let mut usage = None;
        let read = self.stream(said, &mut |event| {
            if let Some(piece) = event.pointer("/choices/0/delta/content").and_then(Value::as_str) {
                text.push_str(piece);
                part(piece)?;
            }
            usage = usage_of(event).or(usage);
            Ok(())
        });
        let message = (!text.is_empty()).then(|| {
            let mut message = Message::new("assistant", &text);
            message.model = Some(self.model.clone());
            message.usage = usage;
            message
        });
        let error = read
            .err()
            .or_else(|| message.is_none().then(|| io::Error::other("it answered with nothing")));
        Answered { message, error: error.map(|error| self.failed(error)) }
    }

    fn stream(
        &self,
        said: &[Message],
        each: &mut dyn FnMut(&Value) -> io::Result<()>,
    ) -> io::Result<()> {
        let messages: Vec<Value> = said.iter().filter_map(as_sent).collect();
        let body = json!({
            "model": self.model, "messages": messages, "stream": true,
            "stream_options": {"include_usage": true},
        });
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(body.to_string()).map_err(io::Error::other)?;
        let status = response.status();
        if !status.is_success() {
            let told = response.body_mut().with_config().limit(4096).read_to_string();
            let told = told.unwrap_or_default();
            return Err(io::Error::other(format!("it refused ({status}): {}", told.trim())));
        }
        let mut lines = BufReader::new(response.body_mut().as_reader());
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = io::Read::take(&mut lines, LINE_LIMIT).read_until(b'\n', &mut line)?;
            let text = String::from_utf8_lossy(&line);
            let data = text.trim().strip_prefix("data:").map(str::trim);
            match data {
                Some("[DONE]") => return Ok(()),
                Some(data) => each(&serde_json::from_str(data).map_err(io::Error::other)?)?,
                None if read == 0 => return Ok(()),
                None => {}
            }
        }
    }

    fn failed(&self, error: io::Error) -> Failure {
        let message = format!("the endpoint {} did not answer", self.url);
        Failure::Library(Error::new(ErrorKind::Remote, message).because(error))
    }
}

/// A message in the endpoint's form; what has no text is left out.
fn as_sent(message: &Message) -> Option<Value> {
    let text = match &message.content {
        Content::Text(text) => text.clone(),
        Content::Blocks(blocks) => {
            let text = |block: &Block| match &block.kind {
                BlockKind::Text { text } => Some(text.clone()),
                _ => None,
            };
            blocks.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
    };
    let is_sent = matches!(message.role.as_str(), "user" | "assistant" | "system");
    (is_sent && !text.is_empty()).then(|| json!({"role": message.role, "content": text}))
}

fn usage_of(event: &Value) -> Option<Usage> {
    let usage = event.get("usage").filter(|usage| usage.is_object())?;
    let count = |name| usage.get(name).and_then(Value::as_u64);
    Some(Usage {
        input: count("prompt_tokens"),
        output: count("completion_tokens"),
        ..Usage::default()
    })
}
