//! A session as the picker lists it: what is shown, matched and sorted by; all of it plain text.

use std::path::Path;

use nucleo_matcher::Utf32String;

use crate::cli::brief;
use crate::cli::plain::line;
use crate::repository::Filter;
use crate::repository::SortKey;
use crate::repository::Summary;
use crate::session::SessionId;
use crate::session::Workspace;

/// The characters of a preview that the filter looks at.
const PREVIEW: usize = 200;

/// What stands between the texts that the filter looks at.
const BETWEEN: &str = "  ";

/// What rows are ordered by: whether it is about another folder, whether it lacks what is asked
/// for, and that.
pub(super) type Rank = (bool, bool, i64);

/// The folders that rows are told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// The folder that is written as `~`.
    pub(super) home: &'a Path,
    /// The folder that sessions are about first.
    pub(super) current: &'a Path,
    /// What its repository is known by.
    pub(super) repository: Option<&'a str>,
}

impl Places<'_> {
    /// The sessions of a filter that are about the current folder or its repository.
    pub(super) fn only_here(&self, filter: &Filter) -> Filter {
        Filter {
            workspaces: vec![self.current.to_string_lossy().into_owned()],
            repositories: self.repository.map(str::to_owned).into_iter().collect(),
            ..filter.clone()
        }
    }

    fn are_of(&self, workspace: &Workspace) -> bool {
        let root = workspace.root.as_deref().unwrap_or_default();
        let is_below = !root.is_empty() && Path::new(root).starts_with(self.current);
        is_below || self.repository.is_some() && self.repository == workspace.repository.as_deref()
    }
}

/// A session in the picker.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The session.
    pub(super) id: SessionId,
    /// Its title, or what stands for it.
    pub(super) title: String,
    /// Its folder.
    pub(super) place: String,
    /// Its agent.
    pub(super) agent: String,
    /// Whether it is about the current folder, one below it, or their repository.
    pub(super) is_here: bool,
    /// Whether it is a sub-agent's.
    pub(super) is_subagent: bool,
    /// Whether it is pinned.
    pub(super) is_pinned: bool,
    /// How many sub-agents' sessions it has.
    pub(super) subagents: u64,
    /// Why it cannot be read, if it cannot.
    pub(super) damaged: Option<String>,
    /// When it was changed, in seconds.
    pub(super) modified: Option<i64>,
    /// How many messages it has.
    pub(super) messages: u64,
    created: Option<i64>,
    tokens: u64,
    size: u64,
    /// What the filter looks at; the title stands first.
    pub(super) haystack: Utf32String,
}

impl Row {
    /// The row of a session.
    pub(super) fn of(summary: &Summary, places: Places<'_>) -> Self {
        let head = &summary.head;
        let root = head.workspace.root.as_deref().unwrap_or_default();
        let seconds = |text: &Option<String>| {
            text.as_deref().and_then(brief::instant).map(|at| at.timestamp())
        };
        let title = brief::title(head);
        let place = brief::path(root, places.home);
        let preview = head.preview.as_deref().filter(|_| head.title.is_some()).unwrap_or_default();
        let preview: String = preview.chars().take(PREVIEW).collect();
        let branch = head.workspace.branch.as_deref().unwrap_or_default();
        let texts = [&title, &place, &line(branch), &line(&head.tags.join(" ")), &line(&preview)];
        let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
        Self {
            id: head.id,
            haystack: Utf32String::from(texts.join(BETWEEN).trim_end()),
            title,
            place,
            agent: line(&head.agent.name),
            is_here: places.are_of(&head.workspace),
            is_subagent: head.parent.is_some(),
            is_pinned: head.pinned,
            subagents: summary.subagents,
            damaged: summary.damaged.as_deref().map(line),
            modified: seconds(&head.modified),
            messages: head.counts.messages,
            created: seconds(&head.created),
            tokens: head.tokens.total,
            size: head.counts.bytes,
        }
    }

