//! The audit log: a file of JSON lines that is written to, and closed ones before it.
//!
//! ```text
//! audit.jsonl           what is written to
//! audit-000002.jsonl    closed: higher numbers are newer
//! lock                  held by whoever writes, closes, rewrites
//! ```
//!
//! A writer holds the lock for one line. When the file would grow too large, or its first line is too
//! old, it gets the next number and the oldest are removed. Readers take the lock only to open the
//! files; what cannot be understood in them is passed over and counted.

use std::collections::VecDeque;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use uuid::Uuid;

use crate::config::AuditSettings;
use crate::observe::Entry;
use crate::observe::Recorded;
use crate::platform;
use crate::platform::FileLock;
use crate::redact::Clean;

/// Where the log lies if nobody said where, in the store's private folder.
const FOLDER: &str = "audit";
const CURRENT: &str = "audit.jsonl";
const LOCK: &str = "lock";

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest line that is read; those that are written are shorter.
const MOST_LINE: u64 = 1 << 20;

/// The log of a store.
#[derive(Debug)]
pub struct AuditLog {
    folder: PathBuf,
    max_bytes: u64,
    max_age: TimeDelta,
    closed: usize,
}

/// A span of time: from, up to; none: without that end.
type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Half-open spans of time; none: any time.
    pub spans: Vec<Span>,
    /// Names of operations; none: all.
    pub operations: Vec<String>,
    /// Only those about one of these sessions; none: all.
    pub sessions: Vec<Uuid>,
    /// Only those that failed.
    pub failed: bool,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditReading {
    /// The latest that are wanted, the latest first.
    pub entries: Vec<Recorded>,
    /// How many lines could not be understood, of those that were looked at.
    pub skipped: u64,
    /// Whether there are earlier ones that were not asked for.
    pub has_more: bool,
}

/// What becomes of a line: none, and it stays as it is.
pub type CleanLine<'c> = dyn Fn(&[u8]) -> Option<Clean<Vec<u8>>> + 'c;

impl AuditLog {
    /// The log that the settings describe, of the store with that private folder.
    pub fn of(settings: &AuditSettings, private_folder: &Path) -> Self {
        let folder = settings.path.value.clone();
        let age = i64::try_from(settings.age.value).unwrap_or(i64::MAX);
        Self {
            folder: folder.unwrap_or_else(|| private_folder.join(FOLDER)),
            max_bytes: settings.size.value,
            max_age: TimeDelta::try_seconds(age).unwrap_or(TimeDelta::MAX),
            closed: usize::try_from(settings.files.value).unwrap_or(usize::MAX),
        }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a line.
    ///
    /// # Errors
    /// It could not be written: the log is as it was.
    pub fn append(&self, entry: &Entry) -> io::Result<()> {
        platform::create_private_folder(&self.folder)?;
        let _lock = self.lock()?;
        let line = entry.render();
        if self.is_full(line.len() as u64 + 1, entry.at)? {
            self.close_current()?;
        }
        platform::append_line(&self.current(), &line)
    }

    /// The latest lines that are wanted, at most `limit`.
    pub fn read(&self, filter: &AuditFilter, limit: usize) -> io::Result<AuditReading> {
        let mut reading = AuditReading::default();
        for file in self.open_all()? {
            let wanted = limit - reading.entries.len();
            // One more tells whether there are more.
            let mut latest: VecDeque<Recorded> = VecDeque::new();
            each_line(file, &mut |line| match line.and_then(Recorded::parse) {
                None => reading.skipped += 1,
                Some(entry) if filter.matches(&entry) => {
                    latest.push_back(entry);
                    if latest.len() > wanted.saturating_add(1) {
                        latest.pop_front();
                    }
                }
                Some(_) => {}
            })?;
            reading.has_more |= latest.len() > wanted;
            reading.entries.extend(latest.into_iter().rev().take(wanted));
            if reading.has_more {
                break;
            }
        }
        Ok(reading)
    }

    /// Puts other lines in the place of those that `clean` does not leave as they are, in all files.
    /// How many these were.
    pub fn rewrite(&self, clean: &CleanLine<'_>) -> io::Result<u64> {
        if !self.folder.exists() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let mut changed = 0;
        let paths = self.closed_files()?.into_iter().map(|(_, path)| path);
        for path in paths.chain([self.current()]) {
            let text = match fs::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            let before = changed;
            let mut cleaned = Vec::with_capacity(text.len());
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                match clean(line) {
                    None => cleaned.extend_from_slice(line),
                    Some(line) => {
                        cleaned.extend_from_slice(&line);
                        changed += 1;
                    }
                }
            }
            if changed > before {
                platform::write_atomic(&path, &cleaned)?;
            }
        }
        Ok(changed)
    }

