//! Secrets that a pattern describes badly: key blocks over many lines, and passwords in URLs.

use std::ops::Range;

use memchr::memmem;

use crate::redact::checks::is_code;
use crate::redact::checks::is_placeholder;
use crate::redact::checks::is_random;

/// The longest part of a URL before its `@`.
const MAX_USERINFO: usize = 512;

/// The longest row of words of a wallet, with what may stand before it.
const MAX_MNEMONIC: usize = 300;

/// The shortest line that can only be key material.
const FULL_LINE: usize = 40;

/// Finds the private key whose first line has the word at `hit`: from BEGIN to END or, when it is
/// cut off, all lines of key material. Line numbers, indents, diff marks, quotes and escaped
/// newlines may stand between.
pub(super) fn find_key_block(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let begin = b"-----BEGIN ";
    let before = &text[hit.start.saturating_sub(48)..hit.start];
    let Some(back) = memmem::rfind(before, begin).map(|at| before.len() - at) else {
        return (None, hit.end);
    };
    let rest = &text[hit.end..];
    let head = rest.strip_prefix(b" BLOCK").unwrap_or(rest);
    let Some(body) = head.strip_prefix(b"-----") else {
        return (None, hit.end);
    };
    let body = text.len() - body.len();
    match end_of_key(text, body) {
        Some(end) => (Some(hit.start - back..end), end),
        None => (None, hit.end),
    }
}

/// Where the key material that begins at `from` ends, if there is any.
fn end_of_key(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut end, mut lines) = (from, None, 0);
    loop {
        at = skip_between(text, at);
        let rest = &text[at..];
        if rest.starts_with(b"-----END ") {
            let tail = &rest[9..rest.len().min(72)];
            let close = memmem::find(tail, b"-----");
            return end.map(|_| at + 9 + close.map_or(0, |close| close + 5));
        }
        let length = material_length(rest);
        if lines < 6 && is_header(rest) {
            at += header_length(rest);
        } else if length >= FULL_LINE
            || (length > 0 && (end.is_some() || length >= 16) && ends_line(rest, length))
        {
            at += length;
            end = Some(at);
            if length < FULL_LINE && !is_followed_by_more(text, at) {
                return end;
            }
        } else {
            return end;
        }
        lines += 1;
    }
}

/// After a short line only the checksum or the END line can follow.
fn is_followed_by_more(text: &[u8], at: usize) -> bool {
    let next = &text[skip_between(text, at)..];
    next.starts_with(b"-----END ") || next.starts_with(b"=") || material_length(next) >= FULL_LINE
}

fn material_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &text[at..] {
            [b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=', ..] => at += 1,
            [b'\\', b'/', ..] => at += 2,
            _ => return at,
        }
    }
}

fn ends_line(text: &[u8], length: usize) -> bool {
    text.get(length).is_none_or(|byte| {
        matches!(byte, b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'`' | 0x1b | b'-' | b'<')
    })
}

fn is_header(text: &[u8]) -> bool {
    [&b"Proc-Type:"[..], b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"Charset:"]
        .iter()
        .any(|name| text.starts_with(name))
}

fn header_length(text: &[u8]) -> usize {
    memchr::memchr2(b'\n', b'\\', text).unwrap_or(text.len())
}

/// Skips what may stand between two lines of a key.
fn skip_between(text: &[u8], from: usize) -> usize {
    let (mut at, mut is_new_line) = (from, true);
    loop {
        let length = match &text[at..] {
            [b'\n' | b'\r', ..] => {
                is_new_line = true;
                1
            }
            [
                b' ' | b'\t' | b'"' | b'\'' | b'`' | b'>' | b'|' | b'*' | b'#' | b',' | b';' | b'.',
                ..,
            ] if !text[at..].starts_with(b"..") => 1,
            [b'\\', ..] => escaped_newline(&text[at..]),
            rest if is_new_line => gutter(rest),
            _ => 0,
        };
        if length == 0 {
            return at;
        }
        at += length;
    }
}

