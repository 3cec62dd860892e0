use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write as _;

use chrono::Days;
use chrono::NaiveDate;
use chrono::TimeDelta;
use chrono::TimeZone as _;
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::index::refresh::HistorySource;
use crate::index::refresh::Presence;
use crate::platform::FileStamp;
use crate::session::HeadFold;
use crate::session::ModelName;
use crate::session::ParentSession;
use crate::session::Record;
use crate::session::RecordKey;
use crate::store;

/// What a commit of a made-up history did: for each session its new head, none when deleted, or
/// why it cannot be read.
type Step = Vec<(SessionId, Result<Option<Head>, String>)>;

/// A made-up history of main.
#[derive(Default)]
struct History {
    commits: Vec<(CommitEntry, Step)>,
    /// Why its newest revision cannot be read, if it cannot.
    unread: Option<String>,
    /// What was asked of it.
    asked: RefCell<Vec<&'static str>>,
}

impl History {
    /// A history of the name `salt`: another salt, other commits.
    fn of(salt: u8, steps: Vec<Step>) -> Self {
        let mut history = Self::default();
        for step in steps {
            history.push(salt, step);
        }
        history
    }

    fn push(&mut self, salt: u8, step: Step) -> CommitEntry {
        let number = self.commits.len() as u64;
        let parents = self.commits.last().map(|it| it.0.revision.clone());
        let entry = CommitEntry {
            revision: RevisionId::parse(&format!("{salt:02x}{number:038x}")).unwrap(),
            at: time(number.cast_signed()),
            operation: "save".to_owned(),
            subject: "save: something".to_owned(),
            author: None,
            parents: parents.into_iter().collect(),
        };
        self.commits.push((entry.clone(), step));
        entry
    }

    fn place(&self, revision: &RevisionId) -> Option<usize> {
        self.commits.iter().position(|(entry, _)| entry.revision == *revision)
    }
}

impl HistorySource for History {
    fn tip(&self) -> Result<RevisionId, store::Error> {
        self.asked.borrow_mut().push("tip");
        Ok(self.commits.last().unwrap().0.revision.clone())
    }

    fn check_readable(&self, _at: &RevisionId) -> Result<(), store::Error> {
        match &self.unread {
            Some(cause) => {
                Err(store::Error::Corrupt { what: "the tip".to_owned(), cause: cause.clone() })
            }
            None => Ok(()),
        }
    }

    fn newest_readable(&self) -> Result<Option<RevisionId>, store::Error> {
        let before = self.commits.len().checked_sub(2);
        Ok(before.map(|place| self.commits[place].0.revision.clone()))
    }

    fn history(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
        _is_known: &dyn Fn(&RevisionId) -> bool,
    ) -> Result<Option<Vec<CommitEntry>>, store::Error> {
        self.asked.borrow_mut().push("history");
        let start = match from.map(|from| self.place(from)) {
            None => 0,
            Some(Some(place)) => place + 1,
            Some(None) => return Ok(None),
        };
        let end = self.place(to).unwrap() + 1;
        let entries = self.commits[start..end].iter().map(|it| it.0.clone());
        Ok(Some(entries.collect()))
    }

