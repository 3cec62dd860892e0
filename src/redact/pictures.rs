//! Pictures and documents in base64: what is drawn on them is not seen, what is written in their
//! bytes is.
//!
//! A comment or a description in such a file may hold a secret in clear. It is written over, byte
//! by byte, so that the file can still be opened: by a mark and asterisks, or asterisks alone where
//! a mark is too long.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::redact::Rules;
use crate::redact::scan::Finding;
use crate::redact::scan::Search;
use crate::session::REDACTION_MARK;

/// How they begin in base64: PNG, JPEG, GIF, WebP, PDF.
const HEADS: [&[u8]; 5] = [b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR", b"JVBERi0"];

/// The shortest picture, in characters of base64.
const MIN_PICTURE: usize = 64;

/// The bytes of a picture or document, if the text is one in base64.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let is_picture = text.len() >= MIN_PICTURE && HEADS.iter().any(|head| text.starts_with(head));
    if !is_picture {
        return None;
    }
    STANDARD_NO_PAD.decode(&text[..text.len() - padding(text)]).ok()
}

/// The picture in base64 with all that `search` finds in its bytes written over; each finding is
/// told to `see`. None: there was nothing.
pub(super) fn written_over(
    text: &[u8],
    mut picture: Vec<u8>,
    rules: &Rules,
    search: &Search<'_>,
    see: &mut dyn FnMut(&Finding),
) -> Option<Vec<u8>> {
    let findings = search.find_in_bytes(&picture);
    if findings.is_empty() {
        return None;
    }
    for finding in &findings {
        see(finding);
        let place = &mut picture[finding.range.clone()];
        place.fill(b'*');
        let mark = [REDACTION_MARK, rules.name(finding.rule), "]"].concat();
        if let Some(head) = place.get_mut(..mark.len()) {
            head.copy_from_slice(mark.as_bytes());
        }
    }
    let mut encoded = STANDARD_NO_PAD.encode(&picture).into_bytes();
    encoded.resize(encoded.len() + padding(text), b'=');
    Some(encoded)
}

fn padding(text: &[u8]) -> usize {
    text.iter().rev().take(2).take_while(|byte| **byte == b'=').count()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::redact::Redactor;

    /// A picture with a comment of 41 bytes.
    fn picture(comment: &str) -> String {
        let head =
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
        STANDARD.encode(
            [&head[..], b"\0\0\0\x29tEXtComment\0", comment.as_bytes(), b"\xff\xfe"].concat(),
        )
    }

    #[test]
    fn a_secret_in_the_bytes_of_a_picture_is_written_over() {
        let rules = Rules::builtin().expect("the rules load");
        let token = ["gh", "p_", "Zb4kQ9xW2mT7vL1n", "R8sD3fG6hJ5pK0aYcEuI"].concat();
        for comment in [token.clone(), format!("x {token} \\y")] {
            let mut redactor = Redactor::new(&rules);
            let clean = redactor.text("data", picture(&comment)).into_inner();
            let expected = comment.replace(&token, &format!("{:*<40}", "[redacted:github-token]"));
            assert_eq!(clean, picture(&expected));
            assert_eq!((redactor.counts()["github-token"], redactor.known()), (1, 1));
            assert_eq!(*redactor.text("data", clean.clone()), clean, "twice changes nothing");
        }
    }

    #[test]
    fn a_known_value_is_written_over_too_and_all_else_stays() {
        let rules = Rules::builtin().expect("the rules load");
        let mut redactor = Redactor::new(&rules);
        let plain = picture("by Kx9mmQ2zz7, in the spring of that year");
        assert_eq!(*redactor.text("data", plain.clone()), plain);
        redactor.learn("password", "Kx9mmQ2zz7");
        let clean = redactor.text("data", plain).into_inner();
        assert_eq!(clean, picture("by **********, in the spring of that year"));
    }

    #[test]
    fn what_only_begins_like_a_picture_is_a_text() {
        let rules = Rules::builtin().expect("the rules load");
        let token = ["gh", "p_", "Zb4kQ9xW2mT7vL1n", "R8sD3fG6hJ5pK0aYcEuI"].concat();
        let text = format!("iVBORw0KGgo{} {token}", "A".repeat(99));
        assert!(!Redactor::new(&rules).text("data", text).contains(&token));
        let joined = format!("{}-{token}", picture("").trim_end_matches('='));
        assert!(!Redactor::new(&rules).text("data", joined).contains(&token));
    }
}
