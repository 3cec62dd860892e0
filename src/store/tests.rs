//! The store as a whole: against real git, against damage, against other writers.

use std::fs;
use std::process::Command;
use std::thread;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::format::Marker;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Message;
use crate::session::Native;
use crate::session::Record;
use crate::session::SCHEMA_VERSION;
use crate::store::refs::object_id;

struct Sandbox {
    folder: tempfile::TempDir,
    store: Store,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = init(&folder.path().join("store.git")).expect("an empty place");
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.git")
    }

    fn tip(&self) -> RevisionId {
        self.store.tip().expect("main is there")
    }

    fn stored(&self, id: SessionId) -> Option<StoredSession> {
        self.store.session(&self.tip(), id).expect("readable")
    }

    fn records(&self, id: SessionId) -> Vec<Record> {
        let stored = self.stored(id).expect("saved");
        self.store.records(&stored).expect("readable").into_inner()
    }

    fn save(&self, id: SessionId, records: &[Record]) -> RevisionId {
        save(&self.store, id, records).expect("saved").expect("something is new")
    }

    fn delete(&self, id: SessionId) -> Option<RevisionId> {
        let base = self.stored(id).expect("there").tree;
        let tombstone = Clean::stored(Tombstone {
            id,
            agent: "test".into(),
            session: None,
            at: "2026-02-03T03:49:51.000Z".into(),
            keys: vec![],
        });
        let changes = vec![Change::Delete { base: Some(base), tombstone }];
        let note = note("delete");
        let batch = self.store.batch();
        self.store.commit(batch, &note, changes, &mut no_rebase).expect("committed")
    }

    /// Real git finds nothing wrong.
    fn fsck(&self) {
        let said = git(&self.path(), &["fsck", "--strict", "--no-dangling", "--no-progress"]);
        assert_eq!(said, "", "git accepts the store");
    }

    fn loose(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.path().join("objects")).expect("there");
        let folders = folders.map(|entry| entry.expect("read").path());
        let folders = folders.filter(|path| path.file_name().is_some_and(|name| name.len() == 2));
        folders.flat_map(|path| files(&path)).collect()
    }

    fn packs(&self) -> Vec<PathBuf> {
        let mut packs = files(&self.path().join("objects/pack"));
        packs.retain(|path| path.extension().is_some_and(|end| end == "pack"));
        packs
    }
}

fn init(path: &Path) -> Result<Store, Error> {
    let marker = Marker {
        store: Uuid::nil(),
        schema: SCHEMA_VERSION,
        scrubs: vec![],
        native: Native::new(),
    };
    Store::init(path, &marker, at())
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_770_090_591, 0).expect("a valid time")
}

fn note(operation: &'static str) -> CommitNote {
    CommitNote { operation, subject: Clean::stored("fix\nlogin".into()), at: at() }
}

fn session(n: u32) -> SessionId {
    SessionId::captured("test", &n.to_string())
}

fn record(text: &str) -> Record {
    Record::Event(Event {
        envelope: Envelope::default(),
        name: "note".into(),
        title: None,
        native: json!({ "text": text }),
    })
}

fn numbered(range: std::ops::Range<u32>) -> Vec<Record> {
    range.map(|n| record(&format!("record {n}"))).collect()
}

fn no_rebase(_: &mut Batch<'_>, _: &RevisionId, _: Change) -> Result<Option<Change>, Error> {
    panic!("nobody else writes")
}

fn head(id: SessionId) -> Clean<Head> {
    Clean::stored(Head::empty(id))
}

/// Adds records behind what `base` holds.
fn stage(
    batch: &mut Batch<'_>,
    id: SessionId,
    base: Option<&StoredSession>,
    records: &[Record],
) -> Result<Change, Error> {
    let mut stager = match base {
        Some(base) => batch.append(base)?,
        None => batch.write(id, None),
    };
    for record in records {
        stager.push(&Clean::stored(record.clone()))?;
    }
    stager.finish(head(id)).map(Change::Save)
}

/// Saves as a program does: stages on what it sees, and stages anew when somebody was faster.
fn save(store: &Store, id: SessionId, records: &[Record]) -> Result<Option<RevisionId>, Error> {
    let mut batch = store.batch();
    let base = store.session(&store.tip()?, id)?;
    let change = stage(&mut batch, id, base.as_ref(), records)?;
    store.commit(batch, &note("save"), vec![change], &mut |batch, tip, _| {
        let base = store.session(tip, id)?;
        stage(batch, id, base.as_ref(), records).map(Some)
    })
}

