//! The lists of the section `redact`, as plain values that know their lines.

use serde::Serialize;
use toml_edit::Item;

use crate::config::Entry;
use crate::config::Wrong;
use crate::config::key::LineAt;
use crate::config::lists::Shape;
use crate::config::lists::entries;
use crate::config::lists::names;
use crate::config::lists::texts;
use crate::config::values::text;

/// What the user says about the rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RedactSettings {
    /// `redact.rules`: rules of his own.
    pub rules: Vec<Entry<RuleEntry>>,
    /// `redact.off`: names of rules that are not to run.
    pub off: Vec<Entry<String>>,
    /// `redact.allow`: what is no secret.
    pub allow: Vec<Entry<AllowEntry>>,
}

/// A rule of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleEntry {
    /// Its name, as in the mark.
    pub name: String,
    /// Texts near which alone the pattern is looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// A regular expression.
    pub pattern: String,
    /// The least entropy of a secret, in bits a byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<f64>,
}

/// What is no secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AllowEntry {
    /// The SHA-256 of the value, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// A regular expression that the whole value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A regular expression that the whole name beside the value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The only rule that it holds for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

const RULE: Shape<RuleEntry> = Shape {
    keys: &["name", "keywords", "pattern", "entropy"],
    needed: &["name", "pattern"],
    take: |rule, key, item| {
        Some(match key {
            "name" => text(item).map(|text| text.clone_into(&mut rule.name)),
            "pattern" => text(item).map(|text| text.clone_into(&mut rule.pattern)),
            "keywords" => texts(item).map(|texts| rule.keywords = texts),
            "entropy" => entropy(item).map(|number| rule.entropy = Some(number)),
            _ => return None,
        })
    },
};

const ALLOW: Shape<AllowEntry> = Shape {
    keys: &["sha256", "pattern", "name", "rule"],
    needed: &[],
    take: |entry, key, item| {
        let place = match key {
            "sha256" => &mut entry.sha256,
            "pattern" => &mut entry.pattern,
            "name" => &mut entry.name,
            "rule" => &mut entry.rule,
            _ => return None,
        };
        Some(text(item).map(|text| *place = Some(text.to_owned())))
    },
};

/// Takes in a list, if that is one.
pub(super) fn take(
    settings: &mut RedactSettings,
    key: &str,
    item: &Item,
    line_at: &LineAt<'_>,
) -> Result<bool, Wrong> {
    match key {
        "redact.rules" => settings.rules = entries(key, item, line_at, &RULE)?,
        "redact.allow" => settings.allow = entries(key, item, line_at, &ALLOW)?,
        "redact.off" => settings.off = names(key, item, line_at)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn entropy(item: &Item) -> Result<f64, String> {
    let whole = || item.as_integer().and_then(|number| i32::try_from(number).ok()).map(f64::from);
    item.as_float().or_else(whole).ok_or_else(|| "must be a number".to_owned())
}
