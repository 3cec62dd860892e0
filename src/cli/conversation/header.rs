//! What stands above a conversation: what is known of the session.

use crate::cli::brief;
use crate::cli::conversation::Look;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::session::Head;

/// The columns of the labels.
const LABELS: usize = 10;

/// The title, and below it a line for each thing known. `author`: who saved it first, if that is
/// known.
pub(crate) fn header(head: &Head, author: Option<&str>, look: Look<'_>) -> String {
    let title = textwrap::fill(&brief::title(head), look.width);
    let mut text = look.paint.strong(&title) + "\n\n";
    let id = head.id.to_string();
    let split = id.len() - head.id.short().len();
    let id = format!("{}{}", look.paint.faint(&id[..split]), look.paint.id(&id[split..]));
    let author = author.map(line).unwrap_or_default();
    for (label, value) in [("id", id), ("author", author)].into_iter().chain(facts(head, look)) {
        if value.is_empty() {
            continue;
        }
        for (number, line) in value.lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            text += &look.paint.faint(&format!("  {label:<LABELS$}"));
            text += line;
            text += "\n";
        }
    }
    text
}

/// What is known of the session, by name; empty where nothing is.
pub(crate) fn facts(head: &Head, look: Look<'_>) -> Vec<(&'static str, String)> {
    let agent = match &head.agent.version {
        Some(version) => line(&format!("{} {version}", head.agent.name)),
        None => line(&head.agent.name),
    };
    let models: Vec<String> = head.models.iter().map(|model| line(&model.0)).collect();
    let label = if models.len() > 1 { "models" } else { "model" };
    let parent = head.parent.as_ref().map(|parent| &parent.session);
    vec![
        ("agent", agent),
        (label, models.join(", ")),
        ("workspace", workspace(head, look)),
        ("time", times(head, look)),
        ("size", size(head)),
        ("tokens", tokens(head)),
        ("tags", line(&head.tags.join(", "))),
        ("pinned", if head.pinned { "yes" } else { "" }.to_owned()),
        ("notes", plain(head.notes.as_deref().unwrap_or_default()).into_owned()),
        ("files", files(head)),
        ("redacted", redactions(head)),
        ("origin", origin(head)),
        ("parent", parent.map(|it| line(it)).unwrap_or_default()),
    ]
}

fn workspace(head: &Head, look: Look<'_>) -> String {
    let workspace = &head.workspace;
    let root = workspace.root.as_deref().unwrap_or_default();
    let root = brief::path(root, look.home);
    match &workspace.branch {
        Some(branch) => format!("{root} ({})", line(branch)).trim_start().to_owned(),
        None => root,
    }
}

fn times(head: &Head, look: Look<'_>) -> String {
    let at = |text: &Option<String>| text.as_deref().and_then(brief::instant).map(look.local);
    let (Some(first), Some(last)) = (at(&head.created), at(&head.modified)) else {
        return String::new();
    };
    let start = first.format("%Y-%m-%d %H:%M");
    let end = if first.date() == last.date() {
        last.format("%H:%M")
    } else {
        last.format("%Y-%m-%d %H:%M")
    };
    if start.to_string().ends_with(&end.to_string()) {
        return start.to_string();
    }
    format!("{start} – {end}")
}

fn size(head: &Head) -> String {
    let counts = &head.counts;
    let mut parts = vec![
        brief::count(counts.messages, "message"),
        brief::count(counts.turns, "turn"),
        brief::count(counts.tool_calls, "tool call"),
    ];
    if counts.unreadable > 0 {
        parts.push(format!("{} unreadable", counts.unreadable));
    }
    parts.push(brief::bytes(counts.bytes));
    parts.join(" · ")
}

fn tokens(head: &Head) -> String {
    let tokens = &head.tokens;
    if tokens.is_zero() {
        return String::new();
    }
    let parts = [
        ("in", tokens.input),
        ("out", tokens.output),
        ("cache read", tokens.cache_read),
        ("cache written", tokens.cache_write),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| format!("{} {name}", brief::compact(number)))
        .collect();
    format!("{} ({})", brief::compact(tokens.total), parts.join(", "))
}

fn files(head: &Head) -> String {
    match head.context_files.as_slice() {
        [] => String::new(),
        [one] => line(one),
        [first, rest @ ..] => format!("{} and {} more", line(first), rest.len()),
    }
}

fn redactions(head: &Head) -> String {
    if head.redactions.is_empty() {
        return String::new();
    }
    brief::rules(&head.redactions)
}

fn origin(head: &Head) -> String {
    // Captured is how nearly all sessions come; that says nothing.
    let origin = head.origin.as_deref().filter(|origin| *origin != "captured");
    origin.map(line).unwrap_or_default()
}
