//! Makes the text of sessions safe to look at: what could steer a terminal, or turn the direction
//! of writing, is shown as a visible sign.
//!
//! Everything that a person sees of a session passes [`plain()`] or [`line()`]. Line feed and tab stay
//! as they are; joiners that emoji and scripts need stay too. `--json` does not pass here: its
//! escapes do the same work.

use std::borrow::Cow;

/// The text with line feeds and tabs as they are and every other control character made visible.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            // Windows' line ends are line ends.
            '\r' if rest.peek() == Some(&'\n') => {}
            character if is_unsafe(character) => push_sign(character, &mut shown),
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// The text on one line: as [`plain`], with white space drawn together.
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    plain(&words.join(" ")).into_owned()
}

fn is_unsafe(character: char) -> bool {
    let is_kept = matches!(character, '\n' | '\t');
    let is_control = character.is_control();
    // Marks, embeddings, overrides and isolates of the writing direction.
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Separators that some programs take for line ends, and text that no font shows.
    let hides = matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'
        | '\u{2060}'..='\u{2064}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    (is_control && !is_kept) || turns || hides
}

fn push_sign(character: char, shown: &mut String) {
    match u32::from(character) {
        code @ 0..=0x1f => shown.extend(char::from_u32(0x2400 + code)),
        0x7f => shown.push('␡'),
        _ => shown.extend(character.escape_unicode()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_touched() {
        for text in ["", "a\n\tb", "naïve 日本語 👩‍💻", "עברית العربية", "é\u{301}"]
        {
            assert!(matches!(plain(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(plain("\u{1b}]0;title\u{7}"), "␛]0;title␇");
        assert_eq!(plain("\u{1b}[2J\u{9b}31m"), "␛[2J\\u{9b}31m");
        assert_eq!(plain("a\rb\0c\u{8}\u{7f}"), "a␍b␀c␈␡");
        assert_eq!(plain("one\r\ntwo\r\n"), "one\ntwo\n");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown() {
        assert_eq!(plain("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(plain("\u{2066}x\u{2069}"), "\\u{2066}x\\u{2069}");
        assert_eq!(plain("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        assert_eq!(plain("\u{e0041}"), "\\u{e0041}");
        assert_eq!(plain("a\u{2028}b"), "a\\u{2028}b");
    }

    #[test]
    fn nothing_unsafe_is_left_of_any_character() {
        for character in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let text = character.to_string();
            assert!(!plain(&text).chars().any(is_unsafe), "{character:?}");
        }
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("  fix\n\tthe \u{1b}[1m bug \r\n"), "fix the ␛[1m bug");
    }
}
