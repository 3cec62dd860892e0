//! Finds the secrets in one text: keywords first, then the rules they belong to, in every view.
//!
//! Time is linear in the text. A rule looks only at what follows its keyword, up to [`WINDOW`]
//! bytes and on to the end of a token that reaches so far; where many keywords of a rule stand in
//! one run of token characters, the run is searched once.

use std::ops::Range;

use memchr::memmem;

use crate::redact::Rules;
use crate::redact::allow::name_before;
use crate::redact::assign;
use crate::redact::known::KnownSecrets;
use crate::redact::rules::Find;
use crate::redact::views::original_range;
use crate::redact::views::views_of;
use crate::session::REDACTION_MARK;

/// How far a rule's pattern sees.
const WINDOW: usize = 16 * 1024;

/// How often a pattern is tried in one run of token characters before the run is searched whole.
const TRIES: usize = 8;

/// The longest mark.
const MAX_MARK: usize = 96;

/// A place that must go.
#[derive(Clone)]
pub(super) struct Finding {
    /// The rule that found it.
    pub(super) rule: usize,
    /// Where it stands in the text.
    pub(super) range: Range<usize>,
    /// What it reads, in the view it was found in.
    pub(super) secret: Vec<u8>,
}

impl std::fmt::Debug for Finding {
    /// Shows everything but the secret.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = out.debug_struct("Finding");
        shown.field("rule", &self.rule).field("range", &self.range);
        shown.finish_non_exhaustive()
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'s> {
    /// The rules; none: only what is known.
    pub(super) rules: Option<&'s Rules>,
    /// The known secrets.
    pub(super) known: &'s KnownSecrets,
}

impl Search<'_> {
    /// All that must go from the text: in order, apart from each other, at whole characters.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Finding> {
        let mut findings = self.find_all(text);
        if !findings.is_empty() {
            findings = apart(findings, self.rules);
            findings.iter_mut().for_each(|finding| widen(text, &mut finding.range));
        }
        findings
    }

    /// All that must go from bytes that are no text: they are looked at as they are.
    pub(super) fn find_in_bytes(&self, bytes: &[u8]) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.find_in_view(bytes, std::iter::once(0..bytes.len()), &mut findings);
        drop_marked(bytes, self.rules, &mut findings);
        apart(findings, self.rules)
    }

    /// What each rule finds by itself, in every view.
    pub(super) fn find_all(&self, text: &[u8]) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.find_in_view(text, std::iter::once(0..text.len()), &mut findings);
        if self.rules.is_some() || !self.known.is_empty() {
            let views = views_of(text);
            for (index, view) in views.iter().enumerate() {
                let first = findings.len();
                self.find_in_view(view.bytes(), view.news(), &mut findings);
                for finding in &mut findings[first..] {
                    finding.range = original_range(&views, index, &finding.range);
                }
            }
        }
        if !findings.is_empty() {
            drop_marked(text, self.rules, &mut findings);
        }
        findings
    }

    /// Finds what begins in those ranges of a view, and all that is known.
    fn find_in_view(
        &self,
        text: &[u8],
        ranges: impl Iterator<Item = Range<usize>>,
        findings: &mut Vec<Finding>,
    ) {
        self.known.find(text, findings);
        if let Some(rules) = self.rules {
            let first = findings.len();
            let marks = marks_of(text, Some(rules));
            let mut scanner = Scanner { rules, text, findings, states: Vec::new(), marks };
            ranges.for_each(|range| scanner.run(&range));
            rules.own.find(text, rules.first_own(), &|| marks_of(text, Some(rules)), findings);
            drop_allowed(text, rules, first, findings);
        }
    }
}

/// Findings that the user calls none are none. `first`: where those begin that rules made.
fn drop_allowed(text: &[u8], rules: &Rules, first: usize, findings: &mut Vec<Finding>) {
    if rules.allow.is_empty() {
        return;
    }
    let is_secret = |Finding { rule, range, secret }: &Finding| {
        !rules.allow.allows(rules.name(*rule), secret, name_before(text, range))
    };
    let found = findings.split_off(first);
    findings.extend(found.into_iter().filter(is_secret));
}

