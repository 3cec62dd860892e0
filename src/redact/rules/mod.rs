//! The rules: one entry for each kind of secret, in tables by domain.
//!
//! A rule has a name (it stands in the mark, so it is lower-case letters, digits and hyphens),
//! the keywords without which it cannot match, a way to find the secret at a keyword, and a check
//! of what was found. To add one: an entry in the table of its domain, with a comment above it that
//! says where the format comes from (`// Source: …`: the page of who issues it, or a public set of
//! rules by its name there), and its examples in `tests.rs`. A format with a checksum names it. Where two rules find the same place, the earlier one
//! names it: tables go from the special to the general.

mod ai;
mod cloud;
mod forge;
mod general;
mod messages;
mod monitoring;
mod payment;
mod work;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use aho_corasick::AhoCorasick;
use aho_corasick::AhoCorasickKind;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::redact::Error;
use crate::redact::RuleSettings;
use crate::redact::allow::AllowList;
use crate::redact::assign::Class;
use crate::redact::checks;
use crate::redact::checksums;
use crate::redact::own::OwnRules;

/// The tables, from the special to the general.
pub(super) const TABLES: [&[Rule]; 8] = [
    cloud::RULES,
    forge::RULES,
    ai::RULES,
    messages::RULES,
    payment::RULES,
    monitoring::RULES,
    work::RULES,
    general::RULES,
];

/// The rule of what a person has scrubbed.
pub(super) const GIVEN: &str = "scrubbed";

/// How many bytes are searched before the automaton pays that is quick to run and slow to make: making
/// it takes five milliseconds, which is a third of a small save.
const FEW: usize = 64 << 10;

/// The largest compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 4 << 20;

/// One kind of secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Its name, as in the mark.
    pub(super) name: &'static str,
    /// Texts one of which every match holds, in any letter case.
    pub(super) keywords: &'static [&'static str],
    /// How the secret is found at a keyword.
    pub(super) find: Find,
    /// Whether what was found can be a secret.
    pub(super) check: fn(&[u8]) -> bool,
    /// Whether a checksum in what was found makes it one, whatever else it looks like.
    pub(super) is_certain: fn(&[u8]) -> bool,
    /// What is known with it.
    pub(super) open: Open,
}

/// Says what a secret that was found holds in another encoding.
pub(super) type Open = fn(&[u8]) -> Opened;

/// What a secret holds.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Values that are secrets by themselves.
    pub(super) secrets: Vec<Vec<u8>>,
    /// A text in which rules may find more.
    pub(super) text: Vec<u8>,
}

/// Finds the secret at a keyword, and says up to where there is nothing more to find.
pub(super) type Scan = fn(&[u8], &Range<usize>) -> (Option<Range<usize>>, usize);

/// Finds the secrets that a keyword makes of what stands round it, and says up to where there is
/// nothing more to find.
type Group = fn(&[u8], &Range<usize>) -> (Vec<Range<usize>>, usize);

/// Finds all secrets of a kind in a text.
type Sweep = fn(&[u8]) -> Vec<Range<usize>>;

/// How the secret is found at a keyword.
#[derive(Debug, Clone, Copy)]
pub(super) enum Find {
    /// The keyword, in just this letter case, begins the match. The secret is the first group of
    /// the pattern, or all of it.
    Token(&'static str),
    /// As `Token`, but the keyword may have any letter case.
    Phrase(&'static str),
    /// It is assigned to the name that holds the keyword.
    Assigned(Class),
    /// A function finds it, and says up to where there is nothing more to find.
    Scan(Scan),
    /// A function finds several that belong together.
    Group(Group),
    /// A function that needs no keyword finds all of them.
    Sweep(Sweep),
    /// Nothing finds it: a person says what it is.
    Given,
}

impl Rule {
    /// A token that begins with one of the keywords.
    const fn token(
        name: &'static str,
        keywords: &'static [&'static str],
        pattern: &'static str,
    ) -> Self {
        Self::found(name, keywords, Find::Token(pattern)).checked(checks::is_token)
    }

    /// A secret behind one of the keywords, which may have any letter case.
    const fn phrase(
        name: &'static str,
        keywords: &'static [&'static str],
        pattern: &'static str,
    ) -> Self {
        Self::found(name, keywords, Find::Phrase(pattern)).checked(checks::is_token)
    }

