//! The shapes of keys: how many characters of which kind, and what stands between them.
//!
//! A shape is a row of parts, set apart by blanks: a kind with a length or two (`h32`, `a20-24`),
//! characters that may stand among them in brackets (`a40[-_]`), a text in quotes (`'live_'`), or
//! `uuid`. Kinds: `d` digits, `h` hexadecimal, `l` lower-case letters and digits, `L` capitals and
//! digits, `a` letters and digits, `w` letters.

/// The lengths of the five parts of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// How long the key of that shape is that the text begins with.
pub(super) fn length_of(shape: &str, text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for part in shape.split(' ') {
        let rest = &text[at..];
        at += match part.as_bytes() {
            b"uuid" => uuid_length(rest)?,
            [b'\'', literal @ .., b'\''] => rest.starts_with(literal).then_some(literal.len())?,
            kind => run_length(kind, rest)?,
        };
    }
    let is_whole = text.get(at).is_none_or(|next| !next.is_ascii_alphanumeric());
    is_whole.then_some(at)
}

fn uuid_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, length) in UUID.into_iter().enumerate() {
        let part = text.get(at..at + length)?;
        let is_last = index + 1 == UUID.len();
        let is_part = part.iter().all(u8::is_ascii_alphanumeric);
        if !is_part || (!is_last && text.get(at + length) != Some(&b'-')) {
            return None;
        }
        at += length + usize::from(!is_last);
    }
    Some(at)
}

/// How many characters of a kind the text begins with, if they are as many as it says.
fn run_length(part: &[u8], text: &[u8]) -> Option<usize> {
    let (kind, rest) = part.split_first()?;
    let (least, rest) = number(rest);
    let (most, rest) = match rest.strip_prefix(b"-") {
        Some(rest) => number(rest),
        None => (least, rest),
    };
    let among = rest.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).unwrap_or(rest);
    let is_part = |byte: &&u8| is_of_kind(*kind, **byte) || among.contains(byte);
    let length = text.iter().take(most).take_while(is_part).count();
    (length >= least && length > 0).then_some(length)
}

fn number(text: &[u8]) -> (usize, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digit = |value: usize, byte: &u8| value * 10 + usize::from(byte - b'0');
    (text[..digits].iter().fold(0, digit), &text[digits..])
}

fn is_of_kind(kind: u8, byte: u8) -> bool {
    match kind {
        b'd' => byte.is_ascii_digit(),
        b'h' => byte.is_ascii_hexdigit(),
        b'l' => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
        b'L' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_alphanumeric(),
        b'w' => byte.is_ascii_alphabetic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_measure_what_they_describe() {
        for (shape, text, length) in [
            ("h8", "0123abcd rest", Some(8)),
            ("h8", "0123abcde", None),
            ("a4-6[-]", "ab-c1", Some(5)),
            ("a4-6[-]", "abc", None),
            ("'live_' d4", "live_1234\"", Some(9)),
            ("'live_' d4", "test_1234\"", None),
            ("uuid", "5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8", Some(36)),
            ("uuid", "5c1e6b81-2dc8-41b7-b70d_1bb7ff44f1c8", None),
        ] {
            assert_eq!(length_of(shape, text.as_bytes()), length, "{shape} {text}");
        }
    }
}
