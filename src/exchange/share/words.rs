//! What a bundle says of itself: its manifest, its README, its commit's subject.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::exchange::harmless::harmless;
use crate::exchange::share::ShareChoice;
use crate::exchange::title;
use crate::format;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::Record;
use crate::session::SCHEMA_VERSION;

/// The version of what a bundle holds beside its sessions.
pub(in crate::exchange) const BUNDLE_VERSION: u64 = 1;

type Shared = Clean<(Head, Vec<Record>)>;

/// `annals.yaml`: what the bundle is, and what is not in it.
pub(super) fn manifest(
    sessions: &[Shared],
    removed: &BTreeMap<String, u64>,
    choice: ShareChoice,
) -> Clean<String> {
    let ids: Vec<Value> = sessions.iter().map(|it| it.0.id.to_string().into()).collect();
    let value = json!({
        "bundle": BUNDLE_VERSION,
        "schema": SCHEMA_VERSION,
        "sessions": ids,
        "files": choice.with_files,
        "times": if choice.coarse_times { "days" } else { "exact" },
        "removed": removed,
    });
    Clean::stored(format::render_value(&value))
}

/// `README.md`, for whoever clones it.
pub(super) fn readme(sessions: &[Shared], removed: &BTreeMap<String, u64>) -> Clean<String> {
    let list = sessions.iter().map(|session| session.derive(|session| line_of(&session.0)));
    let list = Clean::from_items(list);
    list.map(|list| {
        let mut text = String::from(
            "# Conversations with AI agents\n\n\
             Made by `annals share`. Take them into your own store with `annals import FILE`, where\n\
             FILE is the bundle that this folder was cloned from; or read the YAML files here.\n\n",
        );
        list.iter().for_each(|line| text.push_str(line));
        text.push_str("\n## What was taken out\n\n");
        text.push_str("Secrets, and what tells of the person and the machine. Stand-ins such as\n");
        text.push_str("`~`, `<user>` or `[redacted:…]` say where. Ids are new; they lead nowhere.\n\n");
        for (kind, count) in removed {
            writeln!(text, "- {kind}: {count}").expect("a string takes all");
        }
        text
    })
}

fn line_of(head: &Head) -> String {
    let title = harmless(&title(head)).replace('\n', " ");
    let models: Vec<&str> = head.models.iter().map(|model| model.0.as_str()).collect();
    let models = harmless(&models.join(", ")).replace('\n', " ");
    let day = |time: &Option<String>| {
        time.as_deref().map_or("", |it| it.get(..10).unwrap_or("")).to_owned()
    };
    let counts = format!("{} messages", head.counts.messages);
    let parts = [harmless(&head.agent.name).replace('\n', " "), models, day(&head.created), counts];
    let parts: Vec<String> =
        parts.into_iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    let place = format!("sessions/{}/{}", head.id.shard(), head.id);
    format!("- {} ({}) in [`{}`]({place})\n", title.trim(), parts.join(", "), head.id.short())
}

/// The title of one session, the number of several.
pub(super) fn subject(sessions: &[Shared]) -> Clean<String> {
    match sessions {
        [session] => session.derive(|session| title(&session.0)),
        several => Clean::stored(format!("{} sessions", several.len())),
    }
}
