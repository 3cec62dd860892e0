//! The crash journal: what was acknowledged and is not committed yet.
//!
//! One file a writer and a session, in `annals/journal/` of the store, locked by its owner as long
//! as he lives. The first line says which session it is; each further line is a record: the first
//! 16 digits of the SHA-256 of what follows, a blank, and the record as JSON with the field names
//! of the store's YAML. A last line without its end was torn and never acknowledged; any other whose
//! sum is wrong is damaged, and the journal is kept.
//!
//! A journal outlives its owner only when he died: then whoever opens the store next claims it,
//! commits its records and removes it.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use uuid::Uuid;

use crate::format;
use crate::platform;
use crate::platform::AppendLog;
use crate::platform::FileLock;
use crate::redact::Clean;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::CleanText;
use crate::store::Error;
use crate::store::Store;

const FOLDER: &str = "journal";
const ENDING: &str = "journal";
/// What a journal with lines that cannot be read is called once the others are saved.
const DAMAGED: &str = "damaged";
const VERSION: u32 = 1;
/// The most bytes of a journal that is read; what a program holds back is committed long before.
const JOURNAL_LIMIT: u64 = 1 << 30;
/// How often the journals are looked at anew, where their owners begin new ones meanwhile.
const PASSES: usize = 100;
/// How much of a journal's name is the id of its session.
const SESSION_DIGITS: usize = 36;
/// How many digits of a line's sum stand before it.
const SUM_DIGITS: usize = 16;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    journal: u32,
    session: SessionId,
    started: DateTime<Utc>,
    /// The process that writes it.
    #[serde(default)]
    process: u32,
    /// Whether it takes no records: its owner has what is not saved in memory alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_marker: bool,
}

/// A journal that this process writes.
#[derive(Debug)]
pub struct Journal {
    log: AppendLog,
    is_empty: bool,
}

/// Where the journals of a store lie.
#[derive(Debug, Clone)]
pub struct JournalFolder(PathBuf);

/// A journal whose owner died. Nobody else can claim it meanwhile.
#[derive(Debug)]
pub struct LeftJournal {
    path: PathBuf,
    _lock: FileLock,
    /// The session its records belong to.
    pub session: SessionId,
    /// Its records, in order.
    pub records: Clean<Vec<Record>>,
    /// How many of its lines cannot be read, but for a torn last one.
    pub unreadable: u64,
}

/// A journal as it stands now, whoever writes it.
#[derive(Debug)]
pub struct StandingJournal {
    /// The session its records belong to.
    pub session: SessionId,
    /// The process that writes it, or wrote it; 0: that is not known.
    pub process: u32,
    /// Its records, in order.
    pub records: Clean<Vec<Record>>,
    /// The lines that cannot be read.
    pub unread: Vec<u8>,
    /// Whether it takes no records: its owner has what is not saved in memory alone.
    pub is_marker: bool,
}

impl Store {
    /// Where its journals lie.
    pub fn journals(&self) -> JournalFolder {
        JournalFolder(self.private_folder().join(FOLDER))
    }
}

impl JournalFolder {
    /// Begins a journal. `name`: an id that no other one has.
    pub fn start(
        &self,
        session: SessionId,
        started: DateTime<Utc>,
        name: Uuid,
    ) -> Result<Journal, Error> {
        self.start_with(session, started, name, false)
    }

    /// Begins one that takes no records, and only says that the session is held by a program that
    /// has what is not saved in memory alone.
    pub fn start_marker(
        &self,
        session: SessionId,
        started: DateTime<Utc>,
        name: Uuid,
    ) -> Result<Journal, Error> {
        self.start_with(session, started, name, true)
    }

    fn start_with(
        &self,
        session: SessionId,
        started: DateTime<Utc>,
        name: Uuid,
        is_marker: bool,
    ) -> Result<Journal, Error> {
        let process = std::process::id();
        let header = Header { journal: VERSION, session, started, process, is_marker };
        let mut line = serde_json::to_vec(&header).expect("ids and times become JSON");
        line.push(b'\n');
        let path = self.0.join(format!("{session}-{name}.{ENDING}"));
        let make = || {
            platform::create_private_folder(&self.0)?;
            AppendLog::create(&path, &line)
        };
        let log = make().map_err(failed("starting the journal", &path))?;
        Ok(Journal { log, is_empty: true })
    }

