//! What rules never touch: ids, times and links in their exact format, signatures.
//!
//! Everything here is decided by field and format together, or by a format that nothing secret
//! can have.

/// The shortest signature; anything shorter is looked at.
const MIN_SIGNATURE: usize = 80;

/// The longest id.
const MAX_LINK: usize = 96;

/// Prefixes of ids that agents and their services give.
const ID_PREFIXES: [&[u8]; 14] = [
    b"toolu_",
    b"msg_",
    b"req_",
    b"call_",
    b"resp_",
    b"rs_",
    b"fc_",
    b"srvtoolu_",
    b"chatcmpl-",
    b"gen-",
    b"ctc_",
    b"ws_",
    b"run_",
    b"item_",
];

/// Whether the text that stands in `field` is one of those.
pub(super) fn is_exempt(field: &str, text: &[u8]) -> bool {
    (text.len() <= MAX_LINK
        && (is_uuid(text) || is_time(text) || is_id(text))
        && is_link_field(field))
        || (is_signature_field(field) && text.len() >= MIN_SIGNATURE && is_base64(text))
}

fn is_link_field(field: &str) -> bool {
    const ENDS: [&str; 9] =
        ["id", "Id", "ID", "uuid", "Uuid", "timestamp", "parent", "answer", "at"];
    ENDS.iter().any(|end| field.ends_with(end))
}

fn is_signature_field(field: &str) -> bool {
    matches!(field, "signature" | "thoughtSignature" | "thought_signature" | "encrypted_content")
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// RFC 3339, as far as the shape goes.
fn is_time(text: &[u8]) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd";
    (20..=35).contains(&text.len())
        && text.iter().zip(shape).all(|(byte, sign)| match sign {
            b'd' => byte.is_ascii_digit(),
            _ => byte == sign,
        })
        && text[shape.len()..].iter().all(|byte| byte.is_ascii_digit() || b".:+-Z".contains(byte))
}

fn is_id(text: &[u8]) -> bool {
    let rest = ID_PREFIXES.iter().find_map(|prefix| text.strip_prefix(*prefix));
    rest.is_some_and(|rest| {
        (8..=80).contains(&rest.len())
            && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
    })
}

fn is_base64(text: &[u8]) -> bool {
    let plain = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    plain
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_format_in_the_right_field_is_exempt() {
        assert!(is_exempt("parentUuid", b"5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8"));
        assert!(is_exempt("tool_use_id", b"toolu_010jvIfcWGPykw3YToNMW9Nk"));
        assert!(is_exempt("timestamp", b"2026-01-02T10:11:12.345Z"));
        assert!(!is_exempt("api_key", b"5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8"));
        assert!(!is_exempt("id", b"5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8 and more"));
        assert!(!is_exempt("signature", b"short"));
    }
}
