//! Stores that are damaged, and mended with what others have.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::say;

/// A store with three sessions in two commits, and a bare clone of it.
fn cloned() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    for number in 1..=3_u16 {
        sandbox.transcript(number.into()).by(number).user("hello there").agent("hi").write();
    }
    sandbox.capture();
    sandbox.transcript(1).by(1).user("hello there").agent("hi").user("more").write();
    sandbox.capture();
    let clone = sandbox.root().join("backup.git");
    let (from, to) = (sandbox.store(), clone.clone());
    let mut git = Command::new("git");
    git.args(["clone", "-q", "--bare", "--no-hardlinks"]).arg(from).arg(to);
    Ran::of(&mut git).ok();
    (sandbox, clone)
}

/// What becomes of an object's file.
const DAMAGES: [&str; 7] =
    ["empty", "one byte", "header", "half", "last byte", "removed", "flipped"];

fn damage(path: &Path, how: &str, whole: &[u8]) {
    fs::remove_file(path).expect("removed");
    let cut = match how {
        "removed" => return,
        "empty" => 0,
        "one byte" => 1,
        "header" => whole.len().min(12),
        "half" => whole.len() / 2,
        "last byte" => whole.len() - 1,
        _ => whole.len(),
    };
    let mut bytes = whole[..cut].to_vec();
    if how == "flipped" {
        bytes[whole.len() / 2] ^= 0x10;
    }
    fs::write(path, bytes).expect("written");
}

/// Which session an object belongs to, as git sees it, and whether it is its own: the folder round
/// it is not, though here no other session is in that.
fn owners(sandbox: &Sandbox, sessions: &[String]) -> BTreeMap<String, (String, bool)> {
    let objects = sandbox.git(["rev-list", "--objects", "main"]);
    let owner = |line: &str| {
        let (object, path) = line.split_once(' ')?;
        let is_in_shard = |id: &&String| path.starts_with(&shard_of(id));
        let owner = sessions.iter().find(is_in_shard)?;
        Some((object.to_owned(), (owner.clone(), path.contains(owner))))
    };
    objects.lines().filter_map(owner).collect()
}

/// The folder of a revision that a session's own lies in.
fn shard_of(id: &str) -> String {
    format!("sessions/{}", &id[id.len() - 2..])
}

/// What anybody sees of the sessions that are not damaged.
fn seen(sandbox: &Sandbox, sessions: &[String], damaged: Option<&String>) -> Vec<String> {
    let whole = sessions.iter().filter(|id| Some(*id) != damaged);
    let mut seen = Vec::new();
    let listed = sandbox.json(["list"]);
    let hits = sandbox.json(["search", "hello"]);
    for id in whole {
        let row = |list: &serde_json::Value| {
            list.as_array().and_then(|list| {
                list.iter().find(|it| it["id"] == **id || it["session"] == **id).cloned()
            })
        };
        seen.push(format!("{:?}", row(&listed["sessions"]).expect("it is listed")));
        seen.push(format!("{:?}", row(&hits["hits"]).expect("it is found")));
        seen.push(sandbox.run(["show", id]).ok().stdout);
    }
    seen
}

#[test]
fn each_damaged_object_is_found_named_and_mended_with_what_a_clone_has() {
    let (sandbox, clone) = cloned();
    let clone = clone.display().to_string();
    let (tree, objects) = (sandbox.tree(), loose(&sandbox));
    assert!(objects.len() > 10, "there are objects to damage");
    let id = |number: u16| sandbox.transcript(number.into()).by(number).session().to_string();
    let sessions: Vec<String> = (1..=3).map(id).collect();
    let owners = owners(&sandbox, &sessions);
    let tip = sandbox.tip();
    let is_all = std::env::var_os("ANNALS_DAMAGES").is_some();
    let cases = objects.iter().enumerate().flat_map(|(number, path)| {
        DAMAGES.iter().enumerate().map(move |(kind, how)| (number, path, kind, *how))
    });
    // Of each object one damage, of each third one; or all.
    let wanted =
        |number: usize, kind: usize| is_all || number.is_multiple_of(3) && kind == number / 3 % 7;
    let mut done = 0;
    for (_, path, _, how) in cases.filter(|(number, _, kind, _)| wanted(*number, *kind)) {
        let whole = fs::read(path).expect("it is read");
        let object = object_of(path);
        let owner = owners.get(&object);
        let damaged = owner.filter(|(_, is_own)| *is_own).map(|(owner, _)| owner);
        let when = format!("{object} {how}");
        let before = seen(&sandbox, &sessions, damaged);
        damage(path, how, &whole);
        let doctor = sandbox.run(["doctor"]).code(5);
        let told = doctor.stdout + &doctor.stderr;
        assert!(told.contains(&object[..8]), "{when}: it is named: {told}");
        if let Some((owner, _)) = owner {
            assert!(told.contains(owner), "{when}: its session is named: {told}");
        }
        assert_eq!(seen(&sandbox, &sessions, damaged), before, "{when}");
        let mended = sandbox.json(["doctor", "--repair", "--from", &clone]);
        assert_eq!(mended["verdict"], "fine", "{when}: {mended}");
        assert_eq!(mended["repair"]["objects"][&clone], 1, "{when}: {mended}");
        assert_eq!(sandbox.tree(), tree, "{when}");
        assert_eq!(sandbox.tip(), tip, "{when}");
        done += 1;
    }
    sandbox.fsck();
    say(&format!("{done} damages, each found, named and mended"));
}