    /// Where its folder begins in what the filter looks at, in characters.
    pub(super) fn first_of_place(&self) -> usize {
        self.title.chars().count() + BETWEEN.len()
    }

    /// What the row is ordered by, the smallest first: those about the current folder, then the
    /// latest, largest, or first in the alphabet; turned around, that without what has no time.
    pub(super) fn rank(&self, sort: SortKey, is_reversed: bool) -> Rank {
        let largest = |number: u64| -i64::try_from(number).unwrap_or(i64::MAX);
        let order = match sort {
            SortKey::Modified => self.modified.map(|at| -at),
            SortKey::Created => self.created.map(|at| -at),
            SortKey::Messages => Some(largest(self.messages)),
            SortKey::Tokens => Some(largest(self.tokens)),
            SortKey::Size => Some(largest(self.size)),
            SortKey::Title => Some(alphabetical(&self.title)),
        };
        let order = order.map(|order| if is_reversed { -order } else { order });
        (!self.is_here, order.is_none(), order.unwrap_or_default())
    }
}

/// The beginning of a text as a number of the same order.
fn alphabetical(text: &str) -> i64 {
    let lower = text.chars().flat_map(char::to_lowercase);
    // Three characters of 21 bits each.
    let start = lower.chain(std::iter::repeat('\0')).take(3);
    start.fold(0, |number, character| (number << 21) | i64::from(u32::from(character)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn row(root: &str) -> Row {
        let mut summary = samples::summary();
        summary.head.workspace.root = Some(root.to_owned());
        summary.head.preview = Some("The login\u{1b}[2J page loops".to_owned());
        Row::of(&summary, places(None))
    }

    fn places(repository: Option<&str>) -> Places<'_> {
        let (home, current) = (Path::new("/home/dev"), Path::new("/home/dev/shop"));
        Places { home, current, repository }
    }

    #[test]
    fn a_session_of_this_repository_is_here_wherever_it_was_held() {
        let mut summary = samples::summary();
        summary.head.workspace.root = Some("/Users/kim/shop".to_owned());
        summary.head.workspace.repository = Some("example.com/dev/shop".to_owned());
        assert!(Row::of(&summary, places(Some("example.com/dev/shop"))).is_here);
        assert!(!Row::of(&summary, places(Some("example.com/dev/web"))).is_here);
        assert!(!Row::of(&summary, places(None)).is_here);
        summary.head.workspace.repository = None;
        assert!(!Row::of(&summary, places(None)).is_here);
    }

    #[test]
    fn the_filter_sees_what_a_person_knows_of_a_session() {
        assert_eq!(
            row("/home/dev/shop").haystack.to_string(),
            "Fix the login redirect  ~/shop  main  auth bug  The login␛[2J page loops"
        );
    }

    #[test]
    fn a_folder_below_is_here_and_one_with_a_longer_name_is_not() {
        assert!(row("/home/dev/shop").is_here);
        assert!(row("/home/dev/shop/api").is_here);
        assert!(!row("/home/dev/shopping").is_here);
        assert!(!row("").is_here);
    }

    #[test]
    fn what_is_here_stands_before_the_rest() {
        let (here, mut other) = (row("/home/dev/shop"), row("/srv"));
        other.modified = here.modified.map(|at| at + 1);
        assert!(here.rank(SortKey::Modified, false) < other.rank(SortKey::Modified, false));
        other.is_here = true;
        assert!(here.rank(SortKey::Modified, false) > other.rank(SortKey::Modified, false));
        other.modified = None;
        assert!(here.rank(SortKey::Modified, false) < other.rank(SortKey::Modified, false));
        assert!(here.rank(SortKey::Modified, true) < other.rank(SortKey::Modified, true));
        other.title = "äpfel".to_owned();
        assert!(here.rank(SortKey::Title, false) < other.rank(SortKey::Title, false));
    }
}
