//! Reads a file line by line, knowing where it stands and what it has read.
//!
//! Promises: one line is held at a time, whatever the file's size; the SHA-256 of all that was
//! counted as read is at hand at any moment, so that a later reader can go on from there if the
//! bytes before are still the same. Line ends may be LF or CRLF. It does not know what a line
//! means. Limits: 256 MiB a line; a file ends where it ended when it was opened.

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

/// The longest line, in bytes: no remote takes a longer text either.
pub(super) const LINE_LIMIT: u64 = 256 << 20;

/// A file, read line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<Take<File>>,
    line: Vec<u8>,
    hasher: Sha256,
    offset: u64,
    ended: u64,
    longest: u64,
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
        let file = File::open(path)?;
        // What is written while we read is for the next reader: a file may grow for ever.
        let limit = limit.min(file.metadata()?.len());
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, file.take(limit)),
            line: Vec::new(),
            hasher: Sha256::new(),
            offset: 0,
            ended: 0,
            longest: LINE_LIMIT,
        })
    }

    /// Reads the next line; `None` at the end of the file.
    ///
    /// # Errors
    /// `InvalidData`: the line is longer than is read.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut reader = (&mut self.reader).take(self.longest + 1);
        if reader.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() as u64 > self.longest {
            let (number, limit) = (self.ended + 1, self.longest >> 20);
            let reason = format!("line {number} is longer than {limit} MiB");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn opened(text: &[u8]) -> (tempfile::NamedTempFile, Lines) {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("written");
        let lines = Lines::open_start(file.path(), u64::MAX).expect("it opens");
        (file, lines)
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_before_all_of_it_is_held() {
        let (_file, mut lines) =
            opened(&[b"{}\n".as_slice(), &[b'x'; 1 << 20], b"\n{}\n"].concat());
        lines.longest = 1000;
        let first = lines.next().expect("read").expect("a line");
        assert_eq!(first.bytes, b"{}");
        let length = first.bytes.len();
        lines.take(length);
        let error = lines.next().expect_err("it is too long");
        assert_eq!(error.to_string(), "line 2 is longer than 0 MiB");
        assert!(lines.line.len() <= 1001, "{}", lines.line.len());
    }

    #[test]
    fn what_is_written_while_a_file_is_read_is_left_to_the_next_reader() {
        let (mut file, mut lines) = opened(b"one\ntwo");
        file.write_all(b" and more\nthree\n").expect("it grows");
        let mut read = Vec::new();
        while let Some(line) = lines.next().expect("it is read") {
            read.push((line.bytes.to_vec(), line.is_ended));
            let length = read.last().expect("one").0.len();
            lines.take(length);
        }
        assert_eq!(read, [(b"one".to_vec(), true), (b"two".to_vec(), false)]);
    }
}
