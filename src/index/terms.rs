//! Terms: when a text holds one, where, and what the index is asked for.
//!
//! Words match whole words, folded ([`crate::index::tokens`]), behind one another where there are
//! several; anything but a word may stand between them. A term with punctuation, or with what is
//! no word, is literal: it matches the text as it stands, but for letter case, and a letter or
//! digit at its end must be the end of a word. Joined characters are never taken apart.
//!
//! The index's answer for words is exact. For a literal it gives candidates, for it knows the words
//! in it and not what stands between; one that has no word at all it does not know.

use std::fmt;
use std::ops::Range;

use memchr::memmem::Finder;
use regex::Regex;
use regex::RegexBuilder;

use crate::index::tokens::Kind;
use crate::index::tokens::LONGEST;
use crate::index::tokens::Token;
use crate::index::tokens::beginning;
use crate::index::tokens::begins_token;
use crate::index::tokens::folded;
use crate::index::tokens::is_joiner;
use crate::index::tokens::is_pair;
use crate::index::tokens::is_word_character;
use crate::index::tokens::tokens;

/// The most memory of a compiled pattern.
const PATTERN_BYTES: usize = 32 << 20;

/// The blanks before a pattern that the crate `regex` draws.
const DRAWING_INDENT: usize = 4;

/// Something to look for.
#[derive(Clone, PartialEq, Eq)]
pub struct Term {
    text: String,
    kind: TermKind,
    is_prefix: bool,
}

