//! What a user says about the rules: some of his own, some switched off, findings that are none.
//!
//! All of it is checked before a rule runs. Where anything cannot be used, there are no rules at
//! all: whoever wrote a rule relies on it, and nothing may be saved without it.

use crate::redact::Error;
use crate::redact::KnownSecrets;
use crate::redact::Rules;
use crate::redact::allow::AllowList;
use crate::redact::own::OwnRules;
use crate::redact::rules::GIVEN;
use crate::redact::rules::Rule;
use crate::redact::rules::TABLES;
use crate::redact::scan::Search;

/// The longest name of a rule; it stands in every mark.
const MAX_NAME: usize = 64;

/// The most entries of each list.
const MAX_ENTRIES: usize = 1000;

/// How alike two names must be for one to be taken for the other, misspelt.
const ALIKE: f64 = 0.75;

/// What a user says about the rules, as plain values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleSettings {
    /// Rules of his own.
    pub rules: Vec<ExtraRule>,
    /// Names of rules that are not to run.
    pub off: Vec<String>,
    /// What is no secret.
    pub allow: Vec<Allowance>,
}

/// A rule of the user's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtraRule {
    /// Its name, as in the mark: lower-case letters, digits and hyphens.
    pub name: String,
    /// Texts, in any letter case, near which alone the pattern is looked for. None: the texts that
    /// every match begins with.
    pub keywords: Vec<String>,
    /// A regular expression; the secret is its first group, or all of it.
    pub pattern: String,
    /// The least entropy of a secret, in bits a byte.
    pub entropy: Option<f64>,
}

/// What is no secret though a rule finds it. All that is said must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Allowance {
    /// The SHA-256 of the value, in hex.
    pub sha256: Option<String>,
    /// A regular expression that the whole value matches.
    pub pattern: Option<String>,
    /// A regular expression that the whole name beside the value matches.
    pub name: Option<String>,
    /// The only rule that it holds for.
    pub rule: Option<String>,
}

/// A list of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingList {
    /// `redact.rules`
    Rules,
    /// `redact.off`
    Off,
    /// `redact.allow`
    Allow,
}

impl std::fmt::Display for SettingList {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Rules => "redact.rules",
            Self::Off => "redact.off",
            Self::Allow => "redact.allow",
        })
    }
}

/// What is wrong with a setting: its list, its place in it from 0, its key, and the cause.
pub(super) struct Fault {
    list: SettingList,
    index: usize,
    key: &'static str,
    cause: String,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let Fault { list, index, key, cause } = fault;
        Self::Setting { list, index, key, cause }
    }
}

