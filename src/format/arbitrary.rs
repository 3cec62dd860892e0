//! Strategies for records with hostile texts, for the property tests of all modules.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;
use serde_json::Value;

use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::How;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Native;
use crate::session::Origin;
use crate::session::ParentLink;
use crate::session::Place;
use crate::session::Placement;
use crate::session::Raw;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::Timestamp;
use crate::session::Title;
use crate::session::TitledBy;
use crate::session::Unreadable;
use crate::session::Usage;
use crate::session::ViewChange;

/// What such texts are put together from.
const PIECES: &[&str] = &[
    "",
    " ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "a",
    "word",
    "---",
    "...",
    "# no",
    ": ",
    " #",
    "- ",
    "? ",
    "!tag",
    "&a",
    "*a",
    "<<",
    "%Y",
    "@",
    "`",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    "|",
    ">",
    "yes",
    "null",
    "~",
    "1.0",
    "0x1F",
    "2026-01-01",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\0",
    "\u{fffe}",
    "\u{fffd}",
    "é",
    "漢字",
    "🦀",
    "\u{202e}",
    "a: b",
    " two",
    "end ",
    "\u{a0}",
];

/// Texts that some reader or writer gets wrong.
pub(crate) fn text() -> BoxedStrategy<String> {
    let pieces = select(PIECES.to_vec());
    prop_oneof![
        4 => vec(pieces, 0..6).prop_map(|pieces| pieces.concat()),
        1 => vec(any::<char>(), 0..12).prop_map(|letters| letters.into_iter().collect()),
        1 => Just("k".repeat(600)),
    ]
    .boxed()
}

/// Any value that JSON holds.
pub(crate) fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
    .boxed()
}

/// Any map.
pub(crate) fn native() -> BoxedStrategy<Native> {
    vec((text(), value()), 0..4)
        .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>())
        .boxed()
}

/// Any record.
pub(crate) fn record() -> BoxedStrategy<Record> {
    prop_oneof![
        4 => message().prop_map(Record::Message),
        3 => event().prop_map(Record::Event),
        2 => annals_event().prop_map(Record::Annals),
        1 => unreadable().prop_map(Record::Unreadable),
    ]
    .boxed()
}

/// A stream of records.
pub(crate) fn stream() -> BoxedStrategy<Vec<Record>> {
    vec(record(), 0..12).boxed()
}

fn message() -> BoxedStrategy<Message> {
    let usage = (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>()));
    let injected = select(vec![Injected::Context, Injected::Summary, Injected::Command]);
    (
        (envelope(), role(), option::of(injected), option::of(text())),
        (option::of(text()), content(), option::of(usage), native()),
    )
        .prop_map(|((envelope, role, injected, model), (answer, content, usage, native))| Message {
            envelope,
            role,
            injected,
            model,
            answer,
            content,
            usage: usage.map(|(input, output, cache_read)| Usage {
                input,
                output,
                cache_read,
                cache_write: input,
            }),
            native,
        })
        .boxed()
}

fn event() -> BoxedStrategy<Event> {
    let by = select(vec![TitledBy::Nobody, TitledBy::Agent, TitledBy::Person]);
    let title = (text(), by).prop_map(|(text, by)| Title { text, by });
    let native = prop_oneof![4 => native().prop_map(Value::Object), 1 => value()];
    (envelope(), role(), option::of(title), native)
        .prop_map(|(envelope, name, title, native)| Event { envelope, name, title, native })
        .boxed()
}

/// Few labels, so that records share fields.
fn role() -> BoxedStrategy<String> {
    prop_oneof![
        3 => Just("user".to_owned()),
        3 => Just("assistant".to_owned()),
        1 => text(),
    ]
    .boxed()
}

fn envelope() -> BoxedStrategy<Envelope> {
    let cwd = prop_oneof![Just("/work".to_owned()), text()];
    (
        (option::of(text()), option::of(text()), option::of(time())),
        (option::of(cwd), option::of(Just("main".to_owned())), option::of(text())),
        (option::of(text()), option::of(text())),
    )
        .prop_map(|((id, parent, at), (cwd, branch, version), (after, native_line))| Envelope {
            id,
            parent,
            at,
            place: Place { cwd, branch, version },
            after: after.map(RecordKey),
            native_line,
        })
        .boxed()
}

