//! Text with our own styles, as lines that fit into so many columns.
//!
//! What the rest of the front end sets for a terminal is set here for a part of one: the few escape
//! sequences of `paint` become styles, and lines are broken where the part ends.

use std::ops::Range;

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use unicode_width::UnicodeWidthChar;

use crate::cli::picker::job::Text;

/// What a tab becomes.
const TAB: &str = "    ";

/// Sets a plain text, styled by `paint` or not.
pub(super) fn set(text: &str, width: u16) -> Text {
    let mut style = Style::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut setting = Setting { lines: &mut lines, width: width.max(1), used: 0 };
        setting.open();
        for piece in line.split('\u{1b}').enumerate() {
            let text = match piece {
                (0, text) => text,
                (_, sequence) => {
                    let (codes, text) = sequence.split_once('m').unwrap_or(("", sequence));
                    style = styled(style, codes.trim_start_matches('['));
                    text
                }
            };
            setting.push(&text.replace('\t', TAB), style);
        }
    }
    Text { width, lines, start: 0 }
}

/// The style after a sequence of ours.
fn styled(style: Style, codes: &str) -> Style {
    match codes {
        "1" => style.add_modifier(Modifier::BOLD),
        "2" => style.add_modifier(Modifier::DIM),
        "31" => style.fg(Color::Red),
        "32" => style.fg(Color::Green),
        "33" => style.fg(Color::Yellow),
        "35" => style.fg(Color::Magenta),
        "36" => style.fg(Color::Cyan),
        _ => Style::new(),
    }
}

/// A line that is being set.
struct Setting<'l> {
    lines: &'l mut Vec<Line<'static>>,
    width: u16,
    used: usize,
}

impl Setting<'_> {
    fn open(&mut self) {
        self.lines.push(Line::default());
        self.used = 0;
    }

    fn push(&mut self, text: &str, style: Style) {
        let mut fitting = String::new();
        for character in text.chars() {
            let columns = character.width().unwrap_or(0);
            if self.used + columns > usize::from(self.width) && self.used > 0 {
                self.close(std::mem::take(&mut fitting), style);
                self.open();
            }
            self.used += columns;
            fitting.push(character);
        }
        self.close(fitting, style);
    }

    fn close(&mut self, text: String, style: Style) {
        if let Some(line) = self.lines.last_mut().filter(|_| !text.is_empty()) {
            line.push_span(Span::styled(text, style));
        }
    }
}

/// What a match looks like; it stands out without colours too.
pub(super) fn hit(is_coloured: bool) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    if is_coloured { style.fg(Color::Yellow) } else { style }
}

