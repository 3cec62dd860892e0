//! The screen, drawn from the state.
//!
//! Every text of a session is plain before it comes here. Nothing depends on colours: what is
//! selected has `>` before it and is reversed, what is marked has `*`.

mod list;

#[cfg(test)]
mod tests;

use chrono::DateTime;
use chrono::Utc;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::cli::brief;
use crate::cli::picker::panes::Panes;
use crate::cli::picker::state::Mode;
use crate::cli::picker::state::State;
use crate::cli::picker::text::highlighted;
use crate::cli::picker::text::hit;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::repository::SortKey;

/// The keys that the last line tells of, the most useful first.
const KEYS: [&str; 12] = [
    "Enter resume",
    "? help",
    "Esc leave",
    "^F search texts",
    "Tab mark",
    "^L here",
    "^S sort",
    "^V preview",
    "^T tag",
    "^K pin",
    "^D delete",
    "^E export",
];

/// The same during a search.
const SEARCH_KEYS: [&str; 9] = [
    "Enter resume",
    "Esc back",
    "^S ^R other hits",
    "^L here",
    "Tab mark",
    "^V preview",
    "^T tag",
    "^K pin",
    "^E export",
];

/// How the screen is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// From when on times are told.
    pub(super) now: DateTime<Utc>,
    /// Whether there are colours.
    pub(super) is_coloured: bool,
}

impl Look {
    fn hit(self) -> Style {
        hit(self.is_coloured)
    }

    fn warning(self) -> Style {
        if self.is_coloured { strong().fg(Color::Yellow) } else { strong() }
    }
}

/// Steps back.
fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// Stands out.
fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// Draws it all.
pub(super) fn draw(frame: &mut Frame<'_>, state: &mut State, look: Look) {
    let area = frame.area();
    state.fit(area.width, area.height);
    if let Mode::Reading(_) = state.mode {
        reading(frame.buffer_mut(), area, state);
        return;
    }
    let panes = state.panes();
    let end = prompt(frame.buffer_mut(), panes.prompt, state);
    list::list(frame.buffer_mut(), panes.list, state, look);
    preview(frame.buffer_mut(), &panes, state, look);
    foot(frame.buffer_mut(), panes.foot, state, look);
    // Where letters go; what reads a screen aloud looks there.
    if area.area() > 0 {
        frame.set_cursor_position(end);
    }
}

/// What is typed, and what is listed. Returns where the next letter goes.
fn prompt(buffer: &mut Buffer, area: Rect, state: &State) -> Position {
    let (sign, typed) = state.prompt();
    let width = usize::from(area.width);
    // As far as something was typed, its end is seen.
    let room = width.saturating_sub(sign.width() + 1);
    let typed = ending(&as_typed(typed), room);
    put(buffer, area, 0, sign, strong());
    put(buffer, area, sign.width(), &typed, Style::new());
    wrong(buffer, area, sign.width(), typed.width(), state);
    let used = sign.width() + typed.width();
    let about = about(state);
    let fitting = (0..about.len())
        .map(|left_out| about[..about.len() - left_out].join(" · "))
        .find(|text| used + 2 + text.width() <= width);
    if let Some(text) = fitting {
        put(buffer, area, width - text.width(), &text, faint());
    }
    Position { x: area.x + cell(used.min(width.saturating_sub(1))), y: area.y }
}

/// Marks what is wrong with a query, as far as it is in sight.
fn wrong(buffer: &mut Buffer, area: Rect, start: usize, width: usize, state: &State) {
    let Some(search) = state.search.as_ref().filter(|_| matches!(state.mode, Mode::Browse)) else {
        return;
    };
    let Some(refusal) = search.refusal.as_ref().filter(|_| search.is_done()) else { return };
    let typed = as_typed(search.typed.trim_start());
    let column = |n: usize| typed.chars().take(n).collect::<String>().width();
    // Its end is seen.
    let cut = as_typed(&search.typed).width() - width;
    let before = as_typed(&search.typed).width() - typed.width();
    let place = |n: usize| start + (before + column(n)).saturating_sub(cut).min(width);
    let (from, to) = (place(refusal.span.start), place(refusal.span.end));
    let marked =
        Rect { x: area.x + cell(from), width: cell(to - from), height: area.height.min(1), ..area };
    let wrong = Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
    buffer.set_style(marked.intersection(area), wrong);
}

