//! The conversation as one page for a browser: no script, nothing loaded, every value escaped.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

use crate::exchange::prose::prose;
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
use crate::session::plain::plain;

/// The page. Its name makes the engine escape every value but the prose.
const TEMPLATE: (&str, &str) = ("page.html", include_str!("page.html"));

/// The pictures that are shown.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// How much of a tool's input its closed line tells, in characters.
const TOLD: usize = 160;

#[derive(Serialize)]
struct Page {
    title: String,
    facts: Vec<(&'static str, String)>,
    entries: Vec<EntryView>,
}

#[derive(Serialize)]
struct EntryView {
    class: &'static str,
    name: String,
    turn: Option<usize>,
    model: Option<String>,
    at: Option<String>,
    parts: Vec<PartView>,
}

/// A part; `kind` says how it is set.
#[derive(Serialize, Default)]
struct PartView {
    kind: &'static str,
    /// HTML that `prose` made.
    html: String,
    /// What a fold is called.
    name: String,
    /// What its closed line tells of it.
    told: String,
    text: String,
    is_error: bool,
    parts: Vec<PartView>,
}

/// The file.
pub(super) fn render(head: &Head, entries: &[Entry<'_>]) -> String {
    let page = Page {
        title: title(head),
        facts: facts(head),
        entries: entries.iter().map(entry_view).collect(),
    };
    let mut engine = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    engine.set_syntax(syntax.expect("the signs are the usual ones"));
    let (name, source) = TEMPLATE;
    engine.add_template(name, source).expect("the template is ours");
    let template = engine.get_template(name).expect("it was added above");
    template.render(Serde(&page)).expect("the template uses what the page has")
}

fn facts(head: &Head) -> Vec<(&'static str, String)> {
    let models: Vec<&str> = head.models.iter().map(|model| model.0.as_str()).collect();
    let version = head.agent.version.as_deref().unwrap_or_default();
    let time = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        crate::session::Timestamp::parse(text)
            .map_or_else(|| text.to_owned(), |at| shown_time(at.instant()))
    };
    let facts = [
        ("Session", head.id.to_string()),
        ("Agent", format!("{} {version}", head.agent.name)),
        ("Models", models.join(", ")),
        ("Workspace", head.workspace.root.clone().unwrap_or_default()),
        ("Created", time(&head.created)),
        ("Modified", time(&head.modified)),
        ("Tags", head.tags.join(", ")),
    ];
    let facts = facts.map(|(name, text)| (name, line(&text)));
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn entry_view(entry: &Entry<'_>) -> EntryView {
    EntryView {
        class: match entry.speaker {
            Speaker::Person => "person",
            Speaker::Model(_) => "model",
            Speaker::Agent | Speaker::Other(_) => "other",
        },
        name: entry.speaker.name(),
        turn: entry.turn,
        model: match entry.speaker {
            Speaker::Model(model) => model.map(line),
            _ => None,
        },
        at: entry.at.map(shown_time),
        parts: entry.parts.iter().map(part_view).collect(),
    }
}

fn part_view(part: &Part<'_>) -> PartView {
    match part {
        Part::Text(text) => PartView { kind: "prose", html: prose(text), ..PartView::default() },
        Part::Thinking(text) => PartView { html: prose(text), ..fold("Thinking", text) },
        Part::Call { name, input, results } => {
            let told = input.map(told_input).unwrap_or_default();
            let input = input.map(format::render_value).unwrap_or_default();
            let is_error = results.iter().any(|result| result.is_error);
            let mut parts = vec![verbatim(&input)];
            parts.extend(results.iter().flat_map(outcome));
            PartView {
                kind: "fold",
                name: line(name),
                told,
                is_error,
                parts,
                ..PartView::default()
            }
        }
        Part::Result(result) => {
            PartView { is_error: result.is_error, parts: outcome(result), ..fold("Result", "") }
        }
        Part::Injected(what, text) => {
            let mut name = (*what).to_owned();
            name[..1].make_ascii_uppercase();
            PartView { parts: vec![verbatim(text)], ..fold(&name, text) }
        }
        Part::Image(media_type, data) => picture(media_type, data),
        Part::File(media_type, data) => attachment("File", media_type, data),
        Part::Other(value) => PartView {
            parts: vec![verbatim(&format::render_value(value))],
            ..fold("A block of an unknown kind", "")
        },
        Part::Unreadable(Raw::Text(raw)) => {
            PartView { parts: vec![verbatim(raw)], ..fold("A line that could not be read", raw) }
        }
        Part::Unreadable(Raw::Bytes(raw)) => {
            remark(format!("A line that could not be read: {}", size(raw.len())))
        }
        Part::Remark(text) => remark((*text).to_owned()),
    }
}

fn outcome(result: &Outcome<'_>) -> Vec<PartView> {
    let name = if result.is_error { "Failed" } else { "Result" };
    let mut parts = vec![PartView {
        kind: "label",
        name: name.to_owned(),
        is_error: result.is_error,
        ..PartView::default()
    }];
    parts.extend(result.parts.iter().map(|part| match part {
        // What a program puts out is no Markdown.
        Part::Text(text) => verbatim(text),
        other => part_view(other),
    }));
    if result.parts.is_empty() {
        parts.push(remark("Nothing was put out.".to_owned()));
    }
    parts
}

fn fold(name: &str, text: &str) -> PartView {
    PartView { kind: "fold", name: name.to_owned(), told: told(text), ..PartView::default() }
}

fn verbatim(text: &str) -> PartView {
    let text = plain(text).trim_end_matches('\n').to_owned();
    PartView { kind: "verbatim", text, ..PartView::default() }
}

fn remark(text: String) -> PartView {
    PartView { kind: "remark", text, ..PartView::default() }
}

/// The beginning of a text, on one line.
fn told(text: &str) -> String {
    let start: String = text.chars().take(TOLD * 2).collect();
    line(&start).chars().take(TOLD).collect()
}

/// What a tool was given, on one line: of a single value no name, which says nothing more.
fn told_input(input: &Value) -> String {
    let value = |value: &Value| match value {
        Value::String(text) => told(text),
        other => told(&other.to_string()),
    };
    match input {
        Value::Object(fields) if fields.len() != 1 => {
            let fields = fields.iter().map(|(name, it)| format!("{name}: {}", value(it)));
            told(&fields.collect::<Vec<_>>().join(" · "))
        }
        Value::Object(fields) => fields.values().map(value).collect(),
        other => value(other),
    }
}

/// A picture that is what it says, in a form that browsers only ever draw.
fn picture(media_type: &str, data: &str) -> PartView {
    let data: Cow<'_, str> = if data.contains(char::is_whitespace) {
        data.split_whitespace().collect::<String>().into()
    } else {
        data.into()
    };
    if !PICTURES.contains(&media_type) || STANDARD.decode(data.as_ref()).is_err() {
        return attachment("Picture", media_type, &data);
    }
    let text = format!("data:{media_type};base64,{data}");
    PartView { kind: "picture", text, ..PartView::default() }
}

fn attachment(what: &str, media_type: &str, data: &str) -> PartView {
    remark(format!("{what}: {}, {}", line(media_type), size(data.len() / 4 * 3)))
}
