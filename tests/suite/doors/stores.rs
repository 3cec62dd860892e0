//! What lies in a store beside its sessions: objects, journals, the audit log.

use std::cell::OnceCell;
use std::fs;

use annals::config::Settings;
use annals::format::Marker;
use annals::observe::AuditFilter;
use annals::observe::AuditLog;
use annals::session::RevisionId;
use annals::session::SCHEMA_VERSION;
use annals::store::ObjectId;
use annals::store::Store;
use chrono::DateTime;
use uuid::Uuid;

use crate::doors::in_scratch;
use crate::support::forge;

const JOURNAL: &str = "00000000-0000-8000-8000-000000000001-00000000-0000-7000-8000-000000000002";

/// A journal whose owner died.
pub(crate) fn journal(bytes: &[u8]) {
    with_store(|store| {
        let folder = store.private_folder().join("journal");
        fs::create_dir_all(&folder).expect("a folder is made");
        let path = folder.join(format!("{JOURNAL}.journal"));
        let damaged = folder.join(format!("{JOURNAL}.damaged"));
        fs::write(&path, bytes).expect("it is written");
        let standing = store.journals().standing().expect("it can be read");
        let (left, errors) = store.journals().claim_left();
        assert_eq!(left.len() + errors.len(), 1, "it is claimed, or named");
        for journal in left {
            let now = standing.first().expect("what can be claimed can be read");
            assert_eq!(*journal.records, *now.records, "both read the same");
            let is_whole = journal.unreadable == 0;
            journal.settle().expect("it is settled");
            assert!(!path.exists());
            assert_eq!(damaged.exists(), !is_whole, "what cannot be read is kept");
        }
        drop(fs::remove_file(&path));
        drop(fs::remove_file(&damaged));
    });
}

/// The audit log.
pub(crate) fn audit(bytes: &[u8]) {
    in_scratch(|folder| {
        let log = AuditLog::of(&Settings::default().audit, folder);
        fs::create_dir_all(log.folder()).expect("a folder is made");
        let path = log.folder().join("audit.jsonl");
        fs::write(&path, bytes).expect("it is written");
        let all = log.read(&AuditFilter::default(), 1000).expect("it can be read");
        let few = log.read(&AuditFilter::default(), 2).expect("it can be read");
        assert_eq!(few.entries, all.entries[..all.entries.len().min(2)], "the latest first");
        let failed = AuditFilter { failed: true, ..AuditFilter::default() };
        let failed = log.read(&failed, 1000).expect("it can be read").entries;
        assert_eq!(failed.len(), all.entries.iter().filter(|it| it.has_failed()).count());
        assert_eq!(log.rewrite(&|_| None).expect("nothing is to be done"), 0);
        assert_eq!(fs::read(&path).expect("it is there"), bytes, "it stays as it is");
    });
}

/// Bytes that are a commit, a folder or a file, as their finder likes.
pub(crate) fn git_objects(bytes: &[u8]) {
    with_store(|store| {
        let mut made = Vec::new();
        let ids = [forge::COMMIT, forge::TREE, forge::BLOB].map(|kind| {
            let id = forge::hex(&forge::id_of(kind, bytes));
            let path = store.path().join("objects").join(&id[..2]).join(&id[2..]);
            if !path.exists() {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
                fs::write(&path, forge::loose(kind, bytes)).expect("it is written");
                made.push(path);
            }
            id
        });
        let commit = RevisionId::parse(&ids[0]).expect("40 hex digits");
        if let Ok(entry) = store.commit_entry(&commit) {
            assert_eq!(entry.revision, commit);
            assert!(entry.parents.len() <= bytes.len() / 40);
        }
        drop(store.top_folder(&commit));
        drop(store.sessions(&commit));
        if let Some(tree) = ObjectId::parse(&ids[1]) {
            drop(store.is_store_folder(tree));
            drop(store.bytes_at(tree, "sessions/x/y"));
        }
        made.iter().for_each(|path| drop(fs::remove_file(path)));
    });
}

/// Does something with an empty store, made once a thread.
fn with_store<T>(work: impl FnOnce(&Store) -> T) -> T {
    thread_local! {
        static STORE: OnceCell<Store> = const { OnceCell::new() };
    }
    let made = || {
        let path = in_scratch(|folder| folder.join("empty.git"));
        let marker = Marker {
            store: Uuid::from_u128(7),
            schema: SCHEMA_VERSION,
            scrubs: Vec::new(),
            native: serde_json::Map::new(),
        };
        Store::init(&path, &marker, DateTime::UNIX_EPOCH).expect("a store is made")
    };
    STORE.with(|store| work(store.get_or_init(made)))
}
