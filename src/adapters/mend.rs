//! What JSON can say and our values cannot hold: found, and mended for reading.
//!
//! Works on the tokens of one JSON value, without recursion and in one pass. A mended text has the
//! same length as the original, so that places in it are places in the original. It does not
//! check the grammar: the parser does that with what comes out of here.

/// Containers at this depth are left out of a value that is nested too deeply for the parser.
const DEEPEST: usize = 100;

const NULL: &[u8] = b"null";

/// The text with everything replaced that keeps our parser from reading it though JSON allows
/// it: unpaired surrogates become U+FFFD; numbers that no float can hold and containers that are
/// nested too deeply become null. `None` if there is nothing of that kind.
pub(crate) fn mended(text: &[u8]) -> Option<Vec<u8>> {
    let mut copy: Option<Vec<u8>> = None;
    let mut replace = |start: usize, end: usize, by: &[u8]| {
        let bytes = &mut copy.get_or_insert_with(|| text.to_vec())[start..end];
        bytes.fill(b' ');
        bytes[..by.len()].copy_from_slice(by);
    };
    let mut deep_start = 0;
    each_token(text, &mut |token| match token {
        Token::String { start, end } => each_unpaired_surrogate(&text[start..end], &mut |at| {
            replace(start + at, start + at + 6, b"\\uFFFD");
        }),
        Token::Number { start, end } => {
            if float(&text[start..end]).is_some_and(f64::is_infinite) && end - start >= NULL.len() {
                replace(start, end, NULL);
            }
        }
        Token::Open { at, depth } => {
            if depth == DEEPEST {
                deep_start = at;
            }
        }
        Token::Close { at, depth } => {
            if depth == DEEPEST && at + 1 - deep_start >= NULL.len() {
                replace(deep_start, at + 1, NULL);
            }
        }
    });
    copy
}

/// Whether a number in the text has more digits than a 64-bit integer or float holds.
pub(crate) fn has_inexact_number(text: &[u8]) -> bool {
    let mut is_found = false;
    each_token(text, &mut |token| {
        if let Token::Number { start, end } = token {
            is_found = is_found || !is_exact(&text[start..end]);
        }
    });
    is_found
}

/// Whether a text may hold more than so many values: it has that many commas and opening brackets
/// outside strings.
pub(crate) fn has_more_values_than(most: usize, text: &[u8]) -> bool {
    // Each takes a byte for itself, and one for what stands between it and the next.
    let (mut found, mut at) = (0, if text.len() < most { text.len() } else { 0 });
    while at < text.len() && found <= most {
        match text[at] {
            b'"' => at = string_end(text, at + 1),
            b',' | b'[' | b'{' => found += 1,
            _ => {}
        }
        at += 1;
    }
    found > most
}

enum Token {
    /// A string, without its quotes.
    String {
        start: usize,
        end: usize,
    },
    Number {
        start: usize,
        end: usize,
    },
    /// The beginning of an object or a list; the outermost has depth 1.
    Open {
        at: usize,
        depth: usize,
    },
    Close {
        at: usize,
        depth: usize,
    },
}

/// Shows the tokens of the first value in the text.
fn each_token(text: &[u8], see: &mut dyn FnMut(Token)) {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                let start = at + 1;
                let end = string_end(text, start);
                see(Token::String { start, end });
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = text[at..].iter().take_while(|b| is_part(b)).count();
                let end = at + length;
                see(Token::Number { start: at, end });
                at = end - 1;
            }
            b'{' | b'[' => {
                depth += 1;
                see(Token::Open { at, depth });
            }
            b'}' | b']' => {
                see(Token::Close { at, depth });
                if depth <= 1 {
                    return;
                }
                depth -= 1;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Where the string that begins at `start` has its closing quote.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// Shows where in a string the escapes of unpaired surrogates begin.
fn each_unpaired_surrogate(string: &[u8], see: &mut dyn FnMut(usize)) {
    let mut at = 0;
    while at < string.len() {
        if string[at] != b'\\' {
            at += 1;
            continue;
        }
        let is_low = |unit: Option<u16>| unit.is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
        match escaped_unit(string, at) {
            Some(0xD800..0xDC00) if is_low(escaped_unit(string, at + 6)) => at += 12,
            Some(0xD800..0xE000) => {
                see(at);
                at += 6;
            }
            _ => at += 2,
        }
    }
}

/// The UTF-16 unit that `\uXXXX` at this place stands for.
fn escaped_unit(string: &[u8], at: usize) -> Option<u16> {
    let digits = string.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn float(token: &[u8]) -> Option<f64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// Whether the number is the same after it went through a 64-bit integer or float.
fn is_exact(token: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(token) else {
        return true;
    };
    if text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok() {
        return true;
    }
    let Some(float) = float(token) else {
        return true;
    };
    let exact = decimal(text);
    exact.is_some() && exact == decimal(&format!("{float:e}"))
}

/// The significant digits of a number, and the power of ten of the last one.
fn decimal(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_end_matches('0');
    if significant.trim_start_matches('0').is_empty() {
        return Some((String::new(), 0));
    }
    let power = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()?
        + i64::try_from(digits.len() - significant.len()).ok()?;
    Some((significant.trim_start_matches('0').to_owned(), power))
}
