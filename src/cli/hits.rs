//! Hits of a search: a line a session, and its best hits below it, each with its message's number.

use std::path::Path;

use chrono::DateTime;
use chrono::Utc;
use unicode_width::UnicodeWidthStr;

use crate::cli::brief;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::repository::FoundSession;
use crate::repository::Hit;
use crate::repository::Snippet;
use crate::session::Part;

/// The columns of a line where no terminal sets a limit.
const WIDTH: usize = 200;
/// The columns that stand before a match, at most, where not all of a line fits.
const BEFORE: usize = 24;

/// How hits are set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HitLook<'a> {
    /// The colours.
    pub(crate) paint: Paint,
    /// The columns there are; none: nobody reads it on a terminal.
    pub(crate) width: Option<usize>,
    /// The folder that is written as `~`.
    pub(crate) home: &'a Path,
    /// From when on times are told.
    pub(crate) now: DateTime<Utc>,
}

/// The sessions with their hits, an empty line between them.
pub(crate) fn hits(sessions: &[FoundSession], look: HitLook<'_>) -> String {
    let blocks: Vec<String> = sessions.iter().map(|session| block(session, look)).collect();
    blocks.join("\n")
}

fn block(session: &FoundSession, look: HitLook<'_>) -> String {
    let numbers: Vec<String> = session.hits.iter().map(number).collect();
    let whos: Vec<String> = session.hits.iter().map(who).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| text.width()).max().unwrap_or(0);
    let (number_width, who_width) = (widest(&numbers), widest(&whos));
    let mut text = heading(session, look);
    for ((hit, number), who) in session.hits.iter().zip(&numbers).zip(&whos) {
        let left = format!("  {number:>number_width$}  {who:<who_width$}  ");
        let room = look.width.unwrap_or(WIDTH).saturating_sub(left.width()).max(20);
        text += &look.paint.faint(&left);
        text += &shown(&hit.snippet, room, look.paint);
        text.push('\n');
    }
    text
}

/// The session: its id, title, when, and where.
fn heading(session: &FoundSession, look: HitLook<'_>) -> String {
    let head = &session.summary.head;
    let root = head.workspace.root.as_deref().unwrap_or_default();
    let about = [
        brief::ago_text(look.now, head.modified.as_deref()),
        line(&head.agent.name),
        brief::path(root, look.home),
    ];
    let about: Vec<String> = about.into_iter().filter(|it| !it.is_empty()).collect();
    let about = about.join(" · ");
    let id = head.id.short();
    let room = look.width.unwrap_or(WIDTH).saturating_sub(id.width() + about.width() + 4);
    let title = brief::fit(&brief::title(head), room.max(20));
    let (id, title) = (look.paint.id(&id), look.paint.strong(&title));
    format!("{id}  {title}  {}\n", look.paint.faint(&about))
}

/// The number of its message, if it is in one.
pub(crate) fn number(hit: &Hit) -> String {
    hit.message.map_or_else(|| "–".to_owned(), |number| number.to_string())
}

/// Whose words it is in, or what else they are.
pub(crate) fn who(hit: &Hit) -> String {
    match (hit.field, hit.role.as_deref()) {
        (Some(field), _) => field.replace('_', " "),
        (None, _) if hit.part == Part::Tools => "tool".to_owned(),
        (None, role) => line(role.unwrap_or_default()),
    }
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it reads.
    pub(crate) text: String,
    /// What it is.
    pub(crate) kind: PieceKind,
}

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// What stands around a match.
    Around,
    /// A match.
    Match,
    /// The mark that something is left out.
    Cut,
}

impl Piece {
    fn cut() -> Self {
        Self { text: "…".to_owned(), kind: PieceKind::Cut }
    }
}

fn shown(snippet: &Snippet, room: usize, paint: Paint) -> String {
    let painted = |piece: Piece| match piece.kind {
        PieceKind::Around => piece.text,
        PieceKind::Match => paint.warning(&piece.text),
        PieceKind::Cut => paint.faint(&piece.text),
    };
    fitted(snippet, room).into_iter().map(painted).collect()
}

