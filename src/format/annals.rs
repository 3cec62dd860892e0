//! Annals' own events as fields, and back.

use std::borrow::Cow;

use serde_json::Value;

use crate::format::node::Fields;
use crate::format::node::Node;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::record::field;
use crate::format::record::push_text;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::How;
use crate::session::Native;
use crate::session::Origin;
use crate::session::ParentLink;
use crate::session::Placement;
use crate::session::RecordKey;
use crate::session::Timestamp;
use crate::session::ViewChange;

/// The fields every event may have; those of an unknown action that have one of these names stand
/// in `native`.
const RESERVED: [&str; 9] =
    ["annals", "id", "at", "native", "files", "common", "message", "event", "unreadable"];

/// The fields of an event's document.
pub(crate) fn fields_of(event: &AnnalsEvent) -> Fields<'_> {
    let mut fields = vec![
        field("annals", Node::text(name_of(&event.action))),
        field("id", Node::text(&event.id)),
    ];
    push_text(&mut fields, "at", event.at.as_ref().map(Timestamp::as_str));
    match &event.action {
        Action::Rename { title } => fields.push(field("title", Node::text(title))),
        Action::Tag { tags } | Action::Untag { tags } => fields.push(field("tags", texts(tags))),
        Action::Note { text } => fields.push(field("text", Node::text(text))),
        Action::Pin { pinned } => fields.push(field("pinned", Node::Bool(*pinned))),
        Action::Rollback { to, change } => {
            fields.push(field("to", Node::text(to.as_str())));
            push_change(&mut fields, change);
        }
        Action::Rewrite { change } => push_change(&mut fields, change),
        Action::Undelete => {}
        Action::Origin(origin) => push_origin(&mut fields, origin),
        Action::Workspace { repository } => {
            fields.push(field("repository", Node::text(repository)));
        }
        Action::Parent(link) => {
            fields.push(field("session", Node::text(&link.session)));
            push_text(&mut fields, "tool_call", link.tool_call.as_deref());
            if !link.native.is_empty() {
                fields.push(field("native", Node::sorted(&link.native)));
            }
        }
        Action::ContextFiles { paths } => fields.push(field("paths", texts(paths))),
        Action::Model { name } => fields.push(field("model", Node::text(name))),
        Action::State { value } => fields.push(field("state", Node::Value(value))),
        Action::Other { native, .. } => push_other(&mut fields, native),
    }
    fields
}

/// The event that a document stands for.
pub(crate) fn event_of(mut object: Object) -> Result<AnnalsEvent, Flaw> {
    let name = object.want_text("annals")?;
    let id = object.want_text("id")?;
    let at = object.take_time("at")?;
    let action = action_of(name, object)?;
    Ok(AnnalsEvent { id, at, action })
}

fn name_of(action: &Action) -> &str {
    match action {
        Action::Rename { .. } => "rename",
        Action::Tag { .. } => "tag",
        Action::Untag { .. } => "untag",
        Action::Note { .. } => "note",
        Action::Pin { .. } => "pin",
        Action::Rollback { .. } => "rollback",
        Action::Rewrite { .. } => "rewrite",
        Action::Undelete => "undelete",
        Action::Origin(_) => "origin",
        Action::Workspace { .. } => "workspace",
        Action::Parent(_) => "parent",
        Action::ContextFiles { .. } => "context_files",
        Action::Model { .. } => "model",
        Action::State { .. } => "state",
        Action::Other { name, .. } => name,
    }
}

/// An action with a field that is not known is one of a later version: kept whole.
fn action_of(name: String, mut object: Object) -> Result<Action, Flaw> {
    let all = object.clone();
    let Some(action) = known_action(&name, &mut object)? else {
        let native = all.into_native()?;
        return Ok(Action::Other { name, native });
    };
    if object.is_empty() {
        return Ok(action);
    }
    let native = all.into_native()?;
    Ok(Action::Other { name, native })
}