/// How a term is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TermKind {
    /// Whole words, folded.
    Words,
    /// As it stands, but for letter case.
    Literal,
    /// To the letter, anywhere.
    Exact,
    /// As a regular expression.
    Pattern,
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        write!(f, "{kind}({}){}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

impl Term {
    /// What was typed without quotes; a `*` at its end asks for a beginning.
    pub(super) fn word(text: &str) -> Option<Self> {
        let beginning = text.strip_suffix('*').filter(|it| it.ends_with(begins_or_joins));
        match beginning {
            Some(beginning) => Self::phrase(beginning, true),
            None => Self::phrase(text, false),
        }
    }

    /// What was typed in quotes.
    pub(super) fn phrase(text: &str, is_prefix: bool) -> Option<Self> {
        let is_literal = !is_words(text) && !is_dense_run(text);
        let text = if is_literal { text } else { text.trim() };
        let kind = if is_literal { TermKind::Literal } else { TermKind::Words };
        (!text.trim().is_empty()).then(|| Self { text: text.to_owned(), kind, is_prefix })
    }

    /// A piece of text, to the letter.
    pub(super) fn exact(text: &str) -> Option<Self> {
        let term = || Self { text: text.to_owned(), kind: TermKind::Exact, is_prefix: false };
        (!text.is_empty()).then(term)
    }

    /// A regular expression; else what is wrong with it, and at which character as far as known.
    pub(super) fn pattern(text: &str) -> Result<Self, (String, Option<usize>)> {
        match pattern(text) {
            Ok(_) => Ok(Self { text: text.to_owned(), kind: TermKind::Pattern, is_prefix: false }),
            Err(error) => Err(told(&error.to_string())),
        }
    }

    /// Whether the index's answer is right as it is.
    pub(super) fn is_certain(&self) -> bool {
        self.kind == TermKind::Words
    }

    /// What to ask the index for: a phrase of its query language; none: it does not know.
    pub(super) fn phrase_of_index(&self) -> Option<String> {
        let is_by_tokens = matches!(self.kind, TermKind::Words | TermKind::Literal);
        // What begins with a mark would be read as a part of the word before it.
        if !is_by_tokens || self.text.starts_with(is_joiner) {
            return None;
        }
        let tokens: Vec<Token> = tokens(&self.text).collect();
        let mut phrase: Vec<String> = Vec::with_capacity(tokens.len());
        let mut is_open = false;
        for (place, token) in tokens.iter().enumerate() {
            let text = |token: &Token| folded(&self.text[token.range.clone()], token.kind);
            let before = place.checked_sub(1).map(|before| &tokens[before]);
            let next = tokens.get(place + 1);
            let is_end = token.range.end == self.text.len();
            let is_last_of_run = is_end && token.kind == Kind::Dense;
            if is_last_of_run && before.is_some_and(|before| is_pair(before, token)) {
                break;
            }
            let mut own = text(token).into_owned();
            if let Some(next) = next.filter(|next| is_pair(token, next)) {
                own += &text(next);
                // More of the last character may follow, or another.
                is_open = next.range.end == self.text.len();
            } else if is_last_of_run {
                is_open = true;
            } else if is_end && token.kind == Kind::Word && self.is_prefix {
                is_open = true;
                own.truncate(beginning(&own).len());
            }
            if !own.is_empty() {
                phrase.push(own);
            }
        }
        let open = if is_open { " *" } else { "" };
        (!phrase.is_empty()).then(|| format!("\"{}\"{open}", phrase.join(" ")))
    }

    /// The term, ready to look into texts.
    pub(super) fn matcher(&self) -> Matcher {
        match self.kind {
            TermKind::Words => self.words(),
            TermKind::Literal => {
                let pattern = RegexBuilder::new(&regex::escape(&self.text))
                    .case_insensitive(true)
                    .size_limit(PATTERN_BYTES)
                    .build();
                Matcher::Literal { pattern: pattern.ok(), term: self.clone() }
            }
            TermKind::Exact => {
                Matcher::Exact { finder: Box::new(Finder::new(&self.text).into_owned()) }
            }
            TermKind::Pattern => Matcher::Pattern { pattern: pattern(&self.text).ok() },
        }
    }

    fn words(&self) -> Matcher {
        let folded: Vec<(String, Kind)> = tokens(&self.text)
            .map(|token| {
                let text = folded(&self.text[token.range.clone()], token.kind);
                (text.into_owned(), token.kind)
            })
            .filter(|(text, _)| !text.is_empty())
            .collect();
        Matcher::Words { folded, is_prefix: self.is_prefix }
    }
}

/// Looks for a term in texts.
#[derive(Debug)]
pub(super) enum Matcher {
    Words {
        folded: Vec<(String, Kind)>,
        is_prefix: bool,
    },
    Literal {
        /// None: the term is too long for any text that was worth the search.
        pattern: Option<Regex>,
        term: Term,
    },
    Exact {
        finder: Box<Finder<'static>>,
    },
    Pattern {
        pattern: Option<Regex>,
    },
}

impl Matcher {
    /// The bytes of the matches in a text, in order; at most `limit`.
    pub(super) fn find(&self, text: &str, limit: usize) -> Vec<Range<usize>> {
        match self {
            Self::Words { folded, is_prefix } => find_words(text, folded, *is_prefix, limit),
            Self::Literal { pattern: Some(pattern), term } => {
                find_literal(text, pattern, term, limit)
            }
            Self::Exact { finder } => {
                let length = finder.needle().len();
                let starts = finder.find_iter(text.as_bytes()).take(limit);
                starts.map(|start| start..start + length).collect()
            }
            Self::Pattern { pattern: Some(pattern) } => {
                let found = pattern.find_iter(text).filter(|found| !found.is_empty());
                found.take(limit).map(|found| found.range()).collect()
            }
            Self::Literal { pattern: None, .. } | Self::Pattern { pattern: None } => Vec::new(),
        }
    }

    /// Whether the text holds the term.
    pub(super) fn is_in(&self, text: &str) -> bool {
        !self.find(text, 1).is_empty()
    }
}

/// `^` and `$` are the ends of lines, for texts have many.
fn pattern(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).multi_line(true).size_limit(PATTERN_BYTES).build()
}

/// The crate's message without its drawing of the pattern, and where the mark in that stands.
fn told(message: &str) -> (String, Option<usize>) {
    let last = message.lines().last().unwrap_or(message);
    let is_mark = |line: &&str| line.trim() == "^";
    let mark = message.lines().find(is_mark).and_then(|line| line.find('^'));
    let place = mark.and_then(|mark| mark.checked_sub(DRAWING_INDENT));
    (last.trim_start_matches("error: ").to_owned(), place)
}