    fn changes(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<(SessionId, Presence)>, store::Error> {
        self.asked.borrow_mut().push("changes");
        let place = self.place(to).unwrap();
        assert_eq!(
            from.and_then(|from| self.place(from)),
            place.checked_sub(1),
            "commits are compared with the one before them"
        );
        let step = &self.commits[place].1;
        let before = |id: &SessionId| {
            let steps = self.commits[..place].iter().rev();
            steps.flat_map(|it| &it.1).find(|(it, _)| it == id).map(|it| &it.1)
        };
        let presence = |(id, state): &(SessionId, Result<Option<Head>, String>)| match state {
            Ok(None) => Presence::Gone,
            _ if matches!(before(id), None | Some(Ok(None))) => Presence::Begun(tree(place)),
            _ => Presence::There(tree(place)),
        };
        Ok(step.iter().map(|it| (it.0, presence(it))).collect())
    }

    fn head(&self, at: &RevisionId, id: SessionId) -> Result<Option<Head>, store::Error> {
        self.asked.borrow_mut().push("head");
        let step = &self.commits[self.place(at).unwrap()].1;
        let state = step.iter().find(|(it, _)| *it == id).unwrap();
        state
            .1
            .clone()
            .map_err(|cause| store::Error::Corrupt { what: format!("session {id}"), cause })
    }
}

/// The tree of whatever the commit at that place changed.
fn tree(place: usize) -> ObjectId {
    ObjectId::parse(&format!("{:040x}", place + 1)).unwrap()
}

fn id(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn some_revision() -> RevisionId {
    RevisionId::parse(&"b".repeat(40)).unwrap()
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn head(number: u128, title: &str) -> Head {
    let mut head = Head::empty(id(number));
    head.title = Some(title.to_owned());
    head.agent.name = "claude-code".to_owned();
    head.counts.messages = 3;
    head
}

fn saved(head: &Head) -> (SessionId, Result<Option<Head>, String>) {
    (head.id, Ok(Some(head.clone())))
}

fn index() -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    (folder, index)
}

const ALL: Page = Page { offset: 0, limit: u64::MAX };

fn all(index: &Index) -> Vec<Summary> {
    let filter = Filter { with_subagents: true, ..Filter::default() };
    index.list(&filter, SortKey::Title, false, ALL).unwrap().0
}

fn titles(index: &Index) -> Vec<String> {
    all(index).into_iter().map(|row| row.head.title.unwrap_or_default()).collect()
}

#[test]
fn a_refresh_takes_in_every_commit_and_then_reads_only_the_tip() {
    let (_folder, mut index) = index();
    let (a, b) = (head(1, "a"), head(2, "b"));
    let mut history = History::of(1, vec![vec![saved(&a)], vec![saved(&a), saved(&b)]]);
    assert_eq!(index.follow(&history).unwrap(), Refreshed { commits: 2, is_rebuilt: true });
    assert_eq!(titles(&index), ["a", "b"]);
    assert_eq!(index.revisions(a.id).unwrap().len(), 2);

    history.asked.borrow_mut().clear();
    assert_eq!(index.follow(&history).unwrap(), Refreshed::default());
    assert_eq!(*history.asked.borrow(), ["tip"]);

    history.push(1, vec![saved(&head(2, "c"))]);
    assert_eq!(index.follow(&history).unwrap(), Refreshed { commits: 1, is_rebuilt: false });
    assert_eq!(titles(&index), ["a", "c"]);
    let log = index.revisions(b.id).unwrap();
    let expected: Vec<RevisionEntry> = [&history.commits[2].0, &history.commits[1].0]
        .map(|entry| RevisionEntry {
            revision: entry.revision.clone(),
            at: entry.at,
            operation: "save".to_owned(),
            counts: Some(b.counts),
            is_deleted: false,
        })
        .into();
    assert_eq!(log, expected, "newest first");
}

#[test]
fn another_history_empties_the_catalogue_first() {
    let (_folder, mut index) = index();
    let history = History::of(1, vec![vec![saved(&head(1, "a"))]]);
    index.follow(&history).unwrap();
    let other = History::of(2, vec![vec![saved(&head(2, "b"))]]);
    assert!(index.follow(&other).unwrap().is_rebuilt);
    assert_eq!(titles(&index), ["b"]);
    assert_eq!(index.find("0000", 9, true).unwrap(), [id(2)]);
    assert!(index.revisions(id(1)).unwrap().is_empty());
}

#[test]
fn a_long_history_is_taken_in_by_portions_with_the_same_outcome() {
    let (_folder, mut index) = index();
    let steps = (0..30).map(|commit: u128| {
        (0..100)
            .map(|session| saved(&head(session, &format!("{commit:02} {session:03}"))))
            .collect()
    });
    let history = History::of(1, steps.collect());
    assert_eq!(index.follow(&history).unwrap().commits, 30);
    let expected: Vec<String> = (0..100).map(|session| format!("29 {session:03}")).collect();
    assert_eq!(titles(&index), expected);
    assert_eq!(index.revisions(id(42)).unwrap().len(), 30);
}

#[test]
fn a_deleted_session_leaves_the_lists_and_is_still_found_by_all_its_names() {
    let (_folder, mut index) = index();
    let mut gone = head(0xabcd_0000_0000_0000_0000_0000_0000_4321, "gone");
    gone.agent.session = Some("native-77".to_owned());
    // In one portion: it is made and deleted before the catalogue sees it.
    let history = History::of(1, vec![vec![saved(&gone)], vec![(gone.id, Ok(None))]]);
    index.follow(&history).unwrap();
    assert!(titles(&index).is_empty());
    assert_eq!(index.summary(gone.id).unwrap(), None);
    for name in ["abcd", "4321", "nativ", "native-77", &gone.id.to_string()] {
        assert!(index.find(name, 9, false).unwrap().is_empty(), "{name}");
        assert_eq!(index.find(name, 9, true).unwrap(), [gone.id], "{name}");
    }
    let log = index.revisions(gone.id).unwrap();
    assert_eq!((log[0].is_deleted, log[0].counts), (true, None));
    assert_eq!(log[1].counts, Some(gone.counts));
}

#[test]
fn a_damaged_session_has_a_row_that_says_so_and_the_others_theirs() {
    let (_folder, mut index) = index();
    let (a, b) = (head(1, "a"), head(2, "b"));
    let torn = |id| (id, Err("torn".to_owned()));
    let mut history = History::of(1, vec![vec![saved(&a), torn(id(3)), saved(&b)]]);
    index.follow(&history).unwrap();
    history.push(1, vec![torn(b.id)]);
    index.follow(&history).unwrap();
    let rows = all(&index);
    let damaged = |place: usize| rows[place].damaged.as_deref().unwrap_or_default();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0].head, damaged(0)), (&a, ""));
    assert_eq!(rows[1].head, b, "what was known of it stays");
    assert!(damaged(1).contains("torn"));
    assert_eq!(rows[2].head, Head::empty(id(3)));
    assert!(damaged(2).contains("torn"));
    let log = index.revisions(b.id).unwrap();
    assert_eq!((log[0].is_deleted, log[0].counts), (false, None));

    history.push(1, vec![saved(&b)]);
    index.follow(&history).unwrap();
    assert_eq!(index.summary(b.id).unwrap().unwrap().damaged, None);
}

#[test]
fn a_noted_commit_gives_what_a_refresh_gives() {
    let (_folder, mut noted) = index();
    let (_folder, mut followed) = self::index();
    let mut child = head(3, "child");
    child.parent = Some(ParentSession { session: id(1).to_string(), tool_call: None });
    child.tags = vec!["x".to_owned()];
    let mut history = History::of(1, vec![vec![saved(&head(1, "a")), saved(&head(2, "b"))]]);
    noted.follow(&history).unwrap();
    let entry = history.push(1, vec![saved(&child), (id(2), Ok(None))]);
    let changes = [(child.id, Some((&child, tree(1)))), (id(2), None)];
    assert!(noted.note_commit(&entry, &changes).unwrap());
    assert!(!noted.note_commit(&entry, &changes).unwrap(), "it stands for that commit already");
    assert_eq!(noted.follow(&history).unwrap(), Refreshed::default());

    assert!(
        !followed.note_commit(&entry, &changes).unwrap(),
        "the commit's parent is not there yet"
    );
    followed.follow(&history).unwrap();
    assert_eq!(all(&noted), all(&followed));
    assert_eq!(all(&noted)[0].subagents, 1);
    for (session, tree) in [(1, Some(tree(0))), (2, None), (3, Some(tree(1)))] {
        let tree = tree.map(|tree| tree.to_string());
        assert_eq!(noted.tree_at(&entry.revision, id(session)).unwrap(), tree);
        assert_eq!(followed.tree_at(&entry.revision, id(session)).unwrap(), tree);
        let before = &entry.parents[0];
        assert_eq!(noted.tree_at(before, id(session)).unwrap(), None, "it stands for another");
    }
    for session in [1, 2, 3].map(id) {
        assert_eq!(noted.revisions(session).unwrap(), followed.revisions(session).unwrap());
    }
}

