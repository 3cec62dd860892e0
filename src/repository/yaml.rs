//! Sessions and values as readable YAML, and back.

use crate::error::Result;
use crate::format;
use crate::session::Session;

/// A session as readable YAML: its head, then its records, one document each.
pub fn render_session(session: &Session) -> String {
    format::render_session(&session.head(), &session.records)
}

/// A value as YAML, in the form of the store's files.
pub fn render_yaml(value: &serde_json::Value) -> String {
    format::render_value(value)
}

/// The value that a YAML text stands for.
///
/// # Errors
/// `Invalid`: it is not YAML; the message names the line.
pub fn parse_yaml(text: &str) -> Result<serde_json::Value> {
    Ok(format::parse_value(text)?)
}
