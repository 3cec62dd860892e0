//! The conversation as Markdown: front matter, a heading a turn, tools in fenced blocks.

use std::fmt::Write as _;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::exchange::harmless::fenced;
use crate::exchange::harmless::harmless;
use crate::exchange::harmless::is_harmless;
use crate::exchange::harmless::longest_run;
use crate::exchange::script::Entry;
use crate::exchange::script::Outcome;
use crate::exchange::script::Part;
use crate::exchange::script::Speaker;
use crate::exchange::script::shown_time;
use crate::exchange::size;
use crate::exchange::title;
use crate::format;
use crate::session::Head;
use crate::session::Raw;
use crate::session::plain::line;

/// The file.
pub(super) fn render(head: &Head, entries: &[Entry<'_>]) -> String {
    let mut text = format!("---\n{}---\n\n# {}\n", front_matter(head), inline(&title(head)));
    for entry in entries {
        heading(entry, &mut text);
        for part in &entry.parts {
            part_text(part, &mut text);
        }
    }
    text
}

fn front_matter(head: &Head) -> String {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), Value::String(line(&value)));
        }
    };
    put("id", Some(head.id.to_string()));
    put("title", Some(title(head)));
    put("agent", Some(head.agent.name.clone()).filter(|name| !name.is_empty()));
    put("workspace", head.workspace.root.clone());
    put("created", head.created.clone());
    put("modified", head.modified.clone());
    let lists = [
        ("models", head.models.iter().map(|model| line(&model.0)).collect::<Vec<_>>()),
        ("tags", head.tags.iter().map(|tag| line(tag)).collect()),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        fields.insert(name.to_owned(), json!(list));
    }
    format::render_value(&Value::Object(fields))
}

fn heading(entry: &Entry<'_>, text: &mut String) {
    let name = inline(&entry.speaker.name());
    let mut words = match entry.turn {
        Some(turn) => format!("\n## {turn}. {name}"),
        None => format!("\n### {name}"),
    };
    if let Speaker::Model(Some(model)) = entry.speaker {
        put(&mut words, format_args!(" · {}", inline(&line(model))));
    }
    if let Some(at) = entry.at {
        put(&mut words, format_args!(" · {}", shown_time(at)));
    }
    put(text, format_args!("{words}\n"));
}

fn part_text(part: &Part<'_>, text: &mut String) {
    match part {
        Part::Text(said) => block(text, &harmless(said)),
        Part::Thinking(thought) => {
            block(text, &format!("**Thinking**\n\n{}", quoted(thought)));
        }
        Part::Call { name, input, results } => {
            block(text, &format!("**Tool** {}", code(name)));
            if let Some(input) = input {
                block(text, &fenced(&format::render_value(input), "yaml"));
            }
            results.iter().for_each(|result| outcome(result, text));
        }
        Part::Result(result) => outcome(result, text),
        Part::Injected(what, said) => {
            block(text, &format!("**Put in by the agent: {what}**\n\n{}", fenced(said, "text")));
        }
        Part::Image(media_type, data) => attachment("picture", media_type, data, text),
        Part::File(media_type, data) => attachment("file", media_type, data, text),
        Part::Other(value) => {
            let value = fenced(&format::render_value(value), "yaml");
            block(text, &format!("**A block of an unknown kind**\n\n{value}"));
        }
        Part::Unreadable(raw) => {
            block(text, "**A line that could not be read**");
            match raw {
                Raw::Text(raw) => block(text, &fenced(raw, "text")),
                Raw::Bytes(raw) => block(text, &format!("*({})*", size(raw.len()))),
            }
        }
        Part::Remark(remark) => block(text, &format!("*{remark}*")),
    }
}

fn outcome(result: &Outcome<'_>, text: &mut String) {
    let name = if result.is_error { "Failed" } else { "Result" };
    if result.parts.is_empty() {
        block(text, &format!("**{name}** *(nothing put out)*"));
        return;
    }
    block(text, &format!("**{name}**"));
    for part in &result.parts {
        match part {
            // What a program puts out is no Markdown.
            Part::Text(said) => block(text, &fenced(said, "text")),
            other => part_text(other, text),
        }
    }
}

fn attachment(what: &str, media_type: &str, data: &str, text: &mut String) {
    let size = size(data.len() / 4 * 3);
    let kind = code(media_type);
    block(text, &format!("*(A {what}, {kind}, {size}, which Markdown cannot hold.)*"));
}

/// A quotation. Behind its marks a tab is narrower, and some take a mark for the end of a tag: what
/// would not be harmless there is shown as it is.
fn quoted(text: &str) -> String {
    let marked = |text: &str| -> Vec<String> { text.lines().map(|it| format!("> {it}")).collect() };
    let quoted = marked(&harmless(text)).join("\n");
    if is_harmless(&quoted) { quoted } else { marked(&fenced(text, "")).join("\n") }
}

/// A paragraph or block of its own.
fn block(text: &mut String, words: &str) {
    put(text, format_args!("\n{}\n", words.trim_end_matches('\n')));
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a text grows as long as there is memory");
}

/// A short text as code.
fn code(text: &str) -> String {
    let text = line(text);
    let mark = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{mark}{space}{text}{space}{mark}")
}

/// A text on one line without any markup.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                shown.extend(['\\', character]);
            }
            character => shown.push(character),
        }
    }
    shown
}
