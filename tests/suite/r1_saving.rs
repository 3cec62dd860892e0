//! R1: saving by itself, as far as a session's ids, files and times go.

use std::collections::HashSet;

use annals::platform::Clock;
use annals::platform::Ids;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

use crate::support::Sandbox;

const DOCUMENT: &str = "title: Parser\nmessages:\n- {role: user, text: Why?}\n";

#[test]
fn r1_1_each_new_session_gets_an_id_of_its_own_and_its_files_at_once() {
    let sandbox = Sandbox::new();
    let mut ids = HashSet::new();
    for _ in 0..4 {
        let id = sandbox.save(DOCUMENT);
        let uuid = Uuid::parse_str(&id).expect("an id is a UUID");
        assert_eq!(uuid.get_version_num(), 7, "a session that is created has a version 7 id");
        let folder = format!("sessions/{}/{id}", &id[id.len() - 2..]);
        let names: Vec<String> = sandbox.tree().into_iter().map(|(name, _)| name).collect();
        let chunk = format!("{folder}/messages/{}-000001.yaml", &id[id.len() - 8..]);
        for name in [format!("{folder}/session.yaml"), chunk] {
            assert!(names.contains(&name), "{name} is there once the save returns: {names:?}");
        }
        assert!(ids.insert(id), "no two sessions have one id");
    }
}

#[test]
fn r1_1_a_captured_session_has_the_same_id_on_every_machine() {
    let ids: Vec<String> = (0..2)
        .map(|_| {
            let sandbox = Sandbox::new();
            sandbox.transcript(7).user("hello").agent("hi").write();
            sandbox.capture();
            let listed = sandbox.json(["list"]);
            listed["sessions"][0]["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert_eq!(ids[0], ids[1], "the id comes from agent and native id alone");
    let uuid = Uuid::parse_str(&ids[0]).expect("an id is a UUID");
    assert_eq!(uuid.get_version_num(), 5, "a session that is captured has a version 5 id");
}

#[test]
fn r1_1_ids_are_unique_even_if_made_in_one_millisecond() {
    let sandbox = Sandbox::new();
    let mut environment = sandbox.environment();
    environment.ids = Ids::random();
    let options = OpenOptions { store: None, environment, create: true };
    let repository = Repository::open(&options).expect("the store opens");
    let ids: HashSet<_> = (0..1000).map(|_| repository.create_id()).collect();
    assert_eq!(ids.len(), 1000, "no id is given twice");
}

#[test]
fn r1_1_saving_the_same_document_again_changes_nothing() {
    let sandbox = Sandbox::new();
    let document = "id: 01890000-0000-7000-8000-00000000abcd\ntitle: Parser\nagent: my-agent\n\
        tags: [a, b]\nnotes: mine\npinned: true\ncontext_files: [x.rs]\nmessages:\n\
        - {role: user, text: Why?}\n- {role: assistant, text: Because.}\n";
    sandbox.save(document);
    let (tip, listed) = (sandbox.tip(), sandbox.json(["list"]));
    let ran = sandbox.run_with(["--json", "save", "-"], document).ok();
    let saved: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(saved["revision"], Value::Null, "a save of what is there makes no revision");
    assert_eq!(sandbox.tip(), tip, "and no commit");
    assert_eq!(sandbox.json(["list"]), listed, "and the session is as it was");
}

#[test]
fn r1_1_a_changed_message_is_taken_in_once() {
    let sandbox = Sandbox::new();
    let document = |text: &str| {
        format!(
            "id: 01890000-0000-7000-8000-00000000abcd\nmessages:\n\
             - {{role: user, id: m1, text: {text}}}\n- {{role: assistant, id: m2, text: Yes}}\n"
        )
    };
    sandbox.save(&document("first"));
    sandbox.save(&document("second"));
    let tip = sandbox.tip();
    sandbox.save(&document("second"));
    assert_eq!(sandbox.tip(), tip, "what was taken in is not taken in again");
}

#[test]
fn r1_4_modified_never_goes_back_with_the_clock() {
    let mut sandbox = Sandbox::new();
    let id = sandbox.save(DOCUMENT);
    let mut last = modified(&sandbox, &id);
    sandbox.set_now("2020-01-01T00:00:00Z");
    let edits: [&[&str]; 6] = [
        &["rename", &id, "Another title"],
        &["tag", &id, "late"],
        &["note", &id, "late too"],
        &["pin", &id],
        &["rollback", &id, "~3"],
        &["tag", &id, "later"],
    ];
    for edit in edits {
        let mut command = sandbox.program();
        crate::support::Ran::of(command.args(edit)).ok();
        let now = modified(&sandbox, &id);
        assert!(now > last, "{edit:?} moves `modified` forward: {last} → {now}");
        last = now;
    }
    sandbox.run(["delete", &id, "--yes"]).ok();
    sandbox.run(["undelete", &id]).ok();
    assert!(modified(&sandbox, &id) > last, "undelete moves `modified` forward");
}

#[test]
fn r1_4_modified_stays_when_the_agent_shortens_its_file() {
    let sandbox = Sandbox::new();
    let long = sandbox.transcript(1).user("one").agent("two").user("three").agent("four").write();
    sandbox.capture();
    let before = modified(&sandbox, &long.short());
    long.clone().without_last(2).write();
    sandbox.capture();
    let after = modified(&sandbox, &long.short());
    assert!(after >= before, "`modified` does not go back with the file: {before} → {after}");
}

#[test]
fn r1_4_history_stays_in_order_when_the_clock_is_set_back() {
    let mut sandbox = Sandbox::new();
    let id = sandbox.save(DOCUMENT);
    sandbox.set_now("2020-01-01T00:00:00Z");
    sandbox.run(["tag", &id, "a"]).ok();
    sandbox.set_now("2019-01-01T00:00:00Z");
    sandbox.run(["tag", &id, "b"]).ok();
    let log = sandbox.json(["log", &id]);
    let operations: Vec<&str> = log["revisions"]
        .as_array()
        .expect("revisions")
        .iter()
        .map(|it| it["operation"].as_str().expect("a name"))
        .collect();
    assert_eq!(operations, ["tag", "tag", "save"], "history is ordered by commits, not by clocks");
    let before = sandbox.json(["show", &format!("{id}@~1")]);
    assert_eq!(before["session"]["tags"], serde_json::json!(["a"]));
}

#[test]
fn r1_4_appended_messages_move_modified_forward() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let saved = repository.save_text(DOCUMENT).expect("it is saved");
    let mut environment = sandbox.environment();
    let later = DateTime::parse_from_rfc3339("2026-11-22T12:00:09Z").expect("a time");
    environment.clock = Clock::fixed(later.into());
    let options = OpenOptions { store: None, environment, create: false };
    let mut repository = Repository::open(&options).expect("the store opens");
    let more = repository
        .save_text("messages:\n- {role: user, text: And now?}\n")
        .and_then(|other| {
            let at = repository.resolve(&other.head.id.to_string(), None)?;
            repository.load(&at)
        })
        .expect("another session");
    let message = more.records.into_iter().filter(|it| it.as_message().is_some()).collect();
    let appended = repository.append(saved.head.id, message).expect("it is appended");
    assert_eq!(appended.head.counts.messages, 2);
    assert_eq!(
        appended.head.modified.as_deref(),
        Some("2026-11-22T12:00:09.000Z"),
        "an appended message is as new as the clock says"
    );
}

fn modified(sandbox: &Sandbox, id: &str) -> String {
    let shown = sandbox.json(["show", id]);
    shown["session"]["modified"].as_str().expect("it has a time").to_owned()
}
