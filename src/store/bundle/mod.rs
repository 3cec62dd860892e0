//! Bundles: sessions as one git bundle, made for passing on, and read from strangers.
//!
//! A bundle of ours is a git bundle with one commit that has no parent, whose tree is laid out like
//! a store's: `annals.yaml`, `README.md`, `.gitattributes`, and `sessions/`. It is made in memory
//! and never becomes part of the store; equal input gives equal bytes.
//!
//! **Reading is our own**, neither git's nor libgit2's. Both inflate whatever a pack declares (a
//! pack of a few KiB can stand for gigabytes), so the entries would have to be measured before
//! either could be let near them; and both write what they unpack. Here nothing is written, no
//! program runs, no setting, hook or filter is looked at, and every limit stands in this file.
//! Objects are the bytes of the pack alone: one that refers to others is refused.
//!
//! **What is not listed is refused.** A name, mode or object that [`contents`] does not expect
//! makes the whole bundle void, so there is no list of dangerous names to keep up to date.
//!
//! Limits: 96 MiB the bundle, 50,000 objects, 32 MiB an object, 192 MiB of them together, 50 deltas
//! one upon the other; 4 MiB a file of messages, 64 MiB of messages a session.

mod contents;
mod delta;
mod pack;
mod render;

use std::collections::HashMap;

use git2::ObjectType;
use git2::Oid;

use crate::session::SessionId;

pub use contents::BundledSession;
pub use render::BundleText;
pub use render::render_bundle;

/// The most bytes that a bundle may have.
pub const BUNDLE_LIMIT: u64 = 96 << 20;
/// The most objects of a bundle.
const OBJECTS: usize = 50_000;
/// The most bytes of one object.
const OBJECT_BYTES: usize = 32 << 20;
/// The most bytes of all objects together, what deltas inflate to included.
const TOTAL_BYTES: usize = 192 << 20;
/// How many deltas may lie one upon the other: as many as git itself makes.
const DEPTH: usize = 50;
/// The most lines of a bundle's header: the first, two refs, the last.
const HEADER_LINES: usize = 16;
/// The longest line of it.
const HEADER_LINE: usize = 1024;

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is not what annals makes.
    #[error("{0}")]
    Refused(String),
    /// It was cut off, or changed on its way.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A later version of annals made it.
    #[error("schema {found} is newer than this program's")]
    TooNew {
        /// Its schema version.
        found: u32,
    },
}

/// A bundle whose every object was looked at.
#[derive(Debug)]
pub struct Bundle {
    objects: HashMap<Oid, Object>,
    header: Vec<u8>,
    manifest: String,
    sessions: Vec<BundledSession>,
}

/// What an object is, and its bytes.
#[derive(Debug, Clone)]
struct Object {
    kind: ObjectType,
    bytes: Vec<u8>,
}

impl Bundle {
    /// Reads a bundle and checks it, but for what stands in the records.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() as u64 > BUNDLE_LIMIT {
            return Err(refused(format!("it has more than {} MiB", BUNDLE_LIMIT >> 20)));
        }
        let (tip, length) = parse_header(bytes)?;
        let objects = pack::unpack(&bytes[length..])?;
        let header = bytes[..length].to_vec();
        let mut bundle = Self { objects, header, manifest: String::new(), sessions: Vec::new() };
        bundle.read_contents(tip)?;
        Ok(bundle)
    }

    /// The text of its `annals.yaml`.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The sessions that it holds.
    pub fn sessions(&self) -> &[BundledSession] {
        &self.sessions
    }

    /// All that can be read in it: its header, and the bytes of each object.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let objects = self.objects.values().map(|object| object.bytes.as_slice());
        std::iter::once(self.header.as_slice()).chain(objects)
    }

    fn object(&self, id: Oid, kind: ObjectType, what: &str) -> Result<&[u8], BundleError> {
        match self.objects.get(&id) {
            Some(object) if object.kind == kind => Ok(&object.bytes),
            Some(object) => Err(refused(format!("{what} is a {}, not a {kind}", object.kind))),
            None => Err(refused(format!("{what} is not in it"))),
        }
    }
}

/// The commit that the refs name, and where the pack begins.
fn parse_header(bytes: &[u8]) -> Result<(Oid, usize), BundleError> {
    let mut rest = bytes;
    let first = header_line(&mut rest)?;
    if first != "# v2 git bundle" && first != "# v3 git bundle" {
        return Err(refused("it is no git bundle".to_owned()));
    }
    let mut tip = None;
    for _ in 0..HEADER_LINES {
        let line = header_line(&mut rest)?;
        if line.is_empty() {
            let tip = tip.ok_or_else(|| refused("no ref stands in its header".to_owned()))?;
            return Ok((tip, bytes.len() - rest.len()));
        }
        if line == "@object-format=sha1" {
            continue;
        }
        if line.starts_with(['-', '@']) {
            return Err(refused("it needs objects or features that it does not bring".to_owned()));
        }
        let id = parse_ref(line)?;
        if tip.is_some_and(|tip| tip != id) {
            return Err(refused("its refs name different commits".to_owned()));
        }
        tip = Some(id);
    }
    Err(refused("it has too many refs".to_owned()))
}

fn header_line<'b>(rest: &mut &'b [u8]) -> Result<&'b str, BundleError> {
    let window = &rest[..rest.len().min(HEADER_LINE)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        let cause =
            if rest.len() < HEADER_LINE { "its header is cut off" } else { "it is no git bundle" };
        return Err(refused(cause.to_owned()));
    };
    let line = std::str::from_utf8(&window[..end]);
    *rest = &rest[end + 1..];
    line.map_err(|_| refused("its header is no text".to_owned()))
}

fn parse_ref(line: &str) -> Result<Oid, BundleError> {
    let (id, name) = line.split_once(' ').unwrap_or((line, ""));
    if name != "HEAD" && name != "refs/heads/main" {
        let shown: String = name.chars().take(60).collect();
        return Err(refused(format!("it has the ref {shown:?}; only main is taken")));
    }
    let is_id = id.len() == 40 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = Oid::from_str(id).ok().filter(|_| is_id);
    id.ok_or_else(|| refused("a ref in its header names no commit".to_owned()))
}

/// The sessions' id in a folder's name.
fn refused(cause: String) -> BundleError {
    BundleError::Refused(cause)
}

fn damaged(cause: impl Into<String>) -> BundleError {
    BundleError::Damaged(cause.into())
}

impl BundledSession {
    /// The session's id in the bundle.
    pub fn id(&self) -> SessionId {
        self.id
    }
}

#[cfg(test)]
mod tests;
