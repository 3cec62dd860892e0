//! R6: migration of older stores and sessions, and what is done with newer ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::Digest as _;
use sha2::Sha256;

use crate::support::Ran;
use crate::support::Sandbox;

/// The files of older forms, by their SHA-256: they are never edited again.
const FROZEN: [(&str, &str); 18] = [
    ("json/0.7.0.json", "95890927223d8339382da02be687c73b235f52003ec2d587aa670985a6bf1fed"),
    ("json/0.8.0.json", "8c336b0cbe26117f5c349499f91311959474aa89ff567a3bab423b92684b1e87"),
    ("json/0.9.0.json", "5ff861b6a0237918045f5ae6bfb5eea805a6ed53c3aafdf13e05b88541e74b88"),
    ("json/1.0.0-wrapped.json", "0534f18cbf382d1d487612089ef8a1603ace3d2407b26df18157ebfc055e6764"),
    ("json/1.0.0.json", "274c6deffcbac0a49baed51f4dd72dc206238a40f30aa7b3f0f75e8adc273927"),
    ("schemas/1/annals.yaml", "97506ee1c4721b51a0e2cd1fa581a0360cd302098fa3db8289fd3b69f9fa12e9"),
    (
        "schemas/1/sessions/0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa.yaml",
        "f48e3f26aa0b437e7bd0a23c33274294738b797074bec2c67f4956e09cfd1b06",
    ),
    (
        "schemas/1/sessions/0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb.yaml",
        "9a966bf65de5bfd950c841596f82b27243f26f400833e6250ab8f0c92969e3ba",
    ),
    ("schemas/2/annals.yaml", "04458e5ce1c597c6beef51f7981102246e9f046f3fd73a2cf8d766071807ba8e"),
    (
        "schemas/2/sessions/0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa.yaml",
        "9b57c5fd0fa601ec7f2c2d1c38b23cc90dde1ee73542933e8a9622c44513d1c5",
    ),
    (
        "schemas/2/sessions/0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb.yaml",
        "74b82923c605321900207247bb74c40f5a499639bbde92abae7838125e60dc9f",
    ),
    ("schemas/3/annals.yaml", "f15a1d9b1e71536afa6c7d836c6cb4e84079d304547d67b63c01658561cf8e9d"),
    (
        "schemas/3/sessions/0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa.yaml",
        "be4f75cea4e4a4d55b55a8af974ec36d60a9b2f10916a12ac0552af75fd762cf",
    ),
    (
        "schemas/3/sessions/0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb.yaml",
        "b069adff130b02b203ca2ef79d5f9d4117742d53282d3fc8709930f83cd73a24",
    ),
    (
        "schemas/broken/annals.yaml",
        "f15a1d9b1e71536afa6c7d836c6cb4e84079d304547d67b63c01658561cf8e9d",
    ),
    (
        "schemas/broken/sessions/0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa.yaml",
        "be4f75cea4e4a4d55b55a8af974ec36d60a9b2f10916a12ac0552af75fd762cf",
    ),
    (
        "schemas/broken/sessions/0197b3c2-7f3a-7e66-9c2d-5b8b4b1fa3cc.yaml",
        "463f489787f8b72171614e64388df3d465ac6c99c0eb04c274be659174fd25e2",
    ),
    (
        "schemas/broken/sessions/0197b3c2-803b-7f77-8d3e-6c9c5c20b4dd.yaml",
        "e501db0ddea161018c3d2c12718eb64072cb967a50a27f33b0bde192ac1dc509",
    ),
];

#[test]
fn r6_3_the_files_of_older_schemas_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (name, sum) in FROZEN {
        let bytes = fs::read(folder.join(name)).expect("a frozen file is there");
        let found = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        assert_eq!(found, sum, "{name} is never edited: make another file");
    }
}