fn time() -> BoxedStrategy<Timestamp> {
    let times = [
        "2026-02-03T03:49:51.120Z",
        "2026-02-03T03:49:51+02:00",
        "2026-02-03t03:49:51.123456789z",
        "2026-02-03 03:49:51Z",
    ];
    select(times.into_iter().filter_map(Timestamp::parse).collect::<Vec<_>>()).boxed()
}

fn content() -> BoxedStrategy<Content> {
    let leaf = leaf_content();
    prop_oneof![text().prop_map(Content::Text), vec(block(leaf), 0..4).prop_map(Content::Blocks),]
        .boxed()
}

fn leaf_content() -> BoxedStrategy<Content> {
    let nothing = text().prop_map(Content::Text).boxed();
    prop_oneof![
        text().prop_map(Content::Text),
        vec(block(nothing), 0..3).prop_map(Content::Blocks),
    ]
    .boxed()
}

fn block(output: BoxedStrategy<Content>) -> BoxedStrategy<Block> {
    let kind = prop_oneof![
        text().prop_map(|text| BlockKind::Text { text }),
        text().prop_map(|text| BlockKind::Thinking { text }),
        (text(), option::of(text()), option::of(value()))
            .prop_map(|(name, id, input)| BlockKind::ToolCall { name, id, input }),
        (text(), option::of(output), option::of(any::<bool>()))
            .prop_map(|(id, output, error)| BlockKind::ToolResult { id, output, error }),
        (text(), text()).prop_map(|(media_type, data)| BlockKind::Image { media_type, data }),
        (text(), text()).prop_map(|(media_type, data)| BlockKind::File { media_type, data }),
        Just(BlockKind::Other),
    ];
    (kind, native()).prop_map(|(kind, native)| Block { kind, native }).boxed()
}

fn annals_event() -> BoxedStrategy<AnnalsEvent> {
    (text(), option::of(time()), action())
        .prop_map(|(id, at, action)| AnnalsEvent { id, at, action })
        .boxed()
}

fn action() -> BoxedStrategy<Action> {
    let revision = RevisionId::parse(&"0a".repeat(20)).expect("40 hex digits");
    prop_oneof![
        text().prop_map(|title| Action::Rename { title }),
        vec(text(), 0..3).prop_map(|tags| Action::Tag { tags }),
        vec(text(), 0..3).prop_map(|tags| Action::Untag { tags }),
        text().prop_map(|text| Action::Note { text }),
        any::<bool>().prop_map(|pinned| Action::Pin { pinned }),
        change().prop_map(move |change| Action::Rollback { to: revision.clone(), change }),
        change().prop_map(|change| Action::Rewrite { change }),
        Just(Action::Undelete),
        origin().prop_map(Action::Origin),
        text().prop_map(|repository| Action::Workspace { repository }),
        (text(), option::of(text()), native()).prop_map(|(session, tool_call, native)| {
            Action::Parent(ParentLink { session, tool_call, native })
        }),
        vec(text(), 0..3).prop_map(|paths| Action::ContextFiles { paths }),
        text().prop_map(|name| Action::Model { name }),
        value().prop_map(|value| Action::State { value }),
        (native(), option::of(value())).prop_map(|(mut native, id)| {
            // A name that the document itself needs.
            native.extend(id.map(|id| ("id".to_owned(), id)));
            let name = "later".to_owned();
            Action::Other { name, native }
        }),
    ]
    .boxed()
}

fn origin() -> BoxedStrategy<Origin> {
    let how = prop_oneof![
        Just(How::Captured),
        Just(How::Created),
        text().prop_map(|from| How::Imported { from }),
        text().prop_map(|from| How::Forked { from }),
    ];
    (text(), option::of(text()), how)
        .prop_map(|(agent, session, how)| Origin { agent, session, how })
        .boxed()
}

fn change() -> BoxedStrategy<ViewChange> {
    let key = || text().prop_map(RecordKey);
    let placement = (key(), option::of(key())).prop_map(|(key, after)| Placement { key, after });
    (vec(key(), 0..3), vec(placement, 0..3))
        .prop_map(|(removed, placed)| ViewChange { removed, placed })
        .boxed()
}

fn unreadable() -> BoxedStrategy<Unreadable> {
    let raw = prop_oneof![text().prop_map(Raw::Text), vec(any::<u8>(), 0..9).prop_map(Raw::Bytes),];
    (raw, any::<bool>(), option::of(text()))
        .prop_map(|(raw, is_tail, after)| Unreadable { raw, is_tail, after: after.map(RecordKey) })
        .boxed()
}