/// The length of an escaped newline or tab, or of a backslash at the end of a line.
fn escaped_newline(text: &[u8]) -> usize {
    let slashes = text.iter().take(16).take_while(|byte| **byte == b'\\').count();
    match text.get(slashes) {
        Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\n') => slashes + 1,
        _ => 0,
    }
}

/// The length of a line number, a diff mark or a comment's mark, which may stand alone on the line.
fn gutter(text: &[u8]) -> usize {
    match text {
        [b'-', rest @ ..] if !rest.starts_with(b"-") || rest.starts_with(b"-----END ") => return 1,
        // Before key material it is a part of that.
        [b'+', rest @ ..] if is_blank(rest) || is_header(rest) => return 1,
        [b'/', b'/', rest @ ..] if is_blank(rest) => return 2,
        _ => {}
    }
    let digits = text.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    match &text[digits..] {
        _ if digits == 0 => 0,
        [0xe2, 0x86, 0x92, ..] => digits + 3,
        [b'\t' | b':' | b'|' | b'-' | b' ', ..] => digits + 1,
        [b'\\', b't', ..] => digits + 2,
        rest if is_blank(rest) => digits,
        _ => 0,
    }
}

/// Whether a blank or the end of the line stands here.
fn is_blank(text: &[u8]) -> bool {
    text.first().is_none_or(u8::is_ascii_whitespace) || escaped_newline(text) > 0
}

/// Finds the Entra client secret whose fourth to sixth characters stand at `hit`.
pub(super) fn find_entra_secret(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"~._-".contains(byte);
    let before = text[..hit.start].iter().rev().take(4).take_while(is_part).count();
    let tail = &text[hit.end..text.len().min(hit.end + 40)];
    let after = tail.iter().take_while(is_part).count();
    let after = after - usize::from(tail[..after].ends_with(b"."));
    let is_found = before == 3 && (31..=34).contains(&after);
    (is_found.then(|| hit.start - 3..hit.end + after), hit.end)
}

