//! What sessions become for people to read: pages and Markdown.

use annals::exchange::ExportFormat;
use annals::exchange::Outgoing;
use annals::session::Block;
use annals::session::BlockKind;
use annals::session::Content;
use annals::session::Envelope;
use annals::session::Injected;
use annals::session::Message;
use annals::session::Native;
use annals::session::Raw;
use annals::session::Record;
use annals::session::Session;
use annals::session::Unreadable;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;
use serde_json::json;

use crate::doors::redaction::RULES;
use crate::doors::redaction::SPLIT;
use crate::doors::text_of;

/// Texts in all places that a reader sees, with a line of dashes between them; the first ones once
/// more where there are fewer than places.
pub(crate) fn pages(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let given: Vec<&str> = text.split(SPLIT).filter(|it| !it.trim().is_empty()).collect();
    let texts: [String; 9] = std::array::from_fn(|place| {
        given.get(place % given.len().max(1)).unwrap_or(&"x").to_string()
    });
    let outgoing = Outgoing::new(everywhere(&texts), &RULES);
    check_html(&outgoing.render(ExportFormat::Html), &[]);
    check_markdown(&outgoing.render(ExportFormat::Markdown), &[], 2);
}

/// The smallest picture: one pixel of GIF.
const PIXEL: &str = "R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=";

fn session(records: Vec<Record>) -> Session {
    let id = "01890000-0000-7000-8000-00005e550011".parse().expect("an id");
    Session { id, records }
}

fn message(role: &str, content: Content) -> Message {
    Message {
        envelope: Envelope::default(),
        role: role.to_owned(),
        injected: None,
        model: None,
        answer: None,
        content,
        usage: None,
        native: Native::new(),
    }
}

fn block(kind: BlockKind) -> Block {
    Block { kind, native: Native::new() }
}

/// A session with a text in every place that a reader sees.
pub(crate) fn everywhere(texts: &[String; 9]) -> Session {
    let [user, agent, thought, name, input, output, put_in, odd, raw] = texts.clone();
    let injected = Some(Injected::Context);
    let call = BlockKind::ToolCall {
        name,
        id: Some("call".to_owned()),
        input: Some(json!({"command": input, "k": [1, {"deep": odd.clone()}]})),
    };
    let result = BlockKind::ToolResult {
        id: "call".to_owned(),
        output: Some(Content::Text(output)),
        error: Some(true),
    };
    let picture = |media_type: &str, data: &str| {
        let (media_type, data) = (media_type.to_owned(), data.to_owned());
        block(BlockKind::Image { media_type, data })
    };
    let blocks = vec![
        block(BlockKind::Thinking { text: thought }),
        block(BlockKind::Text { text: agent }),
        block(call),
        picture("image/gif", PIXEL),
        picture(&odd, PIXEL),
        picture("image/svg+xml", PIXEL),
        picture("image/png", "\"><script>"),
    ];
    let model = Some(odd.clone());
    session(vec![
        Record::Message(message("user", Content::Text(user))),
        Record::Message(Message { model, ..message("assistant", Content::Blocks(blocks)) }),
        Record::Message(message("user", Content::Blocks(vec![block(result)]))),
        Record::Message(Message { injected, ..message("user", Content::Text(put_in)) }),
        Record::Message(message(&format!("the {odd}"), Content::Text("a role".to_owned()))),
        Record::Unreadable(Unreadable { raw: Raw::Text(raw), is_tail: false, after: None }),
        Record::Message(message("user", Content::Text("the last".to_owned()))),
    ])
}

/// A tag, and its attributes; a closing one begins with `/`.
type HtmlTag = (String, Vec<(String, String)>);

