//! Rules of the user's own: a regular expression, looked for near its keywords.
//!
//! A match is at most [`REACH`] bytes long and at most so far from a keyword. The time is linear
//! in the text for all patterns but those that read on and on in vain, and for those it is bounded
//! by [`PIECE`] a byte. A pattern never sees a mark as anything but its end: what touches one is
//! looked at, what takes one in is not.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;
use regex_syntax::hir::literal::Extractor;

use crate::redact::checks::entropy;
use crate::redact::scan::Finding;
use crate::redact::scan::token_end;
use crate::redact::settings::ExtraRule;
use crate::redact::settings::Refusal;

/// How far from its keyword a match can begin or end.
const REACH: usize = 4 * 1024;

/// The longest piece of a text that is searched at once.
const PIECE: usize = 16 * 1024;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4 * 1024;

/// The largest compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 1 << 20;

/// The lengths that a keyword can have. A shorter one would stand nearly everywhere.
const KEYWORD: std::ops::RangeInclusive<usize> = 3..=64;

/// The most keywords of a rule.
const MAX_KEYWORDS: usize = 32;

/// The user's own rules.
#[derive(Debug, Default)]
pub(super) struct OwnRules {
    rules: Vec<OwnRule>,
    /// Names of those that are switched off.
    off: Vec<String>,
    /// Finds the keywords of all; none: there is no rule.
    automaton: Option<AhoCorasick>,
    /// The rules of each keyword.
    users: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct OwnRule {
    name: String,
    keywords: Vec<String>,
    pattern: Regex,
    entropy: f64,
}

impl OwnRules {
    /// Takes in a rule; one that is not on is only checked.
    pub(super) fn add(&mut self, rule: &ExtraRule, is_on: bool) -> Result<(), Refusal> {
        let name = rule.name.clone();
        let pattern = compile(&rule.pattern).map_err(|cause| ("pattern", cause))?;
        let keywords = keywords_of(rule)?;
        let entropy = rule.entropy.unwrap_or(0.0);
        if !(0.0..=8.0).contains(&entropy) {
            return Err(("entropy", format!("is {entropy}; it must be from 0 to 8 bits a byte")));
        }
        if is_on {
            self.rules.push(OwnRule { name, keywords, pattern, entropy });
        } else {
            self.off.push(name);
        }
        Ok(())
    }

    /// The rules, ready to find.
    pub(super) fn ready(mut self) -> Self {
        let mut users: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, rule) in self.rules.iter().enumerate() {
            for keyword in &rule.keywords {
                users.entry(keyword.to_ascii_lowercase()).or_default().push(index);
            }
        }
        if !users.is_empty() {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(users.keys())
                .expect("some thousand short keywords fit into an automaton");
            self.automaton = Some(automaton);
        }
        self.users = users.into_values().collect();
        self
    }

    /// How many are on.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// The name of one that is on.
    pub(super) fn name(&self, rule: usize) -> &str {
        &self.rules[rule].name
    }

    /// The place of one that is on.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|rule| rule.name == name)
    }

    /// The names of all.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let on = self.rules.iter().map(|rule| rule.name.as_str());
        on.chain(self.off.iter().map(String::as_str))
    }

    /// Whether one is called so.
    pub(super) fn has_name(&self, name: &[u8]) -> bool {
        self.names().any(|own| own.as_bytes() == name)
    }

    /// Why what the rule finds is taken for a secret.
    pub(super) fn reason(&self, rule: usize) -> String {
        format!("is what your own rule finds near {}", self.rules[rule].keywords.join(", "))
    }

    /// Finds what the rules describe. `first`: the number of the first one; `marks`: where marks
    /// stand in the text.
    pub(super) fn find(
        &self,
        text: &[u8],
        first: usize,
        marks: &dyn Fn() -> Vec<Range<usize>>,
        findings: &mut Vec<Finding>,
    ) {
        let Some(automaton) = &self.automaton else { return };
        let mut hits = automaton.find_overlapping_iter(text).peekable();
        if hits.peek().is_none() {
            return;
        }
        let marks = marks();
        let mut pieces: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for hit in hits.filter(|hit| !is_marked(&marks, &hit.range())) {
            let around = hit.start().saturating_sub(REACH)..text.len().min(hit.end() + REACH);
            for rule in &self.users[hit.pattern().as_usize()] {
                join(pieces.entry(*rule).or_default(), around.clone());
            }
        }
        for (rule, pieces) in pieces {
            for piece in pieces {
                self.rules[rule].find(text, &piece, &marks, &mut |range| {
                    let secret = text[range.clone()].to_vec();
                    findings.push(Finding { rule: first + rule, range, secret });
                });
            }
        }
    }
}