/// All that anybody can read of sessions.
fn all_read(sandbox: &Sandbox, sessions: &[String]) -> Vec<String> {
    let data = |args: &[&str]| {
        let ran = Ran::of(sandbox.program().args(args));
        assert!(ran.code == 0 || args[0] == "diff" && ran.code == 1, "{args:?}: {ran:?}");
        // Past the times and sizes of the store itself, which differ from call to call.
        match args {
            [_, "stats"] => {
                let stats: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
                ["sessions", "messages", "models", "days"]
                    .map(|key| stats[key].to_string())
                    .join(" ")
            }
            _ => ran.stdout,
        }
    };
    let mut read = vec![
        data(&["list"]),
        data(&["search", "hello"]),
        data(&["search", "--exact", "hello th"]),
        data(&["--json", "stats"]),
    ];
    for id in sessions {
        let named = format!("{id}@{}", &sandbox.tip()[..8]);
        for args in [
            &["show", id][..],
            &["show", &named],
            &["log", id],
            &["diff", id],
            &["export", id, "-o", "-"],
        ] {
            read.push(data(args));
        }
    }
    read
}

/// What the store holds, but for what only counts or follows from the rest.
fn held(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let is_private = |path: &Path| path.starts_with(sandbox.store().join("annals"));
    sandbox.every_file().into_iter().filter(|(path, _)| !is_private(path)).collect()
}

/// Nothing can be written into a store, which stays as it is, and it is said what helps.
fn is_refused(sandbox: &Sandbox, id: &str, when: &str) {
    let before = held(sandbox);
    let document = "workspace: {root: /x}\nagent: {name: x}\nmessages: [{role: user, text: hi}]\n";
    let refusals = [
        sandbox.run(["rename", id, "another"]),
        sandbox.run(["delete", id, "--yes"]),
        sandbox.run(["capture"]),
        sandbox.run_with(["save", "-"], document),
    ];
    for ran in refusals {
        assert_eq!(ran.code, 5, "{when}: {ran:?}");
        assert!(ran.stderr.contains("annals doctor --repair"), "{when}: {ran:?}");
    }
    assert!(held(sandbox) == before, "{when}: nothing was changed");
}

#[test]
fn where_the_ways_to_sessions_are_damaged_all_are_read_and_nothing_is_written() {
    let (sandbox, _) = cloned();
    let id = |number: u16| sandbox.transcript(number.into()).by(number).session().to_string();
    let sessions: Vec<String> = (1..=3).map(id).collect();
    let before = all_read(&sandbox, &sessions[..1]);
    sandbox.transcript(4).by(4).user("new").write();
    let shard = format!("main:{}", shard_of(&sessions[0]));
    for name in ["main", "main:", "main:sessions", "main:annals.yaml", &shard] {
        let object = at(&sandbox, name);
        let whole = fs::read(&object).expect("it is read");
        damage(&object, "half", &whole);
        assert_eq!(all_read(&sandbox, &sessions[..1]), before, "{name}");
        let shown = sandbox.run(["show", &sessions[0]]).ok();
        let is_told = ["damaged", &object_of(&object), "`annals doctor --repair`"];
        assert!(is_told.iter().all(|it| shown.stderr.contains(it)), "{name}: {shown:?}");
        assert_eq!(shown.stderr.lines().count(), 1, "{name}, told once: {shown:?}");
        assert!(!shown.stderr.contains("What is shown"), "{name}, nothing is lacking: {shown:?}");
        if name == shard {
            sandbox.run(["rename", &sessions[0], "another"]).code(5);
            let grown = sandbox.transcript(1).by(1).user("hello there").agent("hi").user("more");
            grown.agent("and more").write();
            let captured = sandbox.run(["capture"]).code(5);
            let is_told = ["1 new session", "Skipped 1", "`annals doctor --repair`"];
            assert!(is_told.iter().all(|it| captured.stderr.contains(it)), "{captured:?}");
        } else {
            is_refused(&sandbox, &sessions[0], name);
        }
        // What lies below these, git itself finds.
        if ["main", "main:", "main:annals.yaml"].contains(&name) {
            let packed = sandbox.run(["gc"]).code(5);
            assert!(packed.stderr.contains("annals doctor --repair"), "{name}: {packed:?}");
        }
        fs::write(&object, whole).expect("it is whole again");
    }
    let captured = sandbox.capture();
    assert!(captured.stderr.contains("1 updated"), "it is taken in once it can be: {captured:?}");
}

#[test]
fn without_what_the_index_knew_an_older_revision_is_read_and_told() {
    let (sandbox, clone) = cloned();
    let clone = clone.display().to_string();
    let id = sandbox.transcript(1).by(1).session().to_string();
    let before = sandbox.run(["list"]).ok().stdout;
    let older = sandbox.git(["rev-parse", "main~1"]);
    let shard = format!("main:{}", shard_of(&id));
    for name in ["main", "main:", "main:sessions", &shard] {
        let object = at(&sandbox, name);
        damage(&object, "removed", &[]);
        drop_index(&sandbox);
        let listed = sandbox.json(["list"]);
        assert_eq!(listed["total"], 3, "{name}");
        let rows = listed["sessions"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["id"] == *id).expect("it is listed");
        assert_eq!(row["counts"]["messages"], 2, "{name}: as it was before");
        let ran = sandbox.run(["show", &id]).ok();
        assert!(ran.stdout.contains("hello there") && !ran.stdout.contains("more"), "{ran:?}");
        assert!(ran.stderr.contains("`annals doctor --repair`"), "{name}: {ran:?}");
        if name == shard {
            assert!(row["damaged"].as_str().expect("a mark").contains("before"), "{row}");
            assert!(ran.stderr.contains("what it was before"), "{ran:?}");
            let marked = rows.iter().filter(|row| row.get("damaged").is_some()).count();
            assert_eq!(marked, 1, "the others are whole");
            sandbox.run(["rename", &id, "another"]).code(5);
        } else {
            let told = format!("What is shown is revision {}", &older[..8]);
            assert!(ran.stderr.contains(&told), "{name}: {ran:?}");
            is_refused(&sandbox, &id, name);
        }
        sandbox.json(["doctor", "--repair", "--from", &clone]);
        assert_eq!(sandbox.run(["list"]).ok().stdout, before, "{name}: all is back");
        assert!(sandbox.run(["show", &id]).ok().stdout.contains("more"), "{name}");
        sandbox.json(["search", "more"]);
    }
}

