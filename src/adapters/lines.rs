//! Reads a file line by line, knowing where it stands and what it has read.
//!
//! Promises: one line is held at a time, whatever the file's size; the SHA-256 of all that was
//! counted as read is at hand at any moment, so that a later reader can go on from there if the
//! bytes before are still the same. Line ends may be LF or CRLF. It does not know what a line
//! means. Limits: a line must fit into memory.

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Take;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use crate::adapters::Position;

const BUFFER_BYTES: usize = 256 * 1024;

/// A file, read line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<Take<File>>,
    line: Vec<u8>,
    hasher: Sha256,
    offset: u64,
    ended: u64,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// What it holds, without its end.
    pub(crate) bytes: &'a [u8],
    /// Where in the file it begins.
    pub(crate) start: u64,
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Whether it has an end; only the last line of a file may lack it.
    pub(crate) is_ended: bool,
}

impl Lines {
    /// Opens a file to go on after `from`. `None`: the file no longer begins with the bytes that
    /// were read then.
    pub(crate) fn open(path: &Path, from: &Position) -> io::Result<Option<Self>> {
        let mut lines = Self::open_start(path, u64::MAX)?;
        if from.offset > 0 && !(lines.pass(from.offset)? && lines.prefix() == from.prefix) {
            return Ok(None);
        }
        lines.ended = from.lines;
        Ok(Some(lines))
    }

    /// Opens a file to read its first `limit` bytes.
    pub(crate) fn open_start(path: &Path, limit: u64) -> io::Result<Self> {
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path)?.is_file() {
            let reason = "not a regular file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, File::open(path)?.take(limit)),
            line: Vec::new(),
            hasher: Sha256::new(),
            offset: 0,
            ended: 0,
        })
    }

    /// Reads the next line; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        if self.reader.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        Ok(Some(Line {
            bytes: content(&self.line),
            start: self.offset,
            number: self.ended + 1,
            is_ended: self.line.ends_with(b"\n"),
        }))
    }

    /// Counts the first `bytes` of the present line as read; all of them: its end, too.
    pub(crate) fn take(&mut self, bytes: usize) {
        let taken =
            if bytes < content(&self.line).len() { &self.line[..bytes] } else { &self.line };
        self.hasher.update(taken);
        self.offset += taken.len() as u64;
        self.ended += u64::from(taken.ends_with(b"\n"));
    }

    /// What was counted as read.
    pub(crate) fn position(&self) -> Position {
        Position { offset: self.offset, lines: self.ended, prefix: self.prefix() }
    }

    /// Reads over the first bytes of the file; false if it is shorter.
    fn pass(&mut self, bytes: u64) -> io::Result<bool> {
        while self.offset < bytes {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let left = usize::try_from(bytes - self.offset).unwrap_or(usize::MAX);
            let length = chunk.len().min(left);
            self.hasher.update(&chunk[..length]);
            self.reader.consume(length);
            self.offset += length as u64;
        }
        Ok(true)
    }

    fn prefix(&self) -> String {
        let digest = self.hasher.clone().finalize();
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// The line without its end.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