fn git(store: &Path, arguments: &[&str]) -> String {
    let mut command = git::git_in(store);
    output(command.args(arguments))
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("git is installed");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let said = text(output.stdout) + &text(output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("there");
    entries.map(|entry| entry.expect("read").path()).collect()
}

#[test]
fn a_new_store_is_closed_to_others_and_git_accepts_it() {
    let sandbox = Sandbox::new();
    sandbox.fsck();
    assert_eq!(sandbox.store.marker().expect("there").schema, SCHEMA_VERSION);
    assert_eq!(sandbox.store.sessions(&sandbox.tip()).expect("read"), []);
    assert_eq!(git(&sandbox.path(), &["symbolic-ref", "HEAD"]).trim(), "refs/heads/main");
    assert_eq!(files(sandbox.folder.path()), [sandbox.path()], "nothing else is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(sandbox.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn a_store_is_made_in_an_empty_folder_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/store");
    fs::create_dir_all(&path).expect("made");
    init(&path).expect("an empty folder is a place");
    assert!(matches!(init(&path), Err(Error::Occupied { .. })));
    assert!(matches!(Store::open(&folder.path().join("none")), Err(Error::Missing { .. })));
    assert!(matches!(Store::open(folder.path()), Err(Error::Foreign { .. })));
    let foreign = folder.path().join("foreign");
    git2::Repository::init_bare(&foreign).expect("made");
    assert!(matches!(Store::open(&foreign), Err(Error::NoMain { branch: None, .. })));
}

#[test]
fn records_come_back_as_they_were_saved_in_one_go_or_many() {
    let sandbox = Sandbox::new();
    let (whole, grown, reopened) = (session(1), session(2), session(3));
    let mut records = numbered(0..130);
    records.insert(60, record(&"long ".repeat(80_000)));
    sandbox.save(whole, &records);
    for some in records.chunks(7) {
        sandbox.save(grown, some);
        let another = Store::open(&sandbox.path()).expect("a store");
        save(&another, reopened, some).expect("saved").expect("something is new");
    }
    assert_eq!(sandbox.records(whole), records);
    assert_eq!(sandbox.records(grown), records);
    assert_eq!(sandbox.records(reopened), records);
    let chunks = |id| sandbox.stored(id).expect("there").chunks;
    let ids = |id| chunks(id).into_iter().map(|(_, chunk)| chunk).collect::<Vec<_>>();
    assert_eq!(ids(whole), ids(grown), "equal streams give equal chunks");
    assert_eq!(ids(whole), ids(reopened), "what a store keeps in memory changes no chunk");
    let stored = sandbox.stored(whole).expect("there");
    let last = sandbox.store.last_records(&stored).expect("read").into_inner();
    assert!(records.ends_with(&last) && !last.is_empty());
    assert_eq!(*sandbox.store.head(&stored).expect("read"), Head::empty(whole));
    sandbox.fsck();
}

#[test]
fn a_save_says_what_it_was_in_its_commit() {
    let sandbox = Sandbox::new();
    let first = sandbox.tip();
    let saved = sandbox.save(session(1), &numbered(0..1));
    let entry = sandbox.store.commit_entry(&saved).expect("read");
    assert_eq!(entry.operation, "save");
    assert_eq!(entry.subject, "save: fix login", "one line");
    assert_eq!((entry.at, entry.parents), (at(), vec![first]));
    let message = git(&sandbox.path(), &["log", "-1", "--format=%(trailers)"]);
    let expected = format!(
        "Annals-Operation: save\nAnnals-Session: {}\nAnnals-Sessions: 1\nAnnals-Schema: 4",
        session(1)
    );
    assert_eq!(message.trim(), expected, "git reads the trailers");
    let reflog = git(&sandbox.path(), &["log", "-g", "-1", "--format=%gs", "main"]);
    assert_eq!(reflog.trim(), "save: fix login");
}

#[test]
fn the_author_comes_from_git_and_is_never_missing() {
    let sandbox = Sandbox::new();
    let set = |key, value| drop(git(&sandbox.path(), &["config", key, value]));
    let author = |n| {
        let store = Store::open(&sandbox.path()).expect("opened");
        save(&store, session(n), &numbered(0..1)).expect("saved");
        git(&sandbox.path(), &["log", "-1", "--format=%an <%ae>"]).trim().to_owned()
    };
    set("user.name", "<\u{1b}>");
    set("user.email", "a@b.c");
    assert_eq!(author(1), "annals <annals@localhost>");
    set("user.name", "A\n B <x>");
    assert_eq!(author(2), "A B x <a@b.c>");
    sandbox.fsck();
}

#[test]
fn nothing_new_makes_no_commit() {
    let sandbox = Sandbox::new();
    sandbox.save(session(1), &numbered(0..3));
    assert_eq!(save(&sandbox.store, session(1), &[]).expect("fine"), None);
    let batch = sandbox.store.batch();
    let none = sandbox.store.commit(batch, &note("save"), vec![], &mut no_rebase);
    assert_eq!(none.expect("fine"), None);
}

#[test]
fn a_deleted_session_leaves_a_tombstone_that_a_save_takes_away() {
    let sandbox = Sandbox::new();
    let id = session(1);
    sandbox.save(id, &numbered(0..3));
    let deleted = sandbox.delete(id).expect("a commit");
    assert_eq!(sandbox.stored(id), None);
    let tombstone = |at| sandbox.store.tombstone(at, id).expect("readable");
    assert_eq!(tombstone(&deleted).expect("there").id, id);
    let names = git(&sandbox.path(), &["ls-tree", "-r", "--name-only", "main"]);
    assert!(!names.contains("sessions/"), "empty folders vanish: {names}");
    sandbox.save(id, &numbered(0..4));
    assert_eq!(tombstone(&sandbox.tip()), None);
    assert_eq!(sandbox.records(id).len(), 4);
    sandbox.fsck();
}

#[test]
fn a_change_made_from_another_state_is_made_anew() {
    let sandbox = Sandbox::new();
    let id = session(1);
    let mut batch = sandbox.store.batch();
    let change = stage(&mut batch, id, None, &numbered(0..1)).expect("staged");
    sandbox.save(id, &numbered(5..6));
    let mut calls = 0;
    let store = &sandbox.store;
    let done = store.commit(batch, &note("save"), vec![change], &mut |batch, tip, change| {
        calls += 1;
        assert!(matches!(change, Change::Save(_)));
        let base = store.session(tip, id)?;
        stage(batch, id, base.as_ref(), &numbered(0..1)).map(Some)
    });
    assert!(done.expect("committed").is_some());
    assert_eq!(calls, 1);
    assert_eq!(sandbox.records(id), [numbered(5..6), numbered(0..1)].concat());

    let mut batch = sandbox.store.batch();
    let change = stage(&mut batch, id, None, &numbered(0..1)).expect("staged");
    let done =
        store.commit(batch, &note("save"), vec![change], &mut |_, _, change| Ok(Some(change)));
    assert!(matches!(done, Err(Error::Stale { .. })), "no blind overwriting");
}

#[test]
fn changes_and_history_tell_what_happened_in_between() {
    let sandbox = Sandbox::new();
    let start = sandbox.tip();
    let saved: Vec<_> = (0..4).map(|n| sandbox.save(session(n), &numbered(0..1))).collect();
    let deleted = sandbox.delete(session(0)).expect("a commit");
    let changes = |from: Option<&RevisionId>, to| {
        let mut changes = sandbox.store.changes(from, to).expect("read");
        changes.sort_by_key(|change| change.id);
        changes
    };
    assert_eq!(changes(Some(&saved[1]), &saved[1]), []);
    let one = changes(Some(&saved[0]), &saved[1]);
    assert_eq!(one.len(), 1);
    assert_eq!((one[0].id, one[0].existed), (session(1), false));
    let gone = changes(Some(&saved[3]), &deleted);
    assert_eq!((gone[0].id, gone[0].tree, gone[0].existed), (session(0), None, true));
    assert_eq!(changes(None, &saved[3]).len(), 4);

    let history =
        |from: Option<&RevisionId>, to| sandbox.store.history(from, to, &|_| false).expect("read");
    let entries = history(Some(&start), &deleted).expect("an ancestor");
    let ids: Vec<_> = entries.iter().map(|entry| entry.revision.clone()).collect();
    assert_eq!(ids[..4], saved);
    assert_eq!(ids[4], deleted);
    assert_eq!(history(None, &deleted).expect("all").len(), 6);
    assert_eq!(history(Some(&deleted), &saved[0]), None, "no ancestor");
}

#[test]
fn a_revision_is_found_by_its_beginning() {
    let sandbox = Sandbox::new();
    let saved = sandbox.save(session(1), &numbered(0..1));
    let find = |prefix: &str| sandbox.store.find_revision(prefix).expect("read");
    assert_eq!(find(&saved.as_str()[..10]), Some(saved.clone()));
    assert_eq!(find(&saved.as_str().to_uppercase()), Some(saved.clone()));
    assert_eq!(find(&saved.as_str()[..3]), None);
    assert_eq!(find("not hex"), None);
    let tree = sandbox.stored(session(1)).expect("there").tree.to_string();
    assert_eq!(find(&tree), None, "a tree is no revision");
}

#[test]
fn many_objects_become_one_pack_and_few_never_do() {
    let sandbox = Sandbox::new();
    sandbox.save(session(1), &numbered(0..120));
    assert_eq!(sandbox.packs(), [] as [PathBuf; 0]);
    let mut batch = sandbox.store.batch();
    let large: Vec<_> =
        (0..300).map(|n| record(&format!("{n} ").repeat(10_000 + n * 50))).collect();
    let mut changes = vec![stage(&mut batch, session(2), None, &large).expect("staged")];
    for n in 10..80 {
        changes.push(stage(&mut batch, session(n), None, &numbered(0..n)).expect("staged"));
    }
    let store = &sandbox.store;
    store.commit(batch, &note("capture"), changes, &mut no_rebase).expect("committed");
    assert_eq!(sandbox.packs().len(), 1);
    sandbox.fsck();
    let pack = files(&sandbox.path().join("objects/pack"));
    let index = pack.iter().find(|path| path.extension().is_some_and(|end| end == "idx"));
    let index = index.expect("there").to_str().expect("UTF-8");
    git(&sandbox.path(), &["verify-pack", index]);
    assert_eq!(sandbox.records(session(2)), large);
    let message = git(&sandbox.path(), &["log", "-1", "--format=%(trailers)"]);
    assert_eq!(message.matches("Annals-Session: ").count(), 20);
    assert!(message.contains("Annals-Sessions: 71"));
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let before = (sandbox.loose().len(), files(&sandbox.path().join("objects/pack")).len());
    let mut batch = sandbox.store.batch();
    let large: Vec<_> = (0..40).map(|n| record(&format!("{n} ").repeat(100_000))).collect();
    stage(&mut batch, session(1), None, &large).expect("staged");
    drop(batch);
    let after = (sandbox.loose().len(), files(&sandbox.path().join("objects/pack")).len());
    assert_eq!(before, after);
}

#[test]
fn many_writers_lose_nothing_and_double_nothing() {
    let sandbox = Sandbox::new();
    let path = sandbox.path();
    thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).expect("opened");
                for n in 0..12 {
                    let own = record(&format!("{writer} {n}"));
                    save(&store, session(100), std::slice::from_ref(&own)).expect("saved");
                    save(&store, session(writer), &[own]).expect("saved");
                }
            });
        }
    });
    let mut shared: Vec<_> =
        sandbox.records(session(100)).iter().map(|record| format!("{record:?}")).collect();
    let count = shared.len();
    shared.sort_unstable();
    shared.dedup();
    assert_eq!((count, shared.len()), (96, 96), "all there, nothing doubled");
    for writer in 0..8 {
        assert_eq!(sandbox.records(session(writer)).len(), 12);
    }
    let all = sandbox.store.history(None, &sandbox.tip(), &|_| false).expect("read").expect("all");
    assert_eq!(all.len(), 1 + 8 * 24);
    sandbox.fsck();
}

