//! What differs between two texts, word by word.

use similar::DiffableStr;

use crate::session::diff::sequence::Numbers;
use crate::session::diff::sequence::common;

/// Above this size, in bytes, texts are compared by lines.
const LONG_TEXT: usize = 100 * 1024;

/// What became of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextChange {
    /// Both texts have it.
    Equal,
    /// Only the old text has it.
    Removed,
    /// Only the new text has it.
    Added,
}

/// What differs between two texts: by words, or by lines where one is long. The pieces that are
/// not added make up the old text, those that are not removed the new one.
pub fn words(old: &str, new: &str) -> Vec<(TextChange, String)> {
    let pieces = |text| {
        if old.len().max(new.len()) > LONG_TEXT {
            DiffableStr::tokenize_lines(text)
        } else {
            DiffableStr::tokenize_unicode_words(text)
        }
    };
    let (old, new): (Vec<&str>, Vec<&str>) = (pieces(old), pieces(new));
    let mut numbers = Numbers::default();
    let left: Vec<u32> = old.iter().map(|piece| numbers.of(*piece)).collect();
    let right: Vec<u32> = new.iter().map(|piece| numbers.of(*piece)).collect();
    let mut changes: Vec<(TextChange, String)> = Vec::new();
    let mut push = |change, pieces: &[&str]| match changes.last_mut() {
        _ if pieces.is_empty() => {}
        Some((last, text)) if *last == change => text.extend(pieces.iter().copied()),
        _ => changes.push((change, pieces.concat())),
    };
    let mut next = (0, 0);
    let end = (old.len(), new.len());
    for (l, r) in common(&left, &right).into_iter().chain([end]) {
        push(TextChange::Removed, &old[next.0..l]);
        push(TextChange::Added, &new[next.1..r]);
        push(TextChange::Equal, old.get(l..=l).unwrap_or_default());
        next = (l + 1, r + 1);
    }
    changes
}