    /// A value assigned to a name of the class.
    const fn assigned(name: &'static str, keywords: &'static [&'static str], class: Class) -> Self {
        Self::found(name, keywords, Find::Assigned(class))
    }

    /// What is found in that way, and needs no further check.
    const fn found(name: &'static str, keywords: &'static [&'static str], find: Find) -> Self {
        Self { name, keywords, find, check: any, is_certain: checksums::none, open: closed }
    }

    /// Why what the rule finds is taken for a secret, without a word of it.
    pub(super) fn reason(&self) -> String {
        let words = self.keywords.join(", ");
        match self.find {
            Find::Token(_) => format!("begins with {words}"),
            Find::Phrase(_) => format!("stands behind {words}"),
            Find::Assigned(_) => format!("is assigned to a name with {words}"),
            Find::Scan(_) | Find::Group(_) => format!("has the form that belongs to {words}"),
            Find::Sweep(_) => "has the form of such a token".to_owned(),
            Find::Given => "was named by a person".to_owned(),
        }
    }

    /// The rule with another check.
    const fn checked(self, check: fn(&[u8]) -> bool) -> Self {
        Self { check, ..self }
    }

    /// The rule with a checksum that makes certain what it holds for.
    const fn summed(self, is_certain: fn(&[u8]) -> bool) -> Self {
        Self { is_certain, ..self }
    }

    /// The rule with what is known with each of its secrets.
    const fn opened(self, open: Open) -> Self {
        Self { open, ..self }
    }

    /// Whether what was found is taken for a secret.
    pub(super) fn takes(&self, secret: &[u8]) -> bool {
        !secret.is_empty() && ((self.check)(secret) || (self.is_certain)(secret))
    }
}

/// What secrets hold that are in no other encoding: nothing.
fn closed(_: &[u8]) -> Opened {
    Opened::default()
}

/// The check of rules whose finding is already checked.
fn any(_: &[u8]) -> bool {
    true
}

/// The compiled rules. Loading them is cheap: each pattern is compiled when first needed.
#[derive(Debug)]
pub struct Rules {
    table: Vec<Rule>,
    keywords: Vec<&'static str>,
    /// The rules of each keyword.
    users: Vec<Vec<usize>>,
    /// The rules that need no keyword.
    sweeps: Vec<(usize, Sweep)>,
    /// What finds the keywords, quick to make; and the same, quick to run.
    first: OnceLock<AhoCorasick>,
    automaton: OnceLock<AhoCorasick>,
    /// How many bytes were searched so far, about.
    searched: AtomicUsize,
    patterns: Vec<Pattern>,
    /// The rules of the user's own; their numbers follow those of the table.
    pub(super) own: OwnRules,
    /// What is no secret.
    pub(super) allow: AllowList,
}

/// A pattern, compiled when first needed.
#[derive(Debug, Default)]
struct Pattern {
    anchored: OnceLock<Regex>,
    anywhere: OnceLock<Regex>,
}

impl Rules {
    /// The rules that come with annals.
    pub fn builtin() -> Result<Self, Error> {
        Self::load(&RuleSettings::default())
    }

    /// The rules of a table.
    pub(super) fn of(rules: Vec<Rule>) -> Result<Self, Error> {
        let mut places = BTreeMap::new();
        let (mut keywords, mut users) = (Vec::new(), Vec::<Vec<usize>>::new());
        let mut sweeps = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            check_rule(rule)?;
            if let Find::Sweep(sweep) = rule.find {
                sweeps.push((index, sweep));
            }
            for keyword in rule.keywords {
                let place = *places.entry(*keyword).or_insert_with(|| {
                    keywords.push(*keyword);
                    users.push(Vec::new());
                    keywords.len() - 1
                });
                users[place].push(index);
            }
        }
        let patterns = rules.iter().map(|_| Pattern::default()).collect();
        Ok(Self {
            table: rules,
            keywords,
            users,
            sweeps,
            first: OnceLock::new(),
            automaton: OnceLock::new(),
            searched: AtomicUsize::new(0),
            patterns,
            own: OwnRules::default(),
            allow: AllowList::default(),
        })
    }

    /// The rules of the table, in the order of their rank.
    pub(super) fn all(&self) -> &[Rule] {
        &self.table
    }

    /// The rules that a keyword belongs to.
    pub(super) fn users_of(&self, keyword: usize) -> &[usize] {
        &self.users[keyword]
    }

    /// A keyword as its rules have it.
    pub(super) fn keyword(&self, keyword: usize) -> &'static str {
        self.keywords[keyword]
    }

