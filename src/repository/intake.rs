//! Reading an agent's file into clean records, with bounded memory.
//!
//! Nothing is handed on before the whole file was looked through: a secret that only its last line
//! gives away is taken out of the first line too. The records of a small file are held meanwhile;
//! of a large one only the secrets are kept, and it is read a second time.

use std::ops::ControlFlow;
use std::path::Path;

use crate::adapters::Adapter;
use crate::adapters::Item;
use crate::adapters::Position;
use crate::adapters::ReadOutcome;
use crate::adapters::Skipped;
use crate::adapters::Span;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::session::Record;

/// How many bytes of a file are held as records; a larger one is read twice.
const HELD_BYTES: u64 = 16 * 1024 * 1024;

/// A file, or the rest of one, being taken in.
pub(super) struct Intake<'r> {
    adapter: &'static dyn Adapter,
    path: &'r Path,
    from: Position,
    redactor: Redactor<'r>,
    held: Vec<Clean<Record>>,
    held_bytes: u64,
    /// Where it ended.
    pub(super) position: Position,
    /// Lines in which something was redacted.
    pub(super) findings: Vec<Span>,
    /// Lines that are no records.
    pub(super) skipped: Vec<Skipped>,
    /// Whether the last line has no end.
    pub(super) has_tail: bool,
    /// The folder that its first record names.
    pub(super) root: Option<String>,
    learned: bool,
}

impl<'r> Intake<'r> {
    /// An intake of what `path` holds behind `from`. `findings`: the lines before it that hold
    /// secrets, which are learnt again from there.
    pub(super) fn open(
        rules: &'r Rules,
        adapter: &'static dyn Adapter,
        path: &'r Path,
        from: Position,
        findings: &[Span],
    ) -> Result<Self> {
        let mut redactor = Redactor::new(rules);
        if !findings.is_empty() {
            let read = adapter.read_spans(path, findings, &mut |item| {
                redactor.record(item.record);
                ControlFlow::Continue(())
            });
            read.map_err(|error| unreadable(path, &error))?;
        }
        Ok(Self {
            adapter,
            path,
            from,
            redactor,
            held: Vec::new(),
            held_bytes: 0,
            position: Position::default(),
            findings: findings.to_vec(),
            skipped: Vec::new(),
            has_tail: false,
            root: None,
            learned: false,
        })
    }

    /// Looks the file through. `false`: it no longer begins with what was read before.
    pub(super) fn read(&mut self) -> Result<bool> {
        let known = self.redactor.known();
        let (adapter, path, from) = (self.adapter, self.path, self.from.clone());
        let outcome = adapter
            .read(path, &from, &mut |item| {
                self.look_at(item);
                ControlFlow::Continue(())
            })
            .map_err(|error| unreadable(path, &error))?;
        let ReadOutcome::Finished(position) = outcome else {
            return Ok(false);
        };
        self.position = position;
        self.learned = self.redactor.known() > known;
        Ok(true)
    }

    /// Whether secrets were found that were not known before.
    pub(super) fn has_learned(&self) -> bool {
        self.learned
    }

    /// Gives the secrets that were found to others, and takes theirs.
    pub(super) fn share_secrets(&mut self, secrets: &mut KnownSecrets) {
        secrets.add_all(self.redactor.secrets());
        self.redactor.learn_all(secrets);
    }

    /// Takes the secrets that were found out of records that are stored already, and counts those
    /// that held one.
    pub(super) fn clean(&self, stored: Clean<Vec<Record>>) -> (Clean<Vec<Record>>, usize) {
        if self.redactor.known() == 0 {
            return (stored, 0);
        }
        let mut changed = 0;
        let records: Vec<Clean<Record>> = stored
            .items()
            .map(|record| {
                let clean = self.redactor.again(record.clone());
                changed += usize::from(clean != record);
                clean
            })
            .collect();
        (Clean::from_items(records), changed)
    }

    /// Whether nothing was there.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.held_bytes == 0
    }

    /// Hands on the records, in order.
    pub(super) fn each(mut self, take: &mut dyn FnMut(Clean<Record>) -> Result<()>) -> Result<()> {
        if self.held_bytes <= HELD_BYTES {
            for record in std::mem::take(&mut self.held) {
                take(self.redactor.again(record))?;
            }
            return Ok(());
        }
        let mut failure = None;
        let end = self.position.offset;
        let mut redactor = self.redactor;
        let read = self.adapter.read(self.path, &self.from, &mut |item| {
            // What came behind it meanwhile is the next capture's.
            if item.span.end > end && !is_tail(&item.record) {
                return ControlFlow::Break(());
            }
            match take(redactor.record(item.record)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        match read.map_err(|error| unreadable(self.path, &error))? {
            ReadOutcome::Finished(_) => Ok(()),
            ReadOutcome::Rewritten => {
                let message = format!("{} was rewritten while it was read", self.path.display());
                Err(Error::new(ErrorKind::Io, message))
            }
        }
    }

    fn look_at(&mut self, item: Item) {
        let before: u64 = self.redactor.counts().values().sum();
        self.has_tail |= is_tail(&item.record);
        if self.root.is_none() {
            self.root = item.record.envelope().and_then(|it| it.place.cwd.clone());
        }
        self.skipped.extend(item.skipped);
        let clean = self.redactor.record(item.record);
        if self.redactor.counts().values().sum::<u64>() > before
            && self.findings.last() != Some(&item.span)
        {
            self.findings.push(item.span);
        }
        self.held_bytes += item.span.end - item.span.start + 1;
        if self.held_bytes <= HELD_BYTES {
            self.held.push(clean);
        } else {
            self.held = Vec::new();
        }
    }
}

fn is_tail(record: &Record) -> bool {
    matches!(record, Record::Unreadable(unreadable) if unreadable.is_tail)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot read {}: {error}", path.display()))
}