/// Where marks stand in a text.
fn marks_of(text: &[u8], rules: Option<&Rules>) -> Vec<Range<usize>> {
    memmem::find_iter(text, REDACTION_MARK.as_bytes())
        .filter_map(|start| Some(start..start + mark_length(&text[start..], rules)?))
        .collect()
}

/// Findings inside a mark, or that would take one in, are none.
fn drop_marked(text: &[u8], rules: Option<&Rules>, findings: &mut Vec<Finding>) {
    let marks = marks_of(text, rules);
    findings.retain(|finding| {
        let next = marks.partition_point(|mark| mark.end <= finding.range.start);
        marks.get(next).is_none_or(|mark| mark.start >= finding.range.end)
    });
}

/// How long the mark is that the text begins with, if it is one. Only the name of a rule makes it
/// one: else whoever writes `[redacted:` before a secret would keep it.
pub(super) fn mark_length(text: &[u8], rules: Option<&Rules>) -> Option<usize> {
    let rest = text.strip_prefix(REDACTION_MARK.as_bytes())?;
    let rest = &rest[..rest.len().min(MAX_MARK)];
    let name = &rest[..rest.iter().position(|byte| *byte == b']')?];
    let is_name_byte = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_name = match rules {
        Some(rules) => rules.is_rule_name(name),
        None => !name.is_empty() && name.iter().all(is_name_byte),
    };
    is_name.then_some(REDACTION_MARK.len() + name.len() + 1)
}

/// Joins findings that overlap; the rule of the higher rank names them.
fn apart(mut findings: Vec<Finding>, rules: Option<&Rules>) -> Vec<Finding> {
    let rank = |rule: &usize| rules.map_or(*rule, |rules| rules.rank(*rule));
    findings.sort_by_key(|finding| (finding.range.start, finding.range.end));
    let mut apart: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match apart.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.rule = std::cmp::min_by_key(last.rule, finding.rule, rank);
                if finding.range.end > last.range.end {
                    last.range.end = finding.range.end;
                }
                if finding.secret.len() > last.secret.len() {
                    last.secret = finding.secret;
                }
            }
            _ => apart.push(finding),
        }
    }
    apart
}

/// Moves the ends of a range outwards to where characters begin.
pub(super) fn widen(text: &[u8], range: &mut Range<usize>) {
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let (start, end) = (range.start, range.end);
    for _ in 0..3 {
        range.start -= usize::from(range.start > 0 && is_inside(range.start));
        range.end += usize::from(is_inside(range.end));
    }
    debug_assert!(range.start <= start && range.end >= end, "a range never shrinks");
}

#[cfg(test)]
thread_local! {
    /// How many bytes rules were shown in this thread.
    pub(super) static SHOWN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One pass of the rules over one view.
struct Scanner<'s> {
    rules: &'s Rules,
    text: &'s [u8],
    findings: &'s mut Vec<Finding>,
    states: Vec<State>,
    /// The marks of earlier redactions: their words are nobody's.
    marks: Vec<Range<usize>>,
}

/// What a rule has done in the text so far.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Before this nothing is left for it to find.
    done: usize,
    /// The end of the run of token characters it was last tried in.
    run_end: usize,
    /// How often it failed there.
    failures: usize,
}

