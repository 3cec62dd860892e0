//! What stands between a name and the value assigned to it, and where the value ends.

use std::ops::Range;

/// The longest run of blanks, of an attribute, or of a type in a gap.
const MAX_GAP: usize = 64;

/// The longest value; no line of key material or token is longer.
const MAX_VALUE: usize = 16 * 1024;

/// Signs that assign, longer ones before those that they begin with.
const SIGNS: [&[u8]; 13] =
    [b":::=", b"::=", b"??=", b"||=", b"=>", b":=", b"?=", b".=", b"+=", b"~>", b"->", b"=", b":"];

/// Signs behind which a value stands only if it is in quotes.
const DEFAULTS: [&[u8]; 3] = [b"||", b"??", b"or "];

/// Words that say what something is.
const COPULAS: [&[u8]; 8] =
    [b"is: ", b"is ", b"was ", b"to ", b"= ", b"| ", b"--body ", b"--value "];

/// How a value is set off from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// By a sign that assigns.
    Sign,
    /// By `=` in a line of its own, as in files of environment variables.
    Line,
    /// By a word, as in a sentence.
    Prose,
    /// By a blank or a hyphen only.
    Loose,
}

/// A value: where it stands, how it is set off from its name, and whether it stands in quotes.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) range: Range<usize>,
    pub(super) gap: Gap,
    pub(super) is_quoted: bool,
}

/// The value of the name.
pub(super) fn value_of(text: &[u8], name: &Range<usize>) -> Option<Value> {
    let (gap, start) = gap_after(text, name)?;
    value_at(text, start, gap)
}

/// Where the value of a name begins, and what stands between.
fn gap_after(text: &[u8], name: &Range<usize>) -> Option<(Gap, usize)> {
    if name.start > 0 && text[name.start - 1] == b'<' {
        return Some((Gap::Sign, behind_tag(text, name.end)?));
    }
    let closed = skip(text, name.end, 3, b"\"'`]*");
    if let Some(value) = behind_value_word(text, closed) {
        return Some((Gap::Sign, value));
    }
    let is_quoted = closed > name.end;
    let at = skip_blanks(text, closed);
    let rest = &text[at..];
    if let Some(sign) = sign_of(rest) {
        let value = skip(text, at + sign.len(), MAX_GAP, b" \t*");
        if let Some(value) = behind_type(text, value).filter(|_| sign == b":") {
            return Some((Gap::Sign, value));
        }
        let is_line = sign == b"=" && value == name.end + 1 && begins_line(&text[..name.start]);
        return Some((if is_line { Gap::Line } else { Gap::Sign }, value));
    }
    if let Some(value) = behind_quoting_sign(text, at, is_quoted) {
        return Some((Gap::Sign, value));
    }
    (at > closed).then(|| behind_blank(text, name, at, is_quoted))?
}

/// The value behind a name and a blank.
fn behind_blank(
    text: &[u8],
    name: &Range<usize>,
    at: usize,
    is_quoted: bool,
) -> Option<(Gap, usize)> {
    if let Some(value) = behind_type(text, at).or_else(|| behind_brackets(text, at)) {
        return Some((Gap::Sign, value));
    }
    let is_copula = |word: &&&[u8]| text[at..].starts_with(word);
    if let Some(word) = COPULAS.iter().find(is_copula) {
        return Some((Gap::Prose, skip(text, at + word.len(), MAX_GAP, b" \t*")));
    }
    let is_flag = text[name.clone()].starts_with(b"--");
    match is_flag {
        _ if is_quoted => None,
        true => Some((Gap::Sign, at)),
        false => Some((Gap::Loose, at)),
    }
}

fn sign_of(text: &[u8]) -> Option<&'static [u8]> {
    let is_other = |head: &[u8]| text.starts_with(head);
    if is_other(b"==") || (is_other(b"::") && !is_other(b"::=") && !is_other(b":::=")) {
        return None;
    }
    SIGNS.into_iter().find(|sign| text.starts_with(sign))
}

/// `a || "value"`, `f("name", "value")`.
fn behind_quoting_sign(text: &[u8], at: usize, is_quoted: bool) -> Option<usize> {
    let rest = &text[at..];
    let length = match DEFAULTS.iter().find(|sign| rest.starts_with(sign)) {
        Some(sign) => sign.len(),
        None => usize::from(is_quoted && rest.first() == Some(&b',')),
    };
    let value = skip_blanks(text, at + length);
    (length > 0 && is_quote(text.get(value))).then_some(value)
}

