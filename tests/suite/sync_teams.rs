//! Several people's stores on one remote: who saved what stays told, whoever merges.

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::bare_remote;

/// A machine of somebody whom git knows by that name.
fn machine_of(number: u64, name: &str) -> Sandbox {
    let machine = Sandbox::of_machine(number);
    machine.run(["init"]).ok();
    let address = format!("{}@example.org", name.to_lowercase());
    machine.git(["config", "user.name", name]);
    machine.git(["config", "user.email", &address]);
    machine
}

fn begun(machine: &Sandbox) -> Transcript {
    machine.transcript(1).user("what is up?").agent("not much")
}

/// The records of a session, and their times, as the store has them.
fn records(machine: &Sandbox, short: &str) -> Vec<(String, String)> {
    machine.tree().into_iter().filter(|(path, _)| path.contains(short)).collect()
}

/// Every commit's author, its times, and what it says, by id.
fn commits(machine: &Sandbox) -> Vec<String> {
    let told = machine.git(["log", "--format=%H %an <%ae> %at %cn <%ce> %ct %s", "main"]);
    told.lines().map(str::to_owned).collect()
}

fn authors(machine: &Sandbox) -> Vec<(String, Option<String>)> {
    let listed = machine.json(["list", "--sort", "title"]);
    let author = |it: &Value| it["author"].as_str().map(str::to_owned);
    let row = |it: &Value| (it["preview"].as_str().expect("a text").to_owned(), author(it));
    listed["sessions"].as_array().expect("sessions").iter().map(row).collect()
}

#[test]
fn nothing_of_one_person_is_rewritten_by_anothers_merge() {
    let (remote, url) = bare_remote();
    let (mut kim, mut joe, ada) =
        (machine_of(1, "Kim"), machine_of(2, "Joe"), Sandbox::of_machine(3));
    ada.run(["init"]).ok();
    kim.set_now("2026-11-22T12:00:00Z");
    joe.set_now("2026-11-22T13:00:00Z");
    for machine in [&kim, &joe, &ada] {
        machine.run(["remote", "add", "origin", &url]).ok();
    }
    let of_kim = begun(&kim).write().short();
    let of_joe = joe.transcript(2).user("and you?").agent("all well").write().short();
    ada.transcript(3).user("who am I?").write();
    for machine in [&kim, &joe, &ada] {
        machine.capture();
    }
    let (before, joes) = (records(&kim, &of_kim), records(&joe, &of_joe));
    let (mut kept, of_joes) = (commits(&kim), commits(&joe));
    kept.extend(of_joes);
    for machine in [&kim, &joe, &ada, &kim, &joe, &ada] {
        machine.run(["sync"]).ok();
    }
    // Somebody else says something of what Kim saved.
    joe.run(["tag", &of_kim, "seen"]).ok();
    joe.run(["sync"]).ok();
    kim.run(["rename", &of_joe, "of Joe"]).ok();
    for machine in [&kim, &joe, &ada, &kim, &joe, &ada] {
        machine.run(["sync"]).ok();
    }
    let expected = [
        ("and you?".to_owned(), Some("Joe <joe@example.org>".to_owned())),
        ("what is up?".to_owned(), Some("Kim <kim@example.org>".to_owned())),
        ("who am I?".to_owned(), None),
    ];
    for machine in [&kim, &joe, &ada] {
        let mut found = authors(machine);
        found.sort();
        assert_eq!(found, expected);
        let there = commits(machine);
        for commit in &kept {
            assert!(there.contains(commit), "whose commit it was, and when: {commit}");
        }
        assert_eq!(machine.tree(), ada.tree());
        machine.fsck();
    }
    let messages = |records: &[(String, String)], machine: &Sandbox| {
        let there = machine.tree();
        for (path, text) in records.iter().filter(|it| it.0.contains("/messages/")) {
            let found = there.iter().find(|it| it.0 == *path).expect("the file is there");
            assert!(found.1.starts_with(text), "each record, byte for byte: {path}");
        }
    };
    messages(&before, &ada);
    messages(&joes, &ada);

    // Whatever the index knew of it: built anew it says the same.
    std::fs::remove_file(ada.store().join("annals/index.db")).expect("there is one");
    let mut again = authors(&ada);
    again.sort();
    assert_eq!(again, expected);
    drop(remote);
}

#[test]
fn sessions_are_filtered_by_who_saved_them_wherever_filters_are_taken() {
    let (_remote, url) = bare_remote();
    let (kim, joe) = (machine_of(1, "Kim"), machine_of(2, "Joe"));
    let id = begun(&kim).write().short();
    joe.transcript(2).user("what else is up?").write();
    for machine in [&kim, &joe] {
        machine.run(["remote", "add", "origin", &url]).ok();
        machine.capture();
        machine.run(["sync"]).ok();
    }
    assert_eq!(joe.json(["list"])["total"], 2);
    let listed = joe.json(["list", "--author", "KIM"]);
    assert_eq!((&listed["total"], &listed["sessions"][0]["short"]), (&1.into(), &id.into()));
    let short = listed["sessions"][0]["short"].as_str().expect("an id");
    assert_eq!(joe.json(["list", "--author", "kim", "--author", "joe"])["total"], 2);
    let found = joe.json(["search", "up author:kim@example"]);
    assert_eq!((&found["total"], &found["hits"][0]["short"]), (&1.into(), &short.into()));
    assert_eq!(joe.json(["list", "--text", "up author:joe"])["total"], 1);
    joe.run(["config", "set", "retention.age", "1 hour"]).ok();
    let dry = joe.json(["prune", "--author", "kim", "--dry-run"]);
    assert_eq!(dry["pruned"].as_array().map(Vec::len), Some(1), "{dry}");
    let exported =
        joe.run(["export", "--author", "kim", "--format", "json", "-o", "-"]).ok().stdout;
    assert!(exported.contains("not much"), "{exported}");
    assert!(!exported.contains("example.org"), "who it was does not leave");
    let shown = joe.run(["show", short]).ok().stdout;
    assert!(shown.contains("author    Kim <kim@example.org>\n"), "{shown}");
    assert_eq!(joe.json(["show", short])["author"], "Kim <kim@example.org>");
    let none = joe.run(["list", "--author", "kin"]).ok().stderr;
    assert!(none.contains("No session has the author `kin`. Did you mean"), "{none}");
}
