//! The sessions, a line each.

use chrono::DateTime;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::cli::brief;
use crate::cli::hits;
use crate::cli::hits::PieceKind;
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
    let height = state.row_height();
    let lines = (area.y..area.y + area.height).step_by(usize::from(height));
    for (y, n) in lines.zip(state.top..) {
        let hits = state.filter_hits(n);
        let Some(row) = state.row(n) else { break };
        let is_selected = n == state.cursor;
        let signs = [
            if is_selected { ">" } else { " " },
            if state.is_marked(row.id) { "*" } else { " " },
            " ",
        ];
        let mut spans = vec![Span::styled(signs.concat(), strong())];
        spans.extend(title(row, columns.title, &hits, look));
        spans.extend(beside(row, columns, &hits, look));
        let mut line = Line::from(spans);
        if is_selected {
            line = line.patch_style(Style::new().add_modifier(Modifier::REVERSED));
        }
        buffer.set_line(area.x, y, &line, area.width);
        if height > 1 && y + 1 < area.y + area.height {
            buffer.set_line(area.x, y + 1, &hit(state, n, area.width, look), area.width);
        }
    }
}

/// The hit of what was found: its message, whose words it is in, and these.
fn hit(state: &State, n: usize, width: u16, look: Look) -> Line<'static> {
    let found = state.search.as_ref().zip(state.found_at(n));
    let Some((search, found)) = found else { return Line::default() };
    let place = search.hit_of(found);
    let Some(hit) = found.hits.get(place) else { return Line::default() };
    let number = hit.message.map_or_else(String::new, |number| format!("{number} "));
    let count = found.hits.len();
    let is_one_of_many = n == state.cursor && count > 1;
    let of = if is_one_of_many { format!(" ({}/{count})", place + 1) } else { String::new() };
    let about = format!("     {number}{}{of}: ", hits::who(hit));
    let room = usize::from(width).saturating_sub(about.width());
    let mut line = Line::from(Span::styled(about, faint()));
    for piece in hits::fitted(&hit.snippet, room) {
        let style = match piece.kind {
            PieceKind::Around => Style::new(),
            PieceKind::Match => look.hit(),
            PieceKind::Cut => faint(),
        };
        line.push_span(Span::styled(piece.text, style));
    }
    line
}

/// What to do where nothing is listed.
fn nothing(state: &State) -> &'static str {
    if let Some(search) = &state.search {
        return match (search.is_done(), state.order.only_here, search.typed.trim().is_empty()) {
            (_, _, true) => "Type what to look for in the texts. Esc goes back to the filter",
            (false, ..) => "Searching …",
            _ if search.refusal.is_some() => "",
            (true, true, false) => "No text of this folder has it. ^L: everywhere",
            (true, false, false) => "No text has it. Esc goes back to the filter",
        };
    }
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
    spans.extend(marked(&title, 0, hits, Style::new(), look));
    spans.push(Span::styled(behind, faint()));
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
    spans
}

/// A text whose characters are counted from `first` on, with those marked that match.
fn marked(text: &str, first: usize, hits: &[u32], style: Style, look: Look) -> Vec<Span<'static>> {
    let is_hit = |n: usize| u32::try_from(n).is_ok_and(|n| hits.binary_search(&n).is_ok());
    let characters: Vec<(bool, char)> =
        (first..).zip(text.chars()).map(|(n, character)| (is_hit(n), character)).collect();
    let pieces = characters.chunk_by(|a, b| a.0 == b.0).map(|piece| {
        let text: String = piece.iter().map(|(_, character)| *character).collect();
        Span::styled(text, if piece[0].0 { style.patch(look.hit()) } else { style })
    });
    pieces.collect()
}

/// What stands in the other columns.
fn beside(row: &Row, columns: Columns, hits: &[u32], look: Look) -> Vec<Span<'static>> {
    let then = row.modified.and_then(|at| DateTime::from_timestamp(at, 0));
    let ago = then.map_or_else(String::new, |then| brief::ago(look.now, then));
    let messages = brief::compact(row.messages);
    let cells = [
        (columns.messages, format!("  {messages:>MESSAGES$}")),
        (columns.time, format!("  {ago:>TIME$}")),
        (columns.place, "  ".to_owned()),
    ];
    let text: String =
        cells.into_iter().filter(|(width, _)| *width > 0).map(|(_, cell)| cell).collect();
    let mut spans = vec![Span::styled(text, faint())];
    if columns.place > 0 {
        let place = brief::fit_end(&row.place, columns.place);
        // Its end is seen.
        let first = row.first_of_place() + row.place.chars().count();
        let first = first.saturating_sub(place.chars().count());
        let blanks = " ".repeat(columns.place.saturating_sub(place.width()));
        spans.extend(marked(&place, first, hits, faint(), look));
        spans.push(Span::styled(blanks, faint()));
    }
    spans
}
