//! Names of things: sessions, revisions, records, models.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// The space in which the ids of captured sessions and of annals events are made (UUID v5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0e_5b1c_2f0a_5d7e_9c11_a1a1_5e55_1011);

/// The id of a session: a UUID, written in lower case with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

impl SessionId {
    /// The id of a session that annals itself created; `uuid` should be a version 7.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id of a session captured from `agent`, the same on every machine.
    pub fn captured(agent: &str, native_id: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("session\n{agent}\n{native_id}").as_bytes()))
    }

    /// The id in its shortest form.
    pub const fn to_bytes(&self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id of which these are the bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id of a session that follows from what it holds, the same wherever it is made. `kind`
    /// keeps apart what is made for different ends.
    pub fn made_of(kind: &str, content: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{kind}\n{content}").as_bytes()))
    }

    /// The last 8 digits: what people read and type.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text[text.len() - 8..].to_owned()
    }

    /// The last two digits: the folder the session lies in.
    pub fn shard(&self) -> String {
        let text = self.to_string();
        text[text.len() - 2..].to_owned()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// The id of an annals event whose content decides it: the same fact is the same event everywhere.
pub(super) fn event_id(content: &str) -> String {
    Uuid::new_v5(&NAMESPACE, format!("event\n{content}").as_bytes()).to_string()
}

/// A saved state of the store: the id of a commit, 40 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RevisionId(String);

impl RevisionId {
    /// Takes the 40 lower-case hex digits of a commit id.
    pub fn parse(hex: &str) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (hex.len() == 40 && hex.bytes().all(is_hex)).then(|| Self(hex.to_owned()))
    }

    /// The 40 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits: what people read and type.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a language model, as the agent wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(pub String);

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names a record within its session, on every machine and in every revision.
///
/// The native id, or a hash (see [`Keys`](super::Keys)); a repeated one has its number behind a `#`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordKey(pub String);

impl RecordKey {
    /// The key without the number of its occurrence.
    pub fn base(&self) -> &str {
        match self.0.rsplit_once('#') {
            Some((base, n)) if n.bytes().all(|b| b.is_ascii_digit()) => base,
            _ => &self.0,
        }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
