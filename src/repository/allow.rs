//! Allowing a value: what a rule finds that is no secret.

use std::path::PathBuf;

use crate::config;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform::Environment;
use crate::repository::rules::load_rules;

/// What allowing a value did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowOutcome {
    /// The configuration that names it now.
    pub path: PathBuf,
    /// The SHA-256, in hex, of each value that a rule takes there for a secret.
    pub digests: Vec<String>,
    /// The rules that found it; none: it is one only beside some name.
    pub rules: Vec<String>,
    /// Whether anything was added; else it was allowed before.
    pub is_new: bool,
}

/// Adds the value that a text holds, or is, to the user's allow-list: its SHA-256, never the value.
///
/// # Errors
/// `Invalid`: the text holds several values, or the configuration has something wrong in it.
pub fn allow_value(environment: &Environment, text: &str) -> Result<AllowOutcome> {
    let named = load_rules(environment)?.name_value(text).ok_or_else(|| {
        let message = "the rules find several values in it; give the one that is no secret";
        Error::new(ErrorKind::Invalid, message)
    })?;
    let comment = match named.rules.as_slice() {
        [] => "no secret".to_owned(),
        rules => format!("no secret, though found by {}", rules.join(", ")),
    };
    let allowed = config::allow(&environment.config, &environment.home, &named.digests, &comment)?;
    let config::Allowed { path, is_new } = allowed;
    Ok(AllowOutcome { path, digests: named.digests, rules: named.rules, is_new })
}
