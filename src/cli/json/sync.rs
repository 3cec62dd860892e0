//! What `annals remote` and `annals sync` print.

use serde::Serialize;

use crate::repository::Remote;
use crate::repository::SyncOutcome;
use crate::session::RevisionId;
use crate::session::SessionId;

/// `annals.remotes/1`: of `list` all remotes, of the others the one they were asked about.
#[derive(Debug, Serialize)]
pub(crate) struct RemotesView<'a> {
    kind: &'static str,
    remotes: Vec<RemoteView<'a>>,
}

#[derive(Debug, Serialize)]
struct RemoteView<'a> {
    name: &'a str,
    url: &'a str,
    /// Of `test` alone: whether there is nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<bool>,
    /// Of `test` alone: what its main is.
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<&'a RevisionId>,
}

impl<'a> RemotesView<'a> {
    /// The view of remotes.
    pub(crate) fn of(remotes: &'a [Remote]) -> Self {
        let view = |it: &'a Remote| RemoteView::of(it, None, None);
        Self { kind: "annals.remotes/1", remotes: remotes.iter().map(view).collect() }
    }

    /// The view of a remote that was asked for its tip.
    pub(crate) fn tested(remote: &'a Remote, tip: Option<&'a RevisionId>) -> Self {
        let view = RemoteView::of(remote, Some(tip.is_none()), tip);
        Self { kind: "annals.remotes/1", remotes: vec![view] }
    }
}

impl<'a> RemoteView<'a> {
    fn of(remote: &'a Remote, empty: Option<bool>, tip: Option<&'a RevisionId>) -> Self {
        Self { name: &remote.name, url: remote.address.as_str(), empty, tip }
    }
}

/// `annals.sync/1`
#[derive(Debug, Serialize)]
pub(crate) struct SyncView<'a> {
    kind: &'static str,
    remote: &'a str,
    dry_run: bool,
    came: &'a [SessionId],
    merged: &'a [SessionId],
    kept: &'a [SessionId],
    went: &'a [SessionId],
    scrubbed: bool,
    revision: Option<&'a RevisionId>,
}

impl<'a> SyncView<'a> {
    /// The view of a sync.
    pub(crate) fn of(outcome: &'a SyncOutcome) -> Self {
        let SyncOutcome {
            remote,
            came,
            merged,
            kept,
            went,
            is_scrubbed,
            revision,
            is_dry_run,
            hindrance: _,
        } = outcome;
        Self {
            kind: "annals.sync/1",
            remote,
            dry_run: *is_dry_run,
            came,
            merged,
            kept,
            went,
            scrubbed: *is_scrubbed,
            revision: revision.as_ref(),
        }
    }
}
