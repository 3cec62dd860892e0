//! What one message says, as text: words wrapped, code left alone, tools and thinking folded.

use std::collections::HashMap;
use std::collections::HashSet;

use serde_json::Value;

use crate::cli::brief::bytes;
use crate::cli::brief::count;
use crate::cli::brief::fit;
use crate::cli::conversation::Detail;
use crate::cli::conversation::Look;
use crate::cli::conversation::injected_name;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Message;

/// The inputs that say best what a tool is asked for.
const TELLING: [&str; 9] =
    ["command", "cmd", "file_path", "path", "pattern", "query", "url", "description", "prompt"];

/// What a tool answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolResult<'a> {
    /// What it put out.
    pub(crate) output: Option<&'a Content>,
    /// Whether it failed.
    pub(crate) is_error: bool,
}

/// What is needed to set a message.
pub(super) struct Body<'a> {
    pub(super) detail: &'a Detail,
    pub(super) look: Look<'a>,
    pub(super) results: &'a HashMap<&'a str, ToolResult<'a>>,
    pub(super) shown_calls: &'a HashSet<&'a str>,
}

impl Body<'_> {
    /// The message, each line with its end; empty when all of it stands elsewhere.
    pub(super) fn message(&self, message: &Message) -> String {
        if let Some(injected) = message.injected
            && !self.detail.tools
        {
            let said = message_text(message);
            return match said.trim() {
                "" => String::new(),
                said => self.folded(injected_name(injected), said),
            };
        }
        let mut parts: Vec<String> = Vec::new();
        match &message.content {
            Content::Text(text) => parts.push(self.wrapped(text)),
            Content::Blocks(blocks) => {
                parts.extend(blocks.iter().map(|block| self.block(&block.kind)));
            }
        }
        parts.retain(|part| !part.trim().is_empty());
        parts.join("\n")
    }

    /// Whether all of it is folded to single lines.
    pub(super) fn is_folded(&self, message: &Message) -> bool {
        let is_said = |kind: &BlockKind| matches!(kind, BlockKind::Text { .. });
        let blocks = message.content.blocks();
        !self.detail.tools
            && !blocks.is_empty()
            && !self.detail.thinking
            && !blocks.iter().any(|block| is_said(&block.kind))
    }

    fn block(&self, kind: &BlockKind) -> String {
        match kind {
            BlockKind::Text { text } => self.wrapped(text),
            BlockKind::Thinking { text } => self.thinking(text),
            BlockKind::ToolCall { name, id, input } => {
                let result = id.as_deref().and_then(|id| self.results.get(id));
                self.call(name, input.as_ref())
                    + &result.map_or(String::new(), |it| self.result(it))
            }
            BlockKind::ToolResult { id, output, error } => {
                if self.shown_calls.contains(id.as_str()) {
                    return String::new();
                }
                self.result(&ToolResult { output: output.as_ref(), is_error: *error == Some(true) })
            }
            BlockKind::Image { media_type, data } | BlockKind::File { media_type, data } => {
                self.look.paint.faint(&attachment(media_type, data)) + "\n"
            }
            BlockKind::Other => self.look.paint.faint("(a block of an unknown kind)") + "\n",
        }
    }

    fn thinking(&self, text: &str) -> String {
        if text.trim().is_empty() {
            String::new()
        } else if self.detail.thinking || self.detail.tools {
            self.indented(&wrap(&plain(text), self.look.width - 2), "  ", true)
        } else {
            self.folded("thought", text)
        }
    }

    fn call(&self, name: &str, input: Option<&Value>) -> String {
        let paint = self.look.paint;
        let name = line(name);
        let start = format!("{} {}", paint.good("⏺"), paint.strong(&name));
        if self.detail.tools {
            let input = input.map(|input| self.input(input)).unwrap_or_default();
            return format!("{start}\n{input}");
        }
        let room = self.look.width.saturating_sub(name.len() + 4);
        let told = fit(&input.map(telling).unwrap_or_default(), room);
        format!("{start}  {told}").trim_end().to_owned() + "\n"
    }

    fn result(&self, result: &ToolResult<'_>) -> String {
        let paint = self.look.paint;
        let text = result.output.map(content_text).unwrap_or_default();
        let text = text.trim_end();
        if self.detail.tools {
            let text = match text {
                "" => "nothing put out".to_owned(),
                text if result.is_error => format!("failed: {text}"),
                text => text.to_owned(),
            };
            return self.indented(&plain(&text), "  ⎿ ", false);
        }
        let lines = text.lines().count();
        let room = self.look.width.saturating_sub(14);
        let told = match text.lines().find(|it| !it.trim().is_empty()) {
            None => "nothing put out".to_owned(),
            Some(first) if lines == 1 || result.is_error => fit(&line(first), room),
            Some(_) => count(lines as u64, "line"),
        };
        if result.is_error {
            format!("{} {}\n", paint.faint("  ⎿"), paint.bad(&format!("failed: {told}")))
        } else {
            paint.faint(&format!("  ⎿ {told}")) + "\n"
        }
    }

    /// The arguments of a tool, one a line, long texts below their names.
    fn input(&self, input: &Value) -> String {
        let Value::Object(fields) = input else {
            return self.indented(&plain(&input.to_string()), "    ", false);
        };
        let field = |(name, value): (&String, &Value)| {
            let value = match value {
                Value::String(text) => plain(text).into_owned(),
                other => plain(&other.to_string()).into_owned(),
            };
            let name = self.look.paint.faint(&format!("    {}:", line(name)));
            if value.contains('\n') {
                format!("{name}\n{}", self.indented(&value, "      ", false))
            } else {
                format!("{name} {value}\n")
            }
        };
        fields.iter().map(field).collect()
    }

    /// A text as one faint line: what it is, how it begins, how long it is.
    fn folded(&self, what: &str, text: &str) -> String {
        let lines = text.trim().lines().count();
        let size = match lines {
            1 => String::new(),
            lines => format!(" ({lines} lines)"),
        };
        let room = self.look.width.saturating_sub(what.len() + size.len() + 4);
        let first = text.lines().find(|it| !it.trim().is_empty());
        let start = fit(&line(first.unwrap_or_default()), room);
        self.look.paint.faint(&format!("· {what}: {start}{size}")) + "\n"
    }

    fn wrapped(&self, text: &str) -> String {
        wrap(&plain(text.trim_matches('\n')), self.look.width)
    }

    /// Each line behind `start`, whose last characters stand on the first line only.
    fn indented(&self, text: &str, start: &str, is_faint: bool) -> String {
        let blanks = " ".repeat(start.chars().count());
        let mut shown = String::new();
        for (number, line) in text.lines().enumerate() {
            let start = if number == 0 { start } else { &blanks };
            let line = if is_faint {
                self.look.paint.faint(&format!("{start}{line}"))
            } else {
                format!("{}{line}", self.look.paint.faint(start))
            };
            shown += line.trim_end();
            shown += "\n";
        }
        shown
    }
}