#[test]
fn where_the_newest_revision_cannot_be_read_what_is_known_is_kept() {
    let (_folder, mut index) = index();
    let mut history = History::of(1, vec![vec![saved(&head(1, "a"))], vec![saved(&head(1, "b"))]]);
    history.push(1, vec![saved(&head(1, "c"))]);
    history.unread = Some("torn".to_owned());
    index.follow(&history).unwrap();
    assert_eq!(titles(&index), ["b"], "one that stands for nothing stands for the one before");
    assert!(index.unread().unwrap().contains("torn"));
    let stands_for = index.stands_for().unwrap();
    assert_eq!(index.follow(&history).unwrap(), Refreshed::default());
    history.push(1, vec![saved(&head(1, "d"))]);
    index.follow(&history).unwrap();
    assert_eq!(index.stands_for().unwrap(), stands_for, "one that stands for one stays there");
    history.unread = None;
    index.follow(&history).unwrap();
    assert_eq!((titles(&index), index.unread()), (vec!["d".to_owned()], None));
}

#[test]
fn two_processes_that_follow_at_once_double_nothing() {
    let (folder, mut first) = index();
    let mut second = Index::open(folder.path()).unwrap();
    let mut history = History::of(1, vec![vec![saved(&head(1, "a"))]]);
    first.follow(&history).unwrap();
    assert_eq!(second.follow(&history).unwrap(), Refreshed::default());
    let entry = history.push(1, vec![saved(&head(1, "b"))]);
    let new = head(1, "b");
    let changes = [(new.id, Some((&new, tree(1))))];
    assert!(second.note_commit(&entry, &changes).unwrap());
    assert!(!first.note_commit(&entry, &changes).unwrap());
    assert_eq!(first.revisions(id(1)).unwrap().len(), 2);
    assert_eq!(titles(&first), ["b"]);
}

