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
use crate::session::Record;

/// The beginning of a session.
pub(super) fn preview(beginning: &Beginning, look: Look<'_>) -> String {
    let mut shown = String::new();
    let facts = conversation::facts(&beginning.head, look);
    let short = beginning.head.id.short();
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
    shown += &textwrap::fill(&about.join(" · "), look.width);
    shown += "\n\n";
    let records: Vec<&Record> = beginning.view().collect();
    shown += &conversation::conversation(&records, &Detail::default(), look);
    if !beginning.is_whole {
        let short = beginning.head.id.short();
        let rest = format!("\n… `annals show {short}` shows all of it\n");
        shown += &look.paint.faint(&rest);
    }
    shown
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
