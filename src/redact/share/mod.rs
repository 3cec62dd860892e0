//! The second level, for texts that leave the machine: paths, names and addresses of its user.
//!
//! Works on what [`Redactor`](crate::redact::Redactor) left. A trace is looked for in every view
//! of the text, so that escapes, percent-encoding and colour codes hide none. What stands in for it
//! is the same for the same value within one [`Sharing`]: `~` for the home, `<user>`, `<host>`,
//! `<name>`, `<email>` for the user's own, numbered ones for others. A name that is also a word is
//! only taken where the place says that it is a name. Nothing turns a stand-in back.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the path of a method of `Place` has one lifetime, a check needs all"
)]

mod accents;
mod addresses;
mod names;
mod paths;
mod raw;

use std::collections::BTreeMap;
use std::ops::Range;

use regex::bytes::Captures;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::redact::Clean;
use crate::redact::Error;
use crate::redact::views::original_range;
use crate::redact::views::views_of;
use crate::redact::walk::Walk;
use crate::session::Record;

pub use raw::Watch;

/// How often a text is read again after something was taken out of it.
const MAX_ROUNDS: usize = 3;

/// The largest compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 8 << 20;

/// Who and where the user of a machine is. What is empty is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// The home folder.
    pub home: String,
    /// The name the user logs in with.
    pub user: String,
    /// The machine's name, short or full.
    pub host: String,
    /// The user's full name.
    pub name: String,
    /// The user's e-mail address.
    pub email: String,
}

impl Profile {
    /// What a folder in somebody's home tells of him.
    pub fn of_folder(folder: &str) -> Option<Self> {
        let (home, user) = paths::home_in(folder)?;
        Some(Self { home: home.to_owned(), user: user.to_owned(), ..Self::default() })
    }
}

/// Takes the traces of one user and his machine out of texts.
#[derive(Debug, Clone)]
pub struct Sharing {
    shapes: Vec<Shape>,
    seen: BTreeMap<(Kind, Vec<u8>), usize>,
    counts: BTreeMap<&'static str, u64>,
}

/// What a trace is, which says what stands in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Home,
    User,
    OtherUser,
    Host,
    Name,
    Email,
    OtherEmail,
    Address,
    Id,
    Project,
    /// What goes without anything in its place.
    Dropped,
}

impl Kind {
    /// What people call it.
    fn name(self) -> &'static str {
        match self {
            Self::Home => "home folder",
            Self::User => "user name",
            Self::OtherUser => "other user",
            Self::Host => "host name",
            Self::Name => "full name",
            Self::Email | Self::OtherEmail => "e-mail address",
            Self::Address => "network address",
            Self::Id => "machine id",
            Self::Project => "workspace path",
            Self::Dropped => "login in an address",
        }
    }
}

/// A pattern of traces. What its groups hold goes; all of the match, if it has none.
#[derive(Debug, Clone)]
struct Shape {
    kind: Kind,
    pattern: Regex,
    /// Whether a match can be one, by what stands before, in and behind it.
    check: fn(&Place<'_>) -> bool,
}

/// A match and the text round it.
struct Place<'t> {
    text: &'t [u8],
    range: Range<usize>,
}

/// A trace in a text.
#[derive(Debug)]
struct Trace {
    kind: Kind,
    range: Range<usize>,
    value: Vec<u8>,
}

impl Sharing {
    /// Takes out what belongs to this user and machine; `workspaces` are the folders that the
    /// sessions to be shared were about.
    ///
    /// # Errors
    /// A value of the profile is so long that no pattern can be made of it.
    pub fn new(profile: &Profile, workspaces: &[String]) -> Result<Self, Error> {
        let mut shapes = addresses::shapes(profile)?;
        shapes.extend(paths::shapes(profile, workspaces)?);
        shapes.extend(names::shapes(profile)?);
        let (seen, counts) = Default::default();
        Ok(Self { shapes, seen, counts })
    }

    /// The same for what is handed to others: names go wherever they stand as words of their own,
    /// not only where the place says that they are names. `profiles`: the user's, and then those
    /// whose homes are known too.
    ///
    /// # Errors
    /// As [`Sharing::new`].
    pub fn strict(profiles: &[Profile], workspaces: &[String]) -> Result<Self, Error> {
        let outside = paths::outside(workspaces, profiles);
        let own = profiles.first().cloned().unwrap_or_default();
        let mut sharing = Self::new(&own, &outside)?;
        for other in profiles.iter().skip(1) {
            sharing.shapes.extend(paths::homes_of(&other.user)?);
        }
        sharing.shapes.extend(raw::shapes(profiles, &outside)?);
        Ok(sharing)
    }

    /// The record without the user's traces, in its texts and in the names of its fields.
    pub fn record(&mut self, record: Clean<Record>) -> Clean<Record> {
        let mut change = |_: &str, text: &[u8]| {
            let text = std::str::from_utf8(text).ok()?;
            let changed = self.text(text);
            (changed != text).then(|| changed.into_bytes())
        };
        record.map(|mut record| {
            record.visit_texts(&mut Walk::all_keys(&mut change));
            record
        })
    }