#[test]
fn a_newest_revision_that_cannot_be_followed_to_leaves_the_index_where_it_is() {
    let sandbox = Sandbox::new();
    let id = sandbox.transcript(1).by(1).user("hello there").agent("hi").write().session();
    sandbox.capture();
    let before = (sandbox.run(["list"]).ok().stdout, sandbox.tip());
    let kept: Vec<_> = index_files(&sandbox).map(|path| (fs::read(&path).ok(), path)).collect();
    sandbox.transcript(2).by(2).user("hello again").write();
    sandbox.capture();
    for (bytes, path) in kept {
        match bytes {
            Some(bytes) => fs::write(path, bytes).expect("written"),
            None => drop(fs::remove_file(path)),
        }
    }
    // Somebody has taken away what would name an older one.
    fs::remove_file(sandbox.store().join("logs/refs/heads/main")).expect("removed");
    let object = at(&sandbox, "main");
    let whole = fs::read(&object).expect("it is read");
    damage(&object, "half", &whole);
    let listed = sandbox.run(["list"]).ok();
    assert_eq!(listed.stdout, before.0);
    assert!(listed.stderr.contains(&format!("revision {}", &before.1[..8])), "{listed:?}");
    sandbox.run(["show", &id.to_string()]).ok();
    fs::write(&object, whole).expect("it is whole again");
    assert_eq!(sandbox.json(["list"])["total"], 2);
}

#[test]
fn what_was_not_searched_yet_is_found_though_no_way_leads_to_it() {
    let (sandbox, _) = cloned();
    let id = sandbox.transcript(1).by(1).session().to_string();
    sandbox.json(["search", "hello"]);
    sandbox.run(["rename", &id, "zebra"]).ok();
    sandbox.run(["delete", &sandbox.transcript(2).by(2).session().to_string(), "--yes"]).ok();
    fs::remove_file(at(&sandbox, "main")).expect("removed");
    for query in ["zebra", "hello"] {
        let found = sandbox.json(["search", query]);
        let sessions = found["hits"].as_array().expect("hits").iter();
        let found: BTreeSet<String> = sessions.map(|hit| hit["session"].to_string()).collect();
        assert!(found.iter().any(|it| it.contains(&id)), "{query}: {found:?}");
        assert_eq!(
            found.len(),
            if query == "zebra" { 1 } else { 2 },
            "what is deleted is not found"
        );
    }
}

#[test]
fn an_index_is_made_anew_past_damaged_history() {
    let (sandbox, id, other) = long();
    let seen = |sandbox: &Sandbox| {
        let shown = (messages(sandbox, &id), messages(sandbox, &other));
        (sandbox.json(["list"]), sandbox.json(["search", "hello"])["total"].clone(), shown)
    };
    let before = seen(&sandbox);
    let shard = format!("main~1:{}", shard_of(&id));
    for name in ["main~1", "main~1:", "main~1:sessions", "main~2", &shard] {
        let object = at(&sandbox, name);
        let whole = fs::read(&object).expect("it is read");
        damage(&object, "half", &whole);
        drop_index(&sandbox);
        assert_eq!(seen(&sandbox), before, "{name}");
        let quiet = sandbox.run(["list"]).ok();
        assert_eq!(quiet.stderr, "", "{name}: what is now is whole");
        fs::write(&object, whole).expect("it is whole again");
    }
    sandbox.run(["doctor"]).ok();
}

#[test]
fn what_stands_for_a_deleted_session_is_made_again() {
    let sandbox = Sandbox::new();
    let id = sandbox.transcript(1).by(1).user("hello there").agent("hi").write().session();
    let id = id.to_string();
    sandbox.capture();
    sandbox.run(["delete", &id, "--yes"]).ok();
    let name = format!("tombstones/{}/{id}.yaml", &id[id.len() - 2..]);
    let tree = sandbox.tree();
    fs::remove_file(at_tip(&sandbox, &name)).expect("removed");
    let ran = sandbox.run(["doctor"]).code(5);
    assert!(ran.stdout.contains(&id), "{ran:?}");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert_eq!(sandbox.tree(), tree, "the very same");
    assert!(ran.stderr.contains(&format!("Made the tombstone of session {id} again")), "{ran:?}");
    sandbox.capture();
    assert_eq!(sandbox.json(["list"])["total"], 0, "it stays deleted");
    sandbox.run(["undelete", &id]).ok();
    assert_eq!(messages(&sandbox, &id).len(), 2);
}

fn index_files(sandbox: &Sandbox) -> impl Iterator<Item = PathBuf> {
    let folder = sandbox.store().join("annals");
    ["index.db", "index.db-wal", "index.db-shm"].into_iter().map(move |name| folder.join(name))
}

fn drop_index(sandbox: &Sandbox) {
    index_files(sandbox).for_each(|path| drop(fs::remove_file(path)));
}

#[test]
fn all_damages_at_once_are_mended_with_a_remote() {
    let (sandbox, clone) = cloned();
    let tree = sandbox.tree();
    for path in loose(&sandbox) {
        drop(fs::remove_file(path));
    }
    for pack in packs(&sandbox) {
        let whole = fs::read(&pack).expect("it is read");
        damage(&pack, "flipped", &whole);
    }
    sandbox.run(["doctor"]).code(5);
    sandbox.git(["config", "remote.origin.url", &clone.display().to_string()]);
    let mended = sandbox.json(["doctor", "--repair"]);
    assert_eq!(mended["verdict"], "fine", "{mended}");
    assert_eq!(sandbox.tree(), tree);
    sandbox.fsck();
}