fn known_action(name: &str, object: &mut Object) -> Result<Option<Action>, Flaw> {
    let action = match name {
        "rename" => Action::Rename { title: object.want_text("title")? },
        "tag" => Action::Tag { tags: object.take_texts("tags")? },
        "untag" => Action::Untag { tags: object.take_texts("tags")? },
        "note" => Action::Note { text: object.want_text("text")? },
        "pin" => Action::Pin {
            pinned: object.take_bool("pinned")?.ok_or_else(|| Flaw::new("pinned", "is missing"))?,
        },
        "rollback" => {
            Action::Rollback { to: object.want_revision("to")?, change: take_change(object)? }
        }
        "rewrite" => Action::Rewrite { change: take_change(object)? },
        "undelete" => Action::Undelete,
        "origin" => Action::Origin(take_origin(object)?),
        "workspace" => Action::Workspace { repository: object.want_text("repository")? },
        "parent" => Action::Parent(ParentLink {
            session: object.want_text("session")?,
            tool_call: object.take_text("tool_call")?,
            native: object.take_native()?,
        }),
        "context_files" => Action::ContextFiles { paths: object.take_texts("paths")? },
        "model" => Action::Model { name: object.want_text("model")? },
        "state" => Action::State { value: object.want_value("state")? },
        _ => return Ok(None),
    };
    Ok(Some(action))
}

fn texts(items: &[String]) -> Node<'_> {
    Node::List(items.iter().map(|item| Node::text(item)).collect())
}

fn push_other<'a>(fields: &mut Fields<'a>, native: &'a Native) {
    let mut names: Vec<&String> = native.keys().collect();
    names.sort_unstable();
    let (reserved, free): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| RESERVED.contains(&name.as_str()));
    let entry = |name: &'a String| (Cow::Borrowed(name.as_str()), Node::Value(&native[name]));
    fields.extend(free.into_iter().map(entry));
    if !reserved.is_empty() {
        let entries = reserved.into_iter().map(entry).collect();
        fields.push(field("native", Node::Map(entries)));
    }
}

fn push_change<'a>(fields: &mut Fields<'a>, change: &'a ViewChange) {
    if !change.removed.is_empty() {
        let keys = change.removed.iter().map(|key| Node::text(&key.0));
        fields.push(field("removed", Node::List(keys.collect())));
    }
    if !change.placed.is_empty() {
        let placed = change.placed.iter().map(|placement| {
            let mut entry = vec![field("key", Node::text(&placement.key.0))];
            let after = placement.after.as_ref().map(|key| key.0.as_str());
            push_text(&mut entry, "after", after);
            Node::Map(entry)
        });
        fields.push(field("placed", Node::List(placed.collect())));
    }
}

fn take_change(object: &mut Object) -> Result<ViewChange, Flaw> {
    let removed = object.take_texts("removed")?;
    let placed = object.take_list("placed")?.unwrap_or_default();
    let placed = placed.into_iter().map(|entry: Value| {
        let mut entry = Object::of(entry)?;
        let placement =
            Placement { key: RecordKey(entry.want_text("key")?), after: entry.take_key("after")? };
        entry.end()?;
        Ok(placement)
    });
    Ok(ViewChange {
        removed: removed.into_iter().map(RecordKey).collect(),
        placed: placed.collect::<Result<_, Flaw>>().map_err(|flaw| flaw.within("placed"))?,
    })
}

fn push_origin<'a>(fields: &mut Fields<'a>, origin: &'a Origin) {
    let (how, from) = match &origin.how {
        How::Captured => ("captured", None),
        How::Created => ("created", None),
        How::Imported { from } => ("imported", Some(from)),
        How::Forked { from } => ("forked", Some(from)),
    };
    fields.push(field("agent", Node::text(&origin.agent)));
    push_text(fields, "session", origin.session.as_deref());
    fields.push(field("how", Node::text(how)));
    push_text(fields, "from", from.map(String::as_str));
}

fn take_origin(object: &mut Object) -> Result<Origin, Flaw> {
    Ok(Origin {
        agent: object.want_text("agent")?,
        session: object.take_text("session")?,
        how: match object.want_text("how")?.as_str() {
            "captured" => How::Captured,
            "created" => How::Created,
            "imported" => How::Imported { from: object.want_text("from")? },
            "forked" => How::Forked { from: object.want_text("from")? },
            other => return Err(Flaw::new("how", format!("{other:?} is not known"))),
        },
    })
}