#[test]
fn commits_of_plain_git_in_between_are_kept() {
    let sandbox = Sandbox::new();
    let id = session(1);
    sandbox.save(id, &numbered(0..1));
    let mut batch = sandbox.store.batch();
    let base = sandbox.stored(id);
    let change = stage(&mut batch, id, base.as_ref(), &numbered(1..2)).expect("staged");
    let tree = git(&sandbox.path(), &["rev-parse", "main^{tree}"]);
    let commit = output(
        git::git_in(&sandbox.path())
            .args(["commit-tree", "-p", "main", "-m", "by hand", tree.trim()])
            .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "x")))
            .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "x@y.z"))),
    );
    git(&sandbox.path(), &["update-ref", "refs/heads/main", commit.trim()]);
    let store = &sandbox.store;
    store.commit(batch, &note("save"), vec![change], &mut no_rebase).expect("committed");
    let entries = store.history(None, &sandbox.tip(), &|_| false).expect("read").expect("all");
    assert_eq!(entries[2].operation, "commit");
    assert_eq!(entries[2].subject, "by hand");
    assert_eq!(sandbox.records(id).len(), 2);
}

#[test]
fn what_a_killed_writer_left_behind_does_not_matter() {
    let sandbox = Sandbox::new();
    let path = sandbox.path();
    let next = sandbox.tip().to_string();
    let note = format!("{next} refs/heads/main\n");
    for (leftover, text) in [
        ("annals/lock", ""),
        ("annals/moving-ref", note.as_str()),
        ("refs/heads/main.lock", &next[..17]),
        ("objects/pack/tmp_pack_abc", "PACK"),
        ("objects/pack/pack-0123456789012345678901234567890123456789.pack", "PACK"),
        ("objects/tmp_obj_abc", "x"),
    ] {
        fs::write(path.join(leftover), text).expect("written");
    }
    let store = Store::open(&path).expect("opened");
    save(&store, session(1), &numbered(0..1)).expect("saved");
    assert_eq!(sandbox.records(session(1)).len(), 1);
    assert!(!path.join("refs/heads/main.lock").exists());
    assert!(!path.join("annals/moving-ref").exists());
}