/// Writes, with git, what a later version of annals might have written: another marker.
fn make_newer(sandbox: &Sandbox) {
    let folder = sandbox.root().join("clone");
    let git = |arguments: &[&str], folder: &std::path::Path| {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(folder).args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
        Ran::of(command.args(arguments)).ok();
    };
    let store = sandbox.store().to_string_lossy().into_owned();
    git(&["clone", "-q", &store, &folder.to_string_lossy()], sandbox.root());
    let marker = folder.join("annals.yaml");
    let text = fs::read_to_string(&marker).expect("the marker is there");
    assert!(text.contains("schema: 4"), "{text}");
    fs::write(&marker, text.replace("schema: 4", "schema: 5")).expect("it is written");
    git(&["commit", "-qam", "a later version"], &folder);
    git(&["push", "-q", "origin", "HEAD:main"], &folder);
}

#[test]
fn r6_5_a_newer_store_is_refused_for_writing_and_read_nevertheless() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let id = transcript.short();
    sandbox.run(["tag", &id, "before"]).ok();
    let before = sandbox.json(["show", &id]);
    make_newer(&sandbox);
    let tip = sandbox.tip();
    transcript.clone().user("three").write();
    sandbox.transcript(2).user("another").write();
    let writes: [&[&str]; 9] = [
        &["capture"],
        &["rename", &id, "x"],
        &["tag", &id, "x"],
        &["note", &id, "x"],
        &["pin", &id],
        &["fork", &id],
        &["rollback", &id, "~1"],
        &["delete", &id, "--yes"],
        &["save", "-"],
    ];
    for write in writes {
        let mut command = sandbox.program();
        let input = sandbox.root().join("input");
        fs::write(&input, "messages:\n- {role: user, text: Hi}\n").expect("it is written");
        command.args(write).stdin(fs::File::open(&input).expect("it opens"));
        let ran = Ran::of(&mut command);
        assert_eq!(ran.code, 5, "{write:?} is refused: {ran:?}");
        let advice = "A later version of annals wrote it. Update this one.\n";
        assert!(ran.stderr.starts_with("too new:"), "{write:?}: {}", ran.stderr);
        assert!(ran.stderr.ends_with(advice), "it says what to do: {}", ran.stderr);
        assert_eq!(sandbox.tip(), tip, "{write:?} wrote nothing");
    }
    let ran = Ran::of(sandbox.program().args(["--json", "tag", &id, "x"])).code(5);
    assert!(ran.stderr.contains(r#""kind":"too_new""#), "{}", ran.stderr);
    assert_eq!(sandbox.json(["list"])["total"], 1);
    let after = sandbox.json(["show", &id]);
    assert_eq!(after["messages"], before["messages"], "reading goes on");
    sandbox.run(["log", &id]).ok();
    sandbox.run(["doctor"]);
    sandbox.run(["restore", &id, "--force", "--dry-run"]).ok();
}

#[test]
fn r6_5_a_newer_document_is_refused() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run_with(["save", "-"], "schema: 5\nmessages:\n- {role: user, text: Hi}\n");
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.starts_with("too new:"), "{}", ran.stderr);
}

#[test]
fn r6_4_unknown_fields_survive_saving_and_showing() {
    let sandbox = Sandbox::new();
    let text = "messages:\n- role: user\n  text: Hi\n  novelty: {a: [1, null]}\n  native: {b: 2}\n";
    let id = sandbox.save(text);
    let shown = sandbox.json(["show", &id]);
    let native = &shown["messages"][0]["native"];
    assert_eq!(native["novelty"], serde_json::json!({"a": [1, null]}), "{shown}");
    assert_eq!(native["b"], 2);
    let raw = sandbox.run(["show", "--raw", &id]).ok().stdout;
    let other = Sandbox::new();
    let copy = other.save(&raw);
    assert_eq!(copy, id);
    assert_eq!(other.run(["show", "--raw", &id]).ok().stdout, raw, "the same in another store");
}
