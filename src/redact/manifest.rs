//! Secret manifests of Kubernetes, in YAML and JSON: each value of `data` and `stringData` goes.
//!
//! Only what stands in the same document, at most [`REACH`] bytes before or behind its kind, is
//! looked at, line by line, without a parser: manifests in transcripts are often cut off, indented
//! or numbered.

use std::ops::Range;

use memchr::memmem;

use crate::redact::checks::is_code;

/// How far from the word for its kind a document is read.
const REACH: usize = 16 * 1024;

/// The shortest value that goes.
const MIN_VALUE: usize = 4;

/// Finds the values of the manifest whose kind stands at `hit`.
pub(super) fn find_secrets(text: &[u8], hit: &Range<usize>) -> (Vec<Range<usize>>, usize) {
    let window = document_around(text, hit);
    // `kind: SecretStore` and `kind: SecretClass` hold none.
    let is_kind = text.get(hit.end).is_none_or(|next| !next.is_ascii_alphanumeric());
    if !is_kind {
        return (Vec::new(), hit.end);
    }
    let is_json = text[hit.clone()].contains(&b'"') && text[hit.start..].starts_with(b"kind\"");
    let found = if is_json { in_json(text, &window) } else { in_lines(text, &window) };
    (found, window.end.max(hit.end))
}

fn document_around(text: &[u8], hit: &Range<usize>) -> Range<usize> {
    let first = hit.start.saturating_sub(REACH);
    let start = memmem::rfind(&text[first..hit.start], b"\n---").map_or(first, |at| first + at);
    let last = text.len().min(hit.end + REACH);
    let end = memmem::find(&text[hit.end..last], b"\n---").map_or(last, |at| hit.end + at);
    start..end
}

/// `"data": {"name": "value", …}`: all strings up to the closing brace.
fn in_json(text: &[u8], window: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for name in [&b"\"data\""[..], b"\"stringData\""] {
        let mut at = window.start;
        while let Some(next) = memmem::find(&text[at..window.end], name) {
            at += next + name.len();
            let gap = text[at..window.end].iter().take_while(|byte| b": \r\n\t".contains(byte));
            let open = at + gap.count();
            if text[open..window.end].first() == Some(&b'{') {
                at = strings_in_braces(text, open + 1..window.end, &mut found);
            }
        }
    }
    found
}

/// Finds the strings that are values, and says where the braces end.
fn strings_in_braces(text: &[u8], range: Range<usize>, found: &mut Vec<Range<usize>>) -> usize {
    let mut at = range.start;
    let mut is_value = false;
    while let Some(length) = memchr::memchr3(b'"', b'}', b':', &text[at..range.end]) {
        at += length + 1;
        match text[at - 1] {
            b'}' => return at,
            b':' => is_value = true,
            _ => {
                let length = memchr::memchr(b'"', &text[at..range.end]);
                let end = length.map_or(range.end, |length| at + length);
                if is_value && is_value_of_secret(&text[at..end]) {
                    found.push(at..end);
                }
                (is_value, at) = (false, (end + 1).min(range.end));
            }
        }
    }
    range.end
}

/// The values of the lines that are indented deeper than `data:`.
fn in_lines(text: &[u8], window: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut depth: Option<usize> = None;
    let mut at = window.start;
    for line in text[window.clone()].split(|byte| *byte == b'\n') {
        let indent = indent_of(line);
        let body = line[indent..].trim_ascii_end();
        match depth {
            _ if body == b"data:" || body == b"stringData:" => depth = Some(indent),
            Some(outer) if indent > outer => {
                let value = value_of_line(body);
                let start = at + indent + value.start;
                let range = start..start + value.len();
                found.extend(Some(range).filter(|range| is_value_of_secret(&text[range.clone()])));
            }
            Some(_) if body.is_empty() => {}
            _ => depth = None,
        }
        at += line.len() + 1;
    }
    found
}

/// How deep a line is indented: behind a line number or the mark of a difference.
fn indent_of(line: &[u8]) -> usize {
    let blanks = |from: usize| line[from..].iter().take_while(|byte| b" \t".contains(byte)).count();
    let first = blanks(0);
    let digits = line[first..].iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let gutter = match &line[first + digits..] {
        _ if digits == 0 && matches!(line.first(), Some(b'+' | b'-')) => 1,
        _ if digits == 0 => return first,
        [0xe2, 0x86, 0x92, ..] => first + digits + 3,
        [b'\t' | b':' | b'|', ..] => first + digits + 1,
        _ => return first,
    };
    gutter + blanks(gutter)
}

/// The value in `name: value`; the whole line if it is one of a block.
fn value_of_line(body: &[u8]) -> Range<usize> {
    let colon = memmem::find(body, b": ").map_or(0, |colon| colon + 2);
    let is_block =
        body.ends_with(b":") || body[colon..].starts_with(b"|") || body[colon..].starts_with(b">");
    if is_block || body.starts_with(b"#") {
        return 0..0;
    }
    let skipped = body[colon..].iter().take_while(|byte| b" \"'".contains(byte)).count();
    let start = colon + skipped;
    let end = body.iter().rposition(|byte| !b"\"'".contains(byte)).map_or(start, |last| last + 1);
    start..end.max(start)
}

fn is_value_of_secret(value: &[u8]) -> bool {
    value.len() >= MIN_VALUE
        && !is_code(value)
        && !value.starts_with(b"ENC[")
        && value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let lower = text.to_ascii_lowercase();
        let at = lower.find("kind").expect("it has a kind");
        let end = at + lower[at..].find("secret").expect("it is a secret") + 6;
        let ranges = find_secrets(text.as_bytes(), &(at..end)).0;
        ranges.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn the_values_of_a_manifest_are_found() {
        let yaml = "apiVersion: v1\ndata:\n  password: \"aHVudGVyMg==\"\n  ca: |\n    bGluZTE=\nkind: Secret\nmetadata:\n  name: database\ntype: Opaque\n";
        assert_eq!(found(yaml), ["aHVudGVyMg==", "bGluZTE="]);
        let plain =
            "    1\tkind: Secret\n    2\tstringData:\n    3\t  token: very-secret\n    4\tx: y\n";
        assert_eq!(found(plain), ["very-secret"]);
        let json = r#"{"apiVersion":"v1","data":{"a":"QUJDRA==","b": "RUZHSA=="},"kind":"Secret","metadata":{"name":"x"}}"#;
        assert_eq!(found(json), ["QUJDRA==", "RUZHSA=="]);
    }

    #[test]
    fn other_documents_and_references_are_left_alone() {
        for text in [
            "kind: SecretStore\ndata:\n  a: aHVudGVyMg==\n",
            "kind: Secret\ndata:\n  a: {{ .Values.password }}\n",
            "data:\n  a: aHVudGVyMg==\n---\nkind: Secret\nmetadata:\n  name: database\n",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
