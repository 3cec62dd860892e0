//! Small transcripts in the form of Claude Code.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use annals::session::SessionId;
use serde_json::Value;
use serde_json::json;

/// A transcript that grows line by line.
#[derive(Clone)]
pub(crate) struct Transcript {
    home: PathBuf,
    number: u32,
    cwd: String,
    writer: u16,
    lines: Vec<Value>,
}

impl Transcript {
    /// The transcript of session `number`, in the workspace `/work/demo`.
    pub(crate) fn new(home: &Path, number: u32) -> Self {
        Self {
            home: home.to_owned(),
            number,
            cwd: "/work/demo".to_owned(),
            writer: 0xaaaa,
            lines: Vec::new(),
        }
    }

    /// The id of the session in the store.
    pub(crate) fn session(&self) -> SessionId {
        SessionId::captured("claude-code", &self.id())
    }

    /// The short form of that id.
    pub(crate) fn short(&self) -> String {
        self.session().short()
    }

    /// The agent's id of the session.
    pub(crate) fn id(&self) -> String {
        format!("{:08x}-1111-4222-8333-444444444444", self.number)
    }

    /// Where the file lies.
    pub(crate) fn path(&self) -> PathBuf {
        let slug: String =
            self.cwd.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        self.home.join(".claude/projects").join(slug).join(format!("{}.jsonl", self.id()))
    }

    /// Moves it to another workspace.
    pub(crate) fn workspace(mut self, cwd: &str) -> Self {
        cwd.clone_into(&mut self.cwd);
        self
    }

    /// What follows is written on another machine: its lines have ids of their own.
    pub(crate) fn by(mut self, writer: u16) -> Self {
        self.writer = writer;
        self
    }

    /// The user says something.
    pub(crate) fn user(self, text: &str) -> Self {
        self.said("user", &json!(text))
    }

    /// The agent says something.
    pub(crate) fn agent(self, text: &str) -> Self {
        self.said("assistant", &json!([{"type": "text", "text": text}]))
    }

    /// The agent runs a tool, which puts out something.
    pub(crate) fn tool(self, name: &str, input: &Value, output: &str) -> Self {
        let id = format!("toolu_{:08}", self.lines.len());
        let call = json!([{"type": "tool_use", "id": id, "name": name, "input": input}]);
        let result = json!([{"type": "tool_result", "tool_use_id": id, "content": output}]);
        self.said("assistant", &call).said("user", &result)
    }

    /// Any line.
    pub(crate) fn line(mut self, line: Value) -> Self {
        self.lines.push(line);
        self
    }

    /// Takes the last lines off.
    pub(crate) fn without_last(mut self, count: usize) -> Self {
        self.lines.truncate(self.lines.len() - count);
        self
    }

    /// Says something else in the line at `place`.
    pub(crate) fn reworded(mut self, place: usize, text: &str) -> Self {
        let content = &mut self.lines[place]["message"]["content"];
        *content = match content {
            Value::String(_) => json!(text),
            _ => json!([{"type": "text", "text": text}]),
        };
        self
    }

    /// Takes the line at `place` out.
    pub(crate) fn without(mut self, place: usize) -> Self {
        self.lines.remove(place);
        self
    }

    /// Writes it as the file of a sub-agent of this session.
    pub(crate) fn write_subagent(&self, agent: &str, call: &str, said: &str) -> SessionId {
        let folder = self.path().with_extension("").join("subagents");
        fs::create_dir_all(&folder).expect("a folder is made");
        let mut line = self.clone().user(said).lines.pop().expect("a line was added");
        line["isSidechain"] = json!(true);
        line["agentId"] = json!(agent);
        line["uuid"] = json!(format!("{agent}-0"));
        let text = format!("{line}\n");
        fs::write(folder.join(format!("agent-{agent}.jsonl")), text).expect("it is written");
        let about = json!({"agentType": "general-purpose", "toolUseId": call}).to_string();
        fs::write(folder.join(format!("agent-{agent}.meta.json")), about).expect("it is written");
        SessionId::captured("claude-code", &format!("{}/{agent}", self.id()))
    }

    /// The lines.
    pub(crate) fn lines(&self) -> &[Value] {
        &self.lines
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let mut lines: Vec<String> = self.lines.iter().map(Value::to_string).collect();
        lines.push(String::new());
        lines.join("\n")
    }

    /// Writes the file.
    pub(crate) fn write(self) -> Self {
        let path = self.path();
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder is made");
        fs::write(&path, self.text()).expect("the transcript is written");
        self
    }

    fn said(mut self, role: &str, content: &Value) -> Self {
        let number = self.lines.len();
        let uuid = format!("{:08x}-{:04x}-4bbb-8ccc-{number:012x}", self.number, self.writer);
        let mut message = json!({"role": role, "content": content});
        if role == "assistant" {
            message["id"] = json!(format!("msg_{number:04}"));
            message["type"] = json!("message");
            message["model"] = json!("claude-opus-4-5");
            message["usage"] = json!({"input_tokens": 10, "output_tokens": 5});
        }
        let line = json!({
            "parentUuid": self.lines.last().map(|line| line["uuid"].clone()),
            "isSidechain": false,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.id(),
            "version": "2.1.0",
            "gitBranch": "main",
            "type": role,
            "message": message,
            "uuid": uuid,
            "timestamp": format!("2026-11-20T10:{:02}:{:02}.000Z", number / 60 % 60, number % 60),
        });
        self.lines.push(line);
        self
    }
}
