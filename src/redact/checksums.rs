//! Checksums that formats of secrets have in them.
//!
//! One that holds makes a value certain: no example is drawn with it by chance, so no test for
//! placeholders is asked. One that does not hold says nothing: a token that was mistyped, cut short
//! or drawn anew with the old prefix is judged like any other, by how it looks and where it stands.
//! So a checksum can only add findings, never let one go.

use sha2::Digest;
use sha2::Sha256;

/// The digits of base62 and base36, as GitHub, npm and GitLab count.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digits of base58, as Bitcoin counts.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The digits of Bech32.
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// No checksum: nothing is certain.
pub(super) fn none(_: &[u8]) -> bool {
    false
}

/// GitHub and npm: behind the last `_` characters drawn at random, then their CRC-32 in six digits
/// of base62. What it covers in fine-grained tokens is not documented: either both of their parts
/// or the last one.
pub(super) fn holds_base62(token: &[u8]) -> bool {
    let Some((text, sum)) = token.split_last_chunk::<6>() else { return false };
    let covers = |at: usize| number(sum, 62) == Some(u64::from(crc32(&text[at..])));
    let mut joints = memchr::memrchr_iter(b'_', text).map(|joint| joint + 1);
    joints.by_ref().take(2).any(covers)
}

/// GitLab's routable tokens: the CRC-32 of all before it, in seven digits of base36.
pub(super) fn holds_base36(token: &[u8]) -> bool {
    let Some((text, sum)) = token.split_last_chunk::<7>() else { return false };
    let is_routable = text.contains(&b'.') && !sum.iter().any(u8::is_ascii_uppercase);
    is_routable && number(&sum.to_ascii_uppercase(), 36) == Some(u64::from(crc32(text)))
}

/// Grafana's service accounts: behind the last `_` the CRC-32 of all before, lowest byte first, in
/// hexadecimal.
pub(super) fn holds_hexadecimal(token: &[u8]) -> bool {
    let Some((text, sum)) = token.split_last_chunk::<8>() else { return false };
    let Some(text) = text.strip_suffix(b"_") else { return false };
    let expected = u32::from_be_bytes(crc32(text).to_le_bytes());
    number(&sum.to_ascii_uppercase(), 16) == Some(u64::from(expected))
}

/// Keys in Bech32: the checksum of BIP 173.
pub(super) fn holds_bech32(key: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    let Some(joint) = memchr::memrchr(b'1', &key) else { return false };
    let digit = |byte: &u8| BECH32.iter().position(|digit| digit == byte);
    let Some(digits) = key[joint + 1..].iter().map(digit).collect::<Option<Vec<usize>>>() else {
        return false;
    };
    let name = &key[..joint];
    let high = name.iter().map(|byte| u32::from(byte >> 5));
    let low = name.iter().map(|byte| u32::from(byte & 31));
    let digits = digits.into_iter().map(|digit| u32::try_from(digit).unwrap_or_default());
    high.chain([0]).chain(low).chain(digits).fold(1, bech32_step) == 1
}

/// One step of the checksum of BIP 173.
fn bech32_step(sum: u32, digit: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let moved = (sum & 0x01ff_ffff) << 5 ^ digit;
    let is_set = |bit: &usize| sum >> (25 + bit) & 1 == 1;
    (0..5).filter(is_set).fold(moved, |sum, bit| sum ^ GENERATOR[bit])
}

/// Keys in `Base58Check`: four bytes of a double SHA-256 at the end.
pub(super) fn holds_base58(key: &[u8]) -> bool {
    let Some(bytes) = base58(key) else { return false };
    let Some((payload, sum)) = bytes.split_last_chunk::<4>() else { return false };
    Sha256::digest(Sha256::digest(payload)).starts_with(sum)
}

/// The bytes that a number in base58 stands for.
fn base58(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::new();
    for byte in text {
        let digit = BASE58.iter().position(|digit| digit == byte)?;
        let mut carry = u32::try_from(digit).ok()?;
        for place in bytes.iter_mut().rev() {
            carry += u32::from(*place) * 58;
            *place = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            bytes.insert(0, carry.to_le_bytes()[0]);
        }
    }
    let zeros = text.iter().take_while(|byte| **byte == b'1').count();
    Some([vec![0; zeros], bytes].concat())
}

/// The number that the digits stand for.
fn number(digits: &[u8], base: u64) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        let digit = u64::try_from(digit).ok().filter(|digit| *digit < base)?;
        number.checked_mul(base)?.checked_add(digit)
    })
}

/// CRC-32 as in zip and PNG.
fn crc32(text: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !text.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Holds = fn(&[u8]) -> bool;

    /// Published examples, in parts, so that no scanner takes them for a leak: a revoked token of
    /// GitHub, npm's, Grafana's own test, NIP-19's, an identity of age, BIP 32's first.
    const EXAMPLES: [(Holds, &str, &str); 6] = [
        (holds_base62, "ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"),
        (holds_base62, "npm", "_qkJaB6MffYVzZXWqmcoF49yrUxP3wf0LsakP"),
        (holds_hexadecimal, "gls", "a_yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58a"),
        (holds_bech32, "nsec", "1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"),
        (
            holds_bech32,
            "AGE-SECRET",
            "-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
        ),
        (
            holds_base58,
            "xprv",
            "9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
        ),
    ];

    #[test]
    fn the_checksums_of_published_examples_hold_and_no_other_ones() {
        for (holds, head, tail) in EXAMPLES {
            let token = [head, tail].concat().into_bytes();
            assert!(holds(&token), "{head}");
            for at in [token.len() - 1, token.len() - 12] {
                let mut wrong = token.clone();
                wrong[at] = if wrong[at] == b'a' { b'c' } else { b'a' };
                assert!(!holds(&wrong), "{head} with another character at {at}");
            }
            assert!(!holds(&token[..token.len() - 1]) && !holds(b"") && !holds(b"_"), "{head}");
        }
    }

    #[test]
    fn a_routable_token_ends_with_the_sum_of_what_stands_before() {
        // Made as GitLab's documentation says: payload, its length, sum.
        let text = "glpat-bzoxCnU6MVhYWFhYWFhYWFhYWFhYWFgQ.01";
        let mut sum = u64::from(crc32(text.as_bytes()));
        let mut digits = [b'0'; 7];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[usize::try_from(sum % 36).expect("small")].to_ascii_lowercase();
            sum /= 36;
        }
        let token = [text.as_bytes(), &digits].concat();
        assert!(holds_base36(&token));
        assert!(!holds_base36(&token[1..]));
    }
}
