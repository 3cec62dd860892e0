//! Keys of services that say nothing of their service themselves: its name stands before them.
//!
//! `ALGOLIA_ADMIN=…`, `algolia key: …`, `airbrake-token-…`, "the key for Airbrake is …". A table
//! has the names of the services, and the shapes of their keys. Behind a name, on the same line and
//! not far, a key is taken that has such a shape, if a word like `key` or `token` stands between;
//! shapes marked `!` do not need the word. Right behind such a word, anything that looks drawn at
//! random is taken too. Work is bounded by [`FAR`] for each name.

mod business;
mod data;
mod infrastructure;
mod messages;
mod shape;

use std::ops::Range;

use crate::redact::checks::is_drawn;
use crate::redact::checks::is_name;
use crate::redact::checks::is_random;
use crate::session::REDACTION_MARK;

pub(super) use business::BUSINESS;
pub(super) use data::DATA;
pub(super) use infrastructure::INFRASTRUCTURE;
pub(super) use messages::MESSAGES;

/// A service: its name in lower case, and the shapes of its keys, set apart by ` | `.
pub(super) type Service = (&'static str, &'static str);

/// How far behind a name, and behind the word for a key, a key can begin.
const REACH: usize = 40;

/// How far behind a name a key can begin, however many such words stand between.
const FAR: usize = 3 * REACH;

/// The longest key.
const MAX_KEY: usize = 1024;

/// How far behind a name a key can begin that needs no word before it.
const NEAR: usize = 12;

/// Words for keys.
const WORDS: [&[u8]; 10] = [
    b"secret",
    b"private",
    b"access",
    b"key",
    b"token",
    b"password",
    b"login",
    b"credential",
    b"auth",
    b"pat",
];

/// Words that say nothing of what stands behind them.
const NEUTRAL: [&[u8]; 12] = [
    b"api", b"app", b"client", b"account", b"admin", b"user", b"is", b"my", b"id", b"value",
    b"prod", b"live",
];

/// The names of the services of a table.
pub(super) const fn names<const N: usize>(services: &[Service]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = services[index].0;
        index += 1;
    }
    names
}

/// Finds the key behind the name at `hit`, and says where to go on.
pub(super) fn find(
    services: &[Service],
    text: &[u8],
    hit: &Range<usize>,
) -> (Option<Range<usize>>, usize) {
    let name = text[hit.clone()].to_ascii_lowercase();
    let found = services.binary_search_by(|(other, _)| other.as_bytes().cmp(&name));
    let shapes = found.map_or("", |index| services[index].1);
    if !begins_word(text, hit.start) {
        return (None, hit.end);
    }
    (Search { text, shapes, name_end: hit.end }.run(), hit.end)
}

/// Whether a word begins here, also one within `camelCase` or behind a joint.
fn begins_word(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| text[before]);
    before.is_none_or(|before| {
        !before.is_ascii_alphabetic()
            || (before.is_ascii_lowercase() && text[at].is_ascii_uppercase())
    })
}

/// A search behind one name.
struct Search<'s> {
    text: &'s [u8],
    shapes: &'static str,
    name_end: usize,
}

/// What was read behind a name so far.
#[derive(Debug, Clone, Copy)]
struct Read {
    /// Whether there was a word for a key.
    is_keyed: bool,
    /// Whether nothing but joints and signs has been read since the name or that word.
    is_next: bool,
    /// Whether a line ended since.
    is_below: bool,
    /// How far to read.
    end: usize,
}

