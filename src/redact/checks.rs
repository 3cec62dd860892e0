//! Tests of values: does this look like a secret, or like a placeholder, a name, a piece of code?
//!
//! Pure functions on bytes. None of them is enough to call something a secret; each only confirms
//! or denies what a known prefix or the name beside the value suggests.

/// Words that stand where a secret would be, in examples and masked output.
const PLACEHOLDER_WORDS: &[&[u8]] = &[
    b"example",
    b"placeholder",
    b"redacted",
    b"changeme",
    b"change_me",
    b"change-me",
    b"your_",
    b"your-",
    b"yourapi",
    b"yourkey",
    b"yourtoken",
    b"yoursecret",
    b"yourpass",
    b"_here",
    b"-here",
    b"dummy",
    b"insert_",
    b"replace_",
    b"replaceme",
    b"my_secret",
    b"mysecret",
    b"my-secret",
    b"not-a-real",
    b"notreal",
    b"fake",
    b"hidden",
    b"undefined",
    b"process.env",
    b"os.environ",
    b"getenv",
    b"xxxx",
    b"****",
    b"....",
    b"____",
    b"----",
    b"1234567890123456",
    b"abcdefghijklmnop",
    b"0123456789abcdef",
    b"deadbeefdeadbeef",
];

/// What people write for a password in examples, whole.
const EXAMPLE_PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "test",
    "testing",
    "user",
    "username",
    "root",
    "admin",
    "guest",
    "postgres",
    "mysql",
    "token",
    "none",
    "null",
    "true",
    "false",
    "string",
    "foo",
    "bar",
    "baz",
    "hunter2",
    "letmein",
    "p",
    "pw",
    "x",
    "xxx",
    "abc",
    "123",
    "1234",
    "12345",
    "123456",
    "password1",
    "password123",
    "pass123",
    "test123",
    "admin123",
    "secret123",
    "s3cret",
    "s3cr3t",
    "p@ssw0rd",
    "key",
    "x-oauth-basic",
    "default",
    "localhost",
];

/// The kinds of character that a value is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Makeup {
    upper: usize,
    lower: usize,
    digits: usize,
    other: usize,
    /// How often the kind changes from one character to the next.
    changes: usize,
    /// The longest run of one character.
    run: usize,
}

/// Counts the kinds of character of a value.
pub(super) fn makeup(value: &[u8]) -> Makeup {
    let mut made = Makeup::default();
    let (mut last_kind, mut last, mut run) = (u8::MAX, None, 0);
    for &byte in value {
        let kind = match byte {
            b'A'..=b'Z' => 0,
            b'a'..=b'z' => 1,
            b'0'..=b'9' => 2,
            _ => 3,
        };
        match kind {
            0 => made.upper += 1,
            1 => made.lower += 1,
            2 => made.digits += 1,
            _ => made.other += 1,
        }
        made.changes += usize::from(kind != last_kind && last_kind != u8::MAX);
        run = if last == Some(byte) { run + 1 } else { 1 };
        made.run = made.run.max(run);
        (last_kind, last) = (kind, Some(byte));
    }
    made
}

/// Shannon entropy of the bytes of a value, in bits a byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| f64::from(*count) / total;
    let present = counts.iter().filter(|count| **count > 0).map(share);
    -present.map(|share| share * share.log2()).sum::<f64>()
}

/// Whether the value is an example, a mask or a reference to where the secret is.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    if lower.starts_with(b"[redacted") || makeup(&lower).run >= 7 {
        return true;
    }
    let text = std::str::from_utf8(&lower).unwrap_or_default();
    EXAMPLE_PASSWORDS.contains(&text)
        || PLACEHOLDER_WORDS.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
}

/// Whether a token with a known prefix is more than an example of one.
pub(super) fn is_token(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] =
        [b"example", b"xxxxx", b"placeholder", b"redacted", b"your_", b"your-"];
    let head = &value[..value.len().min(512)];
    let lower = head.to_ascii_lowercase();
    let is_word = |word: &&[u8]| memchr::memmem::find(&lower, word).is_some();
    // A long run is a mask, but for one of digits in a value that is long and mixed without it.
    let made = makeup(&lower);
    let is_mask = made.run >= 8 && (made.digits < made.run || entropy(head) < 3.0);
    !is_mask && entropy(head) > 2.4 && !WORDS.iter().any(is_word)
}

