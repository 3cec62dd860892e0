//! What is no secret though a rule finds it.
//!
//! A value is named by its SHA-256: the list stands in a file that people copy and publish, and
//! whoever errs about a value must not put it there in clear. It is the plain SHA-256, so that it
//! can be checked with any tool; whoever guesses a value can check the guess too, so that a
//! password that is in use should never be allowed.

use std::collections::BTreeSet;
use std::ops::Range;

use regex::bytes::Regex;
use sha2::Digest as _;
use sha2::Sha256;

use crate::redact::KnownSecrets;
use crate::redact::Rules;
use crate::redact::own;
use crate::redact::scan::Search;
use crate::redact::settings::Allowance;
use crate::redact::settings::Refusal;

/// The longest name beside a value.
const MAX_NAME: usize = 64;

/// How many characters stand between a name and its value, at most.
const MAX_GAP: usize = 16;

/// All that is allowed.
#[derive(Debug, Default)]
pub(super) struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    sha256: Option<[u8; 32]>,
    pattern: Option<Regex>,
    name: Option<Regex>,
    rule: Option<String>,
}

impl AllowList {
    /// Takes in an entry.
    pub(super) fn add(&mut self, entry: &Allowance) -> Result<(), Refusal> {
        let Allowance { sha256, pattern, name, rule } = entry;
        if sha256.is_none() && pattern.is_none() && name.is_none() {
            let cause = "is missing, and so are pattern and name: a rule as a whole is switched \
                         off in redact.off";
            return Err(("sha256", cause.to_owned()));
        }
        let sha256 = sha256.as_deref().map(parse).transpose().map_err(|it| ("sha256", it))?;
        let pattern = pattern.as_deref().map(whole).transpose().map_err(|it| ("pattern", it))?;
        let name = name.as_deref().map(whole).transpose().map_err(|it| ("name", it))?;
        self.entries.push(Entry { sha256, pattern, name, rule: rule.clone() });
        Ok(())
    }

    /// Whether nothing is allowed.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the value that `rule` found is no secret. `name`: what stands beside it.
    pub(super) fn allows(&self, rule: &str, value: &[u8], name: &[u8]) -> bool {
        let digest = std::cell::OnceCell::new();
        let is_value =
            |sha256: &[u8; 32]| digest.get_or_init(|| Sha256::digest(value))[..] == sha256[..];
        self.entries.iter().any(|entry| {
            entry.rule.as_ref().is_none_or(|of| of == rule)
                && entry.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
                && entry.name.as_ref().is_none_or(|pattern| pattern.is_match(name))
                && entry.sha256.as_ref().is_none_or(is_value)
        })
    }
}

/// What is to be allowed, as entries of the list name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The rules that find it; none: it is one only beside some name.
    pub rules: Vec<String>,
    /// The SHA-256, in hex, of each value that they take there for a secret.
    pub digests: Vec<String>,
}

impl Rules {
    /// The value that a text holds, whatever is allowed already; or is, where no rule finds
    /// anything in it. None: it holds several.
    pub fn name_value(mut self, text: &str) -> Option<NamedValue> {
        self.allow = AllowList::default();
        let known = KnownSecrets::default();
        let search = Search { rules: Some(&self), known: &known };
        let places: BTreeSet<Vec<u8>> =
            search.find(text.as_bytes()).into_iter().map(|finding| finding.secret).collect();
        let (mut rules, mut digests) = (BTreeSet::new(), BTreeSet::new());
        // Each rule is asked about what it finds itself.
        for finding in search.find_all(text.as_bytes()) {
            rules.insert(self.name(finding.rule).to_owned());
            digests.insert(digest_of(&finding.secret));
        }
        if digests.is_empty() {
            digests.insert(digest_of(text.as_bytes()));
        }
        let (rules, digests) = (rules.into_iter().collect(), digests.into_iter().collect());
        (places.len() <= 1).then_some(NamedValue { rules, digests })
    }
}

/// How an entry of the list names a value.
fn digest_of(value: &[u8]) -> String {
    let mut digest = String::with_capacity(64);
    for byte in Sha256::digest(value) {
        digest.extend(
            [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
        );
    }
    digest
}

fn parse(text: &str) -> Result<[u8; 32], String> {
    let refused = || "must be 64 hexadecimal digits".to_owned();
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refused());
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| refused())?;
    }
    Ok(digest)
}