    fn current(&self) -> PathBuf {
        self.folder.join(CURRENT)
    }

    fn lock(&self) -> io::Result<FileLock> {
        let lock = FileLock::acquire(&self.folder.join(LOCK), PATIENCE)?;
        lock.ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))
    }

    /// Whether so many bytes must not be added any more.
    fn is_full(&self, bytes: u64, now: DateTime<Utc>) -> io::Result<bool> {
        let file = match File::open(self.current()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let length = metadata.len();
        if length == 0 || !metadata.is_file() {
            return Ok(false);
        }
        let first = first_time(file);
        let is_old = first.is_some_and(|first| now - first > self.max_age);
        Ok(is_old || length.saturating_add(bytes) > self.max_bytes)
    }

    /// Gives the current file the next number, and removes the oldest that are too many.
    fn close_current(&self) -> io::Result<()> {
        let mut files = self.closed_files()?;
        let number = files.last().map_or(1, |(number, _)| number + 1);
        let path = self.folder.join(format!("audit-{number:06}.jsonl"));
        fs::rename(self.current(), &path)?;
        files.push((number, path));
        let surplus = files.len().saturating_sub(self.closed);
        for (_, path) in files.drain(..surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The closed files, oldest first.
    fn closed_files(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.strip_prefix("audit-").and_then(|it| it.strip_suffix(".jsonl"));
            match number.and_then(|number| number.parse().ok()) {
                Some(number) if path.is_file() => files.push((number, path)),
                _ => {}
            }
        }
        files.sort();
        Ok(files)
    }

    /// All files, the newest first, as they are at one moment.
    fn open_all(&self) -> io::Result<Vec<File>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        // On a read-only medium nobody writes, either.
        let _lock = self.lock().ok();
        let mut files = Vec::new();
        let closed = self.closed_files()?.into_iter().rev().map(|(_, path)| path);
        for path in std::iter::once(self.current()).chain(closed) {
            match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => files.push(opened?),
            }
        }
        Ok(files)
    }
}

impl AuditFilter {
    fn matches(&self, entry: &Recorded) -> bool {
        let is_within = |(from, to): &Span| {
            from.is_none_or(|from| entry.time >= from) && to.is_none_or(|to| entry.time < to)
        };
        let is_about = |id: &Uuid| {
            let id = id.as_hyphenated().to_string();
            entry.sessions.contains(&id)
        };
        (self.spans.is_empty() || self.spans.iter().any(is_within))
            && (self.operations.is_empty() || self.operations.contains(&entry.operation))
            && (self.sessions.is_empty() || self.sessions.iter().any(is_about))
            && (!self.failed || entry.has_failed())
    }
}

/// The time of a file's first line that has one.
fn first_time(file: File) -> Option<DateTime<Utc>> {
    let mut line = Vec::new();
    BufReader::new(file).take(MOST_LINE).read_until(b'\n', &mut line).ok()?;
    Recorded::parse(&line).map(|entry| entry.time)
}

/// Shows each line that is not empty; none: it is too long.
fn each_line(file: File, see: &mut dyn FnMut(Option<&[u8]>)) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let mut is_whole = line.len() as u64 != MOST_LINE || line.ends_with(b"\n");
        let is_short = is_whole;
        while !is_whole {
            line.clear();
            let read = reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)?;
            is_whole = read == 0 || line.ends_with(b"\n");
        }
        match line.trim_ascii() {
            _ if !is_short => see(None),
            [] => {}
            line => see(Some(line)),
        }
    }
}

#[cfg(test)]
mod tests;