#[test]
fn a_plan_changes_nothing() {
    let (sandbox, clone) = cloned();
    let objects = loose(&sandbox);
    damage(&objects[2], "half", &fs::read(&objects[2]).expect("it is read"));
    let config = sandbox.store().join("annals/machine.toml");
    fs::set_permissions(&config, PermissionsExt::from_mode(0o644)).expect("it is ours");
    fs::write(sandbox.store().join("refs/heads/other"), "torn").expect("written");
    let everything = || -> Vec<_> {
        let files = sandbox.every_file().into_iter();
        // What only counts, and the lock of those who mend.
        let is_other =
            |path: &Path| ["metrics.json", "mending.lock"].iter().all(|it| !path.ends_with(it));
        files.filter(|(path, _)| is_other(path)).collect()
    };
    let before = everything();
    let clone = clone.display().to_string();
    let ran = sandbox.run(["doctor", "--repair", "--dry-run", "--from", &clone]).code(5);
    let steps: Vec<&str> =
        ran.stdout.lines().map(|line| line.split(" /").next().unwrap_or("")).collect();
    assert_eq!(
        steps,
        [
            "Would close to others:",
            "Would take 1 object from",
            "Would take away a ref that leads nowhere: refs/heads/other"
        ],
        "{ran:?}"
    );
    assert!(everything() == before, "nothing was changed");
    let ran = sandbox.run(["--json", "doctor", "--repair", "--dry-run", "--from", &clone]).code(5);
    let planned: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(planned["repair"]["dry_run"], true);
    assert_eq!(planned["repair"]["steps"][1]["kind"], "objects");
    let mended = sandbox.json(["doctor", "--repair", "--from", &clone]);
    let done = |plan: &serde_json::Value| {
        let steps = plan["repair"]["steps"].as_array().expect("steps").iter();
        steps.map(|step| step["kind"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(done(&mended), done(&planned), "it does what it planned");
    assert_eq!(mended["verdict"], "fine", "{mended}");
    let ran = sandbox.run(["doctor", "--repair", "--dry-run"]).ok();
    assert_eq!(ran.stdout, "There is nothing to mend.\n");
}

/// A store with a session of 140 messages in three files, that was saved at 80 and at 130 messages,
/// and with another one.
fn long() -> (Sandbox, String, String) {
    let sandbox = Sandbox::new();
    let mut transcript = sandbox.transcript(1).by(1);
    for number in 1..=70 {
        transcript =
            transcript.user(&format!("question {number}")).agent(&format!("answer {number}"));
        if [40, 65, 70].contains(&number) {
            transcript = transcript.write();
            sandbox.transcript(2).by(2).user("hello").agent("hi").write();
            sandbox.capture();
        }
    }
    let id = transcript.session().to_string();
    let other = sandbox.transcript(2).by(2).session().to_string();
    // What the agent itself has is not there any more.
    fs::remove_dir_all(sandbox.home().join(".claude")).expect("removed");
    (sandbox, id, other)
}

/// The object at a path of the tip.
fn at_tip(sandbox: &Sandbox, path: &str) -> PathBuf {
    at(sandbox, &format!("main:{path}"))
}

/// The object that git calls so.
fn at(sandbox: &Sandbox, name: &str) -> PathBuf {
    let object = sandbox.git(["rev-parse", name]);
    let object = object.trim();
    sandbox.store().join("objects").join(&object[..2]).join(&object[2..])
}

fn folder_of(id: &str) -> String {
    format!("{}/{id}", shard_of(id))
}

fn chunk_of(id: &str, number: u32) -> String {
    format!("{}/messages/{}-{number:06}.yaml", folder_of(id), &id[id.len() - 8..])
}

fn messages(sandbox: &Sandbox, id: &str) -> Vec<String> {
    let shown = sandbox.json(["show", id]);
    let messages = shown["messages"].as_array().expect("messages").iter();
    messages.map(|it| it["content"].to_string()).collect()
}

#[test]
fn what_nobody_has_is_put_together_and_the_loss_is_told() {
    let (sandbox, id, other) = long();
    let (all, others) = (messages(&sandbox, &id), messages(&sandbox, &other));
    assert_eq!(all.len(), 140);
    fs::remove_file(at_tip(&sandbox, &chunk_of(&id, 2))).expect("removed");
    let tip = sandbox.tip();
    // An older revision has messages 51 to 80 in a file of its own.
    let planned = sandbox.run(["doctor", "--repair", "--dry-run"]).code(5);
    let short = &id[id.len() - 8..];
    assert!(planned.stdout.contains(&format!("session {short}")), "{planned:?}");
    assert!(planned.stdout.contains("19 messages are lost, 121 messages are there"), "{planned:?}");
    assert!(planned.stdout.contains("lost between record 81"), "{planned:?}");
    assert!(planned.stdout.contains("and record 82"), "{planned:?}");
    // Nobody is there to be asked.
    let left = sandbox.run(["doctor", "--repair"]).code(5);
    assert!(left.stderr.contains("left undone"), "{left:?}");
    assert_eq!(sandbox.tip(), tip, "nothing is given up unasked");
    let ran = sandbox.run(["--json", "doctor", "--repair", "--yes"]).code(5);
    let mended: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let session = &mended["repair"]["steps"][0]["session"];
    assert_eq!((&session["messages"], &session["lost"]), (&121.into(), &19.into()), "{mended}");
    assert_eq!(session["gaps"][0]["after"]["record"], 81);
    let checks = mended["checks"].as_array().expect("checks").iter();
    let damaged: Vec<_> = checks.filter(|check| check["verdict"] == "damaged").collect();
    assert_eq!(damaged.len(), 1, "only history is damaged still: {mended}");
    assert!(!damaged[0]["found"].as_str().expect("text").contains(&sandbox.tip()[..8]));
    let expected: Vec<String> = all[..80].iter().chain(&all[99..]).cloned().collect();
    assert_eq!(messages(&sandbox, &id), expected);
    assert_eq!(messages(&sandbox, &other), others);
    assert_eq!(
        sandbox.git(["log", "-1", "--format=%(trailers:key=Annals-Operation,valueonly)"]).trim(),
        "repair"
    );
    // Once it is put together there is nothing more to do, and it can be written to.
    let again = sandbox.run(["doctor", "--repair"]).code(5);
    assert!(again.stderr.contains("Nothing was mended"), "{again:?}");
    sandbox.run(["rename", &id, "what is left"]).ok();
}

#[test]
fn what_annals_noted_itself_makes_up_for_no_loss() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).by(1).user("before").agent(&"long ".repeat(14_000));
    let transcript = transcript.user("behind").write();
    let id = transcript.session().to_string();
    sandbox.capture();
    sandbox.run(["tag", &id, "mine"]).ok();
    fs::remove_file(transcript.path()).expect("removed");
    fs::remove_file(at_tip(&sandbox, &chunk_of(&id, 2))).expect("removed");
    let ran = sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    assert!(ran.stderr.contains("1 message is lost, 2 messages are there"), "{ran:?}");
    let row = &sandbox.json(["list"])["sessions"][0];
    assert_eq!(row["tags"][0], "mine");
}

#[test]
fn an_index_that_says_something_else_is_found_and_made_anew() {
    let (sandbox, _) = cloned();
    let listed = sandbox.json(["list"]);
    let changes = [
        "UPDATE heads SET head = replace(head, 'hello there', 'something else')",
        "UPDATE heads SET tree = (SELECT max(tree) FROM heads)",
        "DELETE FROM sessions WHERE key = (SELECT min(key) FROM sessions)",
        "INSERT INTO heads SELECT 99, replace(head, '-4', '-5'), NULL, tree FROM heads LIMIT 1;
        INSERT INTO sessions SELECT 99, replace(id, '4', '5'), agent, title, created, modified,
        messages, tokens, size, workspace, repository, branch, parent FROM sessions LIMIT 1",
    ];
    for change in changes {
        let index = rusqlite::Connection::open(sandbox.store().join("annals/index.db"));
        index.expect("it opens").execute_batch(change).expect(change);
        let ran = sandbox.run(["doctor"]).code(5);
        assert!(ran.stdout.contains("✗ index"), "{change}: {ran:?}");
        let ran = sandbox.run(["doctor", "--repair"]).ok();
        assert!(ran.stderr.contains("Made the index anew"), "{change}: {ran:?}");
        assert_eq!(sandbox.json(["list"]), listed);
    }
}

#[test]
fn what_was_given_up_comes_back_with_a_clone_that_is_found_later() {
    let (sandbox, id, _) = long();
    let all = messages(&sandbox, &id);
    let clone = sandbox.root().join("found.git");
    let mut git = Command::new("git");
    git.args(["clone", "-q", "--bare", "--no-hardlinks"]).arg(sandbox.store()).arg(&clone);
    Ran::of(&mut git).ok();
    fs::remove_file(at_tip(&sandbox, &chunk_of(&id, 2))).expect("removed");
    sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    sandbox.run(["rename", &id, "went on"]).ok();
    assert_eq!(messages(&sandbox, &id).len(), 121);
    let ran = sandbox.run(["doctor", "--repair", "--from", &clone.display().to_string()]).ok();
    assert!(ran.stderr.contains("nothing is lost, 140 messages"), "{ran:?}");
    assert_eq!(messages(&sandbox, &id), all);
    sandbox.fsck();
    let again = sandbox.run(["doctor", "--repair"]).ok();
    assert!(again.stderr.contains("Nothing was mended"), "{again:?}");
}

#[test]
fn what_is_damaged_in_the_past_follows_from_what_the_session_is_now() {
    let (sandbox, id, _) = long();
    let tree = sandbox.tree();
    // All that the session was at 80 messages, and its last chunk at 130.
    let paths = ["", "/session.yaml", "/messages"].map(|end| folder_of(&id) + end);
    let paths = paths.into_iter().chain([chunk_of(&id, 2), chunk_of(&id, 3)]);
    let revision = |path: &str| if path == chunk_of(&id, 3) { "main~1" } else { "main~2" };
    let objects: Vec<PathBuf> =
        paths.map(|path| at(&sandbox, &format!("{}:{path}", revision(&path)))).collect();
    objects.iter().for_each(|path| fs::remove_file(path).expect("removed"));
    let log = sandbox.run(["log", &id]).code(5);
    assert!(log.stdout.contains("damaged") && log.stdout.contains("140"), "{log:?}");
    assert!(log.stderr.contains("cannot be read"), "{log:?}");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("Took 5 objects from what the sessions are now"), "{ran:?}");
    sandbox.run(["log", &id]).ok();
    assert_eq!(sandbox.tree(), tree);
    sandbox.fsck();
}