/// A pattern that a whole text must match.
fn whole(pattern: &str) -> Result<Regex, String> {
    own::compile(pattern)?;
    own::compile(&format!(r"\A(?:{pattern})\z"))
}

/// The name that stands before the value at `range`, as far as there is one.
pub(super) fn name_before<'t>(text: &'t [u8], range: &Range<usize>) -> &'t [u8] {
    let is_gap = |byte: &&u8| b" \t\"'`=:>[]".contains(byte);
    let before = &text[..range.start];
    let gap = before.iter().rev().take(MAX_GAP).take_while(is_gap).count();
    let before = &before[..before.len() - gap];
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let length = before.iter().rev().take(MAX_NAME).take_while(is_name).count();
    &before[before.len() - length..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(edit: impl FnOnce(&mut Allowance)) -> Allowance {
        let mut entry = Allowance::default();
        edit(&mut entry);
        entry
    }

    #[test]
    fn all_that_an_entry_says_must_hold() {
        let mut list = AllowList::default();
        let entry = allowance(|it| {
            it.sha256 = Some(digest_of(b"value-1").to_uppercase());
            it.rule = Some("secret".to_owned());
        });
        list.add(&entry).expect("an entry");
        let entry = allowance(|it| {
            it.name = Some("TEST_[A-Z]+".to_owned());
            it.pattern = Some("dev-[0-9]+".to_owned());
        });
        list.add(&entry).expect("an entry");
        assert!(list.allows("secret", b"value-1", b""));
        assert!(!list.allows("password", b"value-1", b""), "it is for one rule");
        assert!(!list.allows("secret", b"value-2", b""));
        assert!(list.allows("key", b"dev-77", b"TEST_KEY"));
        assert!(!list.allows("key", b"dev-77", b"MY_TEST_KEY"), "the whole name");
        assert!(!list.allows("key", b"dev-77x", b"TEST_KEY"), "the whole value");
    }

    #[test]
    fn a_value_is_named_by_what_every_rule_takes_for_it() {
        let named = |text: &str| {
            let rules = Rules::builtin().expect("the rules load");
            rules.name_value(text).map(|named| (named.rules, named.digests))
        };
        let digest = |text: &str| vec![digest_of(text.as_bytes())];
        let found = |rule: &str, text| Some((vec![rule.to_owned()], digest(text)));
        assert_eq!(named("DB_PASSWORD=Kx9mmQ2zz7"), found("password", "Kx9mmQ2zz7"));
        assert_eq!(named("Kx9mmQ2zz7"), Some((Vec::new(), digest("Kx9mmQ2zz7"))));
        assert_eq!(named("A_PASSWORD=Kx9mmQ2zz7 B_PASSWORD=Kx9mmQ2zz8"), None);
        let twice = named("A_PASSWORD=Kx9mmQ2zz7 B_PASSWORD=Kx9mmQ2zz7");
        assert_eq!(twice, found("password", "Kx9mmQ2zz7"));
    }

    #[test]
    fn an_entry_that_says_nothing_or_nonsense_is_refused() {
        let refused = |edit: fn(&mut Allowance)| {
            AllowList::default().add(&allowance(edit)).expect_err("it is refused").0
        };
        assert_eq!(refused(|it| it.rule = Some("jwt".to_owned())), "sha256");
        assert_eq!(refused(|it| it.sha256 = Some("é".repeat(32))), "sha256");
        assert_eq!(refused(|it| it.pattern = Some("(".to_owned())), "pattern");
        assert_eq!(refused(|it| it.pattern = Some("a)|(b".to_owned())), "pattern");
        assert_eq!(refused(|it| it.name = Some(".*".to_owned())), "name");
    }

    #[test]
    fn the_name_beside_a_value_is_found() {
        for (text, value, name) in [
            ("export DB_PASSWORD=abc", "abc", "DB_PASSWORD"),
            ("{\"api.key\": \"abc\"}", "abc", "api.key"),
            ("env['TOKEN'] = 'abc'", "abc", "TOKEN"),
            ("abc", "abc", ""),
        ] {
            let start = text.find(value).expect("it is there");
            let found = name_before(text.as_bytes(), &(start..start + value.len()));
            assert_eq!(found, name.as_bytes(), "{text}");
        }
    }
}
