//! The redactor: walks the texts of one session and remembers its secrets.

use std::collections::BTreeMap;

use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Rules;
use crate::redact::assign::class_of;
use crate::redact::assign::is_secret;
use crate::redact::checks::is_code;
use crate::redact::exempt::is_exempt;
use crate::redact::pictures;
use crate::redact::rules::GIVEN;
use crate::redact::rules::Opened;
use crate::redact::scan::Finding;
use crate::redact::scan::Search;
use crate::redact::scan::mark_length;
use crate::redact::walk::Walk;
use crate::redact::walk::text_of;
use crate::session::REDACTION_MARK;
use crate::session::Record;

/// How often a text is read again after something was taken out of it: what stood beside a secret
/// can come to light by its removal.
const MAX_ROUNDS: usize = 8;

/// The longest text that is taken as the value of its field.
const MAX_VALUE: usize = 4096;

/// How often what a secret holds is opened again: base64 in JSON in base64.
const MAX_OPENED: usize = 3;

/// The shortest text that can hold a secret.
const MIN_TEXT: usize = 6;

/// Where a secret stands in a text, and why it is taken for one; never what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The rule that found it.
    pub rule: String,
    /// What made the rule look there, and what it found.
    pub reason: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// Redacts the texts of one session and remembers its secrets, so that each goes everywhere.
#[derive(Debug)]
pub struct Redactor<'r> {
    rules: &'r Rules,
    known: KnownSecrets,
    counts: BTreeMap<String, u64>,
}

impl<'r> Redactor<'r> {
    /// A redactor that knows no secret yet.
    pub fn new(rules: &'r Rules) -> Self {
        let (known, counts) = Default::default();
        Self { rules, known, counts }
    }

    /// Takes over what an earlier redactor of the same session knew.
    pub fn learn_all(&mut self, secrets: &KnownSecrets) {
        self.known.add_all(secrets);
    }

    /// Takes in a value that `rule` found earlier, or that a person named, and that was read again
    /// from where it stands, or stood.
    pub fn learn(&mut self, rule: &str, value: &str) {
        if rule == GIVEN {
            self.learn_given(value);
        } else {
            self.known.add(self.rules.named(rule), value.as_bytes());
        }
    }

    /// Takes in a value that a person named. False: it is too short to be looked for, since it
    /// would be found in words.
    pub fn learn_given(&mut self, value: &str) -> bool {
        let known = self.known.len();
        if value.len() >= MIN_TEXT {
            self.known.add_given(self.rules.named(GIVEN), value.as_bytes());
        }
        self.known.len() > known
    }

    /// Takes what is known, and what the rules find if they are wanted, out of a text that is no
    /// part of a record. None: nothing was there.
    pub fn bytes(&self, text: &[u8], with_rules: bool) -> Option<Clean<Vec<u8>>> {
        let rules = with_rules.then_some(self.rules);
        let search = Search { rules, known: &self.known };
        in_rounds(self.rules, text, &mut |text, narrow| narrow(search.find(text))).map(Clean)
    }

    /// The secrets known by now, for the next redactor of the same session.
    pub fn secrets(&self) -> &KnownSecrets {
        &self.known
    }

    /// Redacts a record: all that the rules find, and all that is known from earlier ones.
    pub fn record(&mut self, mut record: Record) -> Clean<Record> {
        record.visit_texts(&mut Walk::new(&mut |field, text| self.redact(field, text)));
        Clean(record)
    }

    /// Redacts one text that stands in the field `field`.
    pub fn text(&mut self, field: &str, text: String) -> Clean<String> {
        let changed = self.redact(field, text.as_bytes());
        Clean(changed.map_or(text, text_of))
    }

    /// How many different secrets are known. If this grew after a record was redacted, that record
    /// must pass [`Redactor::again`].
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// Takes what is known by now out of a record that was redacted before.
    pub fn again(&self, record: Clean<Record>) -> Clean<Record> {
        if self.known.is_empty() {
            return record;
        }
        let mut record = record.into_inner();
        let search = Search { rules: None, known: &self.known };
        let mut change = |field: &str, text: &[u8]| {
            if let Some(picture) = pictures::decoded(text) {
                return pictures::written_over(text, picture, self.rules, &search, &mut |_| {});
            }
            let findings = if is_exempt(field, text) { Vec::new() } else { search.find(text) };
            (!findings.is_empty()).then(|| replaced(self.rules, text, &findings))
        };
        record.visit_texts(&mut Walk::new(&mut change));
        Clean(record)
    }

    /// The redactions made so far, by rule.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Where the secrets of a text stand that stands in the field `field`.
    pub fn spots(&self, field: &str, text: &str) -> Vec<Spot> {
        let text = text.as_bytes();
        if text.len() < MIN_TEXT || is_exempt(field, text) || pictures::decoded(text).is_some() {
            return Vec::new();
        }
        let (mut line, mut line_start, mut read) = (1, 0, 0);
        let spot = |finding: Finding| {
            let Finding { rule, range, .. } = finding;
            let passed = &text[read..range.start];
            if let Some(last) = memchr::memrchr(b'\n', passed) {
                line += memchr::memchr_iter(b'\n', passed).count();
                line_start = read + last + 1;
            }
            read = range.start;
            let before = String::from_utf8_lossy(&text[line_start..range.start]);
            let column = before.chars().count() + 1;
            let (name, reason) = (self.rules.name(rule).to_owned(), self.rules.reason(rule));
            Spot { rule: name, reason, line, column }
        };
        self.find(field, text).into_iter().map(spot).collect()
    }