/// A key that is wrong, and why.
pub(super) type Refusal = (&'static str, String);

impl Rules {
    /// The rules that come with annals, as a user has changed them.
    ///
    /// # Errors
    /// A setting cannot be used. Then nothing may be saved.
    pub fn load(settings: &RuleSettings) -> Result<Self, Error> {
        check_counts(settings)?;
        for (index, rule) in settings.rules.iter().enumerate() {
            check_name(rule, &settings.rules[..index])
                .map_err(|cause| fault(SettingList::Rules, index, ("name", cause)))?;
        }
        check_off(settings)?;
        let is_on = |name: &str| !settings.off.iter().any(|off| off == name);
        let mut table = TABLES.concat();
        table.retain(|rule| is_on(rule.name));
        let mut own = OwnRules::default();
        for (index, rule) in settings.rules.iter().enumerate() {
            let add = own.add(rule, is_on(&rule.name));
            add.map_err(|refusal| fault(SettingList::Rules, index, refusal))?;
        }
        let mut rules = Self::of(table)?;
        rules.own = own.ready();
        rules.allow = rules.allow_list(&settings.allow)?;
        Ok(rules)
    }

    /// Where rules of the user's own begin in the numbers of all rules.
    pub(super) fn first_own(&self) -> usize {
        self.all().len()
    }

    /// The name of a rule.
    pub(super) fn name(&self, rule: usize) -> &str {
        match self.all().get(rule) {
            Some(rule) => rule.name,
            None => self.own.name(rule - self.first_own()),
        }
    }

    /// Why what a rule finds is taken for a secret, without a word of it.
    pub(super) fn reason(&self, rule: usize) -> String {
        match self.all().get(rule) {
            Some(rule) => rule.reason(),
            None => self.own.reason(rule - self.first_own()),
        }
    }

    /// The rank of a rule: of two that find the same place, the lower one names it. What a user
    /// said himself comes first.
    pub(super) fn rank(&self, rule: usize) -> usize {
        let first = self.first_own();
        if rule >= first { rule - first } else { rule + self.own.len() }
    }

    /// Whether a mark can have that name. Marks of rules that are switched off stay marks.
    pub(super) fn is_rule_name(&self, name: &[u8]) -> bool {
        builtin().any(|rule| rule.name.as_bytes() == name) || self.own.has_name(name)
    }

    fn allow_list(&self, entries: &[Allowance]) -> Result<AllowList, Error> {
        let mut list = AllowList::default();
        let known = KnownSecrets::default();
        let search = Search { rules: Some(self), known: &known };
        for (index, entry) in entries.iter().enumerate() {
            let refuse = |refusal| fault(SettingList::Allow, index, refusal);
            if let Some(cause) = entry.rule.as_ref().and_then(|rule| self.unknown(rule)) {
                return Err(refuse(("rule", cause)).into());
            }
            for (key, text) in [("pattern", &entry.pattern), ("name", &entry.name)] {
                let found = text.as_ref().map(|text| search.find(text.as_bytes()));
                if let Some(finding) = found.unwrap_or_default().first() {
                    return Err(refuse((key, holds_secret(self.name(finding.rule)))).into());
                }
            }
            list.add(entry).map_err(refuse)?;
        }
        Ok(list)
    }

    /// Why that is no name of a rule, if it is none.
    fn unknown(&self, name: &str) -> Option<String> {
        let names = builtin().map(|rule| rule.name).chain(self.own.names());
        (!self.is_rule_name(name.as_bytes())).then(|| no_rule(name, names))
    }
}

fn fault(list: SettingList, index: usize, (key, cause): Refusal) -> Fault {
    Fault { list, index, key, cause }
}

/// The rules that come with annals and look for something.
fn builtin() -> impl Iterator<Item = &'static Rule> {
    TABLES.iter().flat_map(|table| table.iter())
}

fn check_counts(settings: &RuleSettings) -> Result<(), Fault> {
    let counts = [
        (SettingList::Rules, settings.rules.len(), "name"),
        (SettingList::Off, settings.off.len(), ""),
        (SettingList::Allow, settings.allow.len(), ""),
    ];
    for (list, count, key) in counts {
        if count > MAX_ENTRIES {
            let cause = format!("is one of {count}; there can be {MAX_ENTRIES}");
            return Err(fault(list, MAX_ENTRIES, (key, cause)));
        }
    }
    Ok(())
}

fn check_name(rule: &ExtraRule, earlier: &[ExtraRule]) -> Result<(), String> {
    let name = &rule.name;
    let is_name_byte = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_name_byte) {
        let form = "lower-case letters, digits and hyphens";
        Err(format!("must be 1 to {MAX_NAME} {form}"))
    } else if builtin().any(|rule| rule.name == name) {
        Err(format!("is {name:?}, which a rule of annals' own is called"))
    } else if earlier.iter().any(|rule| rule.name == *name) {
        Err(format!("is {name:?}, which an earlier rule is called"))
    } else {
        Ok(())
    }
}

fn check_off(settings: &RuleSettings) -> Result<(), Fault> {
    let names = || {
        let own = settings.rules.iter().map(|rule| rule.name.as_str());
        builtin().map(|rule| rule.name).filter(|name| *name != GIVEN).chain(own)
    };
    for (index, off) in settings.off.iter().enumerate() {
        if !names().any(|name| name == off) {
            return Err(fault(SettingList::Off, index, ("", no_rule(off, names()))));
        }
    }
    Ok(())
}

fn no_rule<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let nearest = names
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("names no rule; is {nearest:?} meant?"),
        None => "names no rule".to_owned(),
    }
}

/// The text itself is not told.
fn holds_secret(rule: &str) -> String {
    format!(
        "holds what the rule {rule} takes for a secret, which must not stand in a file: \
         `annals redact --allow` keeps only the SHA-256 of a value"
    )
}

#[cfg(test)]
mod tests;