/// A snippet on one line of so many columns, with its first match in sight.
pub(crate) fn fitted(snippet: &Snippet, room: usize) -> Vec<Piece> {
    let mut pieces = pieces(snippet);
    let first = pieces.iter().position(|piece| piece.kind == PieceKind::Match).unwrap_or(0);
    let width: usize = pieces.iter().map(|piece| piece.text.width()).sum();
    let mut is_cut = snippet.is_cut_before;
    if width + 2 > room {
        for piece in &mut pieces[..first] {
            let cut = end_of(&piece.text, BEFORE.min(room / 3));
            is_cut |= cut.len() < piece.text.len();
            piece.text = cut.to_owned();
        }
    }
    let mut left = room.saturating_sub(2);
    let mut line: Vec<Piece> = is_cut.then(Piece::cut).into_iter().collect();
    let mut is_whole = !snippet.is_cut_after;
    for mut piece in pieces {
        let length = beginning_of(&piece.text, left).len();
        let is_fitting = length == piece.text.len();
        piece.text.truncate(length);
        left -= piece.text.width();
        line.push(piece);
        if !is_fitting {
            is_whole = false;
            break;
        }
    }
    if !is_whole {
        line.push(Piece::cut());
    }
    line
}

/// The snippet cut at its matches, white space drawn together, and safe to look at.
fn pieces(snippet: &Snippet) -> Vec<Piece> {
    let characters: Vec<char> = snippet.text.chars().collect();
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut push = |from: usize, to: usize, kind: PieceKind| {
        let raw: String = characters[from..to].iter().collect();
        let mut text = line(&raw);
        // A blank at a border stays one.
        if raw.starts_with(char::is_whitespace) && !text.is_empty() && from > 0 {
            text.insert(0, ' ');
        }
        if raw.ends_with(char::is_whitespace) && to < characters.len() {
            text.push(' ');
        }
        if !text.is_empty() {
            pieces.push(Piece { text, kind });
        }
    };
    for (from, to) in &snippet.highlights {
        push(start, *from, PieceKind::Around);
        push(*from, *to, PieceKind::Match);
        start = *to;
    }
    push(start, characters.len(), PieceKind::Around);
    pieces
}

/// As much of the end as fits.
fn end_of(text: &str, width: usize) -> &str {
    let fits = |(at, _): &(usize, char)| text[*at..].width() <= width;
    text.char_indices().find(fits).map_or("", |(at, _)| &text[at..])
}

/// As much of the beginning as fits.
fn beginning_of(text: &str, width: usize) -> &str {
    if text.width() <= width {
        return text;
    }
    let fits = |(at, _): &(usize, char)| text[..*at].width() <= width;
    text.char_indices().rev().find(fits).map_or("", |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn found(text: &str, word: &str) -> Snippet {
        let start = text.find(word).map_or(0, |at| text[..at].chars().count());
        let highlights = vec![(start, start + word.chars().count())];
        Snippet { text: text.to_owned(), highlights, is_cut_before: false, is_cut_after: true }
    }

    fn session() -> FoundSession {
        let hit = |message, field, part, snippet| Hit {
            message,
            field,
            part,
            role: message.map(|_| "assistant".to_owned()),
            at: None,
            score: 1.0,
            snippet,
        };
        let long = "The way there is long and goes past many things before the\n\n  needle\u{1b}[2J \
                    is found in it, and then it goes on.";
        let hits = vec![
            hit(None, Some("title"), Part::About, found("Fix the needle", "needle")),
            hit(Some(7), None, Part::Talk, found(long, "needle")),
            hit(Some(112), None, Part::Tools, found("日本語のneedleテキスト", "needle")),
        ];
        FoundSession { summary: samples::summary(), score: 2.0, hits }
    }

    fn set(width: Option<usize>, paint: bool) -> String {
        let paint = Paint::new(paint);
        let look = HitLook { paint, width, home: Path::new("/home/dev"), now: samples::now() };
        hits(&[session()], look)
    }

    #[test]
    fn without_a_terminal_lines_are_whole() {
        insta::assert_snapshot!(set(None, false), @r"
        5e550011  Fix the login redirect  3 h ago · claude-code · ~/shop
            –  title      Fix the needle…
            7  assistant  The way there is long and goes past many things before the needle␛[2J is found in it, and then it goes on.…
          112  tool       日本語のneedleテキスト…
        ");
    }

    #[test]
    fn the_match_is_in_sight_on_a_narrow_terminal() {
        insta::assert_snapshot!(set(Some(60), false), @r"
        5e550011  Fix the login redir…  3 h ago · claude-code · ~/shop
            –  title      Fix the needle…
            7  assistant  …gs before the needle␛[2J is found in it,…
          112  tool       日本語のneedleテキスト…
        ");
        for width in 40..120 {
            let text = set(Some(width), false);
            assert!(text.lines().skip(1).all(|line| line.width() <= width), "{width}: {text}");
            assert_eq!(text.matches("needle").count(), 3, "{width}: {text}");
        }
    }

    #[test]
    fn matches_stand_out_in_colour() {
        assert!(set(None, true).contains(&Paint::new(true).warning("needle")));
    }
}