#[test]
fn a_store_without_a_head_is_one_again() {
    let (sandbox, _) = cloned();
    let (tree, head) = (sandbox.tree(), sandbox.store().join("HEAD"));
    for text in [Some(""), Some("junk"), None] {
        match text {
            Some(text) => fs::write(&head, text).expect("written"),
            None => fs::remove_file(&head).expect("removed"),
        }
        assert_ne!(sandbox.run(["doctor"]).code, 0);
        let before = held(&sandbox);
        let planned = sandbox.run(["doctor", "--repair", "--dry-run"]).code(5);
        let ran = sandbox.run(["--json", "doctor", "--repair", "--dry-run"]).code(5);
        let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let (step, notice) = (&told["repair"]["steps"][0]["kind"], &told["repair"]["notices"][0]);
        if text.is_some() {
            assert!(planned.stdout.contains("Would have HEAD name main"), "{text:?}: {planned:?}");
            assert_eq!(step, "head", "{text:?}: {told}");
        } else {
            assert!(planned.stdout.starts_with("Would make HEAD again"), "{planned:?}");
            assert!(notice.as_str().expect("text").starts_with("Would make HEAD"), "{told}");
        }
        assert!(held(&sandbox) == before, "{text:?}: a plan changes nothing");
        let ran = sandbox.run(["doctor", "--repair"]).ok();
        assert!(ran.stderr.contains("HEAD"), "{ran:?}");
        assert_eq!(sandbox.tree(), tree);
        sandbox.fsck();
    }
}

