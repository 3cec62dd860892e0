//! Times as agents wrote them: the exact text, and the instant it stands for.

use std::fmt;

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;

/// An RFC 3339 time, kept as it was written, so that a session goes back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timestamp(String);

impl Timestamp {
    /// Takes `text` if it is an RFC 3339 time within the years 0000 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|_| Self(text.to_owned()))
    }

    /// The time as annals itself writes it: UTC, milliseconds, `Z`.
    pub fn from_instant(instant: DateTime<Utc>) -> Self {
        Self(instant.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// The instant that the text stands for.
    pub fn instant(&self) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&self.0).map_or(DateTime::UNIX_EPOCH, Into::into)
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