impl OwnRule {
    fn find(
        &self,
        text: &[u8],
        piece: &Range<usize>,
        marks: &[Range<usize>],
        found: &mut dyn FnMut(Range<usize>),
    ) {
        // What stands before the piece is seen, so that `\b` means what it says.
        let window = &text[..piece.end];
        let mut at = piece.start;
        while at < piece.end
            && let Some(groups) = self.pattern.captures_at(window, at)
        {
            let whole = groups.get(0).expect("a match has a range").range();
            at = whole.end.max(at + 1);
            let secret = groups.get(1).map_or_else(|| whole.clone(), |group| group.range());
            if secret.is_empty() || is_marked(marks, &whole) {
                continue;
            }
            let is_cut = secret.end == piece.end;
            let end = if is_cut { token_end(text, secret.end) } else { secret.end };
            if self.entropy <= entropy(&text[secret.clone()]) {
                found(secret.start..end);
            }
        }
    }
}

/// Adds a range behind others; to the last one, where they overlap and together are no piece too
/// long.
fn join(pieces: &mut Vec<Range<usize>>, range: Range<usize>) {
    match pieces.last_mut() {
        Some(last) if range.start <= last.end && range.end - last.start <= PIECE => {
            last.end = last.end.max(range.end);
        }
        _ => pieces.push(range),
    }
}

/// Whether the range has a part of a mark in it. `marks`: in order.
fn is_marked(marks: &[Range<usize>], range: &Range<usize>) -> bool {
    let next = marks.partition_point(|mark| mark.end <= range.start);
    marks.get(next).is_some_and(|mark| mark.start < range.end)
}

/// A pattern of the user's, within limits.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() || pattern.len() > MAX_PATTERN {
        return Err(format!("must be 1 to {MAX_PATTERN} bytes long"));
    }
    let compiled = RegexBuilder::new(pattern).unicode(false).size_limit(PATTERN_LIMIT).build();
    let pattern = compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("is too large: compiled it would take more than {limit} bytes")
        }
        error => format!("is no regular expression: {}", last_line(&error.to_string())),
    })?;
    if pattern.is_match(b"") {
        return Err("matches where nothing stands".to_owned());
    }
    Ok(pattern)
}

/// The cause without the picture of the pattern above it.
fn last_line(error: &str) -> &str {
    let last = error.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ")
}

fn keywords_of(rule: &ExtraRule) -> Result<Vec<String>, Refusal> {
    if rule.keywords.is_empty() {
        return beginnings(&rule.pattern).ok_or_else(|| {
            let cause = format!(
                "is missing, and not all matches of the pattern begin with {} or more letters that \
                 are known",
                KEYWORD.start()
            );
            ("keywords", cause)
        });
    }
    let is_fine = |keyword: &String| KEYWORD.contains(&keyword.len());
    if rule.keywords.len() > MAX_KEYWORDS || !rule.keywords.iter().all(is_fine) {
        let (least, most) = KEYWORD.into_inner();
        let cause = format!("must be 1 to {MAX_KEYWORDS} texts of {least} to {most} bytes");
        return Err(("keywords", cause));
    }
    Ok(rule.keywords.clone())
}

/// What all matches of a pattern begin with, in lower case, if that is long enough.
fn beginnings(pattern: &str) -> Option<Vec<String>> {
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build();
    let parsed = { parsed }.parse(pattern).ok()?;
    let literals = Extractor::new().extract(&parsed);
    let mut beginnings: Vec<String> = Vec::new();
    for literal in literals.literals()? {
        let text = std::str::from_utf8(literal.as_bytes()).ok()?.to_ascii_lowercase();
        let end = (0..=text.len().min(*KEYWORD.end())).rev().find(|at| text.is_char_boundary(*at));
        beginnings.push(text[..end?].to_owned());
    }
    beginnings.sort();
    beginnings.dedup();
    let is_long = |text: &String| text.len() >= *KEYWORD.start();
    (!beginnings.is_empty() && beginnings.len() <= MAX_KEYWORDS && beginnings.iter().all(is_long))
        .then_some(beginnings)
}