impl Search<'_> {
    fn run(&self) -> Option<Range<usize>> {
        let mut at = self.name_end;
        let mut read = Read { is_keyed: false, is_next: true, is_below: false, end: at + REACH };
        while at < self.text.len().min(read.end) {
            let byte = self.text[at];
            if !byte.is_ascii_alphanumeric() {
                if self.ends_here(at, read) {
                    return None;
                }
                read.is_below |= byte == b'\n';
                at += 1;
                continue;
            }
            let word = &self.text[at..at + word_length(&self.text[at..])];
            let next = at + word.len();
            let word_for_key = word_for_key(word);
            let is_part_of_path = self.text[at - 1] == b'/';
            let can_be_key = at > self.name_end && word_for_key != Some(true) && !is_part_of_path;
            let key = can_be_key.then(|| self.key_at(at, read)).flatten();
            if key.is_some() {
                return key;
            }
            if let Some(is_whole) = word_for_key {
                read = Read {
                    is_keyed: true,
                    is_next: is_whole,
                    is_below: false,
                    end: (next + REACH).min(self.name_end + FAR),
                };
            } else if !NEUTRAL.iter().any(|known| word.eq_ignore_ascii_case(known)) {
                if read.is_below {
                    return None;
                }
                read.is_next = false;
            }
            at = next;
        }
        None
    }

    /// Whether what stands here belongs to something else: another line, an address, a mark.
    fn ends_here(&self, at: usize, read: Read) -> bool {
        match self.text[at] {
            b'\n' => !read.is_next || read.is_below,
            b'/' => self.text[at..].starts_with(b"//"),
            b'[' => self.text[at..].starts_with(REDACTION_MARK.as_bytes()),
            other => !other.is_ascii(),
        }
    }

    fn key_at(&self, at: usize, read: Read) -> Option<Range<usize>> {
        let rest = &self.text[at..self.text.len().min(at + MAX_KEY)];
        for shape in self.shapes.split(" | ") {
            let (shape, is_bare) = match shape.strip_prefix('!') {
                Some(shape) => (shape, read.is_next && at < self.name_end + NEAR),
                None => (shape, false),
            };
            if !read.is_keyed && !is_bare {
                continue;
            }
            if let Some(length) = shape::length_of(shape, rest) {
                let key = &rest[..length];
                let has_joints = shape.ends_with(']');
                if is_drawn(key) && !(has_joints && is_name(key)) {
                    return Some(at..at + length);
                }
            }
        }
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_+/.~".contains(byte);
        let length = rest.iter().take_while(is_part).count();
        let length =
            length + rest[length..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let is_found =
            read.is_keyed && read.is_next && length < MAX_KEY && is_random(&rest[..length]);
        is_found.then_some(at..at + length)
    }
}

fn word_length(text: &[u8]) -> usize {
    text.iter().take(MAX_KEY).take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// Whether the word has one for a key in it, and whether it ends with that.
fn word_for_key(word: &[u8]) -> Option<bool> {
    let lower = word[..word.len().min(64)].to_ascii_lowercase();
    let singular = lower.strip_suffix(b"s").unwrap_or(&lower);
    if WORDS.iter().any(|known| lower.ends_with(known) || singular.ends_with(known)) {
        return Some(true);
    }
    // `pat` and `auth` are also parts of other words.
    let is_inside = |known: &&[u8]| memchr::memmem::find(&lower, known).is_some();
    WORDS[..8].iter().any(is_inside).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, name: &str) -> Option<&'t str> {
        let at = text.to_ascii_lowercase().find(name)?;
        let tables = [BUSINESS, DATA, INFRASTRUCTURE, MESSAGES];
        let table = tables.into_iter().find(|table| table.iter().any(|row| row.0 == name))?;
        Some(&text[find(table, text.as_bytes(), &(at..at + name.len())).0?])
    }

    #[test]
    fn tables_are_in_order_and_their_names_are_plain() {
        for table in [BUSINESS, DATA, INFRASTRUCTURE, MESSAGES] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0), "{table:?}");
            for (name, shapes) in table {
                let is_plain =
                    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
                assert!(is_plain && name.len() >= 3, "{name}");
                assert!(!shapes.is_empty() && !shapes.contains("  "), "{name}: {shapes}");
            }
        }
    }

    #[test]
    fn keys_are_found_behind_the_name_of_their_service() {
        let key = "d1e2c3f4a5b6978812345a7890fbcde1";
        for (before, after) in [
            ("autopilot secretkey=", ""),
            ("autopilot-access ", "\n"),
            ("autopilot private key: ", " ok"),
            ("AUTOPILOT_KEY: \"", "\""),
            ("autopilotToken-", ")"),
            ("my autopilot account has the key `", "`"),
        ] {
            let text = format!("{before}{key}{after}");
            assert_eq!(found(&text, "autopilot"), Some(key), "{text}");
        }
    }

    #[test]
    fn names_without_keys_are_left_alone() {
        for (text, name) in [
            ("autopilot d1e2c3f4a5b6978812345a7890fbcde1", "autopilot"),
            ("autopilot key\nnothing here: d1e2c3f4a5b6978812345a7890fbcde1", "autopilot"),
            ("autopilot key https://x.test/d1e2c3f4a5b6978812345a7890fbcde1", "autopilot"),
            ("autopilot token is configuration_of_the_thing_in_it", "autopilot"),
            ("autopilot api_key = [redacted:secret]", "autopilot"),
            ("asana_key = 1111111111111111", "asana"),
        ] {
            assert_eq!(found(text, name), None, "{text}");
        }
    }
}