    /// What was taken out so far, by kind.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The text without the user's traces.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..MAX_ROUNDS {
            let traces = self.find(text.as_bytes());
            if traces.is_empty() {
                break;
            }
            text = self.replaced(&text, &traces);
        }
        text
    }

    /// All traces: in order, apart from each other, at whole characters.
    fn find(&self, text: &[u8]) -> Vec<Trace> {
        let mut traces = Vec::new();
        self.find_in_view(text, &mut traces);
        let views = views_of(text);
        for (index, view) in views.iter().enumerate() {
            let first = traces.len();
            self.find_in_view(view.bytes(), &mut traces);
            for trace in &mut traces[first..] {
                trace.range = original_range(&views, index, &trace.range);
            }
        }
        let mut traces = apart(traces);
        traces.iter_mut().for_each(|trace| super::scan::widen(text, &mut trace.range));
        traces
    }

    fn find_in_view(&self, text: &[u8], traces: &mut Vec<Trace>) {
        for Shape { kind, pattern, check } in &self.shapes {
            for groups in pattern.captures_iter(text) {
                let range = groups.get(0).map_or(0..0, |found| found.range());
                if !check(&Place { text, range: range.clone() }) {
                    continue;
                }
                for range in ranges_of(&groups) {
                    let value = text[range.clone()].to_ascii_lowercase();
                    if !range.is_empty() {
                        traces.push(Trace { kind: *kind, range, value });
                    }
                }
            }
        }
    }

    fn replaced(&mut self, text: &str, traces: &[Trace]) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for Trace { kind, range, value } in traces {
            replaced.push_str(&text[copied..range.start]);
            replaced.push_str(&self.stand_in(*kind, value));
            *self.counts.entry(kind.name()).or_default() += 1;
            copied = range.end;
        }
        replaced.push_str(&text[copied..]);
        replaced
    }

    fn stand_in(&mut self, kind: Kind, value: &[u8]) -> String {
        // The user himself is the first, also when he was not met yet.
        let (name, first) = match kind {
            Kind::Dropped => return String::new(),
            Kind::Home => return "~".to_owned(),
            Kind::User => return "<user>".to_owned(),
            Kind::Host => return "<host>".to_owned(),
            Kind::Name => return "<name>".to_owned(),
            Kind::Email => return "<email>".to_owned(),
            Kind::OtherUser => ("user", 2),
            Kind::OtherEmail => ("email", 2),
            Kind::Address => ("ip", 1),
            Kind::Id => ("id", 1),
            Kind::Project => ("project", 1),
        };
        let known = self.seen.keys().filter(|(of, _)| *of == kind).count();
        let number = *self.seen.entry((kind, value.to_vec())).or_insert(known + first);
        if number == 1 { format!("<{name}>") } else { format!("<{name}{number}>") }
    }
}

/// The groups that took part in a match; all of it, if it has none.
fn ranges_of(groups: &Captures<'_>) -> Vec<Range<usize>> {
    let skipped = usize::from(groups.len() > 1);
    groups.iter().skip(skipped).flatten().map(|group| group.range()).collect()
}

/// Joins traces that overlap; the first, and of those the longest, says what they are.
fn apart(mut traces: Vec<Trace>) -> Vec<Trace> {
    traces.sort_by_key(|trace| (trace.range.start, usize::MAX - trace.range.end, trace.kind));
    let mut apart: Vec<Trace> = Vec::with_capacity(traces.len());
    for trace in traces {
        match apart.last_mut() {
            Some(last) if trace.range.start < last.range.end => {
                last.range.end = last.range.end.max(trace.range.end);
            }
            _ => apart.push(trace),
        }
    }
    apart
}

impl Shape {
    fn new(kind: Kind, pattern: &str, check: fn(&Place<'_>) -> bool) -> Result<Self, Error> {
        let built = RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build();
        let pattern = built.map_err(|_| Error::Rule {
            rule: format!("{kind:?}").to_lowercase(),
            cause: "no pattern can be made of the profile's value".to_owned(),
        })?;
        Ok(Self { kind, pattern, check })
    }
}

impl Place<'_> {
    /// What matched.
    fn found(&self) -> &[u8] {
        &self.text[self.range.clone()]
    }

    /// What stands before it, at most `length` bytes of it.
    fn before(&self, length: usize) -> &[u8] {
        &self.text[self.range.start.saturating_sub(length)..self.range.start]
    }

    fn after(&self) -> &[u8] {
        &self.text[self.range.end..]
    }

    /// Whether no name goes on before it.
    fn begins(&self) -> bool {
        !self.before(1).last().is_some_and(|byte| is_name_byte(*byte) || b".-".contains(byte))
    }

    /// Whether no name goes on behind it; a full stop may be the end of a sentence.
    fn ends(&self) -> bool {
        match self.after() {
            [b'.' | b'-', next, ..] | [next, ..] => !is_name_byte(*next),
            [] => true,
        }
    }

    /// Whether it is a word of its own.
    fn is_word(&self) -> bool {
        self.begins() && self.ends()
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Any match will do.
fn always(_: &Place<'_>) -> bool {
    true
}

#[cfg(test)]
mod tests;
