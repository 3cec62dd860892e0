//! Views: a text as its readers see it, with colour codes, escapes and percent-encoding undone.
//!
//! A view remembers where each of its bytes came from, so that what is found in it is cut out of
//! the text itself and nothing else changes. A view is only built when it differs from what it is
//! made from, and says where it does, since only there it can show what its parent did not. Time and memory are linear in the text; at most [`MAX_DEPTH`] layers of escapes are
//! undone.

use std::ops::Range;

use memchr::memchr;
use memchr::memchr2;

/// How many layers of JSON strings inside JSON strings are undone.
const MAX_DEPTH: usize = 3;

/// How far before a change a secret can begin that only the change brings to light.
const BEFORE_CHANGE: usize = 1024;

/// How far behind a change it can begin.
const AFTER_CHANGE: usize = 256;

/// The longest colour code, in bytes of its parameters.
const MAX_CODE: usize = 32;

/// One reading of a text.
#[derive(Debug)]
pub(super) struct View {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    parent: Option<usize>,
    /// Where it differs from its parent, with what stands round that.
    news: Vec<Range<usize>>,
}

/// A run of bytes of a view, and the run it was made from.
#[derive(Debug, Clone, Copy)]
struct Piece {
    at: usize,
    from: usize,
    span: usize,
}

impl View {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The ranges in which something can begin that its parent does not show.
    pub(super) fn news(&self) -> impl Iterator<Item = Range<usize>> {
        self.news.iter().map(|range| range.start..range.end.min(self.bytes.len()))
    }

    /// The place in the parent that a place in the view was made from.
    fn parent_range(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.piece_at(range.start);
        let last = self.piece_at(range.end - 1);
        let start = self.parent_bytes(first, range.start).start;
        start..self.parent_bytes(last, range.end - 1).end
    }

    fn piece_at(&self, at: usize) -> usize {
        self.pieces.partition_point(|piece| piece.at <= at) - 1
    }

    /// The bytes of the parent that one byte of the view stands for.
    fn parent_bytes(&self, index: usize, at: usize) -> Range<usize> {
        let piece = self.pieces[index];
        let end = self.pieces.get(index + 1);
        let length = end.map_or(self.bytes.len(), |next| next.at) - piece.at;
        if length == piece.span {
            let place = piece.from + (at - piece.at);
            place..place + 1
        } else {
            piece.from..piece.from + piece.span
        }
    }
}

/// Builds the views of `text` that differ from it and from each other.
pub(super) fn views_of(text: &[u8]) -> Vec<View> {
    let mut views = Vec::new();
    if memchr2(b'\\', 0x1b, text).is_none() && memchr(b'%', text).is_none() {
        return views;
    }
    let mut base = None;
    for depth in 0..=MAX_DEPTH {
        base = add(&mut views, text, base, without_codes).or(base);
        if depth < 2 {
            add(&mut views, text, base, without_percent);
        }
        if depth < MAX_DEPTH {
            match add(&mut views, text, base, without_escapes) {
                Some(next) => base = Some(next),
                None => break,
            }
        }
    }
    views
}

/// The place in the text itself of a place in one of its views.
pub(super) fn original_range(views: &[View], view: usize, range: &Range<usize>) -> Range<usize> {
    let mut range = range.clone();
    let mut view = Some(view);
    while let Some(index) = view {
        range = views[index].parent_range(&range);
        view = views[index].parent;
    }
    range
}

fn add(
    views: &mut Vec<View>,
    text: &[u8],
    parent: Option<usize>,
    build: fn(&[u8]) -> Option<Builder>,
) -> Option<usize> {
    let source = parent.map_or(text, |index| views[index].bytes());
    let built = build(source)?;
    let Builder { bytes, pieces, news, .. } = built;
    views.push(View { bytes, pieces, parent, news });
    Some(views.len() - 1)
}

/// A view while it is written.
#[derive(Debug, Default)]
struct Builder {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    copied: usize,
    news: Vec<Range<usize>>,
}

impl Builder {
    /// Replaces `range` of the source by `by`; what stands before it is taken over.
    fn replace(&mut self, source: &[u8], range: Range<usize>, by: &[u8]) {
        self.copy_to(source, range.start);
        self.note_change();
        if !by.is_empty() {
            self.pieces.push(Piece { at: self.bytes.len(), from: range.start, span: range.len() });
            self.bytes.extend_from_slice(by);
        }
        self.copied = range.end;
    }

    fn note_change(&mut self) {
        let at = self.bytes.len();
        let (start, end) = (at.saturating_sub(BEFORE_CHANGE), at + AFTER_CHANGE);
        match self.news.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => self.news.push(start..end),
        }
    }

    fn copy_to(&mut self, source: &[u8], end: usize) {
        if self.copied < end {
            self.pieces.push(Piece {
                at: self.bytes.len(),
                from: self.copied,
                span: end - self.copied,
            });
            self.bytes.extend_from_slice(&source[self.copied..end]);
        }
        self.copied = end;
    }

    /// The finished view, if anything was replaced in it and anything is left of it.
    fn finish(mut self, source: &[u8]) -> Option<Self> {
        if self.copied == 0 {
            return None;
        }
        self.copy_to(source, source.len());
        (!self.bytes.is_empty()).then_some(self)
    }
}

/// Takes out terminal codes, also where their escape character is written as an escape.
fn without_codes(source: &[u8]) -> Option<Builder> {
    let mut builder = Builder::default();
    let mut at = 0;
    while let Some(place) = memchr2(0x1b, b'\\', &source[at..]).map(|found| at + found) {
        match code_length(&source[place..]) {
            Some(length) => {
                builder.replace(source, place..place + length, b"");
                at = place + length;
            }
            None => at = place + 1,
        }
    }
    builder.finish(source)
}

