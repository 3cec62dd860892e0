//! What a text is made of for search: words, folded, and characters of scripts without words.
//!
//! A word is a run of letters, digits and their marks; `_` is no part of one. It is folded: case,
//! accents and the compatibility forms of Unicode do not count, characters that are never seen
//! (soft hyphens, joiners) are left out. In scripts that write no blanks between words each
//! character begins a token that holds the one behind it too, so that any piece of such a text is
//! found; a pictograph is a token of its own.
//!
//! The index gets these tokens, not the text: so what it finds is what is said here, to the letter.

use std::borrow::Cow;
use std::ops::Range;

use sha2::Digest;
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer words (in folded bytes) are known by their beginning and a hash of the rest.
pub(super) const LONGEST: usize = 80;

/// Stands between two texts, so that no phrase spans them. No text has such a token.
pub(super) const BORDER: char = '\u{e000}';

/// What kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word.
    Word,
    /// A character of a script without blanks, with its marks.
    Dense,
    /// A pictograph.
    Symbol,
}

/// A token of a text, before it is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its bytes in the text.
    pub(super) range: Range<usize>,
}

/// The tokens of a text, in order.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, place: 0 }
}

pub(super) struct Tokens<'t> {
    text: &'t str,
    place: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.place)?;
            if byte.is_ascii_alphanumeric() {
                let start = self.place;
                return Some(self.token(Kind::Word, start));
            }
            if byte.is_ascii() {
                self.place += 1;
                continue;
            }
            let start = self.place;
            let character = self.text[start..].chars().next()?;
            self.place += character.len_utf8();
            match class(character) {
                Class::Word => return Some(self.token(Kind::Word, start)),
                Class::Dense => return Some(self.token(Kind::Dense, start)),
                Class::Symbol => return Some(self.token(Kind::Symbol, start)),
                Class::Joiner | Class::Gap => {}
            }
        }
    }
}

impl Tokens<'_> {
    /// The token that begins at `start`, up to the first character that is no part of it.
    fn token(&mut self, kind: Kind, start: usize) -> Token {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.place) {
            if byte.is_ascii() {
                if kind != Kind::Word || !byte.is_ascii_alphanumeric() {
                    break;
                }
                self.place += 1;
                continue;
            }
            let Some(character) = self.text[self.place..].chars().next() else { break };
            let goes_on = match class(character) {
                Class::Joiner => true,
                Class::Word => kind == Kind::Word,
                Class::Dense | Class::Symbol | Class::Gap => false,
            };
            if !goes_on {
                break;
            }
            self.place += character.len_utf8();
        }
        Token { kind, range: start..self.place }
    }
}

/// Writes the folded tokens of a text behind one another, a blank after each.
pub(super) fn push_folded(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        let start = out.len();
        push_token(&text[token.range.clone()], token.kind, out);
        if out.len() == start {
            continue;
        }
        if let Some(next) = tokens.peek()
            && is_pair(&token, next)
        {
            push_token(&text[next.range.clone()], next.kind, out);
        }
        out.push(' ');
    }
}

/// Whether two tokens stand together in the index.
pub(super) fn is_pair(first: &Token, second: &Token) -> bool {
    let are_dense = first.kind == Kind::Dense && second.kind == Kind::Dense;
    are_dense && first.range.end == second.range.start
}

/// The folded token; empty: nothing of it counts.
pub(super) fn folded(text: &str, kind: Kind) -> Cow<'_, str> {
    let is_folded = kind == Kind::Word
        && text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_folded {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    push_token(text, kind, &mut out);
    Cow::Owned(out)
}

fn push_token(text: &str, kind: Kind, out: &mut String) {
    let start = out.len();
    match kind {
        Kind::Word if text.is_ascii() => {
            out.push_str(text);
            out[start..].make_ascii_lowercase();
        }
        Kind::Word => push_word(text, out),
        Kind::Dense => out.extend(text.chars().filter(|it| !is_ignorable(*it)).nfkc()),
        Kind::Symbol => out.extend(text.chars().next()),
    }
    if kind == Kind::Word && out.len() - start > LONGEST {
        shorten(out, start);
    }
}

fn push_word(text: &str, out: &mut String) {
    let start = out.len();
    for character in text.nfkd() {
        if is_accent(character) || is_ignorable(character) {
            continue;
        }
        // Up and down again: ß is ss, and ς is σ.
        let lower = character.to_lowercase();
        let same = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        for kept in same.nfkd().filter(|it| !is_accent(*it)) {
            // What belongs to a letter that folds away goes with it: no word begins with a mark.
            let is_begun = out.len() > start;
            if (kept.is_alphanumeric() || is_combining_mark(kept)) && (is_begun || !is_joiner(kept))
            {
                out.push(kept);
            }
        }
    }
}

/// As much of a folded word as all words that begin with it have in the index.
pub(super) fn beginning(word: &str) -> &str {
    let mut end = word.len().min(LONGEST);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    &word[..end]
}