#[test]
fn a_ref_lock_that_is_not_ours_is_never_broken() {
    let sandbox = Sandbox::new();
    let path = sandbox.path();
    let lock = path.join("refs/heads/main.lock");
    let other = "b".repeat(40);
    fs::write(&lock, &other).expect("written");
    let note = path.join("annals/moving-ref");
    fs::write(&note, format!("{} refs/heads/main\n", "a".repeat(40))).expect("written");
    drop(sandbox.store.lock().expect("taken"));
    assert_eq!(fs::read_to_string(&lock).expect("still there"), other);
    // A note that was not whole when its writer died says nothing, whatever the lock holds.
    fs::write(&note, "").expect("written");
    fs::write(&lock, "").expect("written");
    drop(sandbox.store.lock().expect("taken"));
    assert!(lock.exists());
}

#[test]
fn a_store_of_a_later_version_is_read_but_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let marker = Marker {
        store: Uuid::nil(),
        schema: SCHEMA_VERSION + 1,
        scrubs: vec![],
        native: Native::new(),
    };
    let store = Store::init(&path, &marker, at()).expect("made");
    let refused = save(&store, session(1), &numbered(0..1));
    assert!(matches!(refused, Err(Error::TooNew { found }) if found == SCHEMA_VERSION + 1));
}

