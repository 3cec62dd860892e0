//! Hand-made rows that the tests of the picker show.

use std::path::Path;

use crate::cli::picker::job::Found;
use crate::cli::picker::row::Places;
use crate::cli::picker::row::Row;
use crate::cli::samples;
use crate::repository::Hit;
use crate::repository::Snippet;
use crate::repository::Summary;
use crate::session::Part;

/// Titles, folders, and how many hours ago.
const SESSIONS: [(&str, &str, u32); 6] = [
    ("Fix the login redirect", "/home/dev/shop", 3),
    ("Find out why the release job fails", "/home/dev/shop", 30),
    ("Write the manual of the parser", "/home/dev/parser", 1),
    ("ログイン後のリダイレクトを直す", "/srv/日本語/店", 50),
    ("A flaky test of the queue", "/home/dev/queue", 4),
    ("Update what depends on the old queue", "/home/dev/shop/api", 700),
];

/// The summary of the `n`th session.
pub(super) fn summary(n: u8) -> Summary {
    let (title, root, hours) = SESSIONS[usize::from(n) % SESSIONS.len()];
    let mut summary = samples::summary();
    let id = format!("01890000-0000-7000-8000-0000000000{n:02x}");
    summary.head.id = id.parse().expect("an id");
    summary.head.title = Some(title.to_owned());
    summary.head.workspace.root = Some(root.to_owned());
    summary.head.workspace.branch = None;
    summary.head.tags = Vec::new();
    let at = samples::now() - chrono::TimeDelta::hours(i64::from(hours));
    summary.head.modified = Some(at.to_rfc3339());
    summary.head.counts.messages = u64::from(hours) * 7;
    summary.subagents = u64::from(n == 0) * 2;
    summary
}

/// A row.
pub(super) fn row(summary: &Summary) -> Row {
    let places = Places {
        home: Path::new("/home/dev"),
        current: Path::new("/home/dev/shop"),
        repository: None,
    };
    Row::of(summary, places)
}

/// All rows: the second is pinned, the fifth is damaged.
pub(super) fn rows() -> Vec<Row> {
    let mut summaries: Vec<Summary> = (0..6).map(summary).collect();
    summaries[1].head.pinned = true;
    summaries[4].damaged = Some("an object is missing".to_owned());
    summaries.iter().map(row).collect()
}

/// What a search for `query` found of the `n`th session: in these messages, in the second best.
pub(super) fn found(n: u8, messages: &[u64]) -> Found {
    let text = "The query is lost on the redirect, and so is the hash.";
    let hit = |number: &u64| Hit {
        message: Some(*number),
        field: None,
        part: Part::Talk,
        role: Some("assistant".to_owned()),
        at: None,
        score: 1.0,
        snippet: Snippet {
            text: text.to_owned(),
            highlights: vec![(4, 9)],
            is_cut_before: true,
            is_cut_after: false,
        },
    };
    let hits: Vec<Hit> = messages.iter().map(hit).collect();
    Found { row: row(&summary(n)), best: 1.min(hits.len().saturating_sub(1)), hits }
}