impl Scanner<'_> {
    fn run(&mut self, range: &Range<usize>) {
        let rules = self.rules;
        let mut passed = self.marks.partition_point(|mark| mark.end <= range.start);
        for &(rule, sweep) in rules.sweeps() {
            for found in sweep(&self.text[range.clone()]) {
                self.add(rule, range.start + found.start..range.start + found.end);
            }
        }
        let lower = self.text[range.clone()].to_ascii_lowercase();
        for hit in rules.automaton(lower.len()).find_overlapping_iter(&lower) {
            let keyword = hit.pattern().as_usize();
            let hit = range.start + hit.start()..range.start + hit.end();
            while self.marks.get(passed).is_some_and(|mark| mark.end < hit.end) {
                passed += 1;
            }
            if self.marks.get(passed).is_some_and(|mark| mark.start <= hit.start) {
                continue;
            }
            if self.states.is_empty() {
                self.states.resize(rules.all().len(), State::default());
            }
            for &rule in rules.users_of(keyword) {
                if hit.start >= self.states[rule].done {
                    self.try_rule(rule, keyword, &hit);
                }
            }
        }
    }

    fn try_rule(&mut self, rule: usize, keyword: usize, hit: &Range<usize>) {
        let find = self.rules.all()[rule].find;
        let (found, done) = match find {
            Find::Assigned(class) => assign::find(self.text, hit, class),
            Find::Scan(scan) => scan(self.text, hit),
            Find::Group(group) => {
                let (found, done) = group(self.text, hit);
                #[cfg(test)]
                SHOWN.set(SHOWN.get() + done.saturating_sub(hit.start));
                self.states[rule].done = done;
                found.into_iter().for_each(|range| self.add(rule, range));
                return;
            }
            Find::Sweep(_) | Find::Given => return,
            Find::Token(_) | Find::Phrase(_) => {
                let is_exact = matches!(find, Find::Phrase(_))
                    || self.text[hit.clone()] == *self.rules.keyword(keyword).as_bytes();
                if is_exact && self.begins_token(hit.start) {
                    self.try_pattern(rule, hit.start);
                }
                return;
            }
        };
        #[cfg(test)]
        SHOWN.set(SHOWN.get() + done.saturating_sub(hit.start));
        self.states[rule].done = done;
        if let Some(range) = found {
            self.add(rule, range);
        }
    }

    /// Whether a token can begin here: not in the middle of a word.
    fn begins_token(&self, at: usize) -> bool {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let Some(before) = at.checked_sub(1).map(|before| self.text[before]) else {
            return true;
        };
        let is_escape =
            at >= 2 && self.text[at - 2] == b'\\' && matches!(before, b'n' | b't' | b'r');
        !is_word(before) || !is_word(self.text[at]) || is_escape
    }

    fn try_pattern(&mut self, rule: usize, at: usize) {
        let window = &self.text[at..self.text.len().min(at + WINDOW)];
        let pattern = self.rules.anchored(rule);
        if let Some(found) = pattern.find(window) {
            let secret = match pattern.captures(window).and_then(|groups| groups.get(1)) {
                Some(group) => group.range(),
                None => found.range(),
            };
            let end = if secret.end == WINDOW {
                token_end(self.text, at + WINDOW)
            } else {
                at + secret.end
            };
            #[cfg(test)]
            SHOWN.set(SHOWN.get() + found.end());
            self.states[rule].done = at + found.end();
            self.add(rule, at + secret.start..end);
        } else {
            #[cfg(test)]
            SHOWN.set(SHOWN.get() + token_end(window, 0));
            self.note_failure(rule, at);
        }
    }

    /// Searches a run of token characters whole when the rule failed in it too often, so that no
    /// text makes a pattern read the same bytes again and again.
    fn note_failure(&mut self, rule: usize, at: usize) {
        if at >= self.states[rule].run_end {
            let run_end = token_end(self.text, at);
            self.states[rule] = State { run_end, failures: 0, ..self.states[rule] };
        }
        self.states[rule].failures += 1;
        if self.states[rule].failures < TRIES {
            return;
        }
        let end = self.states[rule].run_end;
        let run = &self.text[at + 1..end.max(at + 1)];
        let pattern = self.rules.anywhere(rule);
        #[cfg(test)]
        SHOWN.set(SHOWN.get() + run.len());
        for groups in pattern.captures_iter(run) {
            let found = groups.get(1).or_else(|| groups.get(0));
            let found = found.expect("a match has a range").range();
            if self.begins_token(at + 1 + found.start) {
                self.add(rule, at + 1 + found.start..at + 1 + found.end);
            }
        }
        self.states[rule].done = end;
    }

    fn add(&mut self, rule: usize, range: Range<usize>) {
        let secret = &self.text[range.clone()];
        if self.rules.all()[rule].takes(secret) {
            let secret = secret.to_vec();
            self.findings.push(Finding { rule, range, secret });
        }
    }
}

/// Where the run of token characters ends that goes through `at`.
pub(super) fn token_end(text: &[u8], at: usize) -> usize {
    let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`<>\\".contains(byte);
    let length = text[at..].iter().position(is_end);
    length.map_or(text.len(), |length| at + length)
}
