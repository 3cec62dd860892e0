//! Snippets: a text's matches in their surroundings.

use std::ops::Range;

/// The most characters of a snippet; a longer match is cut.
const LONGEST: usize = 240;
/// How many characters stand before the first match, at most.
const BEFORE: usize = 60;

/// A piece of a text, as it stands there, and what matches in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// The characters of `text` that match: from, up to; in order, apart from one another.
    pub highlights: Vec<(usize, usize)>,
    /// Whether the text begins before the piece.
    pub is_cut_before: bool,
    /// Whether the text goes on behind it.
    pub is_cut_after: bool,
}

/// The piece of a text with the most matches. `matches` are bytes of it.
pub(super) fn snippet(text: &str, mut matches: Vec<Range<usize>>) -> Snippet {
    matches.sort_by_key(|found| (found.start, found.end));
    let first = densest(&matches);
    let from = matches.get(first).map_or(0, |found| found.start);
    let start = beginning(text, from);
    let end = text[start..].char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| start + at);
    let end = if end == text.len() { end } else { ending(text, from.max(start)..end) };
    let mut highlights: Vec<(usize, usize)> = Vec::new();
    let characters = |byte: usize| text[start..byte].chars().count();
    for found in matches.iter().filter(|found| found.end > start && found.start < end) {
        let (from, to) = (found.start.max(start), found.end.min(end));
        let (from, to) = (characters(from), characters(to));
        match highlights.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => highlights.push((from, to)),
        }
    }
    highlights.retain(|(from, to)| from < to);
    Snippet {
        text: text[start..end].to_owned(),
        highlights,
        is_cut_before: start > 0,
        is_cut_after: end < text.len(),
    }
}

/// The match that has the most others close behind it.
fn densest(matches: &[Range<usize>]) -> usize {
    let within = |first: usize| {
        let limit = matches[first].start + LONGEST - BEFORE;
        matches[first..].iter().take_while(|found| found.end <= limit).count()
    };
    (0..matches.len()).rev().max_by_key(|first| within(*first)).unwrap_or(0)
}

/// A little before `from`, at the beginning of a word.
fn beginning(text: &str, from: usize) -> usize {
    let before = text[..from].char_indices().rev().take(BEFORE);
    let Some((furthest, _)) = before.last() else { return from };
    if furthest == 0 {
        return 0;
    }
    let blank = text[furthest..from].find(char::is_whitespace);
    let blank = blank.map(|at| furthest + at);
    let start = blank.map(|at| text[at..from].trim_start()).map(|rest| from - rest.len());
    start.unwrap_or(furthest)
}

/// Up to the last blank of a range, if there is one behind its first half.
fn ending(text: &str, range: Range<usize>) -> usize {
    let piece = &text[range.clone()];
    match piece.rfind(char::is_whitespace) {
        Some(at) if at > piece.len() / 2 => range.start + at,
        _ => range.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, word: &str) -> (String, Vec<String>) {
        let matches = text.match_indices(word).map(|(at, it)| at..at + it.len()).collect();
        let snippet = snippet(text, matches);
        let piece = |(from, to): &(usize, usize)| {
            snippet.text.chars().skip(*from).take(to - from).collect::<String>()
        };
        let pieces = snippet.highlights.iter().map(piece).collect();
        (snippet.text, pieces)
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        let (text, pieces) = marked("é find it, find", "find");
        assert_eq!(
            (text.as_str(), pieces),
            ("é find it, find", vec!["find".into(), "find".into()])
        );
    }

    #[test]
    fn a_long_text_is_cut_at_words_around_most_matches() {
        let filler = "wörter ".repeat(100);
        let text = format!("key {filler}one key and key {filler}");
        let (text, pieces) = marked(&text, "key");
        assert!(text.starts_with("wörter") && text.contains("one key and key wörter"), "{text}");
        assert_eq!(pieces, ["key", "key"]);
        assert!(text.chars().count() <= LONGEST);
    }

    #[test]
    fn a_match_longer_than_a_snippet_is_cut() {
        let long = "x".repeat(1000);
        let (text, pieces) = marked(&format!("a {long} b"), &long);
        assert_eq!(pieces.len(), 1);
        assert_eq!(text.chars().count(), LONGEST);
    }

    #[test]
    fn matches_that_touch_are_one() {
        let snippet = snippet("abcdef", vec![1..3, 2..4, 4..5]);
        assert_eq!(snippet.highlights, [(1, 5)]);
    }
}