    /// Where the secrets of a record stand, by its texts: each place with the line that it is in.
    pub fn record_spots(&self, record: &Record) -> Vec<(Spot, String)> {
        let mut spots = Vec::new();
        let mut look = |field: &str, text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            for spot in self.spots(field, &text) {
                let line = text.split('\n').nth(spot.line - 1).unwrap_or_default();
                spots.push((spot, line.to_owned()));
            }
            None
        };
        record.clone().visit_texts(&mut Walk::new(&mut look));
        spots
    }

    /// The redacted text, if there was anything to redact.
    fn redact(&mut self, field: &str, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() < MIN_TEXT || is_exempt(field, text) {
            return None;
        }
        if let Some(picture) = pictures::decoded(text) {
            return self.redact_picture(text, picture);
        }
        in_rounds(self.rules, text, &mut |text, narrow| {
            let findings = narrow(self.find(field, text));
            for finding in &findings {
                let name = self.rules.name(finding.rule);
                *self.counts.entry(name.to_owned()).or_default() += 1;
                self.remember(finding.rule, &finding.secret, MAX_OPENED);
            }
            findings
        })
    }

    fn redact_picture(&mut self, text: &[u8], picture: Vec<u8>) -> Option<Vec<u8>> {
        let search = Search { rules: Some(self.rules), known: &self.known };
        let mut found = Vec::new();
        let changed = pictures::written_over(text, picture, self.rules, &search, &mut |finding| {
            found.push(finding.clone());
        });
        for Finding { rule, secret, .. } in found {
            *self.counts.entry(self.rules.name(rule).to_owned()).or_default() += 1;
            self.remember(rule, &secret, MAX_OPENED);
        }
        changed
    }

    /// Takes in a secret that was found, and what it holds in another encoding, down to a depth.
    fn remember(&mut self, rule: usize, secret: &[u8], depth: usize) {
        self.known.add(rule, secret);
        let Opened { secrets, text } = match self.rules.all().get(rule) {
            Some(rule) if depth > 0 => (rule.open)(secret),
            _ => return,
        };
        for secret in &secrets {
            self.known.add(rule, secret);
        }
        let nothing = KnownSecrets::default();
        let search = Search { rules: Some(self.rules), known: &nothing };
        for found in search.find_all(&text) {
            self.remember(found.rule, &found.secret, depth - 1);
        }
    }

    fn find(&self, field: &str, text: &[u8]) -> Vec<Finding> {
        if let Some(finding) = self.whole_value(field, text) {
            return vec![finding];
        }
        let search = Search { rules: Some(self.rules), known: &self.known };
        search.find(text)
    }

    /// The whole text, if the name of its field makes a secret of it and no rule knows better.
    fn whole_value(&self, field: &str, text: &[u8]) -> Option<Finding> {
        let value = text.trim_ascii();
        let is_one_word = (1..=MAX_VALUE).contains(&value.len())
            && !value.iter().any(u8::is_ascii_whitespace)
            && mark_length(value, Some(self.rules)).is_none();
        if !is_one_word {
            return None;
        }
        let class = class_of(field.as_bytes())?;
        if is_code(value) || !is_secret(class, value) {
            return None;
        }
        let search = Search { rules: Some(self.rules), known: &self.known };
        let special = search.find(value).first().map(|finding| finding.rule);
        let rule = special.or_else(|| self.rules.of_class(class))?;
        let start = text.len() - text.trim_ascii_start().len();
        let range = start..start + value.len();
        let is_allowed = self.rules.allow.allows(self.rules.name(rule), value, field.as_bytes());
        (!is_allowed).then(|| Finding { rule, range, secret: value.to_vec() })
    }
}

/// Narrows what was found down to what is taken out in a round.
type Narrow<'n> = dyn Fn(Vec<Finding>) -> Vec<Finding> + 'n;

/// Takes out what `find` finds in a text, until it finds nothing.
fn in_rounds(
    rules: &Rules,
    text: &[u8],
    find: &mut dyn FnMut(&[u8], &Narrow<'_>) -> Vec<Finding>,
) -> Option<Vec<u8>> {
    let mut changed: Option<Vec<u8>> = None;
    for round in 0..=MAX_ROUNDS {
        let text = changed.as_deref().unwrap_or(text);
        let findings = find(text, &|mut findings: Vec<Finding>| {
            if round == MAX_ROUNDS {
                // A pattern of the user's eats its way through the text, one bite a round.
                findings.retain(|finding| finding.rule >= rules.first_own());
                findings.truncate(1);
                findings.iter_mut().for_each(|finding| finding.range = 0..text.len());
            }
            findings
        });
        if findings.is_empty() {
            break;
        }
        changed = Some(replaced(rules, text, &findings));
    }
    changed
}

fn replaced(rules: &Rules, text: &[u8], findings: &[Finding]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut copied = 0;
    for Finding { rule, range, .. } in findings {
        replaced.extend_from_slice(&text[copied..range.start]);
        replaced.extend_from_slice(REDACTION_MARK.as_bytes());
        replaced.extend_from_slice(rules.name(*rule).as_bytes());
        replaced.push(b']');
        copied = range.end;
    }
    replaced.extend_from_slice(&text[copied..]);
    replaced
}