#[test]
fn the_agents_own_file_gives_back_the_very_objects() {
    let sandbox = Sandbox::new();
    let mut transcript = sandbox.transcript(1).by(1);
    for number in 1..=40 {
        transcript = transcript.user(&format!("question {number}")).agent("answer");
    }
    let transcript = transcript.write();
    let id = transcript.session().to_string();
    sandbox.capture();
    let (tip, tree) = (sandbox.tip(), sandbox.tree());
    transcript.user("more").write();
    let paths = [folder_of(&id), chunk_of(&id, 1), chunk_of(&id, 2)];
    for path in paths {
        fs::remove_file(at_tip(&sandbox, &path)).expect("removed");
        let ran = sandbox.run(["doctor", "--repair"]).ok();
        assert!(ran.stderr.contains("Took 1 object from the agents' own files"), "{path}: {ran:?}");
        assert_eq!((sandbox.tip(), sandbox.tree()), (tip.clone(), tree.clone()), "{path}");
        sandbox.fsck();
    }
}

#[test]
fn a_capture_brings_back_what_was_given_up() {
    let sandbox = Sandbox::new();
    let mut transcript = sandbox.transcript(1).by(1);
    for number in 1..=40 {
        transcript = transcript.user(&format!("question {number}")).agent("answer");
    }
    let transcript = transcript.write();
    let id = transcript.session().to_string();
    sandbox.capture();
    let all = messages(&sandbox, &id);
    // The agent's file is away for a while.
    let (path, away) = (transcript.path(), sandbox.root().join("away"));
    fs::rename(&path, &away).expect("moved");
    fs::remove_file(at_tip(&sandbox, &chunk_of(&id, 1))).expect("removed");
    sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    assert_eq!(messages(&sandbox, &id).len(), 31);
    fs::rename(&away, &path).expect("moved");
    sandbox.capture();
    assert_eq!(messages(&sandbox, &id), all);
    // And its file what is damaged in history still.
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("Took 1 object from the agents' own files"), "{ran:?}");
    sandbox.fsck();
}

#[test]
fn what_follows_from_the_rest_is_made_again_the_very_same() {
    let (sandbox, id, _) = long();
    let (tip, tree) = (sandbox.tip(), sandbox.tree());
    let head = format!("{}/session.yaml", folder_of(&id));
    for path in [head.as_str(), "annals.yaml", ".gitattributes"] {
        for how in ["removed", "half"] {
            let object = at_tip(&sandbox, path);
            damage(&object, how, &fs::read(&object).expect("it is read"));
            let ran = sandbox.run(["doctor", "--repair"]).ok();
            let who = if path == head { "the sessions are now" } else { "the index knows" };
            let told = format!("Took 1 object from what {who}");
            assert!(ran.stderr.contains(&told), "{path}: {ran:?}");
            assert_eq!(
                (sandbox.tip(), sandbox.tree()),
                (tip.clone(), tree.clone()),
                "{path} {how}"
            );
            sandbox.fsck();
        }
    }
}

#[test]
fn a_session_of_which_nothing_can_be_read_is_in_nobodys_way() {
    let (sandbox, id, other) = long();
    let others = messages(&sandbox, &other);
    let named = sandbox.git(["rev-list", "--objects", "main"]);
    for path in loose(&sandbox) {
        let object = object_of(&path);
        let is_chunk = named.lines().any(|line| {
            line.starts_with(&object) && line.contains(&id) && line.contains("/messages/")
        });
        if is_chunk {
            fs::remove_file(&path).expect("removed");
        }
    }
    let tip = sandbox.tip();
    let ran = sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    let told = format!("Nothing of session {}", &id[id.len() - 8..]);
    assert!(ran.stderr.contains(&told) && ran.stdout.contains(&id), "{ran:?}");
    assert_eq!(sandbox.tip(), tip, "nothing of it is deleted");
    assert_eq!(messages(&sandbox, &other), others);
    sandbox.run(["rename", &other, "goes on"]).ok();
}

#[test]
fn a_folder_follows_from_what_the_index_knows() {
    let (sandbox, id, other) = long();
    let (tip, tree) = (sandbox.tip(), sandbox.tree());
    let (all, others) = (messages(&sandbox, &id), messages(&sandbox, &other));
    let everything: [&[&str]; 4] =
        [&[""], &["sessions"], &[&shard_of(&id)], &["", "sessions", &shard_of(&other)]];
    for paths in everything {
        let objects: Vec<PathBuf> = paths.iter().map(|path| at_tip(&sandbox, path)).collect();
        objects.iter().for_each(|path| fs::remove_file(path).expect("removed"));
        let ran = sandbox.run(["doctor", "--repair"]).ok();
        assert!(ran.stderr.contains("from what the index knows"), "{paths:?}: {ran:?}");
        assert_eq!((sandbox.tip(), sandbox.tree()), (tip.clone(), tree.clone()), "{paths:?}");
        assert_eq!(
            (messages(&sandbox, &id), messages(&sandbox, &other)),
            (all.clone(), others.clone())
        );
        sandbox.fsck();
    }
}

#[test]
fn a_lost_newest_revision_takes_no_session_with_it() {
    let (sandbox, id, other) = long();
    sandbox.run(["delete", &other, "--yes"]).ok();
    let tree = sandbox.git(["rev-parse", "main^{tree}"]);
    let all = messages(&sandbox, &id);
    fs::remove_file(at(&sandbox, "main")).expect("removed");
    let planned = sandbox.run(["doctor", "--repair", "--dry-run"]).code(5);
    assert!(planned.stdout.contains("where the index knows them"), "{planned:?}");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("Led main") && ran.stderr.contains("Put sessions"), "{ran:?}");
    assert_eq!(messages(&sandbox, &id), all);
    assert_eq!(sandbox.json(["list"])["total"], 1, "what was deleted stays so");
    // The tombstone says when that was.
    assert_eq!(sandbox.git(["rev-parse", "main^{tree}"]), tree);
    let again = sandbox.run(["doctor", "--repair"]).ok();
    assert!(again.stderr.contains("Nothing was mended"), "{again:?}");
}

