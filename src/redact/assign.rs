//! Names and the values assigned to them: `NAME=value`, `name: value`, `"name": "value"`,
//! `--name value`, `<name>value</name>`, headers.
//!
//! Parsed by hand, since the words that begin it (`key`, `token`) are frequent in any transcript.
//! Work is linear: names and gaps have limits, and a caller goes on behind the name it was given.

use std::ops::Range;

use crate::redact::checks::is_code;
use crate::redact::checks::is_password;
use crate::redact::checks::is_random;

/// The longest name, in bytes to each side of the word that was found in it.
const MAX_NAME: usize = 64;

/// The longest value; no line of key material or token is longer.
const MAX_VALUE: usize = 16 * 1024;

/// The longest value that may hold further names and values.
const MAX_NESTED: usize = 256;

/// How much a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It is a password, which need not look random.
    Password,
    /// It is a secret; anything that looks drawn at random is one.
    Secret,
    /// It may be a secret; only long random values are.
    Key,
}

/// How a value is set off from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// By a sign that assigns.
    Sign,
    /// By `=` in a line of its own, as in files of environment variables.
    Line,
    /// By a blank or a hyphen only.
    Loose,
}

/// Endings of names that hold passwords.
const PASSWORDS: &[&str] =
    &["password", "passwd", "passphrase", "passcode", "passwort", "pwd", "pass", "pw"];

/// Endings of names that hold other secrets.
const SECRETS: &[&str] = &[
    "secret",
    "secrets",
    "token",
    "apikey",
    "apikeys",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "accountkey",
    "servicekey",
    "rolekey",
    "sharedkey",
    "hostapikey",
    "hmackey",
    "licensekey",
    "credential",
    "credentials",
    "jwt",
    "bearer",
    "sessioncookie",
    "authcookie",
    "anonkey",
    "clientkey",
    "sdkkey",
    "hmac",
    "webhookurl",
];

/// Endings of names that may hold secrets.
const KEYS: &[&str] = &["key", "auth", "authorization", "cookie"];

/// More letters than the longest ending has, with a neutral one behind it.
const LONGEST_ENDING: usize = 40;

/// Endings that say nothing about what stands before them.
const NEUTRAL: &[&str] = &[
    "value", "base64", "b64", "raw", "string", "prod", "live", "dev", "test", "staging", "old",
    "new",
];

/// Names that end like secrets and hold none.
const HARMLESS: &[&str] = &[
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "synctoken",
    "bypass",
    "compass",
    "publickey",
    "primarykey",
    "foreignkey",
    "cachekey",
    "sortkey",
    "partitionkey",
    "idempotencykey",
    "rowkey",
    "columnkey",
    "groupkey",
    "routingkey",
    "objectkey",
    "hotkey",
    "mapkey",
    "lookupkey",
    "uniquekey",
    "indexkey",
    "itemkey",
    "eventkey",
    "recordkey",
    "registrykey",
    "lockkey",
    "configkey",
    "featurekey",
    "statekey",
    "querykey",
    "metakey",
    "paramkey",
    "fieldkey",
    "hashkey",
    "sha",
    "oauth",
    "monkey",
    "turkey",
    "hostkey",
    "knownkey",
    "fromkey",
    "messagekey",
    "requestkey",
    "sessionkey",
    "deploymentkey",
    "projectkey",
    "issuekey",
    "pubkey",
    "verifykey",
    "dedupkey",
    "dedupekey",
    "bundlekey",
    "threadkey",
    "translationkey",
    "filekey",
    "pathkey",
    "taskkey",
];

/// What the name says of its value.
pub(super) fn class_of(name: &[u8]) -> Option<Class> {
    let mut buffer = [0; LONGEST_ENDING];
    let plain = plain_ending(name, &mut buffer);
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending.as_bytes()));
    if ends(HARMLESS) {
        None
    } else if ends(PASSWORDS) {
        Some(Class::Password)
    } else if ends(SECRETS) || plain == b"pat" || name.to_ascii_lowercase().ends_with(b"_pat") {
        Some(Class::Secret)
    } else if plain.len() > 3 && ends(KEYS) {
        Some(Class::Key)
    } else {
        None
    }
}