    /// The journals whose owners died, and what of them could not be read.
    pub fn claim_left(&self) -> (Vec<LeftJournal>, Vec<Error>) {
        let (mut left, mut errors) = (Vec::new(), Vec::new());
        AppendLog::remove_unnamed(&self.0);
        for path in self.files() {
            match claim(&path) {
                Ok(journal) => left.extend(journal),
                Err(error) => errors.push(failed("reading the journal", &path)(error)),
            }
        }
        (left, errors)
    }

    /// All journals as they stand now: those of the living, and those that could not be committed.
    pub fn standing(&self) -> Result<Vec<StandingJournal>, Error> {
        'again: for _ in 0..PASSES {
            let mut standing = Vec::new();
            for path in self.files() {
                match platform::read_within(&path, JOURNAL_LIMIT) {
                    Ok(text) => standing.extend(stand(&path, &text)),
                    // It is committed, or its records stand in a newer one by now.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue 'again,
                    Err(error) => return Err(failed("reading the journal", &path)(error)),
                }
            }
            return Ok(standing);
        }
        let error = io::Error::other("they change all the time");
        Err(failed("reading the journals in", &self.0)(error))
    }

    /// Takes out of the journals that are kept for their damaged lines what must go. `clean`: as
    /// for a rewriting of history.
    pub fn clean_damaged(&self, clean: &CleanText<'_>) -> Result<(), Error> {
        for path in self.damaged() {
            let failed = failed("cleaning the journal", &path);
            let cleaned = platform::read_within(&path, JOURNAL_LIMIT).and_then(|text| {
                clean(&text).map_or(Ok(()), |text| platform::write_atomic(&path, &text))
            });
            cleaned.map_err(failed)?;
        }
        Ok(())
    }

    /// The sessions whose journals somebody writes now.
    pub fn held(&self) -> Vec<SessionId> {
        let is_held = |path: &PathBuf| !matches!(FileLock::claim(path), Ok(Some(_)));
        self.files().iter().filter(|path| is_held(path)).filter_map(|it| session_of(it)).collect()
    }

    /// The journals that are kept for their lines that could not be read, sorted.
    pub fn damaged(&self) -> Vec<PathBuf> {
        self.files_ending(DAMAGED)
    }

    /// The files that look like journals, sorted.
    fn files(&self) -> Vec<PathBuf> {
        self.files_ending(ENDING)
    }

    fn files_ending(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|it| it == ending)).collect();
        paths.sort();
        paths
    }
}

impl Journal {
    /// Adds records, durably: all, or none.
    pub fn append(&mut self, records: &[Clean<Record>]) -> Result<(), Error> {
        let mut lines = Vec::new();
        for record in records {
            let text = format::record_to_value(record).to_string();
            lines.extend_from_slice(sum(text.as_bytes()).as_bytes());
            lines.push(b' ');
            lines.extend_from_slice(text.as_bytes());
            lines.push(b'\n');
        }
        let written = self.log.append(&lines);
        written.map_err(|error| failed("writing the journal", self.log.path())(error))?;
        self.is_empty &= records.is_empty();
        Ok(())
    }

    /// Whether it holds no records.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether it takes further records.
    pub fn is_sound(&self) -> bool {
        self.log.is_sound()
    }

    /// Removes it: its records are committed, or were none. That it is gone need not be durable:
    /// records that are in the store are not taken from a journal again.
    pub fn remove(self) -> Result<(), Error> {
        let path = self.log.path();
        fs::remove_file(path).map_err(failed("removing the journal", path))
    }
}

impl LeftJournal {
    /// Removes it, for its records are committed. One with lines that cannot be read is kept under
    /// another name.
    pub fn settle(self) -> Result<(), Error> {
        let settled = match self.unreadable {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, self.path.with_extension(DAMAGED)),
        };
        settled.map_err(failed("removing the journal", &self.path))
    }
}

/// The session that a journal belongs to, by its name: the first line may not be there yet.
fn session_of(path: &Path) -> Option<SessionId> {
    let name = path.file_stem()?.to_str()?;
    name.get(..SESSION_DIGITS)?.parse().ok()
}

