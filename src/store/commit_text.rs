//! What a commit says: subject and trailers.

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::DateTime;
use chrono::Utc;
use git2::Oid;

use crate::session::SessionId;

/// How many sessions a commit names.
const NAMED_SESSIONS: usize = 20;
/// The longest subject, in characters.
const SUBJECT_LIMIT: usize = 100;

/// What a commit says.
pub(super) struct CommitText<'a> {
    pub(super) operation: &'a str,
    pub(super) subject: &'a str,
    pub(super) sessions: &'a [SessionId],
    pub(super) schema: u32,
    pub(super) at: DateTime<Utc>,
}

impl CommitText<'_> {
    /// Git's form of the commit.
    pub(super) fn render(&self, tree: Oid, parents: &[Oid], author: &str) -> Vec<u8> {
        self.render_by(tree, parents, (author, author))
    }

    /// As [`Self::render`], where another commits than who saved it.
    pub(super) fn render_by(
        &self,
        tree: Oid,
        parents: &[Oid],
        (author, committer): (&str, &str),
    ) -> Vec<u8> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            line(&mut text, format_args!("parent {parent}"));
        }
        // Git knows no time before 1970.
        let seconds = self.at.timestamp().max(0);
        line(&mut text, format_args!("author {author} {seconds} +0000"));
        line(&mut text, format_args!("committer {committer} {seconds} +0000\n"));
        line(&mut text, format_args!("{}\n", subject_line(self.operation, self.subject)));
        line(&mut text, format_args!("Annals-Operation: {}", self.operation));
        for session in self.sessions.iter().take(NAMED_SESSIONS) {
            line(&mut text, format_args!("Annals-Session: {session}"));
        }
        line(&mut text, format_args!("Annals-Sessions: {}", self.sessions.len()));
        line(&mut text, format_args!("Annals-Schema: {}", self.schema));
        text.into_bytes()
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all");
}

/// The first line of what a commit says.
pub(super) fn subject_line(operation: &str, subject: &str) -> String {
    let line = format!("{operation}: {subject}");
    let line: String =
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_LIMIT).collect();
    line.trim_end().to_owned()
}

/// The session that a trailer names.
pub(super) fn named_session(line: &str) -> Option<SessionId> {
    line.strip_prefix("Annals-Session: ")?.parse().ok()
}

/// A message of ours that no longer tells of the sessions in `gone`.
pub(super) fn without(message: &str, gone: &BTreeSet<SessionId>) -> String {
    let mut lines = message.lines();
    let subject = lines.next().unwrap_or_default();
    let operation = subject.split(':').next().unwrap_or_default();
    let count = |line: &str| line.strip_prefix("Annals-Sessions: ")?.parse::<usize>().ok();
    let total = message.lines().find_map(count).unwrap_or_default();
    let left = total.saturating_sub(gone.len());
    let mut text = match left {
        0 => format!("{operation}: what was purged since"),
        1 => format!("{operation}: 1 session"),
        more => format!("{operation}: {more} sessions"),
    };
    for line in lines.filter(|line| named_session(line).is_none_or(|id| !gone.contains(&id))) {
        text.push('\n');
        match count(line) {
            Some(_) => text.extend(["Annals-Sessions: ", &left.to_string()]),
            None => text.push_str(line),
        }
    }
    text.push('\n');
    text
}
