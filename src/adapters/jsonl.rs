//! Reads the records of an agent that writes one JSON value a line.
//!
//! Promises: what is good is read, whatever stands around it; what is not goes out as it is, with
//! its line and the reason; memory is bounded by the longest line that is read. It does not know
//! what the values mean: the agent's adapter makes records of them.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Map;
use serde_json::Value;

use crate::adapters::Item;
use crate::adapters::Position;
use crate::adapters::ReadOutcome;
use crate::adapters::Skipped;
use crate::adapters::Span;
use crate::adapters::json::Piece;
use crate::adapters::json::PieceKind;
use crate::adapters::json::Pieces;
use crate::adapters::lines::LINE_LIMIT;
use crate::adapters::lines::Line;
use crate::adapters::lines::Lines;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Unreadable;

/// How an agent's values become records.
pub(crate) trait Lift {
    /// Whether an object that stands behind damage is a record, not a part of one.
    fn is_record(object: &Map<String, Value>) -> bool;
    /// Makes the record of a value; `native_line`: its text, where the value does not hold all
    /// of it.
    fn lift(&mut self, value: Value, native_line: Option<String>) -> io::Result<Record>;
}

/// Reads the records of a file from `from` on; see [`crate::adapters::Adapter::read`].
pub(crate) fn read<L: Lift>(
    path: &Path,
    from: &Position,
    lift: &mut L,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> io::Result<ReadOutcome> {
    let Some(mut lines) = Lines::open(path, from)? else {
        return Ok(ReadOutcome::Rewritten);
    };
    while let Some(line) = lines.next()? {
        let (end, flow) = read_line(path, line, lift, each)?;
        lines.take(end);
        if flow.is_break() {
            break;
        }
    }
    Ok(ReadOutcome::Finished(lines.position()))
}

/// Reads single lines of a file again; see [`crate::adapters::Adapter::read_spans`].
pub(crate) fn read_spans<L: Lift>(
    path: &Path,
    spans: &[Span],
    lift: &mut L,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    let is_there = |span: &Span| {
        span.start < span.end && span.end <= length && span.end - span.start <= LINE_LIMIT
    };
    for span in spans.iter().copied().filter(is_there) {
        bytes.clear();
        file.seek(SeekFrom::Start(span.start))?;
        (&file).take(span.end - span.start).read_to_end(&mut bytes)?;
        let line = Line { bytes: &bytes, start: span.start, number: 0, is_ended: true };
        if read_line(path, line, lift, each)?.1.is_break() {
            break;
        }
    }
    Ok(())
}

/// Shows the values on the lines of the first `limit` bytes of a file, until told to stop.
pub(crate) fn each_value<L: Lift>(
    path: &Path,
    limit: u64,
    see: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut lines = Lines::open_start(path, limit)?;
    while let Some(line) = lines.next()? {
        for piece in Pieces::of(line.bytes, line.is_ended, L::is_record) {
            if let PieceKind::Value(value, _) = piece.kind
                && see(value).is_break()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Gives the records on one line; returns up to where it is read.
fn read_line<L: Lift>(
    path: &Path,
    line: Line<'_>,
    lift: &mut L,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> io::Result<(usize, ControlFlow<()>)> {
    for piece in Pieces::of(line.bytes, line.is_ended, L::is_record) {
        let Piece { kind, bytes, end } = piece;
        let mut is_tail = false;
        let (end, record, skipped) = match kind {
            PieceKind::Value(value, is_exact) => {
                let native_line = (!is_exact).then(|| String::from_utf8_lossy(bytes).into_owned());
                (end, lift.lift(value, native_line)?, None)
            }
            PieceKind::Garbage(reason) => (end, unreadable(bytes, false), Some(reason)),
            PieceKind::Tail(reason) => {
                is_tail = true;
                (end - bytes.len(), unreadable(bytes, true), Some(reason))
            }
        };
        let path = || format!("{}:{}", path.display(), line.number);
        let skipped = skipped.map(|reason| Skipped { path: path(), reason });
        let span = Span { start: line.start, end: line.start + line.bytes.len() as u64 };
        let flow = each(Item { record, skipped, span });
        if is_tail || flow.is_break() {
            return Ok((end, flow));
        }
    }
    Ok((line.bytes.len(), ControlFlow::Continue(())))
}

fn unreadable(bytes: &[u8], is_tail: bool) -> Record {
    let raw = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Raw::Text(text.to_owned()),
        _ => Raw::Bytes(bytes.to_vec()),
    };
    Record::Unreadable(Unreadable { raw, is_tail, after: None })
}