/// The text and the tags of a page, read as strictly as browsers read it.
fn tokens(html: &str) -> (String, Vec<HtmlTag>) {
    let (mut text, mut tags, mut rest) = (String::new(), Vec::new(), html);
    while let Some(start) = rest.find('<') {
        text += &rest[..start];
        rest = &rest[start + 1..];
        let (mut quoted, mut end) = (false, None);
        for (at, character) in rest.char_indices() {
            match character {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let end = end.expect("every < opens a tag that ends");
        tags.push(tag(&rest[..end]));
        rest = &rest[end + 1..];
    }
    (text + rest, tags)
}

fn tag(inner: &str) -> HtmlTag {
    let inner = inner.trim_end_matches('/').trim_end();
    let (name, mut rest) = inner.split_once([' ', '\n']).unwrap_or((inner, ""));
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        let value = after.strip_prefix("=\"").map(|it| it.split_once('"').expect("quotes close"));
        let (value, after) = value.unwrap_or(("", after));
        attributes.push((attribute.to_owned(), value.to_owned()));
        rest = after;
    }
    (name.to_owned(), attributes)
}

pub(crate) fn check_html(html: &str, texts: &[String]) {
    const TAGS: &str = "html head meta title body header main footer section dl dt dd details \
        summary h1 h2 h4 h5 h6 p b small span div pre code a em strong del ul ol li blockquote \
        table thead tbody tr th td br hr img input";
    const VOID: [&str; 5] = ["meta", "br", "hr", "img", "input"];
    const ATTRIBUTES: &str = "class href title src alt lang charset name content http-equiv start \
        type disabled checked style";
    let (head, rest) = html.split_once("<style>").expect("the page has its style");
    let (style, rest) = rest.split_once("</style>").expect("which ends");
    assert!(!style.contains("url("), "the style loads something");
    let (text, tags) = tokens(&format!("{head}{rest}"));
    let mut open = Vec::new();
    for (name, attributes) in tags.iter().skip(1) {
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "a text closes a tag of ours: {html}");
            continue;
        }
        assert!(TAGS.split_whitespace().any(|it| it == name), "the tag {name:?} came in: {html}");
        if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
        for (attribute, value) in attributes {
            let is_known = ATTRIBUTES.split_whitespace().any(|it| it == attribute);
            assert!(is_known, "the attribute {attribute:?} came in: {html}");
            let value = value.to_ascii_lowercase();
            let is_fine = match attribute.as_str() {
                "href" => ["http://", "https://", "mailto:"].iter().any(|it| value.starts_with(it)),
                "src" => ["gif", "png", "jpeg", "webp"]
                    .iter()
                    .any(|it| value.starts_with(&format!("data:image/{it};base64,"))),
                "style" => value.starts_with("text-align: "),
                _ => true,
            };
            assert!(is_fine, "{attribute}={value:?} leads somewhere else: {html}");
        }
    }
    assert!(open.is_empty(), "a tag of ours is left open: {open:?}");
    if !texts.is_empty() {
        assert_eq!(html.matches("<img ").count(), 1, "only the true picture is shown");
    }
    let lower = html.to_ascii_lowercase();
    assert!(!lower.contains("<script"), "a script came in");
    check_characters(html);
    let is_in_value =
        |word: &str| tags.iter().flat_map(|(_, it)| it).any(|(_, value)| value.contains(word));
    for word in words(texts) {
        assert!(text.contains(&word) || is_in_value(&word), "{word} of {texts:?} is lost: {html}");
    }
}

pub(crate) fn check_markdown(markdown: &str, texts: &[String], turns: usize) {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    check_characters(markdown);
    let rest = markdown.strip_prefix("---\n").expect("front matter opens the file");
    let (_, body) = rest.split_once("\n---\n").expect("and ends");
    let mut headings: Vec<(HeadingLevel, String)> = Vec::new();
    let mut heading = None;
    for event in Parser::new_ext(body, options) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html:?} in {markdown}"),
            Event::Start(Tag::Image { .. }) => panic!("a picture is loaded: {markdown}"),
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let is_fine = ["http://", "https://", "mailto:"];
                let is_mail = link_type == pulldown_cmark::LinkType::Email;
                assert!(
                    is_mail || is_fine.iter().any(|it| dest_url.to_lowercase().starts_with(it)),
                    "a link leads to {dest_url}: {markdown}"
                );
            }
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => headings.extend(heading.take()),
            Event::Text(text) => {
                if let Some((_, words)) = &mut heading {
                    *words += &text;
                }
            }
            _ => {}
        }
    }
    let of = |wanted: HeadingLevel| {
        let found = headings.iter().filter(move |(level, _)| *level == wanted);
        found.map(|(_, words)| words.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(HeadingLevel::H1).len(), 1, "a text passes for the title: {markdown}");
    let expected: Vec<String> = (1..=turns).map(|turn| format!("{turn}. User")).collect();
    assert_eq!(of(HeadingLevel::H2), expected, "a text passes for a turn: {markdown}");
    assert_eq!(of(HeadingLevel::H3).len(), 4, "a text passes for a speaker: {markdown}");
    for word in words(texts) {
        assert!(body.contains(&word), "{word} of {texts:?} is lost: {markdown}");
    }
}

/// Nothing in a file for people steers a terminal or turns the direction of writing.
pub(crate) fn check_characters(text: &str) {
    let shown = annals::session::plain::plain(text);
    assert_eq!(shown, text, "a control character is in the file");
}

/// The marked words in these texts.
fn words(texts: &[String]) -> impl Iterator<Item = String> {
    let numbers = 0..texts.len();
    let words = numbers.map(|number| format!("word{number}x"));
    words.filter(|word| texts.iter().any(|text| text.contains(word)))
}