/// Whether kinds of character change as often as in no name.
pub(super) fn is_scrambled(value: &[u8]) -> bool {
    let made = makeup(value);
    made.digits >= 2 || made.changes * 3 >= value.len()
}

/// As [`is_token`], for tokens that begin with many zeros, which base64 writes as `A`.
pub(super) fn is_random_behind_zeros(value: &[u8]) -> bool {
    let zeros = value.iter().take_while(|byte| **byte == b'A').count();
    is_token_with_digits(&value[zeros..])
}

/// As [`is_token`], for tokens whose prefix is also the beginning of ordinary names.
pub(super) fn is_token_with_digits(value: &[u8]) -> bool {
    let made = makeup(value);
    let is_mixed = made.digits >= 2 || (value.len() >= 20 && made.changes * 3 >= value.len());
    is_token(value) && is_mixed && !is_name(value)
}

/// Whether a value of just the right shape, in just the right place, looks drawn at random.
pub(super) fn is_drawn(value: &[u8]) -> bool {
    let made = makeup(value);
    let is_mixed = match made.digits {
        0 => is_unpronounceable(value) || (value.len() >= 12 && is_scrambled(value)),
        digits => digits >= 2 || made.changes * 4 >= value.len(),
    };
    is_mixed && made.run < 6 && entropy(value) >= 2.4 && !is_placeholder(value)
}

/// Whether letters stand together as in no word: a long run of consonants, capitals within.
fn is_unpronounceable(value: &[u8]) -> bool {
    value.len() >= 16 && (has_consonants(value) || makeup(value).changes * 3 >= value.len())
        || value.len() >= 20 && value.iter().all(u8::is_ascii_hexdigit)
}

/// Whether more consonants follow each other than in any word.
fn has_consonants(value: &[u8]) -> bool {
    let is_vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte) || !byte.is_ascii_alphabetic();
    let is_lower = |run: &&[u8]| run.iter().all(u8::is_ascii_lowercase);
    value.split(is_vowel).filter(is_lower).any(|run| run.len() >= 6)
}

/// Whether the value looks drawn at random: long, mixed, and no name, path or number.
pub(super) fn is_random(value: &[u8]) -> bool {
    let made = makeup(value);
    let length = value.len();
    let is_mixed = match made.digits {
        0 => length >= 20 && made.upper >= 3 && made.lower >= 3 && made.changes * 4 >= length,
        1 => length >= 16 && made.upper >= 2 && made.lower >= 2,
        _ => made.upper + made.lower >= 2,
    };
    length >= 16
        && is_mixed
        && value.iter().all(|byte| byte.is_ascii_graphic() && !b"(){}<>\"'`,;|\\".contains(byte))
        && entropy(value) >= if length < 20 { 2.75 } else { 3.0 }
        && !is_name(value)
        && !is_placeholder(value)
}

/// Whether the value consists of words and numbers put together, as names, paths, versions and
/// constants are.
pub(super) fn is_name(value: &[u8]) -> bool {
    let is_joint = |byte: &u8| !byte.is_ascii_alphanumeric();
    if value.starts_with(b"/") && memchr::memchr_iter(b'/', value).count() > 3 {
        return true;
    }
    value.split(is_joint).all(is_word)
}

fn is_word(part: &[u8]) -> bool {
    let made = makeup(part);
    let letters = made.upper + made.lower;
    if made.digits == 0 {
        // Camel case has a capital every few letters, random letters have one every second.
        let is_camel = made.changes * 3 <= part.len().max(3) || made.upper * 3 <= part.len();
        return is_camel && part.len() < 40 && !has_consonants(part);
    }
    if letters == 0 {
        return part.len() <= 14;
    }
    // `sha256`, `v2`, `Ed25519`: a word with a number at its end.
    made.changes <= 2 && part.len() <= 12 && part[0].is_ascii_alphabetic()
}