/// `"name": "…", "value": "…"`, `name="…" value="…"`, and the same in lines of YAML.
fn behind_value_word(text: &[u8], from: usize) -> Option<usize> {
    let mut at = skip(text, from, 2, b",\\");
    at = skip_blanks(text, at);
    if text.get(at) == Some(&b'\n') {
        at = skip_blanks(text, at + 1);
    }
    at = skip(text, at, 2, b"\"'\\");
    let word = text.get(at..at + 5)?;
    if at == from || !word.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let sign = skip(text, at + 5, 4, b"\"'\\ ");
    matches!(text.get(sign)?, b':' | b'=').then(|| skip_blanks(text, sign + 1))
}

/// `name: string = "value"`, `name string = "value"`.
fn behind_type(text: &[u8], from: usize) -> Option<usize> {
    let window = &text[from..text.len().min(from + MAX_GAP)];
    let length = window.iter().position(|byte| *byte == b'=')?;
    let is_type_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"_&<>'[]:*?.| ".contains(byte);
    let is_type = window[..length].iter().all(is_type_byte)
        && window.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"&[*".contains(byte))
        && !matches!(window.get(length + 1), Some(b'=' | b'>'));
    let value = skip_blanks(text, from + length + 1);
    (is_type && length > 0 && is_quote(text.get(value))).then_some(value)
}

/// `name [what it is now]: value`.
fn behind_brackets(text: &[u8], at: usize) -> Option<usize> {
    let window = &text[at..text.len().min(at + MAX_GAP)];
    let inner = window.strip_prefix(b"[")?;
    let length = inner.iter().position(|byte| matches!(byte, b']' | b'\n'))?;
    inner[length..].starts_with(b"]:").then(|| skip_blanks(text, at + length + 3))
}

/// `<name>value`, also where the value has a line of its own.
fn behind_tag(text: &[u8], from: usize) -> Option<usize> {
    let window = &text[from..text.len().min(from + MAX_GAP)];
    let close = window.iter().position(|byte| matches!(byte, b'>' | b'<' | b'\n'))?;
    let is_tag = window[close] == b'>' && (close == 0 || window[0] == b' ');
    is_tag.then(|| skip(text, from + close + 1, MAX_GAP, b" \t\r\n"))
}

fn begins_line(before: &[u8]) -> bool {
    before.is_empty()
        || [&b"\n"[..], b"export ", b"set ", b"ENV ", b"env "]
            .iter()
            .any(|head| before.ends_with(head))
}

fn is_quote(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| b"\"'`".contains(byte))
}

fn skip_blanks(text: &[u8], from: usize) -> usize {
    skip(text, from, MAX_GAP, b" \t")
}

/// Skips up to `most` of those bytes.
fn skip(text: &[u8], from: usize, most: usize, bytes: &[u8]) -> usize {
    let rest = text[from.min(text.len())..].iter().take(most);
    from + rest.take_while(|byte| bytes.contains(byte)).count()
}

/// The value that begins at `start`.
fn value_at(text: &[u8], start: usize, gap: Gap) -> Option<Value> {
    let quotes = skip(text, start, 2, b"\"'`");
    let quote = quotes.checked_sub(1).filter(|_| quotes > start).map(|last| text[last]);
    let start = quotes + scheme_length(text.get(quotes..)?);
    let window = &text[start..text.len().min(start + MAX_VALUE)];
    let end = match quote {
        Some(quote) => window.iter().position(|byte| *byte == quote || *byte == b'\n')?,
        None => {
            let is_end = |byte: &u8| ends_value(*byte, gap);
            window.iter().position(is_end).unwrap_or(window.len())
        }
    };
    let is_sentence = matches!(gap, Gap::Prose | Gap::Loose) && quote.is_none();
    let end = if is_sentence { trimmed(&window[..end]) } else { end };
    (end > 0).then(|| Value { range: start..start + end, gap, is_quoted: quote.is_some() })
}

/// The length of a value without the end of the sentence it stands in.
fn trimmed(value: &[u8]) -> usize {
    value.iter().rposition(|byte| !b".:*".contains(byte)).map_or(0, |last| last + 1)
}

/// The length of the word before the credentials of an `Authorization` header.
fn scheme_length(value: &[u8]) -> usize {
    let schemes = [&b"bearer "[..], b"basic ", b"token ", b"apikey "];
    let is_scheme = |scheme: &&&[u8]| {
        let head = value.get(..scheme.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    schemes.iter().find(is_scheme).map_or(0, |scheme| scheme.len())
}

fn ends_value(byte: u8, gap: Gap) -> bool {
    byte.is_ascii_whitespace()
        || byte < 0x20
        || b"\"'`\\<>".contains(&byte)
        || (gap != Gap::Line && b",;&)]}|".contains(&byte))
}