fn overwrite(folder: &TempDir, name: &str, offset: u64, bytes: &[u8]) {
    use std::io::Seek as _;
    let path = folder.path().join(name);
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(std::io::SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_file_that_is_no_database_or_of_another_version_is_made_anew() {
    let history = History::of(1, vec![vec![saved(&head(1, "a"))]]);
    let spoils: [fn(&TempDir); 4] = [
        |folder| overwrite(folder, "index.db", 0, &[7; 200]),
        |folder| {
            let path = folder.path().join("index.db");
            let length = std::fs::File::options().write(true).open(path).unwrap();
            length.set_len(0).unwrap();
        },
        |folder| {
            let other = Connection::open(folder.path().join("index.db")).unwrap();
            other.pragma_update(None, "user_version", 999).unwrap();
        },
        |folder| {
            std::fs::remove_file(folder.path().join("index.db")).unwrap();
            std::fs::File::create(folder.path().join("index.db-wal"))
                .unwrap()
                .write_all(b"of another life")
                .unwrap();
        },
    ];
    for spoil in spoils {
        let (folder, mut index) = index();
        index.follow(&history).unwrap();
        drop(index);
        spoil(&folder);
        let mut index = Index::open(folder.path()).unwrap();
        assert!(index.follow(&history).unwrap().is_rebuilt);
        assert_eq!(titles(&index), ["a"]);
        drop(index);
        let mut index = Index::open(folder.path()).unwrap();
        assert!(!index.follow(&history).unwrap().is_rebuilt, "only once");
    }
}

#[test]
fn damage_met_while_following_is_mended() {
    let (folder, mut index) = index();
    let mut history = History::of(1, vec![vec![saved(&head(1, "a"))]]);
    index.follow(&history).unwrap();
    drop(index);
    // All pages but the first, which opening reads.
    overwrite(&folder, "index.db", 4096, &[0xee; 4096 * 20]);
    let mut index = Index::open(folder.path()).unwrap();
    history.push(1, vec![saved(&head(2, "b"))]);
    assert!(index.follow(&history).unwrap().is_rebuilt);
    assert_eq!(titles(&index), ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, mut index) = index();
    index.follow(&History::of(1, vec![vec![saved(&head(1, "a"))]])).unwrap();
    let _sources = Sources::open(folder.path()).unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
        names.push(file.file_name().into_string().unwrap());
    }
    assert!(names.contains(&"index.db-wal".to_owned()), "{names:?}");
}

#[test]
fn a_session_is_found_by_parts_of_its_names() {
    let (_folder, mut index) = index();
    let named = |number, native: &str| {
        let mut head = head(number, native);
        head.agent.session = Some(native.to_owned());
        head
    };
    let a = named(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef, "session-1");
    let b = named(0x0123_9999_0000_0000_0000_0000_0000_cdef, "session-10");
    let c = named(0x7777_0000_0000_0000_0000_0000_0000_0000, "%_'\" x");
    let steps = vec![vec![saved(&a), saved(&b), saved(&c)]];
    index.follow(&History::of(1, steps)).unwrap();
    let find = |text: &str| index.find(text, 9, false).unwrap();
    assert_eq!(find("0123"), [a.id, b.id]);
    assert_eq!(find("01234"), [a.id]);
    assert_eq!(find("01234567-89AB"), [a.id], "hyphens and upper case");
    assert_eq!(find("cdef"), [a.id, b.id]);
    assert_eq!(find("89abcdef"), [a.id]);
    assert_eq!(find("89-abcdef"), [a.id], "hyphens anywhere");
    assert_eq!(find("89ab"), [a.id], "the beginning of what lists show");
    assert_eq!(find("0000"), [b.id, c.id], "that, or an ending");
    assert_eq!(find(&b.id.to_string()), [b.id]);
    assert_eq!(find("012"), [], "too short");
    assert_eq!(find("4567"), [], "neither beginning nor ending");
    assert_eq!(find("sess"), [a.id, b.id]);
    assert_eq!(find("session-1"), [a.id], "the whole outdoes a beginning");
    assert_eq!(find("session-10"), [b.id]);
    assert_eq!(find("%_'\" x"), [c.id]);
    assert_eq!(find("%%%%"), []);
    assert_eq!(find(""), []);
    assert_eq!(index.find("0123", 1, false).unwrap(), [a.id]);
}

#[test]
fn the_newest_session_here_is_none_of_a_subagent_and_none_beside_the_folder() {
    let (_folder, mut index) = index();
    let at = |number, root: &str, seconds| {
        let mut head = head(number, "x");
        head.workspace.root = Some(root.to_owned());
        head.modified = Some(time(seconds).to_rfc3339());
        head
    };
    let mut subagent = at(4, "/w/app", 90);
    subagent.parent = Some(ParentSession::default());
    let heads = [
        at(1, "/w/app", 10),
        at(2, "/w/app/sub", 20),
        at(3, "/w/apple", 30),
        subagent,
        head(5, "without a time"),
    ];
    let history = History::of(1, vec![heads.iter().map(saved).collect()]);
    index.follow(&history).unwrap();
    let newest = |n, here: Option<&str>| index.newest(n, here.map(Path::new)).unwrap();
    assert_eq!(newest(1, Some("/w/app")), Some(id(2)));
    assert_eq!(newest(2, Some("/w/app/")), Some(id(1)));
    assert_eq!(newest(3, Some("/w/app")), None);
    assert_eq!(newest(1, Some("/")), Some(id(3)));
    assert_eq!(newest(1, None), Some(id(3)));
    assert_eq!(newest(4, None), Some(id(5)));
    assert_eq!(newest(0, None), None);
}

#[test]
fn a_kept_fold_is_good_for_its_tree_only_and_goes_with_the_session() {
    let (_folder, mut index) = index();
    let a = head(1, "a");
    let mut history = History::of(1, vec![vec![saved(&a)]]);
    index.follow(&history).unwrap();
    let records: [Record; 0] = [];
    let fold = HeadFold::of_stream(a.id, &records);
    index.keep_folds([(a.id, "tree one", &fold)].into_iter()).unwrap();
    let kept = index.fold(a.id, "tree one").unwrap().unwrap();
    assert_eq!(kept.head(), fold.head());
    assert!(index.fold(a.id, "tree two").unwrap().is_none());
    assert!(index.fold(id(2), "tree one").unwrap().is_none());
    history.push(1, vec![(a.id, Ok(None))]);
    index.follow(&history).unwrap();
    assert!(index.fold(a.id, "tree one").unwrap().is_none());
}

const PATHS: [&str; 8] = ["/w", "/w/", "/w/app", "/w/app/sub", "/w/apple", "/w%", "/W/app", "/"];
const MODELS: [&str; 5] = ["claude-opus", "Claude_Opus", "gpt-5", "100%", "ÄRGER"];

fn any_head() -> impl Strategy<Value = Head> {
    let times = proptest::option::of((0..20_i64, 0..20_i64));
    let names = (
        prop::sample::select(vec!["claude-code", "codex", "x'; DROP TABLE sessions;--"]),
        prop::sample::subsequence(MODELS.to_vec(), 0..3),
        prop::sample::subsequence(vec!["a", "A", "b%", "c"], 0..3),
        proptest::option::of(prop::sample::select(vec!["main", "Main", "fix/x"])),
        proptest::option::of(prop::sample::select(PATHS.to_vec())),
        proptest::option::of("[aAbBzé]{0,2}"),
        proptest::option::of(0..12_u128),
        proptest::option::of(prop::sample::select(vec!["github.com/kim/app", "app", "a/w/app2"])),
    );
    (names, times, (0..3_u64, 0..3_u64, any::<u64>())).prop_map(|(names, times, counts)| {
        let mut head = Head::default();
        head.agent.name = names.0.to_owned();
        head.models = names.1.iter().map(|it| ModelName((*it).to_owned())).collect();
        head.tags = names.2.iter().map(|it| (*it).to_owned()).collect();
        head.workspace.branch = names.3.map(str::to_owned);
        head.workspace.root = names.4.map(str::to_owned);
        head.workspace.repository = names.7.map(str::to_owned);
        head.title = names.5.clone().filter(|title| title.contains('a'));
        head.preview = names.5;
        head.parent = names
            .6
            .filter(|it| *it < 6)
            .map(|it| ParentSession { session: id(it).to_string(), tool_call: None });
        if let Some((start, length)) = times {
            head.created = Some(time(start).to_rfc3339());
            head.modified = Some(time(start + length).to_rfc3339());
        }
        head.counts.messages = counts.0;
        head.tokens.total = counts.1;
        head.counts.bytes = counts.2;
        head
    })
}

/// A filter, perhaps with one of the same kind taken away.
fn any_filter() -> impl Strategy<Value = Filter> {
    (fields(), prop::option::of(fields())).prop_map(|(filter, without)| {
        let without = without.map(|it| Filter { spans: Vec::new(), with_subagents: false, ..it });
        let without = without.filter(|it| *it != Filter::default()).map(Box::new);
        Filter { without, ..filter }
    })
}

/// Each value of a filter by itself.
fn singles(filter: &Filter) -> Vec<Filter> {
    type Values = fn(&mut Filter) -> &mut Vec<String>;
    let fields: [Values; 6] = [
        |it| &mut it.agents,
        |it| &mut it.models,
        |it| &mut it.workspaces,
        |it| &mut it.repositories,
        |it| &mut it.tags,
        |it| &mut it.branches,
    ];
    let mut singles = Vec::new();
    for field in fields {
        for value in field(&mut filter.clone()).drain(..) {
            let mut single = Filter { with_subagents: true, ..Filter::default() };
            field(&mut single).push(value);
            singles.push(single);
        }
    }
    singles
}

fn fields() -> impl Strategy<Value = Filter> {
    let some = |values: Vec<&'static str>| {
        prop_oneof![
            2 => Just(Vec::new()),
            1 => prop::sample::subsequence(values, 1..3)
                .prop_map(|picked| picked.iter().map(|it| (*it).to_owned()).collect()),
        ]
    };
    let bound = || proptest::option::of((0..40_i64).prop_map(time));
    (
        some(vec!["claude-code", "Claude", "code", "codex", "x'; DROP TABLE sessions;--"]),
        some(vec!["OPUS", "_", "%", "gpt", "ärg"]),
        some(vec!["/w", "/w/app", "/w/app/", "app", "w/app", "w%", "/", "W", "/W", "kim/app"]),
        some(vec!["a", "A", "B%", "%"]),
        some(vec!["main", "fix/x", "x", "fix/*", "[m]*", "%*", "*"]),
        prop::collection::vec((bound(), bound()), 0..3),
        (any::<bool>(), some(vec!["example.com/kim/app", "kim/app"])),
    )
        .prop_map(|(agents, models, workspaces, tags, branches, spans, others)| {
            let (with_subagents, repositories) = others;
            Filter {
                agents,
                models,
                workspaces,
                repositories,
                tags,
                branches,
                authors: Vec::new(),
                without: None,
                spans,
                with_subagents,
            }
        })
}

