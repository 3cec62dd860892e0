//! Values → YAML, in one canonical form that people can read and every YAML reader reads alike.
//!
//! Rules: block literals for texts of several lines wherever all readers agree on them, plain
//! scalars for a safe subset, double quotes for the rest; no tags, no anchors, no folding; two
//! spaces, line feeds only. Keys keep the order they are given in.

use std::fmt::Write as _;

use memchr::memchr_iter;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use crate::format::node::Node;

/// Longer keys (as written) stand in the `? ` form: readers look for the colon of a plain one
/// within 1,024 characters only.
const LONGEST_SIMPLE_KEY: usize = 500;

/// Words that some reader takes for something else than a text, whatever their case.
const WORDS: [&str; 14] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "none",
    "void",
];

/// The text written so far.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    /// The YAML.
    pub(crate) out: String,
}

impl Emitter {
    /// Writes one entry of a map at `indent`, whole lines.
    pub(crate) fn entry(&mut self, indent: usize, key: &str, node: &Node<'_>) {
        self.pad(indent);
        self.key(indent, key, |emitter, place| {
            emitter.node(node, indent, place);
        });
    }

    /// Writes the entries of a map as a document of their own, after `---`.
    pub(crate) fn document(&mut self, fields: &[(std::borrow::Cow<'_, str>, Node<'_>)]) {
        self.out.push_str("---");
        self.fields(fields, 0, Place::Key);
    }

    /// Writes the line that opens the map `key`.
    pub(crate) fn open_map(&mut self, indent: usize, key: &str) {
        self.pad(indent);
        self.key(indent, key, |emitter, place| {
            // A map behind the `? ` form may begin on the next line too.
            let _ = place;
            emitter.out.push('\n');
        });
    }

    fn node(&mut self, node: &Node<'_>, indent: usize, place: Place) {
        match node {
            Node::Value(value) => self.value(value, indent, place),
            Node::Bool(flag) => self.word(if *flag { "true" } else { "false" }),
            Node::Count(count) => self.number(&Number::from(*count)),
            Node::Text(text) => self.text(text, indent),
            Node::List(items) if items.is_empty() => self.word("[]"),
            Node::List(items) => self.items(items.iter(), indent, place, Self::node),
            Node::Map(fields) if fields.is_empty() => self.word("{}"),
            Node::Map(fields) => self.fields(fields, indent + STEP, place),
            Node::Counts(counts) => self.counts(counts),
        }
    }

    fn value(&mut self, value: &Value, indent: usize, place: Place) {
        match value {
            Value::Null => self.word("null"),
            Value::Bool(flag) => self.word(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text, indent),
            Value::Array(items) if items.is_empty() => self.word("[]"),
            Value::Array(items) => self.items(items.iter(), indent, place, Self::value),
            Value::Object(map) if map.is_empty() => self.word("{}"),
            Value::Object(map) => self.map(map, indent + STEP, place),
        }
    }

    /// Lists stand at the indent of the key that holds them.
    fn items<'n, T: 'n + ?Sized>(
        &mut self,
        items: impl Iterator<Item = &'n T>,
        indent: usize,
        place: Place,
        write: impl Fn(&mut Self, &'n T, usize, Place),
    ) {
        let indent = match place {
            Place::Key => indent,
            Place::Dash => indent + STEP,
        };
        let mut is_first = true;
        for item in items {
            self.lead(is_first, indent, place);
            is_first = false;
            self.out.push('-');
            write(self, item, indent, Place::Dash);
        }
    }

    fn fields(
        &mut self,
        fields: &[(std::borrow::Cow<'_, str>, Node<'_>)],
        indent: usize,
        place: Place,
    ) {
        let mut is_first = true;
        for (key, node) in fields {
            self.lead(is_first, indent, place);
            is_first = false;
            self.key(indent, key, |emitter, place| {
                emitter.node(node, indent, place);
            });
        }
    }

    fn map(&mut self, map: &Map<String, Value>, indent: usize, place: Place) {
        let mut is_first = true;
        for (key, value) in map {
            self.lead(is_first, indent, place);
            is_first = false;
            self.key(indent, key, |emitter, place| {
                emitter.value(value, indent, place);
            });
        }
    }

    /// What stands before an entry: behind a dash the first is on the same line.
    fn lead(&mut self, is_first: bool, indent: usize, place: Place) {
        match (is_first, place) {
            (true, Place::Dash) => self.out.push(' '),
            (true, Place::Key) => {
                self.out.push('\n');
                self.pad(indent);
            }
            (false, _) => self.pad(indent),
        }
    }

    fn key(&mut self, indent: usize, key: &str, write: impl FnOnce(&mut Self, Place)) {
        let start = self.out.len();
        self.line_text(key);
        if self.out.len() - start <= LONGEST_SIMPLE_KEY {
            self.out.push(':');
            return write(self, Place::Key);
        }
        self.out.insert_str(start, "? ");
        self.out.push('\n');
        self.pad(indent);
        self.out.push(':');
        write(self, Place::Dash);
    }

    fn counts(&mut self, counts: &[(&str, u64)]) {
        self.out.push_str(" {");
        for (place, (name, count)) in counts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(self.out, "{comma}{name}: {count}");
        }
        self.out.push_str("}\n");
    }

    fn word(&mut self, word: &str) {
        self.out.push(' ');
        self.out.push_str(word);
        self.out.push('\n');
    }