/// Finds the words of a wallet behind the word at `hit`: BIP 39, at least twelve of three to eight
/// letters, few of them twice.
pub(super) fn find_mnemonic(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let window = &text[hit.end..text.len().min(hit.end + MAX_MNEMONIC)];
    let mut at = 0;
    while at < window.len().min(48) {
        let length = window[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if let Some(end) = end_of_mnemonic(&window[at..]).filter(|_| length > 0) {
            return (Some(hit.end + at..hit.end + at + end), hit.end + at + end);
        }
        at += length.max(1);
    }
    (None, hit.end)
}

/// Where the words of a wallet end that a text begins with.
fn end_of_mnemonic(text: &[u8]) -> Option<usize> {
    // Frequent words of prose that the list of BIP 39 does not have.
    const OTHERS: [&[u8]; 15] = [
        b"the", b"and", b"for", b"are", b"with", b"from", b"not", b"but", b"was", b"has", b"its",
        b"which", b"than", b"our", b"how",
    ];
    let (mut end, mut words) = (0, Vec::new());
    for word in text.split(|byte| *byte == b' ').take(24) {
        let length = word.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let is_word = (3..=8).contains(&length) && !OTHERS.contains(&&word[..length]);
        if !is_word {
            break;
        }
        end += length + usize::from(!words.is_empty());
        words.push(&word[..length]);
        if length < word.len() {
            break;
        }
    }
    let count = words.len();
    words.sort_unstable();
    words.dedup();
    (count >= 12 && words.len() >= 8).then_some(end)
}

/// Finds the tokens of Discord's bots: a number in base64, 6 characters, 27 or more.
pub(super) fn find_discord_tokens(text: &[u8]) -> Vec<Range<usize>> {
    let token_at = |dot: usize| {
        // Nearly all dots end here.
        if text.get(dot + 7) != Some(&b'.') {
            return None;
        }
        let before =
            text[..dot].iter().rev().take(40).take_while(|byte| is_url_base64(**byte)).count();
        let after =
            text[dot + 8..].iter().take(64).take_while(|byte| is_url_base64(**byte)).count();
        let is_token = (23..=28).contains(&before)
            && (27..=45).contains(&after)
            && text[dot + 1..dot + 7].iter().all(|byte| is_url_base64(*byte))
            && b"MNO".contains(&text[dot - before]);
        is_token.then(|| dot - before..dot + 8 + after)
    };
    memchr::memchr_iter(b'.', text).filter_map(token_at).collect()
}

/// Finds Airtable's personal access tokens: `pat`, 14 characters, a dot, 64 hexadecimal digits.
pub(super) fn find_airtable_tokens(text: &[u8]) -> Vec<Range<usize>> {
    let token_at = |dot: usize| {
        let start = dot.checked_sub(17).filter(|start| text[*start..].starts_with(b"pat"))?;
        let is_whole = start == 0 || !text[start - 1].is_ascii_alphanumeric();
        let is_id = text[start..dot].iter().all(u8::is_ascii_alphanumeric);
        let digits = text[dot + 1..].iter().take(70).take_while(|byte| byte.is_ascii_hexdigit());
        let length = digits.count();
        (is_whole && is_id && (60..=66).contains(&length)).then(|| start..dot + 1 + length)
    };
    memchr::memchr_iter(b'.', text).filter_map(token_at).collect()
}

fn is_url_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Finds the licence key of Maxmind that ends at `hit`: 6 characters, a joint, 29 characters.
pub(super) fn find_maxmind_key(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let before = text[..hit.start].iter().rev().take(40).take_while(is_part).count();
    let is_found = before == 36 && text[hit.start - 30] == b'_';
    (is_found.then(|| hit.start - before..hit.end), hit.end)
}

/// Finds the Azure key that has the mark of its service at `hit`: 32 to 64 bytes in base64 with a
/// checksum behind the mark, or the same in letters and digits.
pub(super) fn find_azure_key(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let before = text[..hit.start].iter().rev().take(90).take_while(is_part).count();
    let after = text[hit.end..].iter().take(40).take_while(is_part).count();
    let padding = text[hit.end + after..].iter().take(2).take_while(|byte| **byte == b'=').count();
    let length = before + hit.len() + after + padding;
    let is_found = matches!(length, 44 | 52 | 56 | 84 | 88) && (4..=28).contains(&after);
    (is_found.then(|| hit.start - before..hit.end + after + padding), hit.end)
}

/// Finds the password in the URL whose `://` is at `hit`.
pub(super) fn find_url_password(text: &[u8], hit: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let start = hit.end;
    let window = &text[start..text.len().min(start + MAX_USERINFO)];
    let is_end =
        |byte: &u8| byte.is_ascii_whitespace() || *byte < 0x20 || b"/\"'<>`\\?#,".contains(byte);
    let end = window.iter().position(is_end).unwrap_or(window.len());
    let Some(userinfo) = memchr::memrchr(b'@', &window[..end]).map(|at| &window[..at]) else {
        return (None, start);
    };
    let at = start + userinfo.len();
    let colon = memchr::memchr(b':', userinfo).unwrap_or(userinfo.len());
    let (user, password) = (&userinfo[..colon], userinfo.get(colon + 1..));
    let found = if password.is_some_and(|password| is_url_password(user, password)) {
        Some(start + colon + 1..at)
    } else {
        // `https://TOKEN@host`, `https://TOKEN:x-oauth-basic@host`
        is_random(user).then_some(start..start + colon)
    };
    (found, start)
}

fn is_url_password(user: &[u8], password: &[u8]) -> bool {
    let odd = password.iter().any(|byte| b"[](){}|^*".contains(byte));
    password.len() >= 3
        && password != user
        && !odd
        && !password.ends_with(b"...")
        && !is_code(password)
        && !is_placeholder(password)
        && !password.iter().all(u8::is_ascii_digit)
}