/// Whether a session matches, said as plainly as possible.
fn matches(filter: &Filter, head: &Head) -> bool {
    fn any<T>(wanted: &[T], holds: impl Fn(&T) -> bool) -> bool {
        wanted.is_empty() || wanted.iter().any(holds)
    }
    let instant = |text: &Option<String>| -> Option<DateTime<Utc>> {
        text.as_ref().map(|text| text.parse().unwrap())
    };
    let without = filter.without.as_deref().map(singles).unwrap_or_default();
    (filter.with_subagents || head.parent.is_none())
        && !without.iter().any(|single| matches(single, head))
        && any(&filter.agents, |it| {
            let (name, it) = (head.agent.name.to_lowercase(), it.to_lowercase());
            name == it || name.starts_with(&format!("{it}-"))
        })
        && any(&filter.branches, |it| match (&head.workspace.branch, it.strip_suffix('*')) {
            (Some(branch), Some(beginning)) => branch.starts_with(beginning),
            (branch, _) => branch.as_ref() == Some(it),
        })
        && any(&filter.tags, |it| {
            head.tags.iter().any(|tag| tag.to_lowercase() == it.to_lowercase())
        })
        && any(&filter.models, |it| {
            let has = |model: &ModelName| model.0.to_lowercase().contains(&it.to_lowercase());
            head.models.iter().any(has)
        })
        && any(&filter.places().collect::<Vec<_>>(), |(it, is_repository)| {
            let root = head.workspace.root.as_deref().unwrap_or_default();
            let repository = head.workspace.repository.as_deref().unwrap_or_default();
            if *is_repository {
                return repository == *it;
            }
            if it.starts_with('/') {
                return Path::new(root).starts_with(it) && !root.is_empty();
            }
            Path::new(root).ends_with(it) || Path::new(repository).ends_with(it)
        })
        && any(&filter.spans, |(from, to)| {
            let (Some(created), Some(modified)) = (instant(&head.created), instant(&head.modified))
            else {
                return false;
            };
            from.is_none_or(|from| modified >= from) && to.is_none_or(|to| created < to)
        })
}

