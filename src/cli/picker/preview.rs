//! The preview: what is known of a session in a few lines, and how it begins.

use crate::cli::conversation;
use crate::cli::conversation::Detail;
use crate::cli::conversation::Look;
use crate::cli::exit;
use crate::cli::exit::Failure;
use crate::cli::picker::job::Text;
use crate::cli::picker::text;
use crate::cli::plain::plain;
use crate::error::Error;
use crate::repository::Beginning;
use crate::repository::Query;
use crate::session::Head;
use crate::session::Record;

/// The messages before and behind a hit that are shown with it.
const AROUND: u64 = 12;
/// The lines that are seen above a hit.
const ABOVE: usize = 2;

/// The beginning of a session.
pub(super) fn preview(beginning: &Beginning, look: Look<'_>) -> String {
    let mut shown = about(&beginning.head, look);
    let records: Vec<&Record> = beginning.view().collect();
    shown += &conversation::conversation(&records, &Detail::default(), look);
    if !beginning.is_whole {
        let short = beginning.head.id.short();
        let rest = format!("\n… `annals show {short}` shows all of it\n");
        shown += &look.paint.faint(&rest);
    }
    shown
}

/// The messages around one, that one unfolded, with what the query finds there marked. It is to be
/// seen from the first match in that message on.
pub(super) fn around(
    (head, view): (&Head, &[&Record]),
    number: u64,
    query: &Query,
    look: Look<'_>,
    width: u16,
) -> Text {
    let last = conversation::count(view);
    let part = |messages, is_whole| {
        let detail = Detail { tools: is_whole, thinking: is_whole, messages: Some(messages) };
        conversation::conversation(view, &detail, look)
    };
    let mut before = about(head, look);
    if number > 1 {
        before += &part(number.saturating_sub(AROUND).max(1)..=number - 1, false);
        before.push('\n');
    }
    let start = text::set(&before, width).lines.len();
    let message = part(number..=number, true);
    let behind = if number < last {
        let until = number.saturating_add(AROUND);
        let mut behind = format!("\n{}", part(number + 1..=until, false));
        if until < last {
            let rest = format!("\n… `annals show {}` shows all of it\n", head.id.short());
            behind += &look.paint.faint(&rest);
        }
        behind
    } else {
        String::new()
    };
    let mut text = text::set(&format!("{before}{message}{behind}"), width);
    let end = start + text::set(&message, width).lines.len();
    let hit = text::hit(look.paint.is_on());
    let matching = text::mark(&mut text.lines, |text| query.find(text), hit);
    let first = matching.into_iter().find(|line| (start..end).contains(line));
    text.start = first.map_or(start, |line| line.saturating_sub(ABOVE).max(start));
    text
}

/// What is known of a session, in a few lines, and an empty one.
fn about(head: &Head, look: Look<'_>) -> String {
    let facts = conversation::facts(head, look);
    let short = head.id.short();
    let mut about = vec![look.paint.id(&short)];
    about.extend(facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| {
        let value = value.replace('\n', " ");
        // These say themselves what they are.
        match label {
            "agent" | "model" | "models" | "workspace" | "time" | "size" => value,
            "tokens" => {
                let total = value.split(" (").next().unwrap_or_default();
                format!("{total} tokens")
            }
            label => format!("{label} {value}"),
        }
    }));
    textwrap::fill(&about.join(" · "), look.width) + "\n\n"
}

/// Why there is no preview, and what to do about it.
pub(super) fn refusal(error: Error, width: u16) -> Text {
    let mut said = "! This session cannot be read.\n\n".to_owned();
    if let Some(report) = exit::report(&Failure::Library(error)) {
        said += &textwrap::fill(&plain(&report.message), usize::from(width).max(10));
        if let Some(hint) = report.hint {
            said += "\n\n";
            said += &textwrap::fill(&hint, usize::from(width).max(10));
        }
    }
    text::set(&said, width)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::paint::Paint;
    use crate::cli::samples;
    use crate::session::BlockKind;

    #[test]
    fn the_message_of_a_hit_is_shown_whole_and_begins_in_sight() {
        let thought = BlockKind::Thinking { text: "a\nb\nc\nd\nthe needle\ne".to_owned() };
        let records: Vec<Record> = (0..40)
            .map(|n| {
                let said = samples::text(&format!("This is {n}."));
                let blocks = vec![if n == 30 { thought.clone() } else { said }];
                let role = if n % 2 == 0 { "assistant" } else { "user" };
                Record::Message(samples::message(role, 1, blocks))
            })
            .collect();
        let view: Vec<&Record> = records.iter().collect();
        let paint = Paint::new(false);
        let look =
            Look { paint, width: 60, home: Path::new("/home/dev"), local: |at| at.naive_utc() };
        let query = Query::parse("needle").expect("a query");
        let head = samples::head();
        let text = around((&head, &view), 31, &query, look, 60);
        let lines: Vec<String> = text.lines.iter().map(ToString::to_string).collect();
        let seen = &lines[text.start..];
        assert_eq!(seen[ABOVE].trim(), "the needle", "{seen:?}");
        let holds = |what: &str| lines.iter().any(|line| line == what);
        assert!(holds("This is 18.") && !holds("This is 17."), "{lines:?}");
        assert!(holds("This is 39.") && !lines.iter().any(|line| line.starts_with('…')));
        let first = around((&head, &view), 1, &query, look, 60);
        let seen = first.lines[first.start].to_string();
        assert!(seen.starts_with("── Assistant  1"), "{seen}");
        assert!(first.lines.last().is_some_and(|line| line.to_string().starts_with('…')));
    }
}