fn damages(store: &Store) -> Vec<Damage> {
    store.check(&store.tip().expect("main leads somewhere"), &mut |_, _| {})
}

/// Every way of reading must end, and say what is damaged.
fn assert_damage_is_named(sandbox: &Sandbox, damaged: &str, how: &str) {
    let found = damages(&sandbox.store);
    let named = found.iter().any(|damage| damage.object.to_string() == damaged);
    assert!(named, "{how}: {damaged} is named in {found:?}");
}

#[test]
fn torn_and_flipped_loose_objects_are_named_and_never_hang() {
    let sandbox = Sandbox::new();
    let id = session(1);
    sandbox.save(id, &numbered(0..60));
    sandbox.delete(id);
    sandbox.save(id, &numbered(0..2));
    assert_eq!(damages(&sandbox.store), []);
    for path in sandbox.loose() {
        let whole = fs::read(&path).expect("there");
        let folder = path.parent().and_then(Path::file_name).expect("two digits");
        let name = path.file_name().expect("38 digits");
        let object = format!("{}{}", folder.to_string_lossy(), name.to_string_lossy());
        let length = whole.len();
        let mut cases: Vec<_> = [0, 1, 2, 7, 20, length / 2, length - 5, length - 1]
            .into_iter()
            .filter(|cut| *cut < length)
            .map(|cut| (format!("cut at {cut}"), whole[..cut].to_vec()))
            .collect();
        for at in (0..length).step_by(length / 12 + 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            cases.push((format!("flipped at {at}"), bytes));
        }
        cases.push(("more behind it".into(), [&whole[..], b"x"].concat()));
        cases.push(("zeros".into(), vec![0; length]));
        for (how, bytes) in cases {
            fs::remove_file(&path).expect("removed");
            fs::write(&path, bytes).expect("written");
            if damages(&sandbox.store).is_empty() {
                // The flipped bit means nothing to zlib: the content is whole.
                let read = objects::read_loose(
                    &sandbox.path().join("objects"),
                    git2::Oid::from_str(&object).expect("an id"),
                );
                assert!(matches!(read, Ok(Some(_))), "{how}");
                continue;
            }
            assert_damage_is_named(&sandbox, &object, &how);
        }
        fs::remove_file(&path).expect("removed");
        assert_damage_is_named(&sandbox, &object, "missing");
        fs::write(&path, whole).expect("written");
    }
}

