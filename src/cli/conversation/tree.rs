//! The branches of a conversation, a line each.

use chrono::DateTime;
use chrono::Utc;

use crate::cli::brief;
use crate::cli::conversation::Look;
use crate::cli::plain::line;
use crate::session::Branches;
use crate::session::Message;
use crate::session::Session;
use crate::session::Timestamp;

/// What stands between a branch's text and its size.
const SIZES: usize = 34;
/// The fewest columns for a branch's text.
const TEXT: usize = 16;

/// What is said of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BranchSummary {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// How many messages it has, from the session's first one on.
    pub(crate) messages: u64,
    /// How many of them no other branch has.
    pub(crate) own_messages: u64,
    /// What was said first on it alone.
    pub(crate) begins_with: Option<String>,
    /// When its own first message was written.
    pub(crate) from: Option<String>,
    /// When its latest message was written.
    pub(crate) latest: Option<String>,
    /// Whether a restored conversation goes on with it.
    pub(crate) is_last_used: bool,
}

/// The branches of a session, and how many messages stand before the first fork.
pub(crate) fn branches(session: &Session) -> (u64, Vec<BranchSummary>) {
    let branches = session.branches();
    let messages = |places: &[usize]| -> Vec<&Message> {
        places.iter().filter_map(|place| session.records[*place].as_message()).collect()
    };
    let summary = |branch: usize| {
        let own = messages(&branches.limbs[branches.ends[branch]].places);
        let path = messages(&branches.path(branch));
        let first = own.iter().find(|it| it.is_typed()).or(own.first());
        let time = |it: &&Message| it.envelope.at.as_ref().map(Timestamp::to_string);
        BranchSummary {
            number: branch + 1,
            messages: path.len() as u64,
            own_messages: own.len() as u64,
            begins_with: first.and_then(|it| it.preview()).map(|text| line(&text)),
            from: own.iter().find_map(time),
            latest: path.iter().rev().find_map(time),
            is_last_used: branch == branches.last_used,
        }
    };
    let common = messages(&branches.limbs[0].places).len() as u64;
    (common, (0..branches.ends.len()).map(summary).collect())
}

/// The branches as a tree.
pub(crate) fn tree(session: &Session, now: DateTime<Utc>, look: Look<'_>) -> String {
    let (common, summaries) = branches(session);
    if summaries.len() == 1 {
        return format!("{}, no branches.\n", brief::count(common, "message"));
    }
    let drawing =
        Drawing { branches: &session.branches(), summaries: &summaries, session, now, look };
    let mut text = look.paint.strong(&brief::count(common, "message"));
    text += " in common\n";
    drawing.below(0, "", &mut text);
    text += "\n";
    text += &look
        .paint
        .faint("annals show ID --branch N shows one of them; fork and diff take them too.");
    text += "\n";
    text
}

struct Drawing<'d> {
    branches: &'d Branches,
    summaries: &'d [BranchSummary],
    session: &'d Session,
    now: DateTime<Utc>,
    look: Look<'d>,
}

impl Drawing<'_> {
    /// Draws what leaves a limb.
    fn below(&self, limb: usize, indent: &str, text: &mut String) {
        let limbs = self.branches.limbs.iter().enumerate();
        let below: Vec<usize> =
            limbs.filter(|(_, it)| it.parent == Some(limb)).map(|(number, _)| number).collect();
        for (count, limb) in (1..).zip(&below) {
            let is_last = count == below.len();
            let (arm, deeper) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            *text += &self.look.paint.faint(&format!("{indent}{arm}"));
            match self.branches.ends.iter().position(|end| end == limb) {
                Some(branch) => *text += &self.branch(&self.summaries[branch], indent),
                None => {
                    let places = &self.branches.limbs[*limb].places;
                    let messages = places
                        .iter()
                        .filter(|it| self.session.records[**it].as_message().is_some());
                    *text += &brief::count(messages.count() as u64, "message");
                    *text += "\n";
                    self.below(*limb, &format!("{indent}{deeper}"), text);
                }
            }
        }
    }

    fn branch(&self, summary: &BranchSummary, indent: &str) -> String {
        let paint = self.look.paint;
        let room = self.look.width.saturating_sub(indent.chars().count() + SIZES).max(TEXT);
        let said = |summary: &BranchSummary| {
            brief::fit(summary.begins_with.as_deref().unwrap_or_default(), room)
        };
        let width = self.summaries.iter().map(|it| said(it).chars().count()).max();
        let (said, width) = (said(summary), width.unwrap_or_default());
        let mut line = format!(
            "{}  {said:<width$}  {}",
            paint.id(&summary.number.to_string()),
            brief::count(summary.own_messages, "message"),
        );
        if let Some(latest) = &summary.latest {
            line += &paint.faint(&format!(", {}", brief::ago_said(self.now, Some(latest))));
        }
        if summary.is_last_used {
            line += &paint.good("  last used");
        }
        line + "\n"
    }
}
