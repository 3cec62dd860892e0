//! The rules of redaction, as the user's settings have them.

use crate::config::Entry;
use crate::config::RedactSettings;
use crate::config::Section;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform::Environment;
use crate::redact;
use crate::redact::Allowance;
use crate::redact::ExtraRule;
use crate::redact::RuleSettings;
use crate::redact::Rules;
use crate::redact::SettingList;

/// Loads the rules.
///
/// # Errors
/// `Invalid`: a setting cannot be used; the message names file, line and key. Then nothing may be
/// saved: the user relies on each.
pub(super) fn load_rules(environment: &Environment) -> Result<Rules> {
    rules_of(&Settings::load(&environment.config, &environment.home))
}

/// The rules that settings ask for.
fn rules_of(settings: &Settings) -> Result<Rules> {
    settings.check(Section::Redact).map_err(|error| refused(&error))?;
    Rules::load(&plain(&settings.redact)).map_err(|error| match error {
        redact::Error::Setting { list, index, key, cause } => {
            let (line, key) = place(&settings.redact, list, index, key);
            refused(&settings.refusal(line, key, cause))
        }
        error @ redact::Error::Rule { .. } => error.into(),
    })
}

/// Looks whether all of the settings can be used, the rules of redaction too.
///
/// # Errors
/// `Invalid`: the first thing that is wrong; the message names file, line and key.
pub fn check_settings(settings: &Settings) -> Result<()> {
    if let Some(fault) = settings.faults().next() {
        return Err(fault.clone().into());
    }
    rules_of(settings).map(drop)
}

fn refused(error: &crate::config::Error) -> Error {
    let message = format!("without its settings, redaction lets nothing pass: {error}");
    Error::new(ErrorKind::Invalid, message)
}

/// The line of a setting, and its full name.
fn place(settings: &RedactSettings, list: SettingList, index: usize, key: &str) -> (usize, String) {
    let line = match list {
        SettingList::Rules => line_of(&settings.rules, index, key),
        SettingList::Off => line_of(&settings.off, index, key),
        SettingList::Allow => line_of(&settings.allow, index, key),
    };
    let entry = format!("{list}[{}]", index + 1);
    (line, if key.is_empty() { entry } else { format!("{entry}.{key}") })
}

fn line_of<T>(entries: &[Entry<T>], index: usize, key: &str) -> usize {
    entries.get(index).map_or(1, |entry| entry.line_of(key))
}

/// What the settings say, as `redact` takes it.
fn plain(settings: &RedactSettings) -> RuleSettings {
    let rules = settings.rules.iter().map(|entry| entry.value.clone());
    let allow = settings.allow.iter().map(|entry| entry.value.clone());
    RuleSettings {
        rules: rules
            .map(|it| ExtraRule {
                name: it.name,
                keywords: it.keywords,
                pattern: it.pattern,
                entropy: it.entropy,
            })
            .collect(),
        off: settings.off.iter().map(|entry| entry.value.clone()).collect(),
        allow: allow
            .map(|it| Allowance {
                sha256: it.sha256,
                pattern: it.pattern,
                name: it.name,
                rule: it.rule,
            })
            .collect(),
    }
}
