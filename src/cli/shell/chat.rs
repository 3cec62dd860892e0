//! An endpoint that answers: any chat service that speaks the form of OpenAI's chat completions, a
//! local Ollama for instance. Answers are streamed (server-sent events), by a thread of their own: one
//! that does not come, or is not wanted, must not hold up the prompt.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
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

/// How soon it is noticed that an answer is not wanted any longer.
const GLANCE: Duration = Duration::from_millis(50);

/// An endpoint, and the model that answers there.
#[derive(Debug, Clone)]
pub(crate) struct Chat(Arc<Endpoint>);

#[derive(Debug)]
struct Endpoint {
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

/// What comes of an answer, as it comes.
enum News {
    Part(String),
    Usage(Usage),
    End(io::Result<()>),
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
        Self(Arc::new(Endpoint { agent: config.into(), url, model: model.to_owned(), key }))
    }

    pub(super) fn model(&self) -> &str {
        &self.0.model
    }

    /// Has the endpoint answer to what was said; `part` is shown each piece as it comes.
    /// `is_stopped`: whether no more of it is wanted.
    pub(super) fn answer(
        &self,
        said: &[Message],
        part: &mut dyn FnMut(&str) -> io::Result<()>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Answered {
        let mut text = String::new();
        let mut usage = None;
        let news = self.ask(said);
        let ended = loop {
            match news.recv_timeout(GLANCE) {
                Ok(News::Part(piece)) => {
                    text.push_str(&piece);
                    if let Err(error) = part(&piece) {
                        break Err(Failure::Output(error));
                    }
                }
                Ok(News::Usage(told)) => usage = Some(told),
                Ok(News::End(ended)) => break ended.map_err(|error| self.failed(error)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(self.failed(io::Error::other("it broke off")));
                }
            }
            if is_stopped() {
                break Err(Failure::Interrupted);
            }
        };
        let message = (!text.is_empty()).then(|| {
            let mut message = Message::new("assistant", &text);
            message.model = Some(self.0.model.clone());
            message.usage = usage;
            message
        });
        let is_nothing = || self.failed(io::Error::other("it answered with nothing"));
        let error = ended.err().or_else(|| message.is_none().then(is_nothing));
        Answered { message, error }
    }

    /// Asks; when nobody listens to the answer any longer, no more of it is read.
    fn ask(&self, said: &[Message]) -> Receiver<News> {
        let (sender, news) = mpsc::channel();
        let (endpoint, said) = (Arc::clone(&self.0), said.to_vec());
        thread::spawn(move || {
            let tell = |news| sender.send(news).map_err(|_| io::ErrorKind::BrokenPipe.into());
            let ended = endpoint.stream(&said, &mut |event| {
                if let Some(usage) = usage_of(event) {
                    tell(News::Usage(usage))?;
                }
                let piece = event.pointer("/choices/0/delta/content").and_then(Value::as_str);
                piece.map_or(Ok(()), |piece| tell(News::Part(piece.to_owned())))
            });
            drop(sender.send(News::End(ended)));
        });
        news
    }

    fn failed(&self, error: io::Error) -> Failure {
        let message = format!("the endpoint {} did not answer", self.0.url);
        Failure::Library(Error::new(ErrorKind::Remote, message).because(error))
    }
}

impl Endpoint {
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
