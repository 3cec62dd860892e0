//! Markdown that was written by others, made fit to stand inside a file of ours.
//!
//! Tags, links that lead elsewhere than to the web, and pictures (a viewer would fetch them) become
//! text; headings sink below our own; a fence left open is closed. Everything else, and every word,
//! stays. Whether that is reached is read off the parser, not guessed: the text is mended until no
//! hazard is left in it.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::LinkType;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;

use crate::session::plain::plain;

/// How often a text is mended before it is quoted as it is. One round is usual; a second one when
/// a tag hid other hazards.
const MAX_ROUNDS: usize = 6;

/// The longest text that is read as Markdown.
pub(super) const MAX_MARKDOWN: usize = 512 * 1024;

/// The Markdown that agents write.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// Whether a link may stay one: it leads to the web, or to an e-mail address.
pub(super) fn is_kept(kind: LinkType, target: &str) -> bool {
    let starts = |scheme: &str| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    kind == LinkType::Email || ["http://", "https://", "mailto:"].into_iter().any(starts)
}

/// The text without what could run, load, hide, or pass for a heading of the file.
pub(super) fn harmless(text: &str) -> String {
    let mut text = plain(text).into_owned();
    if text.len() > MAX_MARKDOWN {
        return fenced(&text, "");
    }
    for _ in 0..MAX_ROUNDS {
        let mut mends = mends(&text);
        if mends.is_empty() {
            return closed(text);
        }
        mends.sort_by_key(|mend| mend.range.start);
        text = mended(&text, &mends);
    }
    fenced(&text, "")
}

/// Whether nothing in a text does any of that.
pub(super) fn is_harmless(text: &str) -> bool {
    mends(text).is_empty()
}

/// The text as a block of code, in a fence that is longer than any within.
pub(super) fn fenced(text: &str, language: &str) -> String {
    let text = plain(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}")
}

/// The length of the longest run of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// A piece of text that is replaced.
struct Mend {
    range: Range<usize>,
    by: Cow<'static, str>,
}

impl Mend {
    fn insert(at: usize, by: impl Into<Cow<'static, str>>) -> Self {
        Self { range: at..at, by: by.into() }
    }

    fn replace(at: usize, by: &'static str) -> Self {
        Self { range: at..at + 1, by: by.into() }
    }
}

fn mended(text: &str, mends: &[Mend]) -> String {
    let mut mended = String::with_capacity(text.len() + mends.len() * 4);
    let mut copied = 0;
    for Mend { range, by } in mends {
        // Hazards within hazards: the outer one is enough for this round.
        if range.start < copied {
            continue;
        }
        mended.push_str(&text[copied..range.start]);
        mended.push_str(by);
        copied = range.end;
    }
    mended.push_str(&text[copied..]);
    mended
}

fn mends(text: &str) -> Vec<Mend> {
    let parser = Parser::new_ext(text, options());
    let mut mends = definitions(&parser);
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => mends.extend(
                text[range.clone()]
                    .match_indices('<')
                    .map(|(at, _)| Mend::replace(range.start + at, "&lt;")),
            ),
            Event::Start(Tag::Image { .. }) => mends.push(unlinked(text, &range)),
            Event::Start(Tag::Link { link_type, dest_url, .. })
                if !is_kept(link_type, &dest_url) =>
            {
                mends.push(unlinked(text, &range));
            }
            Event::Start(Tag::Heading { level, .. }) if level < HeadingLevel::H4 => {
                mends.push(sunk(text, &range, level));
            }
            // Written as `&#x202e;` it would turn the direction all the same.
            Event::Text(shown) if matches!(plain(&shown), Cow::Owned(_)) => mends.extend(
                text[range.clone()]
                    .match_indices('&')
                    .map(|(at, _)| Mend::replace(range.start + at, "&amp;")),
            ),
            _ => {}
        }
    }
    mends
}

/// Takes the effect out of link definitions: they would not be seen, and reach into other messages.
fn definitions(parser: &Parser<'_>) -> Vec<Mend> {
    let definitions = parser.reference_definitions().iter();
    definitions.map(|(_, definition)| Mend::insert(definition.span.start, "\\")).collect()
}

/// The text with its link definitions as plain words; none if they are too many of one name.
pub(super) fn without_definitions(mut text: String) -> Option<String> {
    for _ in 0..MAX_ROUNDS {
        let mut mends = definitions(&Parser::new_ext(&text, options()));
        if mends.is_empty() {
            return Some(text);
        }
        mends.sort_by_key(|mend| mend.range.start);
        text = mended(&text, &mends);
    }
    None
}

/// A link or picture is none without its bracket.
fn unlinked(text: &str, range: &Range<usize>) -> Mend {
    let source = &text[range.clone()];
    match source.find('[') {
        Some(at) if !source.starts_with('<') => Mend::insert(range.start + at, "\\"),
        _ => Mend::replace(range.start, "&lt;"),
    }
}

/// A heading of the fourth level; an underlined one becomes text.
fn sunk(text: &str, range: &Range<usize>, level: HeadingLevel) -> Mend {
    let source = text[range.clone()].trim_end();
    if source.starts_with('#') {
        return Mend::insert(range.start, "#".repeat(4 - level as usize));
    }
    let line = source.trim_end_matches(['=', '-']);
    Mend::insert(range.start + line.len(), "\\")
}

/// The text with its last fence closed.
fn closed(mut text: String) -> String {
    let length = text.len();
    let probe = format!("{text}\n\nend");
    let open = Parser::new_ext(&probe, options()).into_offset_iter().find_map(|(event, range)| {
        let is_fence = matches!(event, Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))));
        (is_fence && range.end > length + 2).then_some(range.start)
    });
    if let Some(start) = open {
        let mark = text[start..].chars().next().unwrap_or('`');
        let fence: String = text[start..].chars().take_while(|it| *it == mark).collect();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&fence);
    }
    text
}