/// The last letters of a name in lower case, without joints, numbers and neutral endings.
fn plain_ending<'b>(name: &[u8], buffer: &'b mut [u8; LONGEST_ENDING]) -> &'b [u8] {
    let letters = name.iter().rev().filter(|byte| byte.is_ascii_alphanumeric());
    let mut start = buffer.len();
    for letter in letters.take(LONGEST_ENDING) {
        start -= 1;
        buffer[start] = letter.to_ascii_lowercase();
    }
    let mut plain = &buffer[start..];
    for ending in NEUTRAL {
        plain =
            plain.strip_suffix(ending.as_bytes()).filter(|head| !head.is_empty()).unwrap_or(plain);
    }
    while let [head @ .., b'0'..=b'9'] = plain {
        plain = head;
    }
    plain
}

/// Whether `value` is a secret when the name beside it is of this class.
pub(super) fn is_secret(class: Class, value: &[u8]) -> bool {
    match class {
        Class::Password => is_password(value) || is_random(value),
        Class::Secret => {
            is_random(value) || (value.len() >= 12 && is_password(value) && is_mixed(value))
        }
        Class::Key => value.len() >= 20 && is_random(value),
    }
}

fn is_mixed(value: &[u8]) -> bool {
    value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
        && !value.iter().any(|byte| b"()[]{}<>,;:".contains(byte))
        && !super::checks::is_name(value)
}

