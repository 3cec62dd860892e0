//! What `annals remote` and `annals sync` print.

use chrono::DateTime;
use chrono::Utc;
use serde::Serialize;

use crate::repository::Remote;
use crate::repository::RemoteState;
use crate::repository::SyncFailure;
use crate::repository::SyncOutcome;
use crate::repository::told_without_secrets;
use crate::session::RevisionId;
use crate::session::SessionId;

/// `annals.remotes/1`: of `list` all remotes, of the others the one they were asked about.
#[derive(Debug, Serialize)]
pub(crate) struct RemotesView<'a> {
    kind: &'static str,
    remotes: Vec<RemoteView<'a>>,
}

/// A remote.
#[derive(Debug, Serialize)]
pub(crate) struct RemoteView<'a> {
    name: &'a str,
    url: String,
    /// The filter that says which sessions it gets.
    only: Option<&'a str>,
    auto: bool,
    /// When it was synced with last.
    synced: Option<&'a DateTime<Utc>>,
    /// The last time that failed.
    failed: Option<&'a SyncFailure>,
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
        let view = |it: &'a Remote| RemoteView::of(it);
        Self { kind: "annals.remotes/1", remotes: remotes.iter().map(view).collect() }
    }

    /// The view of remotes, with what is known of syncs with them.
    pub(crate) fn known(states: &'a [RemoteState]) -> Self {
        let remotes = states.iter().map(RemoteView::known).collect();
        Self { kind: "annals.remotes/1", remotes }
    }

    /// The view of a remote that was asked for its tip.
    pub(crate) fn tested(remote: &'a Remote, tip: Option<&'a RevisionId>) -> Self {
        let view = RemoteView { empty: Some(tip.is_none()), tip, ..RemoteView::of(remote) };
        Self { kind: "annals.remotes/1", remotes: vec![view] }
    }
}

impl<'a> RemoteView<'a> {
    /// The view of a remote, with what is known of syncs with it.
    pub(crate) fn known(state: &'a RemoteState) -> Self {
        let RemoteState { remote, synced, failed } = state;
        Self { synced: synced.as_ref(), failed: failed.as_ref(), ..Self::of(remote) }
    }

    fn of(remote: &'a Remote) -> Self {
        // Whoever wrote a setting by hand may have put a secret into it.
        let url = told_without_secrets(remote.address.as_str());
        let (only, auto) = (remote.only.as_deref(), remote.is_auto);
        let (synced, failed, empty, tip) = (None, None, None, None);
        Self { name: &remote.name, url, only, auto, synced, failed, empty, tip }
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
    held: &'a [SessionId],
    stays: Option<u64>,
    rewritten: Option<&'a RevisionId>,
    scrubbed: bool,
    revision: Option<&'a RevisionId>,
}

impl<'a> SyncView<'a> {
    /// The view of a sync.
    pub(crate) fn of(outcome: &'a SyncOutcome) -> Self {
        Self {
            kind: "annals.sync/1",
            remote: &outcome.remote,
            dry_run: outcome.is_dry_run,
            came: &outcome.came,
            merged: &outcome.merged,
            kept: &outcome.kept,
            went: &outcome.went,
            held: &outcome.held,
            stays: outcome.stays,
            rewritten: outcome.rewritten.as_ref(),
            scrubbed: outcome.is_scrubbed,
            revision: outcome.revision.as_ref(),
        }
    }
}