/// Whether a value in the place of a password is one.
pub(super) fn is_password(value: &[u8]) -> bool {
    let made = makeup(value);
    let letters = made.upper + made.lower;
    let has_sign =
        value.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"_-./:".contains(byte));
    let is_mixed =
        letters >= 1 && (made.digits >= 1 || (made.upper >= 1 && made.lower >= 1 && has_sign));
    (6..=256).contains(&value.len())
        && is_mixed
        && made.run < 6
        && !value.iter().any(u8::is_ascii_whitespace)
        && !is_placeholder(value)
        && !is_code(value)
        && !is_plain_name(value)
}

/// Whether the value is letters with a sign among them that no name has there.
pub(super) fn has_sign_inside(value: &[u8]) -> bool {
    let is_sign = |byte: u8| b"!#$%&*+?@^~".contains(&byte);
    let inside = value.iter().position(|byte| is_sign(*byte));
    let is_inside = inside.is_some_and(|at| at > 1 && at + 2 < value.len());
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || is_sign(*byte);
    is_inside
        && (8..=64).contains(&value.len())
        && value.iter().all(is_plain)
        && !is_placeholder(value)
        && !is_code(value)
}

/// A lower-case or camel-case identifier, at most with a short number at its end.
fn is_plain_name(value: &[u8]) -> bool {
    let is_joint = |byte: &u8| matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'*');
    value.split(is_joint).all(|part| {
        let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let head = &part[..part.len() - digits];
        digits <= 2
            && head.iter().all(u8::is_ascii_alphabetic)
            && makeup(head).changes * 3 <= head.len().max(3)
    })
}

/// Whether the value is the name of a constant, as code writes them.
pub(super) fn is_constant(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let words = value.split(|byte| *byte == b'_');
    value.iter().all(is_part)
        && words.filter(|word| word.len() >= 3 && word.iter().all(u8::is_ascii_uppercase)).count()
            >= 2
}

/// Whether letters, digits and signs change all the time, as in keys that programs draw.
pub(super) fn is_dense(value: &[u8]) -> bool {
    let made = makeup(value);
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"\"'`\\<>{}".contains(byte);
    (24..=256).contains(&value.len())
        && value.iter().all(is_part)
        && made.other >= 4
        && made.digits >= 3
        && made.changes * 2 >= value.len()
        && !is_placeholder(value)
        && !is_code(value)
}

/// Whether the value is an expression, a template or a reference rather than the thing itself.
pub(super) fn is_code(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default();
    let is_reference = matches!(first, b'$' | b'{' | b'<' | b'[' | b'(' | b'%' | b'&')
        && value.get(1).is_some_and(|next| next.is_ascii_alphabetic() || b"{[(<%$".contains(next));
    let holds = |piece: &[u8]| memchr::memmem::find(value, piece).is_some();
    is_reference
        || [&b"${"[..], b"{{", b"#{", b"$(", b"()", b"::", b"->", b"=>", b"://", b"(\"", b"%s"]
            .iter()
            .any(|piece| holds(piece))
}

/// Whether a value is short or plain enough to appear elsewhere by chance.
pub(super) fn is_weak(value: &[u8]) -> bool {
    let made = makeup(value);
    let kinds = [made.upper, made.lower, made.digits, made.other];
    let kinds = kinds.iter().filter(|count| **count > 0).count();
    value.len() < 8 || kinds < 2 || is_placeholder(value) || (value.len() < 16 && is_name(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_are_told_from_names() {
        for value in ["4bb0403cdd965fe8e813b7e292b08e88", "aRcHuNHVvjzK8EIvfPLs5B61UMsg7k93"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        let names = [
            "process.env.OPENAI_API_KEY",
            "DOC_Vector_5_32",
            "NRG0-Hermes-INTERNAL-API",
            "BlindKeySignatures",
            "claude-3-5-sonnet-20241022",
            "src/redact/checks_2.rs",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "api_key_from_environment",
        ];
        for value in names {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_are_told_from_code_and_examples() {
        for value in ["y7uEv57LBsul0v.N", "tr0ub4dor&3", "Kx9#mmQ2"] {
            assert!(is_password(value.as_bytes()), "{value}");
        }
        for value in
            ["${DB_PASSWORD}", "user_password", "REDACTED", "****", "passwordField2", "busybox@"]
        {
            assert!(!is_password(value.as_bytes()), "{value}");
        }
    }
}