/// Marks what `find` finds in the lines, which it sees as one text. Returns the lines with matches.
pub(super) fn mark(
    lines: &mut [Line<'static>],
    find: impl FnOnce(&str) -> Vec<Range<usize>>,
    hit: Style,
) -> Vec<usize> {
    let texts: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let found = find(&texts.join("\n"));
    let mut matching = Vec::new();
    let mut start = 0;
    for (number, (line, text)) in lines.iter_mut().zip(&texts).enumerate() {
        let end = start + text.len();
        let first = found.partition_point(|range| range.end <= start);
        let here = found[first..].iter().take_while(|range| range.start < end);
        let here: Vec<Range<usize>> =
            here.map(|range| range.start.max(start) - start..range.end.min(end) - start).collect();
        if !here.is_empty() {
            *line = marked(line, &here, hit);
            matching.push(number);
        }
        start = end + 1;
    }
    matching
}

/// The line with these bytes of it marked.
fn marked(line: &Line<'static>, ranges: &[Range<usize>], hit: Style) -> Line<'static> {
    let mut spans = Vec::new();
    let mut start = 0;
    for span in &line.spans {
        let text: &str = &span.content;
        let mut done = 0;
        for range in ranges {
            let from = range.start.saturating_sub(start).clamp(done, text.len());
            let to = range.end.saturating_sub(start).clamp(from, text.len());
            spans.push(Span::styled(text[done..from].to_owned(), span.style));
            spans.push(Span::styled(text[from..to].to_owned(), span.style.patch(hit)));
            done = to;
        }
        spans.push(Span::styled(text[done..].to_owned(), span.style));
        start += text.len();
    }
    spans.retain(|span| !span.content.is_empty());
    Line::from(spans)
}

/// The line with every place marked that holds one of these words, which are in lower case.
pub(super) fn highlighted(line: &Line<'static>, words: &[String], hit: Style) -> Line<'static> {
    let mut spans = Vec::new();
    for span in &line.spans {
        let mut rest: &str = &span.content;
        while let Some((start, end)) = first(rest, words) {
            spans.push(Span::styled(rest[..start].to_owned(), span.style));
            spans.push(Span::styled(rest[start..end].to_owned(), span.style.patch(hit)));
            rest = &rest[end..];
        }
        spans.push(Span::styled(rest.to_owned(), span.style));
    }
    Line::from(spans)
}

/// The bytes of the first place that holds one of the words, in any case of letters.
fn first(text: &str, words: &[String]) -> Option<(usize, usize)> {
    let places = text.char_indices().map(|(start, _)| start);
    places.into_iter().find_map(|start| {
        let end = words.iter().find_map(|word| end_of(&text[start..], word))?;
        Some((start, start + end))
    })
}

/// The bytes of the word at the beginning of a text, in any case of letters.
fn end_of(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars();
    let mut next = wanted.next()?;
    for (start, character) in text.char_indices() {
        for lower in character.to_lowercase() {
            if lower != next {
                return None;
            }
            match wanted.next() {
                Some(character) => next = character,
                None => return Some(start + character.len_utf8()),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::paint::Paint;

    fn shown(text: &Text) -> Vec<String> {
        text.lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_broken_by_columns() {
        assert_eq!(shown(&set("abcdef\n\ngh\ti", 4)), ["abcd", "ef", "", "gh  ", "  i"]);
        assert_eq!(shown(&set("日本語", 5)), ["日本", "語"]);
        assert_eq!(shown(&set("日本", 1)), ["日", "本"]);
    }

    #[test]
    fn our_styles_are_kept_across_a_break() {
        let paint = Paint::new(true);
        let text = set(&format!("{}x", paint.person("User")), 3);
        assert_eq!(shown(&text), ["Use", "rx"]);
        let person = Style::new().add_modifier(Modifier::BOLD).fg(Color::Cyan);
        let spans = &text.lines[1].spans;
        assert_eq!((spans[0].style, spans[1].style), (person, Style::new()));
    }

    #[test]
    fn every_style_of_ours_is_understood() {
        let paint = Paint::new(true);
        let all = [
            paint.strong("x"),
            paint.faint("x"),
            paint.id("x"),
            paint.person("x"),
            paint.model("x"),
            paint.good("x"),
            paint.warning("x"),
            paint.bad("x"),
        ];
        for text in all {
            let set = set(&text, 10);
            assert_ne!(set.lines[0].spans[0].style, Style::new(), "{text:?}");
            assert_eq!(shown(&set), ["x"], "{text:?}");
        }
    }

    #[test]
    fn what_is_found_is_marked_across_styles_and_lines() {
        let paint = Paint::new(true);
        let mut text = set(&format!("a lo{}\nlost upd", paint.person("gin x")), 80);
        text.lines.push(Line::from("ate"));
        let found = |text: &str| {
            assert_eq!(text, "a login x\nlost upd\nate");
            vec![2..7, 15..22]
        };
        let style = Style::new().add_modifier(Modifier::UNDERLINED);
        assert_eq!(mark(&mut text.lines, found, style), [0, 1, 2]);
        let is_marked = |span: &&Span<'_>| span.style.add_modifier.contains(Modifier::UNDERLINED);
        let spans = text.lines.iter().flat_map(|line| &line.spans).filter(is_marked);
        let spans: Vec<&str> = spans.map(|span| span.content.as_ref()).collect();
        assert_eq!(spans, ["lo", "gin", "upd", "ate"]);
        assert_eq!(shown(&text), ["a login x", "lost upd", "ate"]);
    }

    #[test]
    fn words_are_marked_in_any_case_of_letters() {
        let hit = Style::new().add_modifier(Modifier::UNDERLINED);
        let words = ["login".to_owned(), "ä".to_owned()];
        let line = highlighted(&Line::from("The LOGIN, ein Ä."), &words, hit);
        let marked = line.spans.iter().filter(|span| span.style == hit);
        let marked: Vec<&str> = marked.map(|span| span.content.as_ref()).collect();
        assert_eq!(marked, ["LOGIN", "Ä"]);
        assert_eq!(line.to_string(), "The LOGIN, ein Ä.");
    }
}