#[test]
fn a_newest_revision_of_which_nobody_knows_anything_is_not_given_up_unasked() {
    let (sandbox, id, _) = long();
    let (tip, all) = (sandbox.tip(), messages(&sandbox, &id));
    fs::remove_file(at(&sandbox, "main")).expect("removed");
    for end in ["", "-wal", "-shm"] {
        drop(fs::remove_file(sandbox.store().join(format!("annals/index.db{end}"))));
    }
    let left = sandbox.run(["doctor", "--repair"]).code(5);
    let told = format!("what revision {} held since is lost", &tip[..8]);
    assert!(left.stderr.contains("Would lead main") && left.stderr.contains(&told), "{left:?}");
    assert_eq!(sandbox.tip(), tip, "nothing is given up unasked");
    assert_eq!(messages(&sandbox, &id), all[..130], "what is there is shown");
    let ran = sandbox.run(["doctor", "--repair", "--yes"]).ok();
    assert!(ran.stderr.contains("Led main"), "{ran:?}");
    assert_eq!(messages(&sandbox, &id), all[..130]);
    sandbox.run(["rename", &id, "goes on"]).ok();
}

#[test]
fn sessions_that_stay_in_files_of_an_older_schema_keep_their_place() {
    let sandbox = Sandbox::new();
    sandbox.older_store("broken");
    sandbox.run(["migrate"]).code(5);
    let files = |sandbox: &Sandbox| {
        let names = sandbox.git(["ls-tree", "--name-only", "main:sessions"]);
        names.lines().filter(|name| name.contains(".yaml")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = files(&sandbox);
    assert_eq!(before.len(), 2);
    let id = sandbox.json(["list"])["sessions"].as_array().expect("a list").iter().find_map(|it| {
        it["damaged"].is_null().then(|| it["id"].as_str().expect("an id").to_owned())
    });
    sandbox.run(["tag", &id.expect("one is whole"), "newest"]).ok();
    let tip = sandbox.tip();
    fs::remove_file(at(&sandbox, "main")).expect("removed");
    let left = sandbox.run(["doctor", "--repair"]).code(5);
    assert!(left.stderr.contains("Would lead main"), "{left:?}");
    assert_eq!(sandbox.tip(), tip, "nothing is given up unasked");
    sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    assert_eq!(files(&sandbox), before);
    let mut git = sandbox.plain_git(&sandbox.store(), false);
    Ran::of(git.args(["rev-list", "--objects", "--quiet", "main"])).ok();
}

/// What stood beside the sessions is not known, so the top folder cannot be the very same.
#[test]
fn sessions_are_where_the_index_knows_them_though_their_folders_are_lost() {
    let (sandbox, id, other) = long();
    sandbox.run(["delete", &other, "--yes"]).ok();
    sandbox.run(["rename", &id, "what stays"]).ok();
    let all = messages(&sandbox, &id);
    let folders = ["main:", "main:sessions", "main~1:", "main~2:"].map(|name| at(&sandbox, name));
    folders.iter().for_each(|path| fs::remove_file(path).expect("removed"));
    let ran = sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    assert!(!ran.stderr.contains("lost"), "{ran:?}");
    assert_eq!(messages(&sandbox, &id), all);
    let listed = sandbox.json(["list"]);
    assert_eq!(
        (&listed["total"], &listed["sessions"][0]["title"]),
        (&1.into(), &"what stays".into())
    );
    sandbox.run(["tag", &id, "goes-on"]).ok();
}

#[test]
fn a_folder_that_nobody_has_is_that_of_an_older_revision() {
    for path in ["", "sessions", "shard"] {
        let (sandbox, id, other) = long();
        let shard = shard_of(&id);
        let (all, others) = (messages(&sandbox, &id), messages(&sandbox, &other));
        fs::remove_file(at_tip(&sandbox, if path == "shard" { &shard } else { path }))
            .expect("removed");
        // All are shown, and the doctor names whom it hits.
        assert_eq!(
            (messages(&sandbox, &id), messages(&sandbox, &other)),
            (all.clone(), others.clone())
        );
        if path == "shard" {
            let ran = sandbox.run(["doctor"]).code(5);
            assert!(ran.stdout.contains(&id), "{ran:?}");
        }
        // Without the index nobody knows what was in it.
        for end in ["", "-wal", "-shm"] {
            drop(fs::remove_file(sandbox.store().join(format!("annals/index.db{end}"))));
        }
        let ran = sandbox.run(["doctor", "--repair", "--yes"]).code(5);
        assert!(
            ran.stderr.contains("nobody can say how many; 130 messages are there"),
            "{path}: {ran:?}"
        );
        assert_eq!(messages(&sandbox, &id), all[..130], "{path}");
        assert_eq!(messages(&sandbox, &other), others, "{path}");
        assert_eq!(sandbox.json(["list"])["total"], 2, "{path}");
        sandbox.run(["rename", &id, "what is left"]).ok();
    }
}

#[test]
fn a_lost_picture_leaves_the_message() {
    let sandbox = Sandbox::new();
    let text = "a long line\n".repeat(30_000);
    let id = sandbox
        .transcript(1)
        .by(1)
        .user("before")
        .user(&text)
        .agent("behind")
        .write()
        .session()
        .to_string();
    sandbox.capture();
    let files = format!("{}/files", folder_of(&id));
    let name = sandbox.git(["ls-tree", "--name-only", &format!("main:{files}")]);
    fs::remove_file(at_tip(&sandbox, &format!("{files}/{}", name.trim()))).expect("removed");
    let path = sandbox.transcript(1).by(1).path();
    let away = sandbox.root().join("away");
    fs::rename(&path, &away).expect("moved");
    let ran = sandbox.run(["doctor", "--repair", "--yes"]).code(5);
    assert!(ran.stderr.contains("3 messages, 1 large text or picture of messages lost"), "{ran:?}");
    assert!(ran.stderr.contains(&format!("lacks {}", name.trim())), "{ran:?}");
    let left = messages(&sandbox, &id);
    assert!(left[1].contains(&format!("[lost: {}]", name.trim())), "{left:?}");
    fs::rename(&away, &path).expect("moved");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("the agents' own files"), "{ran:?}");
    assert!(messages(&sandbox, &id)[1].contains("a long line"), "the agent's file has it");
}

#[test]
fn what_a_dead_git_left_and_what_others_could_read_is_mended() {
    let (sandbox, _) = cloned();
    let old = std::time::SystemTime::UNIX_EPOCH;
    let locks = ["index.lock", "packed-refs.lock", "refs/heads/main.lock", "gc.pid"];
    for name in locks {
        let file = fs::File::create(sandbox.store().join(name)).expect("made");
        if name == "gc.pid" {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            fs::write(sandbox.store().join(name), format!("4194300 {host}\n")).expect("written");
        }
        file.set_modified(old).expect("it is ours");
    }
    let held = sandbox.store().join("HEAD.lock");
    fs::write(&held, "").expect("written");
    fs::write(sandbox.store().join("refs/heads/torn"), "").expect("written");
    let journal = sandbox.store().join("annals/journal");
    fs::create_dir_all(&journal).expect("made");
    fs::set_permissions(&journal, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let open = sandbox.store().join("annals/machine.toml");
    fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).expect("it is ours");
    sandbox.run(["config", "set", "audit.enabled", "true"]).ok();
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    let audited = sandbox.json(["audit", "--operation", "repair"]).to_string();
    assert!(["locks", "modes", "refs"].iter().all(|it| audited.contains(it)), "{audited}");
    for name in locks {
        assert!(!sandbox.store().join(name).exists(), "{name} is removed");
        assert!(ran.stderr.contains(name), "{ran:?}");
    }
    assert!(held.exists() && ran.stdout.contains("HEAD.lock"), "a young one is told: {ran:?}");
    assert!(!sandbox.store().join("refs/heads/torn").exists(), "{ran:?}");
    let mode = fs::metadata(&open).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o077, 0);
    sandbox.run(["doctor", "--repair"]).ok();
}