    /// The rule of that name; the last one, which is the most general, if there is none.
    pub(super) fn named(&self, name: &str) -> usize {
        let place = self.table.iter().position(|rule| rule.name == name);
        let own = || Some(self.first_own() + self.own.position(name)?);
        place.or_else(own).unwrap_or(self.table.len() - 1)
    }

    /// The rule for values assigned to names of the class, if it is on.
    pub(super) fn of_class(&self, class: Class) -> Option<usize> {
        let is_of_class = |rule: &Rule| matches!(rule.find, Find::Assigned(of) if of == class);
        self.table.iter().position(is_of_class)
    }

    /// The rules that need no keyword.
    pub(super) fn sweeps(&self) -> &[(usize, Sweep)] {
        &self.sweeps
    }

    /// What finds all keywords in one pass over a text in lower case of that length.
    pub(super) fn automaton(&self, length: usize) -> &AhoCorasick {
        let searched = self.searched.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        let (automaton, kind) = if searched < FEW {
            (&self.first, AhoCorasickKind::NoncontiguousNFA)
        } else {
            (&self.automaton, AhoCorasickKind::DFA)
        };
        automaton.get_or_init(|| {
            // In lower case the tables are half as large, and more of them stays in the caches.
            let lower = self.keywords.iter().map(|keyword| keyword.to_ascii_lowercase());
            AhoCorasick::builder()
                .kind(Some(kind))
                .build(lower)
                .expect("a few hundred short keywords fit into an automaton")
        })
    }

    /// The pattern of a rule that has one, to be matched at the beginning of a text.
    pub(super) fn anchored(&self, rule: usize) -> &Regex {
        let compile = || compile(&format!("^(?:{})", self.pattern_of(rule)));
        self.patterns[rule].anchored.get_or_init(compile)
    }

    /// The pattern of a rule that has one, to be found anywhere in a text.
    pub(super) fn anywhere(&self, rule: usize) -> &Regex {
        let compile = || compile(self.pattern_of(rule));
        self.patterns[rule].anywhere.get_or_init(compile)
    }

    fn pattern_of(&self, rule: usize) -> &'static str {
        match self.table[rule].find {
            Find::Token(pattern) | Find::Phrase(pattern) => pattern,
            Find::Assigned(_) | Find::Scan(_) | Find::Group(_) | Find::Sweep(_) | Find::Given => "",
        }
    }
}

fn check_rule(rule: &Rule) -> Result<(), Error> {
    let is_name_byte = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let cause = if !rule.name.bytes().all(is_name_byte) || rule.name.is_empty() {
        "its name has other characters than lower-case letters, digits and hyphens"
    } else if rule.keywords.is_empty() != matches!(rule.find, Find::Given | Find::Sweep(_))
        || rule.keywords.contains(&"")
    {
        "it has no keyword"
    } else {
        return Ok(());
    };
    Err(Error::Rule { rule: rule.name.to_owned(), cause: cause.to_owned() })
}

fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(PATTERN_LIMIT)
        .build()
        .expect("the patterns are constants, and a test compiles each")
}

#[cfg(test)]
mod tests;
