//! Finds secrets and personal traces and replaces them; the only maker of `Clean<T>`. Pure.
//!
//! A secret becomes `[redacted:<rule>]`: no hash of it, no number, the same on every machine.
//! Only the bytes of the secret change. Redacting twice changes nothing.
//!
//! The way of a text: `exempt` lets ids, times and signatures through, `pictures` looks into the
//! bytes of pictures; `views` undoes what may be wrapped round a secret (colour codes, JSON escapes,
//! percent-encoding) and keeps the way back; `scan` looks for the keywords of all rules in one pass
//! and runs a rule only where its keyword stands; `rules` is the table of rules, `assign`,
//! `manifest`, `places` and `services` find what patterns describe badly, `checks` tells secrets
//! from placeholders, names and code, `checksums` what is certain; `settings` is what a user adds, with `own` rules and an
//! `allow` list of findings that are none; `known` takes a value that was once found out of the
//! whole session. `redactor` takes the texts of records, to which `walk` leads it, through all of it.
//!
//! Entropy alone never decides: it takes a known prefix or a name beside the value. What is drawn
//! on pictures is not seen. Time is linear in the text, whatever it holds.

mod allow;
mod assign;
mod checks;
mod checksums;
mod exempt;
mod known;
mod manifest;
mod own;
mod pictures;
mod places;
mod redactor;
mod rules;
mod scan;
mod services;
mod settings;
mod share;
mod views;
mod walk;

pub use allow::NamedValue;
pub use known::KnownSecrets;
pub use redactor::Redactor;
pub use redactor::Spot;
pub use rules::Rules;
pub use settings::Allowance;
pub use settings::ExtraRule;
pub use settings::RuleSettings;
pub use settings::SettingList;
pub use share::Profile;
pub use share::Sharing;
pub use share::Watch;

/// A value that went through redaction, or came out of the store as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Clean<T>(T);

impl<T> Clean<T> {
    /// A value as the store holds it, folded from what it holds, or annals' own words.
    pub(crate) fn stored(value: T) -> Self {
        Self(value)
    }

    /// A value made from this one by a pure step that brings in no other text.
    pub(crate) fn derive<U>(&self, step: impl FnOnce(&T) -> U) -> Clean<U> {
        Clean(step(&self.0))
    }

    /// The value made of this one by a pure step that brings in no other text.
    pub(crate) fn map<U>(self, step: impl FnOnce(T) -> U) -> Clean<U> {
        Clean(step(self.0))
    }

    /// This value and another.
    pub(crate) fn join<U>(self, other: Clean<U>) -> Clean<(T, U)> {
        Clean((self.0, other.0))
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Clean<Vec<T>> {
    /// A list of clean values.
    pub(crate) fn from_items(items: impl IntoIterator<Item = Clean<T>>) -> Self {
        Clean(items.into_iter().map(|item| item.0).collect())
    }

    /// The values, each clean by itself.
    pub(crate) fn items(self) -> impl Iterator<Item = Clean<T>> {
        self.0.into_iter().map(Clean)
    }
}

impl<T> std::ops::Deref for Clean<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Why rules could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule cannot be used.
    #[error("the redaction rule {rule} cannot be used: {cause}")]
    Rule {
        /// The rule.
        rule: String,
        /// What is wrong.
        cause: String,
    },
    /// A setting of the user's cannot be used.
    #[error("the {list} setting {} for redaction cannot be used: {key} {cause}", index + 1)]
    Setting {
        /// The list that it stands in.
        list: SettingList,
        /// Its place there, from 0.
        index: usize,
        /// The key; empty where the entries have none.
        key: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

#[cfg(test)]
mod tests;