#[test]
fn reading_a_damaged_session_names_session_and_file() {
    let sandbox = Sandbox::new();
    let id = session(1);
    sandbox.save(id, &numbered(0..60));
    let stored = sandbox.stored(id).expect("there");
    let chunk = stored.chunks[1].1.to_string();
    let path = sandbox.path().join("objects").join(&chunk[..2]).join(&chunk[2..]);
    let whole = fs::read(&path).expect("there");
    fs::remove_file(&path).expect("removed");
    fs::write(&path, &whole[..whole.len() / 2]).expect("torn");
    let store = Store::open(&sandbox.path()).expect("opened");
    let told = store.records(&stored).expect_err("torn").to_string();
    let file = layout::chunk_name(id, 2);
    assert!(told.contains(&file) && told.contains(&id.to_string()), "{told}");
    let found = damages(&store);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].session, Some(id));
    assert!(found[0].file.ends_with(&file));
    assert_eq!(found[0].revision, sandbox.tip());

    let error = save(&store, id, &numbered(60..61)).expect_err("its last chunk is torn");
    assert!(matches!(error, Error::Corrupt { .. }));
    save(&store, session(2), &numbered(0..1)).expect("the others go on");

    let mut batch = store.batch();
    let mut stager = batch.write(id, Some(&stored));
    for record in numbered(0..60) {
        stager.push(&Clean::stored(record)).expect("staged");
    }
    stager.finish(head(id)).expect("staged");
    batch.flush().expect("written");
    assert_eq!(sandbox.records(id), numbered(0..60), "a torn object is written anew");
}

#[test]
fn a_damaged_pack_is_named_and_never_hangs() {
    let sandbox = Sandbox::new();
    sandbox.save(session(1), &numbered(0..60));
    sandbox.store.gc(6).expect("packed");
    let path = sandbox.packs().remove(0);
    let whole = fs::read(&path).expect("there");
    for at in (12..whole.len() - 20).step_by(whole.len() / 150 + 1) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::remove_file(&path).expect("removed");
        fs::write(&path, bytes).expect("written");
        match Store::open(&sandbox.path()) {
            Ok(store) => assert_ne!(damages(&store), [], "flipped at {at}"),
            Err(error) => assert!(matches!(error, Error::Corrupt { .. }), "{at}: {error}"),
        }
    }
}

#[test]
fn packing_keeps_all_and_a_store_opened_before_goes_on() {
    let sandbox = Sandbox::new();
    for n in 0..20 {
        sandbox.save(session(n % 5), &numbered(n..n + 1));
    }
    let before: Vec<_> = (0..5).map(|n| sandbox.records(session(n))).collect();
    let mut open = sandbox.store.batch();
    let change = stage(&mut open, session(9), None, &numbered(0..3)).expect("staged");
    open.flush().expect("written");
    let other = Store::open(&sandbox.path()).expect("opened");
    other.gc(6).expect("packed");
    assert!(sandbox.loose().len() <= 4, "all but what no ref reaches yet is packed");
    assert_eq!(sandbox.packs().len(), 1);
    let store = &sandbox.store;
    store.commit(open, &note("save"), vec![change], &mut no_rebase).expect("committed");
    sandbox.save(session(0), &numbered(50..51));
    for (n, records) in (1..5).zip(&before[1..]) {
        assert_eq!(sandbox.records(session(n)), *records);
    }
    assert_eq!(sandbox.records(session(9)), numbered(0..3));
    assert_eq!(damages(store), []);
    sandbox.fsck();
}

