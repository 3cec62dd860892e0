//! The sessions, a line each.

use chrono::DateTime;
use chrono::Utc;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::cli::brief;
use crate::cli::picker::draw::Look;
use crate::cli::picker::draw::faint;
use crate::cli::picker::draw::put;
use crate::cli::picker::draw::strong;
use crate::cli::picker::row::Row;
use crate::cli::picker::state::State;

/// The columns of the signs before a title.
const SIGNS: usize = 3;
/// The columns of a time.
const TIME: usize = 9;
/// The most columns of a folder.
const PLACE: usize = 22;
/// The columns of a number of messages.
const MESSAGES: usize = 5;

/// What stands beside the titles, as far as there is room.
#[derive(Debug, Clone, Copy)]
struct Columns {
    title: usize,
    messages: usize,
    time: usize,
    place: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        let time = if width >= 36 { TIME } else { 0 };
        let place = if width >= 72 { PLACE } else { 0 };
        let messages = if width >= 90 { MESSAGES } else { 0 };
        let beside: usize =
            [time, place, messages].iter().filter(|it| **it > 0).map(|it| it + 2).sum();
        Self { title: width.saturating_sub(SIGNS + beside), messages, time, place }
    }
}

/// The rows that are in sight.
pub(super) fn list(buffer: &mut Buffer, area: Rect, state: &mut State, look: Look) {
    if state.counts().0 == 0 && !state.is_behind() {
        put(buffer, area, SIGNS, nothing(state), faint());
        return;
    }
    let columns = Columns::of(usize::from(area.width));
    for (y, n) in (area.y..area.y + area.height).zip(state.top..) {
        let hits = if state.typed.is_empty() { Vec::new() } else { state.title_hits(n) };
        let Some(row) = state.row(n) else { break };
        let is_selected = n == state.cursor;
        let signs = [
            if is_selected { ">" } else { " " },
            if state.is_marked(row.id) { "*" } else { " " },
            " ",
        ];
        let mut spans = vec![Span::styled(signs.concat(), strong())];
        spans.extend(title(row, columns.title, &hits, look));
        spans.push(beside(row, columns, look.now));
        let mut line = Line::from(spans);
        if is_selected {
            line = line.patch_style(Style::new().add_modifier(Modifier::REVERSED));
        }
        buffer.set_line(area.x, y, &line, area.width);
    }
}

/// What to do where nothing is listed.
fn nothing(state: &State) -> &'static str {
    match (state.is_loading, state.order.only_here, state.typed.is_empty()) {
        (true, ..) => "…",
        (_, true, _) => "Nothing of this folder matches. ^L: everywhere",
        (_, _, false) => "Nothing matches. Esc erases what was typed",
        _ => "No sessions are left. ^Z undoes a delete",
    }
}

/// The title with what must be seen beside it, as long as its column.
fn title(row: &Row, width: usize, hits: &[u32], look: Look) -> Vec<Span<'static>> {
    let before = match (&row.damaged, row.is_pinned, row.is_subagent) {
        (Some(_), ..) => "! ",
        (None, true, _) => "★ ",
        (None, false, true) => "↳ ",
        (None, false, false) => "",
    };
    let behind = match row.subagents {
        0 => String::new(),
        subagents => format!(" (+{subagents})"),
    };
    let room = width.saturating_sub(before.width() + behind.width());
    let title = brief::fit(&row.title, room);
    let mut spans = vec![Span::styled(before, look.warning())];
    let is_hit = |n: usize| u32::try_from(n).is_ok_and(|n| hits.binary_search(&n).is_ok());
    let characters: Vec<(bool, char)> =
        title.chars().enumerate().map(|(n, character)| (is_hit(n), character)).collect();
    for piece in characters.chunk_by(|a, b| a.0 == b.0) {
        let text: String = piece.iter().map(|(_, character)| *character).collect();
        spans.push(Span::styled(text, if piece[0].0 { look.hit() } else { Style::new() }));
    }
    spans.push(Span::styled(behind, faint()));
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
    spans
}

/// What stands in the other columns.
fn beside(row: &Row, columns: Columns, now: DateTime<Utc>) -> Span<'static> {
    let then = row.modified.and_then(|at| DateTime::from_timestamp(at, 0));
    let ago = then.map_or_else(String::new, |then| brief::ago(now, then));
    let place = brief::fit_end(&row.place, columns.place);
    let messages = brief::compact(row.messages);
    let blanks = " ".repeat(columns.place.saturating_sub(place.width()));
    let cells = [
        (columns.messages, format!("  {messages:>MESSAGES$}")),
        (columns.time, format!("  {ago:>TIME$}")),
        (columns.place, format!("  {place}{blanks}")),
    ];
    let text: String =
        cells.into_iter().filter(|(width, _)| *width > 0).map(|(_, cell)| cell).collect();
    Span::styled(text, faint())
}