fn compare(sort: SortKey, is_reversed: bool, a: &Head, b: &Head) -> Ordering {
    fn rank<T: Ord>(a: Option<T>, b: Option<T>, is_rising: bool) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if is_rising => a.cmp(&b),
            (Some(a), Some(b)) => b.cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
    let instant =
        |text: &Option<String>| text.as_ref().map(|text| text.parse::<DateTime<Utc>>().unwrap());
    let title = |head: &Head| {
        let title = head.title.clone().or(head.preview.clone());
        title.map(|title| title.to_lowercase())
    };
    let by_number = |a: u64, b: u64| rank(Some(a), Some(b), is_reversed);
    let clamped = |size: u64| size.min(i64::MAX.cast_unsigned());
    let ordering = match sort {
        SortKey::Modified => rank(instant(&a.modified), instant(&b.modified), is_reversed),
        SortKey::Created => rank(instant(&a.created), instant(&b.created), is_reversed),
        SortKey::Messages => by_number(a.counts.messages, b.counts.messages),
        SortKey::Tokens => by_number(a.tokens.total, b.tokens.total),
        SortKey::Size => by_number(clamped(a.counts.bytes), clamped(b.counts.bytes)),
        SortKey::Title => rank(title(a), title(b), !is_reversed),
    };
    ordering.then(if is_reversed { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p15_lists_hold_exactly_what_matches_in_the_order_asked_for(
        heads in prop::collection::vec(any_head(), 0..12),
        cases in prop::collection::vec((any_filter(), 0..6_usize, any::<bool>()), 8),
        page in (0..6_u64, 0..6_u64),
    ) {
        let heads: Vec<Head> = heads
            .into_iter()
            .enumerate()
            .map(|(number, head)| Head { id: id(number as u128), ..head })
            .collect();
        let (_folder, mut index) = index();
        let history = History::of(1, vec![heads.iter().map(saved).collect()]);
        index.follow(&history).unwrap();
        let sorts = [
            SortKey::Modified, SortKey::Created, SortKey::Messages,
            SortKey::Tokens, SortKey::Size, SortKey::Title,
        ];
        let mut children: BTreeMap<&str, u64> = BTreeMap::new();
        for parent in heads.iter().filter_map(|head| head.parent.as_ref()) {
            *children.entry(&parent.session).or_default() += 1;
        }
        for (filter, sort, is_reversed) in cases {
            let mut expected: Vec<&Head> =
                heads.iter().filter(|head| matches(&filter, head)).collect();
            expected.sort_by(|a, b| compare(sorts[sort], is_reversed, a, b));
            let (rows, total) = index.list(&filter, sorts[sort], is_reversed, ALL).unwrap();
            let found: Vec<&Head> = rows.iter().map(|row| &row.head).collect();
            prop_assert_eq!(&found, &expected, "{:?}", filter);
            prop_assert_eq!(total, expected.len() as u64);
            for row in &rows {
                let expected = children.get(row.head.id.to_string().as_str());
                prop_assert_eq!(row.subagents, expected.copied().unwrap_or_default());
            }
            let (offset, limit) = page;
            let first = index.first(&filter, sorts[sort], is_reversed, limit).unwrap();
            prop_assert_eq!(&first, &rows[..first.len()], "the first rows are those of the list");
            prop_assert_eq!(first.len() as u64, limit.min(total));
            let (rows, total) = index
                .list(&filter, sorts[sort], is_reversed, Page { offset, limit })
                .unwrap();
            let found: Vec<&Head> = rows.iter().map(|row| &row.head).collect();
            let skip = usize::try_from(offset).unwrap();
            let take = usize::try_from(limit).unwrap();
            let expected_page: Vec<&Head> =
                expected.iter().copied().skip(skip).take(take).collect();
            prop_assert_eq!(found, expected_page);
            prop_assert_eq!(total, expected.len() as u64, "the total is that of all pages");
        }
    }
}

/// A date as it is typed, with its first and last day.
fn any_date() -> impl Strategy<Value = (String, NaiveDate, NaiveDate)> {
    let day = |number: u64| {
        let start = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        start.checked_add_days(Days::new(number)).unwrap()
    };
    let one = (0..365_u64).prop_map(move |it| (day(it).to_string(), day(it), day(it)));
    let month = (1..=12_u32).prop_map(|it| {
        let first = NaiveDate::from_ymd_opt(2026, it, 1).unwrap();
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap();
        (first.format("%Y-%m").to_string(), first, next.pred_opt().unwrap())
    });
    let range = (0..365_u64, 0..60_u64).prop_map(move |(from, length)| {
        let (from, to) = (day(from), day(from + length));
        (format!("{from}..{to}"), from, to)
    });
    // The clock of these tests stands at noon of the 1st of July, in each zone.
    let ago =
        (0..180_u64).prop_map(move |it| (format!("{it} days ago"), day(181 - it), day(181 - it)));
    prop_oneof![one, month, range, ago]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p15_what_is_typed_finds_exactly_what_it_names_in_any_zone(
        heads in prop::collection::vec((any_head(), 0..365 * 24_i64, 0..900_i64), 0..16),
        filter in any_filter(),
        dates in prop::collection::vec(any_date(), 0..3),
        limits in (proptest::option::of(any_date()), proptest::option::of(any_date())),
        zone in prop::sample::select(vec![
            chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::America::New_York,
            chrono_tz::Asia::Kathmandu, chrono_tz::Australia::Lord_Howe, chrono_tz::Pacific::Apia,
        ]),
    ) {
        let start: DateTime<Utc> = "2026-01-01T00:30:00Z".parse().unwrap();
        let heads: Vec<Head> = heads.into_iter().enumerate().map(|(number, (head, from, length))| {
            let at = |hours| (start + TimeDelta::hours(hours)).with_timezone(&zone).to_rfc3339();
            let (created, modified) = (Some(at(from)), Some(at(from + length)));
            Head { id: id(number as u128), created, modified, ..head }
        }).collect();
        let now = zone.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
        let mut input = FilterInput::new(now, Path::new("/home/kim"), Path::new("/w"));
        let filter = Filter { spans: Vec::new(), ..filter };
        // A relative path is a folder too; here only names and whole paths are compared.
        let plain = |mut filter: Filter| {
            filter.workspaces.retain(|it| it.starts_with('/') || !it.contains('/'));
            Filter { repositories: Vec::new(), ..filter }
        };
        let without = filter.without.clone().map(|it| Box::new(plain(*it)));
        let filter = Filter { without, ..plain(filter) };
        for (filter, is_not) in [(Some(&filter), false), (filter.without.as_deref(), true)] {
            let Some(filter) = filter else { continue };
            let fields = [
                ("agent", &filter.agents), ("model", &filter.models), ("in", &filter.workspaces),
                ("tag", &filter.tags), ("branch", &filter.branches),
            ];
            for (name, values) in fields {
                for value in values {
                    let (name, value) = (name.to_owned(), value.clone());
                    input.take(&Field { name, value, is_not, span: 0..0 }).unwrap();
                }
            }
        }
        for (text, ..) in &dates {
            input.add("date", text).unwrap();
        }
        let single = |limit: &Option<(String, NaiveDate, NaiveDate)>| {
            limit.clone().filter(|(text, ..)| !text.contains(".."))
        };
        let (since, until) = (single(&limits.0), single(&limits.1));
        if let Some((text, ..)) = &since {
            input.add("since", text).unwrap();
        }
        if let Some((text, ..)) = &until {
            input.add("until", text).unwrap();
        }
        let from = since.map_or(NaiveDate::MIN, |it| it.1);
        let to = until.map_or(NaiveDate::MAX, |it| it.2);
        let mut spans: Vec<_> = dates.iter().map(|it| (it.1.max(from), it.2.min(to))).collect();
        if dates.is_empty() {
            spans.push((from, to));
        }
        let Ok(typed) = input.finish() else {
            prop_assert!(from > to || spans.iter().any(|(first, last)| first > last));
            return Ok(());
        };
        prop_assert!(from <= to && spans.iter().all(|(first, last)| first <= last));
        let day = |text: &Option<String>| -> NaiveDate {
            let at: DateTime<Utc> = text.as_ref().unwrap().parse().unwrap();
            at.with_timezone(&zone).date_naive()
        };
        let is_then = |head: &Head| {
            let (created, modified) = (day(&head.created), day(&head.modified));
            spans.iter().any(|(first, last)| created <= *last && modified >= *first)
        };
        let (_folder, mut index) = index();
        index.follow(&History::of(1, vec![heads.iter().map(saved).collect()])).unwrap();
        let typed = Filter { with_subagents: filter.with_subagents, ..typed };
        let mut found = index.matching(&typed).unwrap();
        found.sort();
        let expected: Vec<SessionId> = heads
            .iter()
            .filter(|head| matches(&filter, head) && is_then(head))
            .map(|head| head.id)
            .collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_session_is_of_him_who_saved_it_first_whoever_went_on_with_it() {
    let (_folder, mut index) = index();
    let by = |author: &str| Some(author.to_owned());
    let mut history = History::of(1, vec![vec![saved(&head(1, "a"))], vec![saved(&head(1, "b"))]]);
    history.commits[0].0.author = by("Kim Äpfel <kim@example.org>");
    history.commits[1].0.author = by("Joe <joe@example.org>");
    history.push(1, vec![saved(&head(2, "c"))]);
    index.follow(&history).unwrap();
    assert_eq!(index.author(id(1)).unwrap().as_deref(), Some("Kim Äpfel <kim@example.org>"));
    assert_eq!(index.author(id(2)).unwrap(), None, "no git said who that was");

    // Deleted and brought back by somebody else, told by him who did it.
    let mut entry = history.push(1, vec![(id(1), Ok(None))]);
    assert!(index.note_commit(&entry, &[(id(1), None)]).unwrap());
    entry.parents = vec![entry.revision];
    entry.revision = RevisionId::parse(&"a".repeat(40)).unwrap();
    entry.at = time(99);
    entry.author = by("Joe <joe@example.org>");
    let (first, second) = (head(1, "b"), head(3, "d"));
    let changes = [(id(1), Some((&first, tree(4)))), (id(3), Some((&second, tree(4))))];
    assert!(index.note_commit(&entry, &changes).unwrap());
    let of = |author: &str| {
        let filter = Filter { authors: vec![author.to_owned()], ..Filter::default() };
        let mut found = index.matching(&filter).unwrap();
        found.sort();
        found
    };
    assert_eq!(of("kim ä"), [id(1)]);
    assert_eq!(of("JOE@"), [id(3)]);
    assert_eq!(of("example.org"), [id(1), id(3)]);
    assert_eq!(of("annals"), [], "who is not known has no name");
    let nobody = Filter { authors: vec!["Kin Äpfel".to_owned()], ..Filter::default() };
    let said = index.unmatched(&nobody).unwrap()[0].to_string();
    assert_eq!(said, "No session has the author `Kin Äpfel`. Did you mean `Kim Äpfel`?");
}

#[test]
fn every_order_is_read_from_an_index() {
    let (_folder, index) = index();
    let orders = [
        SortKey::Modified,
        SortKey::Created,
        SortKey::Messages,
        SortKey::Tokens,
        SortKey::Size,
        SortKey::Title,
    ];
    let plan = |sql: &str| -> String {
        let mut statement = index.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>("detail")).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for sort in orders {
        for is_reversed in [false, true] {
            for filter in ["parent IS NULL", "TRUE"] {
                let order = list::order(sort, is_reversed);
                let plan = plan(&format!(
                    "SELECT key, id FROM sessions WHERE {filter} ORDER BY {order} LIMIT 9"
                ));
                assert!(plan.contains("COVERING INDEX sessions_by_"), "{order}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{order}: {plan}");
            }
        }
    }
    let latest = list::order(SortKey::Modified, false);
    for sql in [
        "SELECT count(*) FROM sessions WHERE parent IS NULL",
        // The latest of a folder: the rows of others are not read.
        &format!("SELECT key, id FROM sessions WHERE workspace = 'x' ORDER BY {latest} LIMIT 9"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains("COVERING INDEX sessions_by_"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn a_value_that_no_session_has_is_told_with_those_like_it() {
    let (_folder, mut index) = index();
    let mut saved_head = head(1, "x");
    saved_head.tags = vec!["bug".to_owned(), "Login".to_owned()];
    saved_head.models = vec![ModelName("claude-opus-4-5".to_owned())];
    saved_head.workspace.root = Some("/home/kim/shop".to_owned());
    saved_head.workspace.branch = Some("feature/login".to_owned());
    index.follow(&History::of(1, vec![vec![saved(&saved_head)]])).unwrap();
    let list = |values: [&str; 2]| values.map(str::to_owned).to_vec();
    let filter = Filter {
        agents: list(["claude", "cluade-code"]),
        models: list(["opus", "claude-opsu"]),
        workspaces: list(["shop", "/home/kim/shpo"]),
        tags: list(["LOGIN", "bgu"]),
        branches: list(["feature/*", "login"]),
        ..Filter::default()
    };
    let told: Vec<String> =
        index.unmatched(&filter).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "No session is of the agent `cluade-code`. Did you mean `claude-code`?",
            "No session has the model `claude-opsu`. Did you mean `claude-opus-4-5`?",
            "No session is about `/home/kim/shpo`. Did you mean `/home/kim/shop`?",
            "No session has the tag `bgu`. Did you mean `bug`?",
            "No session has the branch `login`. Did you mean `feature/login`?",
        ]
    );
}

#[test]
fn times_in_other_zones_sort_as_instants() {
    let (_folder, mut index) = index();
    let at = |number, text: &str| {
        let mut head = head(number, "x");
        head.modified = Some(text.to_owned());
        head
    };
    let earlier = at(1, "2026-02-03T23:00:00+02:00");
    let later = at(2, "2026-02-03T22:00:00Z");
    let step = vec![saved(&earlier), saved(&later)];
    index.follow(&History::of(1, vec![step])).unwrap();
    assert_eq!(index.newest(1, None).unwrap(), Some(later.id));
    let after = time(0) + TimeDelta::days(-9999);
    let filter = Filter { spans: vec![(Some(after), None)], ..Filter::default() };
    assert_eq!(
        index.list(&filter, SortKey::Created, false, ALL).unwrap().1,
        2,
        "a session with one time only counts as if both were that"
    );
}

fn source(session: u128) -> SourceState {
    SourceState {
        stamp: FileStamp { size: u64::MAX, changed: -5, identity: (7, u64::MAX - 1) },
        session: id(session),
        offset: 900,
        lines: 12,
        prefix: "ab".repeat(32),
        tree: Some("cd".repeat(20)),
        foreign: vec![RecordKey("m1".to_owned())],
        findings: vec![(3, 40)],
        has_tail: true,
        is_restored: false,
    }
}

#[test]
fn what_was_read_of_files_comes_back_as_it_was_noted() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources::open(folder.path()).unwrap();
    let paths = [PathBuf::from("/h/a.jsonl"), PathBuf::from("/h/b 'ü'.jsonl"), odd_path()];
    let states = [source(1), source(1), source(2)];
    let noted: Vec<_> = paths.iter().cloned().zip(states).collect();
    sources.put_all(&noted, &some_revision()).unwrap();
    drop(sources);

    let mut sources = Sources::open(folder.path()).unwrap();
    assert_eq!(sources.find(&paths[1]).unwrap(), Some(source(1)));
    assert_eq!(sources.find(Path::new("/h/c")).unwrap(), None);
    let all = sources.load_all().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let other = file.path().metadata().unwrap();
    assert_eq!(all.find_unchanged(&paths[0], &other), None, "it looked otherwise");
}

#[test]
fn what_is_gone_from_main_is_to_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources::open(folder.path()).unwrap();
    assert_eq!(sources.taken_by().unwrap(), None);
    let paths = [PathBuf::from("/h/a"), PathBuf::from("/h/b")];
    let noted: Vec<_> = paths.iter().cloned().zip([source(1), source(2)]).collect();
    sources.put_all(&noted, &some_revision()).unwrap();
    assert_eq!(sources.taken_by().unwrap(), Some(some_revision()));
    let later = RevisionId::parse(&"c".repeat(40)).unwrap();
    sources.forget(&|session| session == id(1), &later).unwrap();
    assert_eq!(sources.find(&paths[0]).unwrap(), None);
    assert_eq!(sources.find(&paths[1]).unwrap(), Some(source(2)));
    assert_eq!(sources.taken_by().unwrap(), Some(later));
}

#[test]
fn a_file_is_unchanged_while_it_looks_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources::open(folder.path()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let look = || file.path().metadata().unwrap();
    let state = SourceState { stamp: FileStamp::of(&look()), ..source(1) };
    sources.put_all(&[(file.path().to_owned(), state)], &some_revision()).unwrap();
    let known = sources.load_all().unwrap();
    assert_eq!(known.find_unchanged(file.path(), &look()), Some(id(1)));
    assert_eq!(known.find_unchanged(Path::new("/h/c"), &look()), None);
    file.as_file().set_len(1).unwrap();
    assert_eq!(known.find_unchanged(file.path(), &look()), None);
}

#[cfg(unix)]
fn odd_path() -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(b"/h/\xff\xfe".to_vec()).into()
}

#[cfg(not(unix))]
fn odd_path() -> PathBuf {
    PathBuf::from("/h/odd")
}

#[test]
fn damaged_sources_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    for offset in [0, 4096] {
        let mut sources = Sources::open(folder.path()).unwrap();
        sources.put_all(&[(PathBuf::from("/h/a"), source(1))], &some_revision()).unwrap();
        drop(sources);
        overwrite(&folder, "sources.db", offset, &[0xee; 4096 * 8]);
        let mut sources = Sources::open(folder.path()).unwrap();
        assert_eq!(sources.find(Path::new("/h/a")).unwrap(), None);
        sources.put_all(&[(PathBuf::from("/h/a"), source(1))], &some_revision()).unwrap();
    }
}

#[test]
fn a_file_is_read_as_it_is_only_when_it_says_all() {
    let (folder, mut index) = index();
    let head = head(1, "one");
    let history = History::of(1, vec![vec![saved(&head)]]);
    index.follow(&history).unwrap();
    let rows = |folder: &Path| {
        let connection = database::open_unwritable(folder, &schema::LAYOUT).unwrap();
        assert_eq!(
            database::is_read_only(&connection),
            rows::indexed(&connection).unwrap().is_some()
        );
        connection
            .query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert!(
        folder.path().join("index.db-wal").metadata().unwrap().len() > 0,
        "the index is in use"
    );
    assert_eq!(rows(folder.path()), 0, "what stands in the log could not be read");
    drop(index);
    assert_eq!(rows(folder.path()), 1);
    assert_eq!(rows(&folder.path().join("nowhere")), 0);
    assert!(!folder.path().join("nowhere").exists(), "nothing is made");
    let odd = folder.path().join("odd %41?#&\u{e9} folder");
    std::fs::create_dir(&odd).unwrap();
    std::fs::copy(folder.path().join("index.db"), odd.join("index.db")).unwrap();
    assert_eq!(rows(&odd), 1, "any name can be a folder's");
}