/// What is listed: the most needed first.
fn about(state: &State) -> Vec<String> {
    let (matching, all) = state.counts();
    let mut about = match &state.search {
        Some(search) if search.typed.trim().is_empty() => Vec::new(),
        Some(search) if !search.is_done() => vec!["…".to_owned()],
        Some(_) => vec![format!("{all} found")],
        None if state.is_loading || state.is_behind() => vec![format!("{matching}/{all}…")],
        None => vec![format!("{matching}/{all}")],
    };
    if state.marks() > 0 {
        about.push(format!("{} marked", state.marks()));
    }
    about.push(if state.order.only_here { "only here" } else { "everywhere" }.to_owned());
    if state.search.is_some() {
        about.push("best first".to_owned());
        return about;
    }
    let order = match state.order.sort {
        SortKey::Modified => "latest",
        SortKey::Created => "newest",
        SortKey::Messages => "longest",
        SortKey::Tokens => "dearest",
        SortKey::Size => "largest",
        SortKey::Title => "A to Z",
    };
    about.push(format!("{order} {}", if state.order.is_reversed { "last" } else { "first" }));
    about
}

fn preview(buffer: &mut Buffer, panes: &Panes, state: &State, look: Look) {
    let (rule, area) = (panes.rule, panes.preview);
    let sign = if rule.height > 1 { "│" } else { "─" };
    for position in rule.positions() {
        buffer.set_string(position.x, position.y, sign, faint());
    }
    let Some(row) = state.selected() else { return };
    let Some((_, text)) = state.preview.text.as_ref().filter(|(view, _)| view.id == row.id) else {
        return;
    };
    let words = state.words();
    let height = usize::from(area.height);
    let shown = text.lines.iter().skip(state.preview.scroll).take(height);
    for (y, line) in (area.y..).zip(shown) {
        buffer.set_line(area.x, y, &highlighted(line, &words, look.hit()), area.width);
    }
    if rule.height == 1 && state.preview.scroll > 0 {
        let lines = format!(" {}/{} ", state.preview.scroll + 1, text.lines.len());
        put(
            buffer,
            rule,
            usize::from(rule.width).saturating_sub(lines.width() + 2),
            &lines,
            faint(),
        );
    }
}

/// What happened, or what can be done.
fn foot(buffer: &mut Buffer, area: Rect, state: &State, look: Look) {
    let width = usize::from(area.width);
    let said = match (&state.mode, &state.notice) {
        (Mode::Agents(agents), _) => {
            let numbered = (1..).zip(agents).map(|(number, name)| format!("{number} {name}"));
            let agents: Vec<String> = numbered.collect();
            Some(format!("Resume it in: {} (Esc: do not)", agents.join("  ")))
        }
        (Mode::Tags(_), _) => {
            Some("Enter puts these tags on, -tag takes one off, Esc: do not".into())
        }
        (_, Some(notice)) => Some(notice.clone()),
        (_, None) => state.search.as_ref().and_then(|search| {
            let refused = search.refusal.as_ref().map(|refusal| refusal.why.clone());
            search.progress.clone().or(refused)
        }),
    };
    match said {
        Some(said) => put(buffer, area, 0, &brief::fit(&line(&said), width), look.warning()),
        None => put(buffer, area, 0, &keys(state, width), faint()),
    }
}

/// As many of the keys as fit.
fn keys(state: &State, width: usize) -> String {
    let compare = Some("^G compare").filter(|_| state.marks() == 2);
    let keys = if state.search.is_some() { &SEARCH_KEYS[..] } else { &KEYS[..] };
    let mut text = String::new();
    for name in compare.into_iter().chain(keys.iter().copied()) {
        if text.width() + 2 + name.width() <= width {
            text += if text.is_empty() { "" } else { "  " };
            text += name;
        }
    }
    text
}

/// A text that fills the screen.
fn reading(buffer: &mut Buffer, area: Rect, state: &State) {
    let Mode::Reading(reading) = &state.mode else { return };
    let height = usize::from(area.height);
    put(buffer, area, 0, &brief::fit(&reading.title, usize::from(area.width)), strong());
    let room = height.saturating_sub(3);
    let shown = reading.text.lines.iter().skip(reading.scroll).take(room);
    for (y, line) in (area.y + 2..).zip(shown) {
        buffer.set_line(area.x, y, line, area.width);
    }
    let last =
        Rect { y: area.y + cell(height.saturating_sub(1)), height: area.height.min(1), ..area };
    let (seen, all) = (reading.scroll + room, reading.text.lines.len());
    let keys = if seen < all { "Esc back  ↓ PgDn more" } else { "Esc back" };
    put(buffer, last, 0, keys, faint());
}

/// Writes into the first line of an area, from a column on, no farther than its end.
fn put(buffer: &mut Buffer, area: Rect, column: usize, text: &str, style: Style) {
    let width = usize::from(area.width);
    if area.area() > 0 && column < width {
        let line = Line::styled(text.to_owned(), style);
        buffer.set_line(area.x + cell(column), area.y, &line, cell(width - column));
    }
}

/// What was typed, with its blanks, and nothing that steers.
fn as_typed(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ")
}

/// The end of a text that fits into so many columns.
fn ending(text: &str, width: usize) -> String {
    let fits = |(at, _): &(usize, char)| text[*at..].width() <= width;
    text.char_indices().find(fits).map_or("", |(at, _)| &text[at..]).to_owned()
}

/// Columns of a screen.
fn cell(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}
