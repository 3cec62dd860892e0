//! Names and the values assigned to them: `NAME=value`, `name: value`, `"name": "value"`,
//! `--name value`, `<name>value</name>`, headers, `const NAME: &str = "value"`, "the name is value".
//!
//! Parsed by hand, since the words that begin it (`key`, `token`) are frequent in any transcript.
//! Work is linear: names and gaps have limits, and a caller goes on behind the name it was given.

mod gap;
mod names;

use std::ops::Range;

use crate::redact::assign::gap::Gap;
use crate::redact::assign::gap::Value;
use crate::redact::assign::gap::value_of;
use crate::redact::assign::names::class_of_words;
use crate::redact::checks::has_sign_inside;
use crate::redact::checks::is_code;
use crate::redact::checks::is_constant;
use crate::redact::checks::is_dense;
use crate::redact::checks::is_drawn;
use crate::redact::checks::is_name;
use crate::redact::checks::is_password;
use crate::redact::checks::is_random;

pub(super) use names::class_of;

/// The longest name, in bytes to each side of the word that was found in it.
const MAX_NAME: usize = 64;

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
        && !is_name(value)
}

/// Finds the secret assigned to the name of class `class` that the word at `hit` is a part of.
/// Also says where the name ends: before it there is nothing more to find.
pub(super) fn find(text: &[u8], hit: &Range<usize>, class: Class) -> (Option<Range<usize>>, usize) {
    let name = name_around(text, hit);
    if is_cut_off(text, &name) {
        return (None, name.end);
    }
    let in_query = name.len() == 3 && name.start > 0 && b"?&".contains(&text[name.start - 1]);
    let name_bytes = &text[name.clone()];
    let named = class_of(name_bytes).or_else(|| class_of_words(&text[..name.start], name_bytes));
    let is_named = named == Some(class);
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
    let Some(value) = value_of(text, name) else {
        return (None, name.end);
    };
    // What stands in a long value is not read again as names and values of its own.
    let range = value.range.clone();
    let done = if range.len() > MAX_NESTED { range.end } else { name.end };
    let is_found = holds_secret(&text[range.clone()], name.len(), &value, class);
    (is_found.then_some(range), done)
}

fn holds_secret(bytes: &[u8], name: usize, value: &Value, class: Class) -> bool {
    let &Value { gap, is_quoted, .. } = value;
    let is_plain = match gap {
        Gap::Loose => !(class == Class::Secret && bytes.len() >= 20 && is_random(bytes)),
        Gap::Prose => is_name(bytes),
        Gap::Sign | Gap::Line => false,
    };
    // `PASS: TestName`, as test runners print it.
    let is_verdict = name == 4 && !is_quoted && gap != Gap::Line;
    let is_call = !is_quoted && gap != Gap::Line && bytes.contains(&b'(');
    let is_named = !is_quoted && gap != Gap::Line && is_constant(bytes);
    if class == Class::Secret && (is_quoted || gap == Gap::Line) && is_dense(bytes) {
        return true;
    }
    if is_plain || is_verdict || is_call || is_named || is_code(bytes) {
        return false;
    }
    is_secret(class, bytes)
        || (is_quoted && class == Class::Password && has_sign_inside(bytes))
        || (class == Class::Secret && bytes.len() >= 16 && is_run(bytes) && is_drawn(bytes))
}

/// Whether the value is one run of letters and digits.
fn is_run(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric)
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
            ("const API_TOKEN: &str = \"", "\";"),
            ("var fooToken string = \"", "\""),
            ("foo_token :::= \"", "\""),
            ("$fooToken .= '", "'"),
            ("setProperty(\"FOO_TOKEN\", \"", "\")"),
            ("process.env.API_KEY || '", "'"),
            ("<fooToken>\n    ", "\n</fooToken>"),
            ("- name: FOO_TOKEN\n  value: ", "\n"),
            ("{\"name\": \"FOO_TOKEN\", \"value\": \"", "\"}"),
            ("<add key=\"FooToken\" value=\"", "\"/>"),
            ("Secret Access Key [None]: ", "\n"),
            ("The API key is `", "`."),
            ("the password is ", ". Thanks"),
            ("**API key:** ", " "),
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
            "token: string = await fetchToken()",
            "the password is sha256-hashed",
            "apiKey: string, // = \"the key\"",
            "let key: String = format!(\"{a}\")",
            "auth_token is invalid.",
            "accessibilityYesOptionId = \"0736f5ef-7e88-499a-80cc-90c85d2a5180\"",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