fn find_words(
    text: &str,
    wanted: &[(String, Kind)],
    is_prefix: bool,
    limit: usize,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut window: Vec<Token> = Vec::new();
    for token in tokens(text) {
        if folded(&text[token.range.clone()], token.kind).is_empty() {
            continue;
        }
        window.push(token);
        if window.len() > wanted.len() {
            window.remove(0);
        }
        let is_match = window.len() == wanted.len()
            && window.iter().zip(wanted).enumerate().all(|(place, (token, (word, kind)))| {
                let own = folded(&text[token.range.clone()], token.kind);
                let is_last = place + 1 == wanted.len();
                let is_open = is_last && (*kind == Kind::Dense || is_prefix);
                token.kind == *kind && if is_open { own.starts_with(word) } else { own == *word }
            });
        // Characters of dense scripts must touch: a blank between them is no part of the term.
        let touches = window
            .windows(2)
            .all(|pair| pair[0].kind != Kind::Dense || pair[0].range.end == pair[1].range.start);
        if is_match && touches {
            let start = window.first().map_or(0, |token| token.range.start);
            let end = window.last().map_or(0, |token| token.range.end);
            found.push(start..end);
            window.clear();
            if found.len() == limit {
                break;
            }
        }
    }
    found
}

fn find_literal(text: &str, pattern: &Regex, term: &Term, limit: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(hit) = pattern.find_at(text, start) {
        if is_bounded(text, &hit.range(), term) {
            found.push(hit.range());
            if found.len() == limit {
                break;
            }
            start = hit.end();
        } else {
            // The next one may begin within it.
            let first = text[hit.start()..].chars().next().map_or(1, char::len_utf8);
            start = hit.start() + first;
        }
    }
    found
}

fn is_bounded(text: &str, hit: &Range<usize>, term: &Term) -> bool {
    let base = |text: &str| text.chars().rev().find(|it| !is_joiner(*it));
    let (before, after) = (&text[..hit.start], &text[hit.end..]);
    let next = after.chars().next();
    let starts_word = term.text.chars().next().is_some_and(is_word_character);
    let is_start = !starts_word || !base(before).is_some_and(is_word_character);
    let is_end = match base(&term.text) {
        Some(last) if is_word_character(last) => {
            let goes_on = next.is_some_and(|next| is_word_character(next) || is_joiner(next));
            term.is_prefix || !goes_on
        }
        // A mark would make another character of the last one.
        Some(last) if begins_token(last) && !is_symbol(last) => !next.is_some_and(is_joiner),
        _ => true,
    };
    is_start && is_end
}

fn is_symbol(character: char) -> bool {
    let mut bytes = [0; 4];
    let text = character.encode_utf8(&mut bytes);
    tokens(text).next().is_some_and(|token| token.kind == Kind::Symbol)
}

fn begins_or_joins(character: char) -> bool {
    begins_token(character) || is_joiner(character)
}

/// Whether the text is words with blanks between them, or a single pictograph.
fn is_words(text: &str) -> bool {
    if text.trim().starts_with(is_joiner) {
        return false;
    }
    let mut end = 0;
    let mut count = 0;
    for token in tokens(text) {
        let is_single_symbol = token.kind == Kind::Symbol && text.trim().len() == token.range.len();
        let gap = &text[end..token.range.start];
        let is_apart = count == 0 || !gap.is_empty();
        let length = folded(&text[token.range.clone()], token.kind).len();
        let is_word = token.kind == Kind::Word && (1..=LONGEST).contains(&length);
        if !(is_word || is_single_symbol) || !gap.trim().is_empty() || !is_apart {
            return false;
        }
        end = token.range.end;
        count += 1;
    }
    count > 0 && text[end..].trim().is_empty()
}

/// Whether the text is one run of a script without blanks.
fn is_dense_run(text: &str) -> bool {
    let mut end = 0;
    for token in tokens(text) {
        if token.kind != Kind::Dense || token.range.start != end {
            return false;
        }
        end = token.range.end;
    }
    end > 0 && end == text.len()
}
