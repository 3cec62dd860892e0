//! The secrets of one session: once found, a value goes everywhere, in all its escaped forms.
//!
//! The values never leave this module: not through `Debug`, not through any public function.
//! Escapes, colour codes and percent-encoding are undone by the views; what is looked for here
//! are the value itself and its base64.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::redact::checks::is_weak;
use crate::redact::scan::Finding;

/// The shortest value whose base64 is looked for: shorter pieces could appear by chance.
const MIN_ENCODED: usize = 12;

/// The shortest line of a key that is looked for by itself.
const MIN_KEY_LINE: usize = 40;

/// The values known to be secret.
#[derive(Default, Clone)]
pub struct KnownSecrets {
    /// The rule of each value.
    values: BTreeMap<Vec<u8>, usize>,
    automaton: OnceLock<Automaton>,
}

/// Finds all forms of all values.
#[derive(Debug, Clone)]
struct Automaton {
    searcher: AhoCorasick,
    forms: Vec<Form>,
}

/// A form that a value takes.
#[derive(Debug, Clone, Copy)]
struct Form {
    rule: usize,
    is_base64: bool,
}

impl std::fmt::Debug for KnownSecrets {
    /// Says how many there are.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "KnownSecrets({} values)", self.values.len())
    }
}

impl KnownSecrets {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds a value that `rule` found, unless it is so plain that it may appear by chance; of a
    /// text of several lines, each line of key material.
    pub(super) fn add(&mut self, rule: usize, value: &[u8]) {
        if value.contains(&b'\n') || value.starts_with(b"-----BEGIN") {
            let is_material = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            for line in value.split(|byte| !is_material(byte)) {
                if line.len() >= MIN_KEY_LINE {
                    self.add_one(rule, line);
                }
            }
        } else {
            self.add_one(rule, value);
        }
    }

    /// Adds a value that a person named, however plain it is; of a text of several lines, each
    /// line of key material.
    pub(super) fn add_given(&mut self, rule: usize, value: &[u8]) {
        if value.contains(&b'\n') {
            self.add(rule, value);
        } else if !value.is_empty() {
            self.values.insert(value.to_vec(), rule);
            self.automaton = OnceLock::new();
        }
    }

    /// Adds all that another set knows.
    pub fn add_all(&mut self, other: &Self) {
        for (value, rule) in &other.values {
            self.values.entry(value.clone()).or_insert(*rule);
        }
        self.automaton = OnceLock::new();
    }

    fn add_one(&mut self, rule: usize, value: &[u8]) {
        if !is_weak(value) && !self.values.contains_key(value) {
            self.values.insert(value.to_vec(), rule);
            self.automaton = OnceLock::new();
        }
    }

    /// Finds the known values in a text.
    pub(super) fn find(&self, text: &[u8], findings: &mut Vec<Finding>) {
        if self.values.is_empty() {
            return;
        }
        let automaton = self.automaton.get_or_init(|| Automaton::of(&self.values));
        for hit in automaton.searcher.find_iter(text) {
            let form = automaton.forms[hit.pattern().as_usize()];
            let range = if form.is_base64 {
                base64_around(text, hit.start(), hit.end())
            } else {
                hit.range()
            };
            let secret = if form.is_base64 { Vec::new() } else { text[range.clone()].to_vec() };
            findings.push(Finding { rule: form.rule, range, secret });
        }
    }
}

impl Automaton {
    fn of(values: &BTreeMap<Vec<u8>, usize>) -> Self {
        let (mut texts, mut forms) = (Vec::new(), Vec::new());
        for (value, &rule) in values {
            texts.push(value.clone());
            forms.push(Form { rule, is_base64: false });
            if value.len() >= MIN_ENCODED {
                for text in base64_forms(value) {
                    texts.push(text);
                    forms.push(Form { rule, is_base64: true });
                }
            }
        }
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&texts)
            .expect("the secrets of a session fit into an automaton");
        Self { searcher, forms }
    }
}

/// What base64 makes of the value at each of the three places it can begin at in a longer text,
/// without the characters that also depend on its neighbours.
fn base64_forms(value: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|shift| {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(value);
        let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let start = [0, 2, 3][shift];
        let end = padded.len() * 8 / 6;
        encoded[start..end].to_vec()
    })
}

fn base64_around(text: &[u8], start: usize, end: usize) -> std::ops::Range<usize> {
    const REACH: usize = 16 * 1024;
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte);
    let before = text[..start].iter().rev().take(REACH).take_while(is_base64).count();
    let after = text[end..].iter().take(REACH).take_while(is_base64).count();
    let padding = text[end + after..].iter().take(2).take_while(|byte| **byte == b'=').count();
    start - before..end + after + padding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(known: &KnownSecrets, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        known.find(text.as_bytes(), &mut findings);
        let ranges = findings.into_iter().map(|finding| text[finding.range].to_owned());
        ranges.collect()
    }

    #[test]
    fn the_base64_of_a_known_value_is_found_at_any_offset() {
        let mut known = KnownSecrets::default();
        known.add(0, b"correct-Horse-77-battery");
        for before in ["", "u:", "us:", "svc:"] {
            let encoded = base64::engine::general_purpose::STANDARD
                .encode(format!("{before}correct-Horse-77-battery"));
            let text = format!("auth {encoded} end");
            assert_eq!(found(&known, &text), [encoded]);
        }
    }

    #[test]
    fn plain_words_are_not_remembered() {
        let mut known = KnownSecrets::default();
        for value in ["password", "hunter2", "12345678901", "localhost"] {
            known.add(0, value.as_bytes());
        }
        assert!(known.is_empty(), "{known:?}");
    }

    #[test]
    fn debug_output_hides_the_values() {
        let mut known = KnownSecrets::default();
        known.add(0, b"correct-Horse-77-battery");
        assert_eq!(format!("{known:?}"), "KnownSecrets(1 values)");
    }
}