/// Cuts a long word, so that equal words stay equal and others do not become so.
fn shorten(out: &mut String, start: usize) {
    let end = start + beginning(&out[start..]).len();
    let rest = Sha256::digest(&out.as_bytes()[end..]);
    out.truncate(end);
    for byte in &rest[..8] {
        out.push(char::from(b'a' + (byte >> 4)));
        out.push(char::from(b'a' + (byte & 15)));
    }
}

/// What a character is to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Dense,
    Symbol,
    /// Belongs to what stands before it.
    Joiner,
    Gap,
}

fn class(character: char) -> Class {
    match character {
        character if character.is_ascii() => {
            if character.is_ascii_alphanumeric() {
                Class::Word
            } else {
                Class::Gap
            }
        }
        character if is_ignorable(character) || is_combining_mark(character) => Class::Joiner,
        // The vowels and ends of Korean syllables that are written letter by letter.
        '\u{1160}'..='\u{11ff}' | '\u{ff9e}' | '\u{ff9f}' => Class::Joiner,
        character if is_dense(character) => Class::Dense,
        character if is_symbol(character) => Class::Symbol,
        character if character.is_alphanumeric() => Class::Word,
        _ => Class::Gap,
    }
}

/// Whether a word goes on with the character.
pub(super) fn is_word_character(character: char) -> bool {
    class(character) == Class::Word
}

/// Whether the character belongs to the one before it.
pub(super) fn is_joiner(character: char) -> bool {
    class(character) == Class::Joiner
}

/// Whether a token begins with the character, as against blanks and punctuation.
pub(super) fn begins_token(character: char) -> bool {
    matches!(class(character), Class::Word | Class::Dense | Class::Symbol)
}

/// The marks that fold away: those of letters that exist without them too.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// What is never seen: soft hyphen, joiners, selectors of variants and direction.
fn is_ignorable(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
        | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Scripts that write no blanks between words, and Korean, whose words grow endings.
fn is_dense(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{115f}'
        | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303c}'
        | '\u{3041}'..='\u{31bf}' | '\u{3220}'..='\u{3229}' | '\u{3280}'..='\u{3289}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}'
        | '\u{ffa0}'..='\u{ffdc}' | '\u{1b000}'..='\u{1b2ff}' | '\u{20000}'..='\u{3ffff}')
        && (character.is_alphanumeric() || is_combining_mark(character))
}

/// Emoji, arrows, and signs of the like; no lines to draw boxes with.
fn is_symbol(character: char) -> bool {
    matches!(character, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{3297}'
        | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
        && !character.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds_to(text: &str) -> String {
        let mut out = String::new();
        push_folded(text, &mut out);
        out.trim_end().to_owned()
    }

    #[test]
    fn words_are_folded_and_the_rest_is_left_out() {
        let cases = [
            ("Fix_the-Login!", "fix the login"),
            ("NAÏVE nai\u{308}ve", "naive naive"),
            ("Straße STRASSE", "strasse strasse"),
            ("ﬁle x² ①", "file x2 1"),
            ("co\u{ad}op a\u{200d}b a\u{200b}b", "coop ab a b"),
            ("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ"),
            ("İstanbul K", "istanbul k"),
            ("हिन्दी", "हिन्दी"),
            ("── — … \u{301}", ""),
            ("\u{6e5}\u{a4b} \u{fe72}\u{1160}", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(folds_to(text), expected, "{text}");
        }
    }

    #[test]
    fn scripts_without_blanks_are_pairs_of_characters() {
        assert_eq!(folds_to("日本語"), "日本 本語 語");
        assert_eq!(folds_to("x日本 y"), "x 日本 本 y");
        assert_eq!(folds_to("か\u{3099}が ｶﾞ"), "がが が ガ");
        assert_eq!(folds_to("\u{1112}\u{1161}\u{11ab}국"), "한국 국");
        assert_eq!(folds_to("👍🏽 ❤\u{fe0f}→"), "👍 🏽 ❤ →");
    }

    #[test]
    fn long_words_stay_apart_and_short() {
        let [one, other] = ["b", "c"].map(|end| folds_to(&format!("{}{end}", "a".repeat(5000))));
        assert_ne!(one, other);
        assert_eq!(one.len(), LONGEST + 16);
        assert_eq!(one[..LONGEST], other[..LONGEST]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_folded_is_folded_for_good(text in "\\PC{0,40}") {
            let words = folds_to(&text);
            for token in tokens(&text).filter(|token| token.kind == Kind::Word) {
                let once = folded(&text[token.range.clone()], Kind::Word).into_owned();
                let again = tokens(&once).next().map(|it| folded(&once[it.range], it.kind).into_owned());
                proptest::prop_assert!(once.is_empty() || again.as_ref() == Some(&once), "{}", once);
            }
            proptest::prop_assert!(!words.contains(BORDER));
        }
    }
}