#[test]
fn main_that_leads_nowhere_is_found_again_in_its_reflog() {
    let (sandbox, clone) = cloned();
    let (tip, tree) = (sandbox.tip(), sandbox.tree());
    let main = sandbox.store().join("refs/heads/main");
    let before = sandbox.run(["list"]).ok();
    for torn in ["", "deadbeef", "0123456789012345678901234567890123456789\n"] {
        fs::write(&main, torn).expect("written");
        let listed = sandbox.run(["list"]).ok();
        assert_eq!(listed.stdout, before.stdout, "the index knows what it led to");
        assert!(listed.stderr.contains(&format!("revision {}", &tip[..8])), "{listed:?}");
        let told = sandbox.run(["doctor", "--repair"]).ok().stderr;
        assert!(told.contains("Led main, which led nowhere, to revision"), "{told}");
        assert_eq!((sandbox.tip(), sandbox.tree()), (tip.clone(), tree.clone()));
    }
    // Without its log, the index knows; without that, the other refs.
    sandbox.git(["branch", "kept"]);
    for (file, by) in [("", "named by the index"), ("annals/index.db", "named by refs/heads/kept")]
    {
        fs::write(&main, "").expect("written");
        for name in ["logs/refs/heads/main", file] {
            drop(fs::remove_file(sandbox.store().join(name)));
        }
        let told = sandbox.run(["doctor", "--repair"]).ok().stderr;
        assert!(told.contains(by), "{told}");
        assert_eq!((sandbox.tip(), sandbox.tree()), (tip.clone(), tree.clone()));
    }
    fs::write(&main, "").expect("written");
    let missing = sandbox.root().join("nothing").display().to_string();
    sandbox.run(["doctor", "--repair", "--from", &missing]).code(3);
    sandbox.run(["doctor", "--repair", "--from", &clone.display().to_string()]).ok();
    assert_eq!(sandbox.tip(), tip);
}

#[test]
fn what_a_repair_kept_and_what_one_left_that_died_goes_with_a_scrub() {
    let (sandbox, clone) = cloned();
    let object = loose(&sandbox).remove(0);
    fs::set_permissions(&object, PermissionsExt::from_mode(0o644)).expect("it is writable");
    fs::write(&object, "torn").expect("written");
    sandbox.run(["doctor", "--repair", "--from", &clone.display().to_string()]).ok();
    let kept = sandbox.store().join("annals/damaged");
    assert!(kept.is_dir(), "what was damaged is kept");
    let left = ["arriving-x", "mending-x"].map(|name| sandbox.store().join("annals").join(name));
    for folder in &left {
        fs::create_dir(folder).expect("it is made");
        fs::write(folder.join("pack"), "hello there").expect("written");
    }
    sandbox.run_with(["scrub", "--value", "--yes"], "hello there").ok();
    assert!(!kept.exists(), "but not past a scrub");
    assert!(left.iter().all(|folder| !folder.exists()), "nor what those left who died");
}

fn loose(sandbox: &Sandbox) -> Vec<PathBuf> {
    files_in(&sandbox.store().join("objects"), &|path| {
        path.file_name().is_some_and(|name| name.len() == 38)
    })
}

fn object_of(path: &Path) -> String {
    let mut parts = path.components().rev().map(|it| it.as_os_str().to_string_lossy().into_owned());
    let (rest, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    folder + &rest
}

fn packs(sandbox: &Sandbox) -> Vec<PathBuf> {
    files_in(&sandbox.store().join("objects/pack"), &|path| {
        path.extension().is_some_and(|end| end == "pack")
    })
}

fn files_in(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_in(&path, is_wanted));
        } else if is_wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}
