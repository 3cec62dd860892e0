use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::*;

const ONE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const OTHER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

struct Home(TempDir);

impl Home {
    fn of(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        for (path, text) in files {
            let path = home.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test lays out files")]
            fs::write(path, text).unwrap();
        }
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join("projects").join(path)
    }

    fn find(&self) -> Found {
        find(self.0.path())
    }

    fn sources(&self) -> (Vec<Source>, Vec<Skipped>) {
        let Found { files, mut skipped } = self.find();
        let sources = files.into_iter().map(|file| {
            let (source, beside) = source(&file.path, None).unwrap();
            skipped.extend(beside);
            source
        });
        (sources.collect(), skipped)
    }

    fn ids(&self) -> Vec<String> {
        self.sources().0.into_iter().map(|source| source.native_id).collect()
    }
}

fn parent(source: &Source) -> Option<&ParentLink> {
    source.facts.iter().find_map(|fact| match &fact.action {
        Action::Parent(link) => Some(link),
        _ => None,
    })
}

#[test]
fn no_folder_is_no_sessions() {
    let home = Home::of(&[]);
    let found = home.find();
    assert!(found.files.is_empty() && found.skipped.is_empty());
}

#[test]
fn parents_stand_before_their_subagents() {
    let home = Home::of(&[
        (&format!("-b/{OTHER}.jsonl"), ""),
        (&format!("-a/{OTHER}/subagents/agent-y.jsonl"), ""),
        (&format!("-a/{ONE}/subagents/agent-x.jsonl"), ""),
        (
            &format!("-a/{ONE}/subagents/agent-x.meta.json"),
            r#"{"agentType":"general","toolUseId":"t1"}"#,
        ),
        (&format!("-a/{ONE}.jsonl"), ""),
        ("-a/notes.txt", ""),
        ("-a/memory/notes.md", ""),
    ]);
    let subagent = format!("{ONE}/x");
    let (sources, skipped) = home.sources();
    assert_eq!(skipped, []);
    assert_eq!(home.ids(), [ONE, &subagent, &format!("{OTHER}/y"), OTHER]);
    let link = parent(&sources[1]).expect("a parent");
    assert_eq!(link.session, sources[0].session.to_string());
    assert_eq!(link.tool_call.as_deref(), Some("t1"));
    assert_eq!(Value::Object(link.native.clone()), json!({"agentType": "general"}));
    assert_eq!(sources[1].session, SessionId::captured(NAME, &subagent));
    assert!(parent(&sources[0]).is_none());
}

#[test]
fn a_file_without_a_uuid_for_a_name_is_known_from_inside() {
    let inner = json!({"type": "user", "sessionId": ONE}).to_string();
    let sidechain = json!({"type": "user", "sessionId": ONE, "isSidechain": true}).to_string();
    let home = Home::of(&[
        ("-a/copy.jsonl", &format!("{{\"type\":\"summary\"}}\n{inner}\n")),
        ("-a/plain.jsonl", "{}\n"),
        ("-a/agent-old.jsonl", &sidechain),
        ("-a/agent-smith.jsonl", &inner),
    ]);
    assert_eq!(home.ids(), [ONE, "plain", &format!("{ONE}/old"), ONE]);
    let (sources, _) = home.sources();
    let link = parent(&sources[2]).expect("a parent");
    assert_eq!(link.session, SessionId::captured(NAME, ONE).to_string());
}

#[test]
fn what_cannot_be_looked_into_is_told_and_the_rest_goes_on() {
    let home = Home::of(&[
        (&format!("-a/{ONE}.jsonl"), ""),
        (&format!("-b/{OTHER}.jsonl"), ""),
        (&format!("-b/{OTHER}/subagents/agent-x.jsonl"), ""),
        (&format!("-b/{OTHER}/subagents/agent-x.meta.json"), "torn"),
        (&format!("-b/{OTHER}/subagents/deeper/agent-z.jsonl"), ""),
    ]);
    symlink(home.path("-a"), home.path("-c")).unwrap();
    let target = home.path(&format!("-a/{ONE}.jsonl"));
    symlink(target, home.path(&format!("-b/{ONE}.jsonl"))).unwrap();
    assert_eq!(home.ids(), [ONE, OTHER, &format!("{OTHER}/x")]);
    let (_, skipped) = home.sources();
    let reasons: Vec<&str> = skipped.iter().map(|it| it.reason.as_str()).collect();
    let expected =
        ["a symbolic link", "a symbolic link", "a folder among sub-agents", "not a JSON object"];
    assert_eq!(reasons, expected);
}

#[test]
fn an_unreadable_folder_is_told() {
    let home = Home::of(&[(&format!("-a/{ONE}.jsonl"), ""), (&format!("-b/{OTHER}.jsonl"), "")]);
    let set =
        |mode| fs::set_permissions(home.path("-a"), fs::Permissions::from_mode(mode)).unwrap();
    set(0o000);
    let (found, is_refused) = (home.find(), fs::read_dir(home.path("-a")).is_err());
    set(0o700);
    if is_refused {
        assert_eq!(found.skipped.len(), 1);
        assert_eq!(found.files.len(), 1);
    }
}

#[test]
fn a_file_anywhere_is_a_source() {
    let home = Home::of(&[("x/any.jsonl", ""), (&format!("{ONE}.jsonl"), "")]);
    let native_id = |path: &str, session| source(&home.path(path), session).unwrap().0.native_id;
    assert_eq!(native_id("x/any.jsonl", None), "any");
    assert_eq!(native_id("x/any.jsonl", Some(OTHER)), OTHER);
    assert_eq!(native_id(&format!("{ONE}.jsonl"), None), ONE);
    assert!(source(&home.path("x/none.jsonl"), None).is_err());
}