#[test]
fn maintenance_leaves_a_small_store_alone() {
    let sandbox = Sandbox::new();
    sandbox.save(session(1), &numbered(0..1));
    sandbox.store.maintain(6);
    assert!(!sandbox.path().join("annals/maintenance.lock").exists());
}

#[test]
fn maintenance_removes_what_it_packed_when_it_comes_again() {
    let sandbox = Sandbox::new();
    for n in 0..21 {
        sandbox.save(session(n), &numbered(n..n + 1));
        git(&sandbox.path(), &["repack", "-q"]);
        git(&sandbox.path(), &["prune-packed", "-q"]);
    }
    let before: Vec<_> = (0..21).map(|n| sandbox.records(session(n))).collect();
    // What stands for more than 4,000 loose objects.
    let mut batch = sandbox.store.batch();
    let blob = |n: u32| (Oid::hash_object(git2::ObjectType::Blob, n.to_string().as_bytes()), n);
    let is_counted = |(id, _): &(Result<Oid, _>, u32)| {
        id.as_ref().is_ok_and(|id: &Oid| id.as_bytes()[0] == 0x17)
    };
    for (_, n) in (0..).map(blob).filter(is_counted).take(17) {
        batch.put(git2::ObjectType::Blob, n.to_string().into_bytes()).expect("taken in");
    }
    batch.flush().expect("written");
    let maintained = || {
        sandbox.store.maintain(6);
        let lock = fs::File::open(sandbox.path().join("annals/maintenance.lock"));
        lock.and_then(|lock| lock.lock()).expect("git is done");
        (sandbox.packs().len(), sandbox.loose().len())
    };
    assert_eq!(maintained(), (22, 17), "nothing is removed before the pack is sure");
    assert_eq!(maintained(), (1, 0), "all is in it");
    assert_eq!(maintained(), (1, 0));
    for (n, records) in (0..).zip(&before) {
        assert_eq!(sandbox.records(session(n)), *records);
    }
    sandbox.fsck();
}

#[test]
fn a_clone_shows_the_files() {
    let sandbox = Sandbox::new();
    let id = session(1);
    sandbox.save(id, &numbered(0..1));
    let folder = sandbox.folder.path().join("-clone");
    sandbox.store.clone_to(&folder).expect("cloned");
    let session = folder.join("sessions").join(id.shard()).join(id.to_string());
    assert!(session.join("session.yaml").is_file());
    assert!(session.join("messages").join(layout::chunk_name(id, 1)).is_file());
    let again = sandbox.store.clone_to(&folder);
    assert!(matches!(again, Err(Error::Occupied { .. })));
}

#[test]
fn both_sides_of_a_merge_are_behind_it() {
    let sandbox = Sandbox::new();
    let before = sandbox.tip();
    let ours = sandbox
        .save(SessionId::captured("test", "one"), &[Record::from(Message::new("user", "hi"))]);
    let tree = format!("{before}^{{tree}}");
    let path = sandbox.path();
    let person = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    let made = ["commit-tree", &tree, "-p", before.as_str(), "-m", "another"];
    let theirs = git(&path, &[&person[..], &made[..]].concat());
    let theirs = RevisionId::parse(theirs.trim()).expect("a commit");
    let batch = sandbox.store.batch();
    let merged = sandbox.store.commit_merge(batch, (&ours, &theirs, None), &[], &[]);
    let merged = merged.expect("committed").expect("main had not moved");
    let is_behind = |commit: &RevisionId, tip: &RevisionId| {
        sandbox.store.is_behind(object_id(commit), object_id(tip)).expect("readable")
    };
    for side in [&before, &ours, &theirs, &merged] {
        assert!(is_behind(side, &merged), "of the two parents one is the second");
    }
    assert!(!is_behind(&merged, &ours));
    sandbox.fsck();
}

#[test]
fn what_makes_writes_durable_is_said_again_where_somebody_took_it_out() {
    let sandbox = Sandbox::new();
    let path = sandbox.store.private_folder().join("libgit2.config");
    let whole = std::fs::read(&path).expect("it is there");
    std::fs::write(&path, b"").expect("it is emptied");
    Store::open(&sandbox.path()).expect("it opens");
    assert_eq!(std::fs::read(&path).expect("it is there"), whole);
}
