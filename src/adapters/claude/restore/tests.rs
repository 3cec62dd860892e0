use serde_json::json;

use super::*;
use crate::session::AnnalsEvent;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::ParentLink;
use crate::session::SessionId;
use crate::session::Unreadable;

const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn head(native_id: &str) -> Head {
    let mut head = Head::empty(SessionId::captured(NAME, native_id));
    head.agent.name = NAME.to_owned();
    head.agent.session = Some(native_id.to_owned());
    head
}

fn event(native_line: Option<&str>) -> Record {
    Record::Event(Event {
        envelope: Envelope { native_line: native_line.map(str::to_owned), ..Envelope::default() },
        name: "mode".to_owned(),
        title: None,
        native: json!({"mode": "plan"}),
    })
}

fn paths(head: &Head, subagents: &[(Head, Vec<Record>)]) -> Vec<String> {
    let files = restore(Path::new("/c"), Path::new("/w/x"), (head, &[]), subagents);
    files.iter().map(|file| file.path.display().to_string()).collect()
}

#[test]
fn folder_names_are_made_as_the_agent_makes_them() {
    let slug = |path: &str| slug(Path::new(path));
    assert_eq!(slug("/home/dev/My Proj_x.y/ünï-日本"), "-home-dev-My-Proj-x-y--n----");
    assert_eq!(slug("/a/😀"), "-a---");
    assert_eq!(slug("/a/b/"), "-a-b");
    assert_eq!(slug("/"), "-");
    let exact = format!("/{}", "a".repeat(199));
    assert_eq!(slug(&exact), format!("-{}", "a".repeat(199)));
    let long = slug(&format!("{exact}b"));
    assert_eq!(long.len(), 200 + 1 + long.rsplit('-').next().unwrap().len());
    assert!(long.starts_with(&format!("-{}-", "a".repeat(199))));
    assert_ne!(long, slug(&format!("{exact}c")), "the hash covers what was cut off");
}

#[test]
fn the_hash_of_a_long_path_is_31_to_the_power_with_32_bits() {
    let hash = |text: &str| path_hash(&text.encode_utf16().collect::<Vec<_>>());
    assert_eq!(hash("hello"), 99_162_322);
    // This text is known for the one hash that has no positive counterpart in 32 bits.
    assert_eq!(hash("polygenelubricants"), 1 << 31);
    assert_eq!((base36(0), base36(35), base36(36)), ("0".into(), "z".into(), "10".into()));
    assert_eq!(base36(1 << 31), "zik0zk");
}

#[test]
fn each_record_is_a_line_and_the_file_ends_with_one() {
    let raw = |raw, is_tail| Record::Unreadable(Unreadable { raw, is_tail, after: None });
    let fact = Record::Annals(AnnalsEvent::fact(Action::Undelete));
    let records = [
        fact,
        event(None),
        event(Some(r#"{"type":"mode","n":1,"n":2}"#)),
        raw(Raw::Bytes(vec![0, 255]), false),
        raw(Raw::Text("{\"torn".to_owned()), true),
    ];
    let records: Vec<&Record> = records.iter().collect();
    let files = restore(Path::new("/c"), Path::new("/w"), (&head(ID), &records), &[]);
    let expected = b"{\"type\":\"mode\",\"mode\":\"plan\"}\n{\"type\":\"mode\",\"n\":1,\"n\":2}\n\0\xff\n{\"torn\n";
    assert_eq!(files[0].bytes, expected);
}

#[test]
fn files_lie_where_the_agent_looks_for_them() {
    assert_eq!(paths(&head(ID), &[]), [format!("/c/projects/-w-x/{ID}.jsonl")]);
    let link = Record::Annals(AnnalsEvent::fact(Action::Parent(ParentLink {
        session: "p".to_owned(),
        tool_call: Some("t1".to_owned()),
        native: json!({"agentType": "general"}).as_object().unwrap().clone(),
    })));
    let subagent = (head(&format!("{ID}/a1")), vec![link, event(None)]);
    let folder = format!("/c/projects/-w-x/{ID}/subagents");
    let expected = [
        format!("/c/projects/-w-x/{ID}.jsonl"),
        format!("{folder}/agent-a1.jsonl"),
        format!("{folder}/agent-a1.meta.json"),
    ];
    assert_eq!(paths(&head(ID), std::slice::from_ref(&subagent)), expected);
    let alone = restore(
        Path::new("/c"),
        Path::new("/w/x"),
        (&subagent.0, &subagent.1.iter().collect::<Vec<_>>()),
        &[],
    );
    assert_eq!(alone[0].path.display().to_string(), expected[1]);
    let meta: Value = serde_json::from_slice(&alone[1].bytes).unwrap();
    assert_eq!(meta, json!({"agentType": "general", "toolUseId": "t1"}));
    assert_eq!(resumed_id(&subagent.0), ID);
}

#[test]
fn an_id_that_is_no_file_name_never_becomes_one() {
    for native_id in ["../../etc/x", "", "my session", "..", "/etc/passwd", "a/../b"] {
        let head = head(native_id);
        assert_eq!(paths(&head, &[]), [format!("/c/projects/-w-x/{}.jsonl", head.id)]);
        assert_eq!(resumed_id(&head), head.id.to_string());
    }
    for native_id in [format!("{ID}/../x/.."), format!("{ID}/a b"), format!("{ID}/")] {
        let subagent = head(&native_id);
        let file = format!("/c/projects/-w-x/{ID}/subagents/agent-{}.jsonl", subagent.id);
        assert_eq!(paths(&head(ID), &[(subagent, vec![])])[1], file);
    }
}

#[test]
fn a_session_of_another_agent_is_not_written() {
    let mut head = head(ID);
    head.agent.name = "codex".to_owned();
    assert_eq!(paths(&head, &[]), [""; 0]);
}