/// The journal at `path`, if its owner died.
fn claim(path: &Path) -> io::Result<Option<LeftJournal>> {
    let Some(lock) = FileLock::claim(path)? else {
        return Ok(None);
    };
    let file = lock.share()?;
    if file.metadata()?.len() > JOURNAL_LIMIT {
        return Err(io::Error::other(format!("it has more than {} GiB", JOURNAL_LIMIT >> 30)));
    }
    let is_torn = !ends_with_line(&file)?;
    let mut lines = BufReader::new(file).split(b'\n');
    let first = lines.next().transpose()?.unwrap_or_default();
    let header: Header = serde_json::from_slice(&first).map_err(io::Error::other)?;
    if header.journal != VERSION {
        return Err(io::Error::other(format!("version {} is not known", header.journal)));
    }
    let (mut records, mut unreadable, mut is_last_bad) = (Vec::new(), 0, false);
    for line in lines {
        // Whether it was the last one is only known when the next one is there.
        unreadable += u64::from(is_last_bad);
        let record = read_record(&line?);
        is_last_bad = record.is_none();
        records.extend(record);
    }
    // A last line with its end was written whole, so it may have been acknowledged.
    unreadable += u64::from(is_last_bad && !is_torn);
    // What stands in a journal went through redaction when it was written.
    let records = Clean::stored(records);
    let (path, session) = (path.to_owned(), header.session);
    Ok(Some(LeftJournal { path, _lock: lock, session, records, unreadable }))
}

/// What a journal holds; none: it is nobody's.
fn stand(path: &Path, text: &[u8]) -> Option<StandingJournal> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let header: Option<Header> = serde_json::from_slice(first).ok();
    let session = header.as_ref().map(|header| header.session).or_else(|| session_of(path))?;
    let (mut records, mut unread) = (Vec::new(), Vec::new());
    for line in lines.filter(|line| !line.is_empty()) {
        match read_record(line) {
            Some(record) => records.push(record),
            None => unread.extend([line, b"\n"].concat()),
        }
    }
    Some(StandingJournal {
        session,
        process: header.as_ref().map_or(0, |header| header.process),
        // What stands in a journal went through redaction when it was written.
        records: Clean::stored(records),
        unread,
        is_marker: header.is_some_and(|header| header.is_marker),
    })
}

/// Whether the file ends with the end of a line; it is read from its beginning afterwards.
fn ends_with_line(mut file: &File) -> io::Result<bool> {
    let mut last = [0];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        file.seek(SeekFrom::Start(0))?;
    }
    Ok(last == *b"\n")
}

fn read_record(line: &[u8]) -> Option<Record> {
    let (sum_read, text) = line.split_at_checked(SUM_DIGITS)?;
    let text = text.strip_prefix(b" ")?;
    if sum(text).as_bytes() != sum_read {
        return None;
    }
    format::record_from_value(serde_json::from_slice(text).ok()?).ok()
}

