//! YAML → values, for the one form that the emitter writes: many times faster than the general
//! reader.
//!
//! It knows nothing else of YAML, and gives up at the first thing that the emitter would not have
//! written: the general reader then reads the text anew, and names what is wrong. What both can
//! read they read alike; a property test holds this one to it.

use memchr::memchr;
use memchr::memchr2;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use crate::format::emitter::STEP;
use crate::format::emitter::is_plain;
use crate::format::emitter::is_printable;

/// Deeper texts are left to the general reader, which has a stack for them.
const MAX_DEPTH: usize = 32;
/// What a document begins with.
const OPENING: &str = "---\n";

/// The documents of a file, each a map; none: it is not as the emitter writes.
pub(super) fn read(text: &str) -> Option<Vec<Value>> {
    let mut reader = Reader { text, place: 0 };
    let mut documents = Vec::new();
    while reader.place < text.len() {
        reader.skip(OPENING)?;
        documents.push(reader.map(0, MAX_DEPTH)?);
    }
    (!documents.is_empty()).then_some(documents)
}

struct Reader<'t> {
    text: &'t str,
    /// The beginning of a line, or of what follows a key or dash on it.
    place: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.place..]
    }

    fn bytes(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.place..]
    }

    /// Goes behind `what`, which must come next.
    fn skip(&mut self, what: &str) -> Option<()> {
        self.rest().starts_with(what).then(|| self.place += what.len())
    }

    /// The rest of the line; the place is then behind its end.
    fn line(&mut self) -> Option<&'t str> {
        let end = memchr(b'\n', self.bytes())?;
        let line = &self.rest()[..end];
        self.place += end + 1;
        Some(line)
    }

    /// Whether the line has exactly this indent.
    fn is_at(&self, indent: usize) -> bool {
        let bytes = self.bytes();
        bytes.len() > indent
            && bytes[..indent].iter().all(|&byte| byte == b' ')
            && !matches!(bytes[indent], b' ' | b'\n')
    }

    fn is_item(&self, indent: usize) -> bool {
        self.is_at(indent) && self.bytes()[indent..].starts_with(b"- ")
    }

    /// Whether a map goes on: a document's opening is no key.
    fn is_entry(&self, indent: usize) -> bool {
        self.is_at(indent) && self.bytes()[indent] != b'-'
    }

    /// The entries at `indent`, the first of them too at the beginning of its line.
    fn map(&mut self, indent: usize, depth: usize) -> Option<Value> {
        if !self.is_entry(indent) {
            return None;
        }
        self.place += indent;
        self.map_from_here(indent, depth)
    }

    /// The entries at `indent`, the first of which begins here.
    fn map_from_here(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let mut map = Map::new();
        loop {
            let key = self.key()?;
            let value = self.value(indent, depth)?;
            // Equal keys are refused, with the line, by the general reader.
            if map.insert(key, value).is_some() {
                return None;
            }
            if !self.is_entry(indent) {
                return Some(Value::Object(map));
            }
            self.place += indent;
        }
    }

    /// A key and the colon behind it.
    fn key(&mut self) -> Option<String> {
        if self.bytes().first() == Some(&b'"') {
            let key = self.quoted()?;
            self.skip(":")?;
            return Some(key);
        }
        let key = key_of(&self.rest()[..memchr(b'\n', self.bytes())?])?;
        self.place += key.len() + 1;
        is_plain_text(key).then(|| key.to_owned())
    }

    /// What stands behind a key's colon.
    fn value(&mut self, indent: usize, depth: usize) -> Option<Value> {
        if self.skip("\n").is_none() {
            self.skip(" ")?;
            return self.scalar(indent);
        }
        if self.is_item(indent) { self.list(indent, depth) } else { self.map(indent + STEP, depth) }
    }

    /// The items at `indent`, the first of them too at the beginning of its line.
    fn list(&mut self, indent: usize, depth: usize) -> Option<Value> {
        self.place += indent;
        self.list_from_here(indent, depth)
    }

    fn list_from_here(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let mut items = Vec::new();
        loop {
            self.skip("- ")?;
            items.push(self.item(indent, depth)?);
            if !self.is_item(indent) {
                return Some(Value::Array(items));
            }
            self.place += indent;
        }
    }

    /// What stands behind a dash.
    fn item(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let line = &self.rest()[..memchr(b'\n', self.bytes())?];
        if line.starts_with("- ") {
            return self.list_from_here(indent + STEP, depth);
        }
        if is_key_ahead(line) {
            return self.map_from_here(indent + STEP, depth);
        }
        self.scalar(indent)
    }

    fn scalar(&mut self, indent: usize) -> Option<Value> {
        match self.bytes().first()? {
            b'|' => self.literal(indent + STEP).map(Value::String),
            b'"' => {
                let text = self.quoted()?;
                self.skip("\n")?;
                Some(Value::String(text))
            }
            _ => word(self.line()?),
        }
    }

    fn quoted(&mut self) -> Option<String> {
        self.skip("\"")?;
        let mut text = String::new();
        loop {
            let end = memchr2(b'"', b'\\', self.bytes())?;
            let part = &self.rest()[..end];
            if !is_printable(part, false) {
                return None;
            }
            text.push_str(part);
            let is_end = self.bytes()[end] == b'"';
            self.place += end + 1;
            if is_end {
                return Some(text);
            }
            text.push(self.escape()?);
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Option<char> {
        let (character, length) = match self.bytes().first()? {
            b'"' => ('"', 1),
            b'\\' => ('\\', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            b'u' => {
                let digits = self.rest().get(1..5)?;
                let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
                (char::from_u32(code)?, 5)
            }
            _ => return None,
        };
        self.place += length;
        Some(character)
    }

    fn literal(&mut self, indent: usize) -> Option<String> {
        let header = self.line()?.strip_prefix('|')?;
        let (is_indented, chomping) = match header.strip_prefix('2') {
            Some(rest) => (true, rest),
            None => (false, header),
        };
        let mut text = String::new();
        while let Some(line) = self.literal_line(indent)? {
            text.push_str(line);
            text.push('\n');
        }
        if !is_printable(&text, true) {
            return None;
        }
        // The marks must be those that the emitter gives this text.
        let is_kept = text.ends_with("\n\n");
        match chomping {
            "-" if !is_kept && !text.is_empty() => {
                text.pop();
            }
            "" if !is_kept && !text.is_empty() => {}
            "+" if is_kept => {}
            _ => return None,
        }
        let is_marked = text.starts_with([' ', '\t', '\n']);
        let has_words = !text.trim_matches([' ', '\t', '\n']).is_empty();
        (is_marked == is_indented && has_words).then_some(text)
    }

    /// The next line of a literal without its indent; none: it ended before. Nothing: it is not
    /// as the emitter writes.
    #[expect(clippy::option_option, reason = "an end, and giving up, are not the same")]
    fn literal_line(&mut self, indent: usize) -> Option<Option<&'t str>> {
        let bytes = self.bytes();
        let Some(end) = memchr(b'\n', bytes) else {
            return bytes.is_empty().then_some(None);
        };
        let blanks = bytes[..end].iter().take(indent).take_while(|&&byte| byte == b' ').count();
        if blanks < indent {
            if end == 0 {
                self.place += 1;
                return Some(Some(""));
            }
            // A line of too few blanks alone is read in different ways.
            return (blanks < end).then_some(None);
        }
        if end == indent {
            return None;
        }
        self.place += end + 1;
        Some(Some(&self.text[self.place - end - 1 + indent..self.place - 1]))
    }
}

/// The plain key at the beginning of a line.
fn key_of(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let is_end = |place: &usize| matches!(bytes.get(place + 1), None | Some(b' '));
    memchr::memchr_iter(b':', bytes).find(is_end).map(|end| &line[..end])
}

/// Whether what follows a dash is a map: no scalar has a colon before a blank outside quotes.
fn is_key_ahead(line: &str) -> bool {
    match line.as_bytes().first() {
        Some(b'"') => {
            let mut is_escaped = false;
            let end = line.bytes().skip(1).position(|byte| {
                let is_end = byte == b'"' && !is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
                is_end
            });
            end.is_some_and(|end| line[end + 2..].starts_with(':'))
        }
        Some(b'{' | b'|') => false,
        _ => key_of(line).is_some(),
    }
}

fn is_plain_text(text: &str) -> bool {
    text.is_ascii() && is_printable(text, false) && is_plain(text)
}

/// A scalar without quotes, or a collection on one line.
fn word(line: &str) -> Option<Value> {
    match line {
        "null" => Some(Value::Null),
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "[]" => Some(Value::Array(Vec::new())),
        "{}" => Some(Value::Object(Map::new())),
        line if is_plain_text(line) => Some(Value::String(line.to_owned())),
        line => match line.strip_prefix('{') {
            Some(counts) => self::counts(counts.strip_suffix('}')?),
            None => number(line).map(Value::Number),
        },
    }
}

fn counts(line: &str) -> Option<Value> {
    let mut counts = Map::new();
    for count in line.split(", ") {
        let (name, count) = count.split_once(": ")?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_number = is_plain(name) && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = number(count).filter(|_| is_name && is_number)?;
        if counts.insert(name.to_owned(), Value::Number(count)).is_some() {
            return None;
        }
    }
    Some(Value::Object(counts))
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let has_zero = whole > 1 && digits.starts_with('0');
    if whole == 0 || has_zero {
        return None;
    }
    if whole == digits.len() {
        let signed = text.parse::<i64>().ok().filter(|&number| number != 0 || text == "0");
        let unsigned = || text.parse::<u64>().ok().filter(|&number| number != 0);
        return signed.map(Number::from).or_else(|| unsigned().map(Number::from));
    }
    let is_float = digits[whole..].strip_prefix('.')?.split_once('e').map_or_else(
        || is_fraction(&digits[whole + 1..]),
        |(fraction, exponent)| {
            let unsigned = exponent.strip_prefix(['-', '+']);
            is_fraction(fraction) && unsigned.is_some_and(is_fraction)
        },
    );
    text.parse::<f64>().ok().filter(|_| is_float).and_then(Number::from_f64)
}

fn is_fraction(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