/// All that a message says, without any setting.
pub(crate) fn message_text(message: &Message) -> String {
    content_text(&message.content)
}

fn content_text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Blocks(blocks) => {
            let texts = blocks.iter().map(|block| match &block.kind {
                BlockKind::Text { text } | BlockKind::Thinking { text } => text.clone(),
                BlockKind::ToolCall { name, input, .. } => {
                    let input = input.as_ref().map(telling).unwrap_or_default();
                    format!("⏺ {name}  {input}")
                }
                BlockKind::ToolResult { output, .. } => {
                    output.as_ref().map(content_text).unwrap_or_default()
                }
                BlockKind::Image { media_type, data } | BlockKind::File { media_type, data } => {
                    attachment(media_type, data)
                }
                BlockKind::Other => String::new(),
            });
            let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
            texts.join("\n")
        }
    }
}

fn attachment(media_type: &str, data: &str) -> String {
    // Base64 has four characters for three bytes.
    format!("({}, {})", line(media_type), bytes(data.len() as u64 / 4 * 3))
}

/// What a tool is asked for, on one line.
fn telling(input: &Value) -> String {
    let Value::Object(fields) = input else {
        return line(&input.to_string());
    };
    let told = TELLING
        .iter()
        .find_map(|name| fields.get(*name)?.as_str())
        .or_else(|| fields.values().find_map(Value::as_str));
    match told {
        Some(text) => line(text),
        None if fields.is_empty() => String::new(),
        None => line(&input.to_string()),
    }
}

/// Wraps each line by itself; code between fences, tables and indented code are left alone.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 20);
    let mut is_code = false;
    for line in text.lines() {
        let start = line.trim_start();
        let is_fence = start.starts_with("```") || start.starts_with("~~~");
        if is_code || is_fence || start.starts_with('|') || line.starts_with("    ") {
            wrapped += line.trim_end();
        } else {
            let indent = " ".repeat(line.len() - start.len() + bullet(start));
            let options =
                textwrap::Options::new(width).subsequent_indent(&indent).break_words(false);
            wrapped += &textwrap::fill(line.trim_end(), options);
        }
        wrapped += "\n";
        is_code ^= is_fence;
    }
    wrapped
}

/// The length of a list mark at the beginning of a line.
fn bullet(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if line.starts_with("- ") || line.starts_with("* ") || line.starts_with("> ") {
        2
    } else if (1..4).contains(&digits) && line[digits..].starts_with(". ") {
        digits + 2
    } else {
        0
    }
}