/// The length of the terminal code that `bytes` begin with.
fn code_length(bytes: &[u8]) -> Option<usize> {
    const SPELLINGS: [&[u8]; 5] = [b"u001b", b"u001B", b"x1b", b"033", b"e"];
    let slashes = bytes.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let escape = match slashes {
        0 => 1,
        _ => slashes + SPELLINGS.iter().find(|text| bytes[slashes..].starts_with(text))?.len(),
    };
    let rest = &bytes[escape..];
    if rest.first() != Some(&b'[') {
        return None;
    }
    let end = rest
        .iter()
        .skip(1)
        .take(MAX_CODE)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':' | b'?'))?;
    let is_final = rest.get(end + 1)?.is_ascii_alphabetic();
    is_final.then_some(escape + end + 2)
}

/// Undoes one layer of JSON escapes (and of `\xHH`).
fn without_escapes(source: &[u8]) -> Option<Builder> {
    let mut builder = Builder::default();
    let mut at = 0;
    while let Some(place) = memchr(b'\\', &source[at..]).map(|found| at + found) {
        let mut buffer = [0; 4];
        match unescape(&source[place..], &mut buffer) {
            Some((length, text)) => {
                builder.replace(source, place..place + length, text);
                at = place + length;
            }
            None => at = place + 1,
        }
    }
    builder.finish(source)
}

/// The length of the escape that `bytes` begin with, and what it stands for.
fn unescape<'b>(bytes: &[u8], buffer: &'b mut [u8; 4]) -> Option<(usize, &'b [u8])> {
    let simple: &'static [u8] = match bytes.get(1)? {
        b'n' => b"\n",
        b't' => b"\t",
        b'r' => b"\r",
        b'"' => b"\"",
        b'\'' => b"'",
        b'\\' => b"\\",
        b'/' => b"/",
        b'u' => return unescape_unicode(bytes, buffer),
        b'x' => {
            let code = hexadecimal(bytes.get(2..4)?)?;
            buffer[0] = u8::try_from(code).ok()?;
            return Some((4, &buffer[..1]));
        }
        _ => return None,
    };
    Some((2, simple))
}

fn unescape_unicode<'b>(bytes: &[u8], buffer: &'b mut [u8; 4]) -> Option<(usize, &'b [u8])> {
    let first = hexadecimal(bytes.get(2..6)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((6, character.encode_utf8(buffer).as_bytes()));
    }
    let rest = bytes.get(6..12)?.strip_prefix(b"\\u")?;
    let pair = [first, hexadecimal(rest)?].map(|unit| u16::try_from(unit).unwrap_or_default());
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((12, character.encode_utf8(buffer).as_bytes()))
}

/// Undoes percent-encoding.
fn without_percent(source: &[u8]) -> Option<Builder> {
    let mut builder = Builder::default();
    let mut at = 0;
    while let Some(place) = memchr(b'%', &source[at..]).map(|found| at + found) {
        let code = source.get(place + 1..place + 3).and_then(hexadecimal);
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => {
                builder.replace(source, place..place + 3, &[byte]);
                at = place + 3;
            }
            None => at = place + 1,
        }
    }
    builder.finish(source)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number * 16 + digit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &[u8]) -> Vec<String> {
        let views = views_of(text);
        let texts = views.iter().map(|view| String::from_utf8_lossy(&view.bytes));
        texts.map(std::borrow::Cow::into_owned).collect()
    }

    #[test]
    fn plain_text_has_no_views() {
        assert!(texts(b"nothing to undo: 100 % of it").is_empty());
    }

    #[test]
    fn colour_codes_go_also_when_written_as_escapes() {
        assert_eq!(texts(b"a\x1b[01;31m\x1b[Kb\x1b[mc"), ["abc"]);
        assert_eq!(texts(b"a\\u001b[31mb"), ["ab"]);
        assert_eq!(texts(br"a\\u001b[31mb").last().expect("a view"), "ab");
    }

    #[test]
    fn escapes_are_undone_three_deep() {
        let views = texts(br#"{\\\\\\\"a\\\\\\\u002d"#);
        assert_eq!(views.last().expect("a view"), r#"{"a\-"#);
        assert_eq!(texts(br"\ud83d\ude00 \ud83d"), ["\u{1f600} \\ud83d"]);
    }

    #[test]
    fn a_place_in_a_view_leads_back_to_the_bytes_it_stands_for() {
        let text = br"x \u001b[1mto\u002dken\u001b[0m y";
        let views = views_of(text);
        let view = views.len() - 1;
        let start = views[view].bytes.windows(6).position(|part| part == b"to-ken");
        let start = start.expect("the view has the token");
        let range = original_range(&views, view, &(start..start + 6));
        assert_eq!(&text[range], br"to\u002dken");
    }

    #[test]
    fn a_huge_pile_of_backslashes_takes_linear_time() {
        let text = vec![b'\\'; 20_000_000];
        assert_eq!(views_of(&text).len(), MAX_DEPTH);
    }

    proptest! {
        #[test]
        fn every_byte_of_a_view_leads_into_the_text(text in r#"([a-z]|\\|"|\\u00e9|%41|\\n|.\[1m){0,40}"#) {
            let text = text.as_bytes();
            let views = views_of(text);
            for (index, view) in views.iter().enumerate() {
                let mut end = 0;
                for at in 0..view.bytes.len() {
                    let range = original_range(&views, index, &(at..at + 1));
                    prop_assert!(range.start < range.end && range.end <= text.len());
                    prop_assert!(range.end >= end, "places keep their order");
                    end = range.end;
                }
            }
        }
    }
}
