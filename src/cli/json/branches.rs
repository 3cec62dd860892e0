//! The branches of a session.

use serde::Serialize;

use crate::cli::conversation::BranchSummary;
use crate::session::RevisionId;
use crate::session::SessionId;

/// `annals.branches/1`
#[derive(Debug, Serialize)]
pub(crate) struct BranchesView {
    kind: &'static str,
    revision: String,
    session: String,
    /// Messages that stand before the first fork.
    common: u64,
    branches: Vec<BranchView>,
}

#[derive(Debug, Serialize)]
struct BranchView {
    number: usize,
    messages: u64,
    own_messages: u64,
    begins_with: Option<String>,
    from: Option<String>,
    latest: Option<String>,
    is_last_used: bool,
}

impl BranchesView {
    /// The view of a session's branches.
    pub(crate) fn of(
        session: SessionId,
        revision: &RevisionId,
        (common, branches): (u64, &[BranchSummary]),
    ) -> Self {
        let branch = |it: &BranchSummary| BranchView {
            number: it.number,
            messages: it.messages,
            own_messages: it.own_messages,
            begins_with: it.begins_with.clone(),
            from: it.from.clone(),
            latest: it.latest.clone(),
            is_last_used: it.is_last_used,
        };
        Self {
            kind: "annals.branches/1",
            revision: revision.to_string(),
            session: session.to_string(),
            common,
            branches: branches.iter().map(branch).collect(),
        }
    }
}