fn sum(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    let beginning = digest[..8].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    format!("{beginning:016x}")
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let doing = format!("{doing} {}", path.display());
    move |source| Error::Io { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::arbitrary;
    use proptest::prelude::*;

    fn folder() -> (tempfile::TempDir, JournalFolder) {
        let folder = tempfile::tempdir().expect("a folder");
        let journals = JournalFolder(folder.path().join(FOLDER));
        (folder, journals)
    }

    fn session() -> SessionId {
        SessionId::captured("test", "journal")
    }

    fn start(journals: &JournalFolder, name: u128) -> Journal {
        let at = DateTime::UNIX_EPOCH;
        journals.start(session(), at, Uuid::from_u128(name)).expect("started")
    }

    /// The one that was left. A program that another test just starts may hold a copy of the lock
    /// for a moment.
    fn claimed(journals: &JournalFolder) -> LeftJournal {
        loop {
            if let Some(left) = journals.claim_left().0.pop() {
                return left;
            }
            std::thread::yield_now();
        }
    }

    fn note(text: &str) -> Clean<Record> {
        Clean::stored(crate::session::Message::new("user", text).into())
    }

    #[test]
    fn what_a_dead_owner_left_is_found_and_what_a_live_one_writes_is_not() {
        let (_folder, journals) = folder();
        let (mut dead, mut live) = (start(&journals, 1), start(&journals, 2));
        dead.append(&[note("a"), note("b")]).expect("written");
        live.append(&[note("c")]).expect("written");
        assert!(!dead.is_empty());
        assert_eq!(journals.held(), [session(), session()]);
        drop(dead);
        assert_eq!(journals.held(), [session()], "a dead owner holds nothing");
        let left = claimed(&journals);
        assert_eq!((left.session, left.unreadable), (session(), 0));
        assert_eq!(*left.records, [note("a").into_inner(), note("b").into_inner()]);
        assert!(journals.claim_left().0.is_empty(), "it is claimed once");
        left.settle().expect("removed");
        assert_eq!(journals.files().len(), 1, "the live one stays");
    }

    #[test]
    fn a_torn_line_takes_nothing_with_it_and_a_damaged_one_is_kept_and_counted() {
        let (_folder, journals) = folder();
        let mut journal = start(&journals, 1);
        journal.append(&[note("a"), note("b")]).expect("written");
        let path = journal.log.path().to_owned();
        drop(journal);
        let whole = fs::read(&path).expect("there");
        fs::write(&path, &whole[..whole.len() - 3]).expect("torn");
        let left = claimed(&journals);
        assert_eq!((left.records.len(), left.unreadable), (1, 0), "it was never acknowledged");
        drop(left);
        let mut bytes = whole.clone();
        let at = whole.iter().position(|byte| *byte == b'\n').expect("a header") + 30;
        bytes[at] ^= 1;
        fs::write(&path, &bytes).expect("damaged");
        let left = claimed(&journals);
        assert_eq!((left.records.len(), left.unreadable), (1, 1));
        left.settle().expect("set aside");
        assert!(path.with_extension(DAMAGED).exists(), "nothing is thrown away");
    }

    #[test]
    fn a_journal_without_a_header_is_told_and_left() {
        let (_folder, journals) = folder();
        let journal = start(&journals, 1);
        let path = journal.log.path().to_owned();
        drop(journal);
        fs::write(&path, b"\xff\xfe").expect("written");
        let errors = loop {
            let (left, errors) = journals.claim_left();
            assert!(left.is_empty());
            if !errors.is_empty() {
                break errors;
            }
        };
        assert!(errors[0].to_string().starts_with("reading the journal "), "{errors:?}");
        assert!(path.exists());
    }

    #[test]
    fn what_a_live_owner_has_not_saved_can_be_read() {
        let (_folder, journals) = folder();
        let mut live = start(&journals, 1);
        live.append(&[note("a")]).expect("written");
        let at = DateTime::UNIX_EPOCH;
        let marker = journals.start_marker(session(), at, Uuid::from_u128(2)).expect("started");
        let standing = journals.standing().expect("read");
        let seen = |it: &StandingJournal| (it.records.len(), it.is_marker, it.unread.clone());
        assert_eq!(
            standing.iter().map(seen).collect::<Vec<_>>(),
            [(1, false, Vec::new()), (0, true, Vec::new()),]
        );
        assert!(standing.iter().all(|it| it.process == std::process::id()));
        drop(live);
        marker.remove().expect("removed");
        assert_eq!(journals.standing().expect("read").len(), 1, "a dead owner's stands too");
    }

    proptest! {
        #[test]
        fn records_come_back_from_a_journal_as_they_were(
            records in arbitrary::stream(),
        ) {
            let (_folder, journals) = folder();
            let mut journal = start(&journals, 1);
            let clean: Vec<Clean<Record>> = records.iter().cloned().map(Clean::stored).collect();
            journal.append(&clean).expect("written");
            drop(journal);
            let left = claimed(&journals);
            prop_assert_eq!(&*left.records, &records);
        }

        #[test]
        fn p18_a_damaged_journal_gives_what_is_whole_and_is_kept(
            texts in proptest::collection::vec("[a-z\n]{0,20}", 1..8),
            at in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let (_folder, journals) = folder();
            let mut journal = start(&journals, 1);
            let records: Vec<Clean<Record>> = texts.iter().map(|text| note(text)).collect();
            journal.append(&records).expect("written");
            let path = journal.log.path().to_owned();
            drop(journal);
            let mut bytes = fs::read(&path).expect("there");
            let begin = bytes.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
            // The very last byte says whether the last line is whole: without it, it was torn.
            let place = begin + at.index(bytes.len() - 1 - begin);
            bytes[place] ^= 1 << bit;
            fs::write(&path, &bytes).expect("damaged");
            let left = claimed(&journals);
            prop_assert!(left.unreadable > 0, "it is told");
            let lost = records.len() - left.records.len();
            prop_assert!((1..=2).contains(&lost), "a bit damages a line, or joins two");
            let mut whole = records.iter();
            let is_in_order = left.records.iter().all(|it| whole.any(|whole| **whole == *it));
            prop_assert!(is_in_order, "the others are as they were");
            left.settle().expect("set aside");
            let kept = fs::read(path.with_extension(DAMAGED)).expect("nothing is thrown away");
            prop_assert_eq!(kept, bytes);
        }
    }
}