    /// Floats keep a point and a signed exponent, which YAML 1.1 readers ask for.
    fn number(&mut self, number: &Number) {
        let text = number.to_string();
        self.out.push(' ');
        match text.split_once('e') {
            Some((mantissa, exponent)) => {
                self.out.push_str(mantissa);
                if !mantissa.contains('.') {
                    self.out.push_str(".0");
                }
                self.out.push('e');
                if !exponent.starts_with(['-', '+']) {
                    self.out.push('+');
                }
                self.out.push_str(exponent);
            }
            None => self.out.push_str(&text),
        }
        self.out.push('\n');
    }

    fn text(&mut self, text: &str, indent: usize) {
        match shape(text) {
            Shape::Plain => {
                self.out.push(' ');
                self.out.push_str(text);
                self.out.push('\n');
            }
            Shape::Quoted => {
                self.out.push(' ');
                self.quoted(text);
                self.out.push('\n');
            }
            Shape::Literal => self.literal(text, indent + STEP),
        }
    }

    /// A text on one line: a key.
    fn line_text(&mut self, text: &str) {
        match shape(text) {
            Shape::Plain => self.out.push_str(text),
            Shape::Quoted | Shape::Literal => self.quoted(text),
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push_str(" |");
        if text.starts_with([' ', '\t', '\n']) {
            self.out.push('2');
        }
        if !text.ends_with('\n') {
            self.out.push('-');
        } else if text.ends_with("\n\n") {
            self.out.push('+');
        }
        self.out.push('\n');
        self.out.reserve(text.len() + text.len() / 16);
        let mut start = 0;
        for end in memchr_iter(b'\n', text.as_bytes()) {
            if end > start {
                self.pad(indent);
            }
            self.out.push_str(&text[start..=end]);
            start = end + 1;
        }
        if start < text.len() {
            self.pad(indent);
            self.out.push_str(&text[start..]);
            self.out.push('\n');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        let mut start = 0;
        for (place, character) in text.char_indices() {
            if !needs_escape(character) {
                continue;
            }
            self.out.push_str(&text[start..place]);
            start = place + character.len_utf8();
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                other => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(other));
                }
            }
        }
        self.out.push_str(&text[start..]);
        self.out.push('"');
    }

    fn pad(&mut self, indent: usize) {
        const BLANKS: &str = "                                                                ";
        let mut left = indent;
        while left > 0 {
            let part = left.min(BLANKS.len());
            self.out.push_str(&BLANKS[..part]);
            left -= part;
        }
    }
}

/// The indentation of one level.
pub(super) const STEP: usize = 2;

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind `key:`; a collection begins on the next line.
    Key,
    /// Behind `-`, or the `:` of a long key; a collection begins on the same line.
    Dash,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Quoted,
    Literal,
}

const LINE_FEED: u8 = 1;
const TAB: u8 = 2;
const CONTROL: u8 = 4;
const NOT_ASCII: u8 = 8;
/// Begins a character that may not be printable.
const SUSPECT: u8 = 16;

/// What a byte tells. A table: faster on the many short texts than comparing (measured).
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte {
            0x0a => LINE_FEED,
            0x09 => TAB,
            0x00..=0x1f | 0x7f => CONTROL,
            0xc2 | 0xe2 | 0xef => NOT_ASCII | SUSPECT,
            0x80..=0xff => NOT_ASCII,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn shape(text: &str) -> Shape {
    let found = classes_of(text);
    if found == 0 {
        return if is_plain(text) { Shape::Plain } else { Shape::Quoted };
    }
    if found & LINE_FEED == 0 || found & CONTROL != 0 {
        return Shape::Quoted;
    }
    if found & SUSPECT != 0 && text.chars().any(is_unprintable) {
        return Shape::Quoted;
    }
    // Readers disagree about a text that ends with blanks alone on their line.
    let last_line = text.trim_end_matches('\n').rsplit('\n').next();
    match last_line {
        Some(line) if !line.trim_matches([' ', '\t']).is_empty() => Shape::Literal,
        _ => Shape::Quoted,
    }
}

/// Whether printable ASCII text can stand without quotes.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let is_safe_start = first.is_ascii_alphabetic() || matches!(first, b'/' | b'_');
    if !is_safe_start || matches!(last, b' ' | b':') {
        return false;
    }
    let is_word = text.len() <= 8 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    !is_word
        && !memchr_iter(b':', bytes).any(|place| bytes.get(place + 1) == Some(&b' '))
        && !memchr_iter(b'#', bytes).any(|place| bytes[place - 1] == b' ')
}

/// Whether the text can stand in a block literal, or between quotes without an escape.
pub(super) fn is_printable(text: &str, may_have_lines: bool) -> bool {
    // Comparisons, not the table: texts read are long, and these the compiler does many at once.
    let is_refused = |byte: u8| match byte {
        b'\n' | b'\t' => !may_have_lines,
        byte => byte < b' ' || byte == 0x7f,
    };
    let is_suspect = |byte: u8| matches!(byte, 0xc2 | 0xe2 | 0xef);
    let refused = text.bytes().fold(false, |found, byte| found | is_refused(byte));
    let suspect = text.bytes().fold(false, |found, byte| found | is_suspect(byte));
    !(refused || suspect && text.chars().any(is_unprintable))
}

fn classes_of(text: &str) -> u8 {
    text.bytes().fold(0, |found, byte| found | CLASSES[usize::from(byte)])
}

fn needs_escape(character: char) -> bool {
    matches!(character, '"' | '\\' | '\0'..='\x1f') || is_unprintable(character)
}

/// Whether a reader may refuse the character, or take it for a line break; tab and line feed are
/// not asked for.
fn is_unprintable(character: char) -> bool {
    matches!(
        character,
        '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}