/// Finds the secret assigned to the name of class `class` that the word at `hit` is a part of.
/// Also says where the name ends: before it there is nothing more to find.
pub(super) fn find(text: &[u8], hit: &Range<usize>, class: Class) -> (Option<Range<usize>>, usize) {
    let name = name_around(text, hit);
    if is_cut_off(text, &name) {
        return (None, name.end);
    }
    let in_query = name.len() == 3 && name.start > 0 && b"?&".contains(&text[name.start - 1]);
    let is_named = class_of(&text[name.clone()]) == Some(class);
    if is_named || (class == Class::Key && in_query) {
        return assigned(text, &name, class);
    }
    (value_in_name(text, hit, &name, class), name.end)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn name_around(text: &[u8], hit: &Range<usize>) -> Range<usize> {
    let before = text[..hit.start].iter().rev().take(MAX_NAME);
    let before = before.take_while(|byte| is_name_byte(**byte)).count();
    let after = text[hit.end..].iter().take(MAX_NAME);
    let after = after.take_while(|byte| is_name_byte(**byte)).count();
    hit.start - before..hit.end + after
}

/// Whether the name is only a part of something longer, which is then no name.
fn is_cut_off(text: &[u8], name: &Range<usize>) -> bool {
    name.start > 0 && is_name_byte(text[name.start - 1])
}

/// A value that follows the word within the same run: `vendor-secret-key-123e4546-…`.
fn value_in_name(
    text: &[u8],
    hit: &Range<usize>,
    name: &Range<usize>,
    class: Class,
) -> Option<Range<usize>> {
    let rest = text[hit.end..name.end].strip_prefix(b"-")?;
    let value = name.end - rest.len()..name.end;
    let is_set_off = class == Class::Secret || class == Class::Key;
    let names_secret = class_of(&text[name.start..hit.end]) == Some(Class::Secret);
    (is_set_off && names_secret && rest.len() >= 24 && is_random(rest)).then_some(value)
}

fn assigned(text: &[u8], name: &Range<usize>, class: Class) -> (Option<Range<usize>>, usize) {
    let value =
        gap_after(text, name).and_then(|(gap, start)| Some((gap, value_at(text, start, gap)?)));
    let Some((gap, (value, is_quoted))) = value else {
        return (None, name.end);
    };
    // What stands in a long value is not read again as names and values of its own.
    let done = if value.len() > MAX_NESTED { value.end } else { name.end };
    let is_found = holds_secret(&text[value.clone()], name.len(), gap, is_quoted, class);
    (is_found.then_some(value), done)
}

fn holds_secret(value: &[u8], name: usize, gap: Gap, is_quoted: bool, class: Class) -> bool {
    if gap == Gap::Loose && !(class == Class::Secret && value.len() >= 20 && is_random(value)) {
        return false;
    }
    // `PASS: TestName`, as test runners print it.
    if name == 4 && !is_quoted && gap != Gap::Line {
        return false;
    }
    let is_call = !is_quoted && gap != Gap::Line && value.contains(&b'(');
    !is_call && !is_code(value) && is_secret(class, value)
}

/// Where the value of a name begins, and what stands between.
fn gap_after(text: &[u8], name: &Range<usize>) -> Option<(Gap, usize)> {
    let mut at = name.end;
    let mut quoted = false;
    while at < text.len() && at < name.end + 2 && b"\"'`]".contains(&text[at]) {
        (at, quoted) = (at + 1, true);
    }
    let sign = skip_blanks(text, at);
    let rest = &text[sign..];
    let length = match rest {
        [b'=', b'=', ..] | [b':', b':', ..] | [] => return None,
        [b'=', b'>', ..] | [b':', b'=', ..] => 2,
        [b'=' | b':', ..] => 1,
        [b'>', ..] if sign == name.end && name.start > 0 && text[name.start - 1] == b'<' => 1,
        _ if sign > at && !quoted => {
            let is_flag = text[name.clone()].starts_with(b"--");
            return Some((if is_flag { Gap::Sign } else { Gap::Loose }, sign));
        }
        _ => return None,
    };
    let value = skip_blanks(text, sign + length);
    let is_line = rest[0] == b'=' && value == name.end + 1 && begins_line(&text[..name.start]);
    Some((if is_line { Gap::Line } else { Gap::Sign }, value))
}

fn begins_line(before: &[u8]) -> bool {
    before.is_empty()
        || [&b"\n"[..], b"export ", b"set ", b"ENV ", b"env "]
            .iter()
            .any(|head| before.ends_with(head))
}

fn skip_blanks(text: &[u8], from: usize) -> usize {
    let blanks = text[from..].iter().take(MAX_NAME);
    from + blanks.take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The value that begins at `start`, and whether it stands in quotes.
fn value_at(text: &[u8], start: usize, gap: Gap) -> Option<(Range<usize>, bool)> {
    let quote = text.get(start).copied().filter(|byte| b"\"'`".contains(byte));
    let start = start + usize::from(quote.is_some());
    let start = start + scheme_length(&text[start..]);
    let window = &text[start..text.len().min(start + MAX_VALUE)];
    let end = match quote {
        Some(quote) => window.iter().position(|byte| *byte == quote || *byte == b'\n')?,
        None => {
            let is_end = |byte: &u8| ends_value(*byte, gap);
            window.iter().position(is_end).unwrap_or(window.len())
        }
    };
    let value = start..start + end;
    (!value.is_empty()).then_some((value, quote.is_some()))
}

/// The length of the word before the credentials of an `Authorization` header.
fn scheme_length(value: &[u8]) -> usize {
    let schemes = [&b"bearer "[..], b"basic ", b"token "];
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let text = text.as_bytes();
        [
            (Class::Password, &["pass", "pwd"][..]),
            (Class::Secret, &["secret", "token", "key"]),
            (Class::Key, &["key"]),
        ]
        .into_iter()
        .flat_map(|(class, words)| words.iter().map(move |word| (class, *word)))
        .find_map(|(class, word)| {
            let lower = text.to_ascii_lowercase();
            let at = memchr::memmem::find(&lower, word.as_bytes())?;
            find(text, &(at..at + word.len()), class).0
        })
        .map(|range| std::str::from_utf8(&text[range]).expect("the value is text"))
    }

    #[test]
    fn values_are_found_however_they_are_assigned() {
        let value = "y7uEv57LBsul0vN3";
        for (before, after) in [
            ("smtp_pass=", "\nX=1"),
            ("\"apiKey\": \"", "\", \"n\": 1"),
            ("client_secret: ", "\n"),
            ("--auth-token ", " --x"),
            ("<password>", "</password>"),
            ("auth_token => '", "'"),
            ("X-Api-Key: ", "\""),
            ("url?token=", "&a=b"),
            ("env['API_KEY'] = '", "'"),
        ] {
            let text = format!("{before}{value}{after}");
            assert_eq!(found(&text), Some(value), "{text}");
        }
    }

    #[test]
    fn ordinary_assignments_are_left_alone() {
        for text in [
            "max_tokens: 8192",
            "const apiKey = process.env.OPENAI_API_KEY;",
            "token=null",
            "password: {{ .Values.db.password | quote }}",
            "secret=\"REDACTED\"",
            "key: \"ArrowLeft\"",
            "token = generate_token(32, seed)",
            "password == other1Password",
            "nextPageToken: 4bb0403cdd965fe8e813b7e292b08e88",
            "API_KEY=[redacted:openai-key]",
            "accessibilityYesOptionId = \"0736f5ef-7e88-499a-80cc-90c85d2a5180\"",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
