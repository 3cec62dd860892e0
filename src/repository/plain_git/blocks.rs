//! Lines of ours in a file that is somebody else's: put in and taken out again, byte for byte.

use std::collections::HashSet;

const BEGIN: &str = "# annals: what follows is put here by `annals hooks install git`";
/// Stands behind [`BEGIN`] where the file did not end in a line end, which then is ours too.
const JOINED: &str = " (after a line without end)";
const END: &str = "# annals: up to here";

/// The file with the lines in it, at its end unless they are there.
pub(super) fn with_block(text: &[u8], lines: &str) -> Vec<u8> {
    let is_open = |text: &[u8]| !text.is_empty() && !text.ends_with(b"\n");
    for joined in ["", JOINED] {
        let block = format!("{BEGIN}{joined}\n{lines}{END}\n");
        if memchr::memmem::find(text, block.as_bytes()).is_some() {
            return text.to_vec();
        }
    }
    let mut text = without_block(text, lines);
    let (start, joined) = if is_open(&text) { ("\n", JOINED) } else { ("", "") };
    text.extend_from_slice(format!("{start}{BEGIN}{joined}\n{lines}{END}\n").as_bytes());
    text
}

/// The file without them. What somebody else wrote among them stays, under its heading.
pub(super) fn without_block(text: &[u8], lines: &str) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut all = text.split_inclusive(|byte| *byte == b'\n');
    while let Some(line) = all.next() {
        let Some(rest) = line.strip_prefix(BEGIN.as_bytes()) else {
            kept.extend_from_slice(line);
            continue;
        };
        let is_joined = rest.starts_with(JOINED.as_bytes());
        let is_inner = |line: &&[u8]| line.trim_ascii_end() != END.as_bytes();
        let theirs = theirs_among(all.by_ref().take_while(is_inner), lines);
        if is_joined && theirs.is_empty() && all.clone().next().is_none() {
            kept.pop_if(|byte| *byte == b'\n');
        }
        kept.extend_from_slice(&theirs);
    }
    kept
}

/// What is not ours among these lines, and the headings that it stands under.
fn theirs_among<'l>(among: impl Iterator<Item = &'l [u8]>, lines: &str) -> Vec<u8> {
    let own: HashSet<&[u8]> = lines.split_inclusive('\n').map(str::as_bytes).collect();
    let among: Vec<&[u8]> = among.collect();
    if among.iter().all(|line| own.contains(line)) {
        return Vec::new();
    }
    among
        .into_iter()
        .filter(|line| !own.contains(line) || line.starts_with(b"["))
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINES: &str = "[include]\n\tpath = ours\n";

    proptest! {
        #[test]
        fn what_is_put_in_is_taken_out_byte_for_byte(text in "[a-z\\[\\]=\n\t #]{0,60}") {
            let text = text.into_bytes();
            let with = with_block(&text, LINES);
            prop_assert_eq!(&with_block(&with, LINES), &with, "a second time changes nothing");
            prop_assert_eq!(without_block(&with, LINES), text);
        }

        #[test]
        fn what_follows_it_stays(text in "[a-z\n]{0,30}", more in "[a-z\n]{1,30}") {
            let mut with = with_block(text.as_bytes(), LINES);
            with.extend_from_slice(more.as_bytes());
            let left = without_block(&with, LINES);
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            prop_assert_eq!(left, format!("{text}{end}{more}").into_bytes());
        }
    }

    #[test]
    fn what_somebody_wrote_among_the_lines_stays_under_its_heading() {
        let with = String::from_utf8(with_block(b"[a]\n", LINES)).expect("text");
        let with = with.replace("path = ours\n", "path = ours\n\tpath = theirs\n");
        let left = without_block(with.as_bytes(), LINES);
        assert_eq!(left, b"[a]\n[include]\n\tpath = theirs\n");
    }
}
