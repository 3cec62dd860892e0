//! What `annals workspace` prints.

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;
use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::MappedWorkspace;
use crate::repository::WorkspaceEntry;
use crate::repository::WorkspaceListing;
use crate::repository::WorkspaceName;
use crate::repository::WorkspacePlace;

/// `annals.workspaces/1`
#[derive(Debug, Serialize)]
pub(crate) struct WorkspacesView<'a> {
    kind: &'static str,
    workspaces: Vec<WorkspaceView<'a>>,
    faults: &'a [String],
}

#[derive(Debug, Serialize)]
struct WorkspaceView<'a> {
    #[serde(flatten)]
    name: NameView<'a>,
    sessions: u64,
    places: Vec<PlaceView>,
    elsewhere: &'a [String],
}

/// One of both is `null`.
#[derive(Debug, Serialize)]
struct NameView<'a> {
    repository: Option<&'a str>,
    root: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct PlaceView {
    folder: String,
    exists: bool,
    seen: Option<String>,
}

impl<'a> WorkspacesView<'a> {
    /// The view of all workspaces.
    pub(crate) fn of(listing: &'a WorkspaceListing) -> Self {
        let workspaces = listing.workspaces.iter().map(WorkspaceView::of).collect();
        Self { kind: "annals.workspaces/1", workspaces, faults: &listing.faults }
    }
}

impl<'a> WorkspaceView<'a> {
    fn of(entry: &'a WorkspaceEntry) -> Self {
        Self {
            name: NameView::of(&entry.name),
            sessions: entry.sessions,
            places: entry.places.iter().map(PlaceView::of).collect(),
            elsewhere: &entry.elsewhere,
        }
    }
}

impl<'a> NameView<'a> {
    fn of(name: &'a WorkspaceName) -> Self {
        match name {
            WorkspaceName::Repository(name) => Self { repository: Some(name), root: None },
            WorkspaceName::Root(root) => Self { repository: None, root: Some(root) },
        }
    }
}

impl PlaceView {
    fn of(place: &WorkspacePlace) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { folder: shown(&place.folder), exists: place.exists, seen: place.seen.map(text) }
    }
}

/// `annals.mapped/1`
#[derive(Debug, Serialize)]
pub(crate) struct MappedView<'a> {
    kind: &'static str,
    #[serde(flatten)]
    name: NameView<'a>,
    folder: String,
    sessions: u64,
}

impl<'a> MappedView<'a> {
    /// The view of what is known from now on.
    pub(crate) fn of(mapped: &'a MappedWorkspace) -> Self {
        Self {
            kind: "annals.mapped/1",
            name: NameView::of(&mapped.name),
            folder: shown(&mapped.folder),
            sessions: mapped.sessions,
        }
    }
}

/// `annals.forgotten/1`
#[derive(Debug, Serialize)]
pub(crate) struct ForgottenView<'a> {
    kind: &'static str,
    #[serde(flatten)]
    name: NameView<'a>,
}

impl<'a> ForgottenView<'a> {
    /// The view of what is forgotten.
    pub(crate) fn of(name: &'a WorkspaceName) -> Self {
        Self { kind: "annals.forgotten/1", name: NameView::of(name) }
    }
}
