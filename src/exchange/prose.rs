//! Markdown of others as HTML: text, plain structure, links to the web, and nothing else.

use std::borrow::Cow;

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::CowStr;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::LinkType;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;
use pulldown_cmark::html::push_html;

use crate::exchange::harmless::MAX_MARKDOWN;
use crate::exchange::harmless::is_kept;
use crate::exchange::harmless::options;
use crate::exchange::harmless::without_definitions;
use crate::session::plain::plain;

/// How deep lists and quotations may stand in one another; browsers stop at 512.
const MAX_DEPTH: usize = 64;

/// The text as HTML. One that is too long or too deep for Markdown stands there as it is.
pub(super) fn prose(text: &str) -> String {
    let text = plain(text);
    if text.len() > MAX_MARKDOWN {
        return verbatim(&text);
    }
    let readable = without_definitions(text.clone().into_owned());
    let events = readable.as_deref().and_then(events);
    events.map_or_else(|| verbatim(&text), html)
}

fn verbatim(text: &str) -> String {
    format!("<pre>\n{}</pre>\n", html([Event::Text(text.into())]))
}

fn html<'a>(events: impl IntoIterator<Item = Event<'a>>) -> String {
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    html
}

/// The events that may be shown; none when they stand too deep.
fn events(text: &str) -> Option<Vec<Event<'_>>> {
    let mut filter = Filter { shown: Vec::new(), links: Vec::new() };
    let mut depth = 0;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return None;
        }
        filter.take(event);
    }
    Some(filter.shown)
}

struct Filter<'a> {
    shown: Vec<Event<'a>>,
    /// The links and pictures that are open: what stands behind one that is shown as text.
    links: Vec<Option<String>>,
}

impl<'a> Filter<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            // Markup of others is text.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(text),
            Event::Start(Tag::HtmlBlock) => self.shown.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => self.shown.push(Event::End(TagEnd::Paragraph)),
            // People and agents mean the ends of their lines.
            Event::SoftBreak => self.shown.push(Event::HardBreak),
            Event::Start(Tag::Heading { level, .. }) => {
                let (level, id, classes, attrs) = (sunk(level), None, Vec::new(), Vec::new());
                self.shown.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            Event::End(TagEnd::Heading(level)) => {
                self.shown.push(Event::End(TagEnd::Heading(sunk(level))));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words)))
                if words.contains(char::is_whitespace) =>
            {
                // The page would hide all but the first of these words.
                self.shown.push(Event::Start(Tag::Paragraph));
                self.shown.push(Event::Code(seen(words)));
                self.shown.push(Event::End(TagEnd::Paragraph));
                self.shown.push(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words))) => {
                let kind = CodeBlockKind::Fenced(seen(words));
                self.shown.push(Event::Start(Tag::CodeBlock(kind)));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let (dest_url, title) = (seen(dest_url), seen(title));
                if is_kept(link_type, &dest_url) {
                    self.links.push(None);
                    self.shown.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                } else {
                    // An address in angle brackets is its own label.
                    let is_bare = matches!(link_type, LinkType::Autolink);
                    let dest_url = if is_bare { "".into() } else { dest_url };
                    self.links.push(Some(behind(&dest_url, &title)));
                }
            }
            Event::Start(Tag::Image { dest_url, title, .. }) => {
                self.text("image: ".into());
                self.links.push(Some(behind(&dest_url, &title)));
            }
            Event::End(end @ (TagEnd::Link | TagEnd::Image)) => match self.links.pop().flatten() {
                Some(behind) => self.text(behind.into()),
                None => self.shown.push(Event::End(end)),
            },
            other => self.shown.push(other),
        }
    }

    fn text(&mut self, text: CowStr<'a>) {
        self.shown.push(Event::Text(seen(text)));
    }
}

/// The text; entities may have made characters of it that are not to be seen as they are.
fn seen(text: CowStr<'_>) -> CowStr<'_> {
    let shown = match plain(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(shown) => Some(shown),
    };
    shown.map_or(text, Into::into)
}

/// What stands behind the label of a link or picture that is shown as text.
fn behind(target: &str, title: &str) -> String {
    match (target, title) {
        ("", "") => String::new(),
        (target, "") => format!(" ({target})"),
        (target, title) => format!(" ({target} \"{title}\")"),
    }
}

/// Headings of messages stand below those of the page.
fn sunk(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H4,
        HeadingLevel::H2 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}
