//! What `search` prints.

use serde::Serialize;

use crate::repository::Found;
use crate::repository::FoundSession;
use crate::repository::Hit;
use crate::session::Part;

/// `annals.search/1`
#[derive(Debug, Serialize)]
pub(crate) struct SearchView<'a> {
    kind: &'static str,
    total: u64,
    hits: Vec<HitView<'a>>,
}

#[derive(Debug, Serialize)]
struct HitView<'a> {
    session: String,
    short: String,
    title: Option<&'a str>,
    message: Option<u64>,
    field: Option<&'static str>,
    part: &'static str,
    role: Option<&'a str>,
    at: Option<&'a str>,
    score: f64,
    snippet: &'a str,
    highlights: &'a [(usize, usize)],
}

impl<'a> SearchView<'a> {
    /// The view of what was found.
    pub(crate) fn of(found: &'a Found) -> Self {
        let hits = found
            .sessions
            .iter()
            .flat_map(|session| session.hits.iter().map(move |hit| HitView::of(session, hit)));
        Self { kind: "annals.search/1", total: found.total, hits: hits.collect() }
    }
}

impl<'a> HitView<'a> {
    fn of(session: &'a FoundSession, hit: &'a Hit) -> Self {
        let head = &session.summary.head;
        Self {
            session: head.id.to_string(),
            short: head.id.short(),
            title: head.title.as_deref().or(head.preview.as_deref()),
            message: hit.message,
            field: hit.field,
            part: match hit.part {
                Part::About => "about",
                Part::Talk => "talk",
                Part::Tools => "tools",
            },
            role: hit.role.as_deref(),
            at: hit.at.as_deref(),
            score: (hit.score * 1000.0).round() / 1000.0,
            snippet: &hit.snippet.text,
            highlights: &hit.snippet.highlights,
        }
    }
}
