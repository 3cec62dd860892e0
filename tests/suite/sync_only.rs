//! Remotes that get only some sessions.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::bare_remote;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    Ran::of(command.arg("-C").arg(folder).args(identity).args(arguments)).ok().stdout
}

/// All that a repository holds, each object's name and content.
fn everything(repository: &Path) -> Vec<u8> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["cat-file", "--batch", "--batch-all-objects"]);
    command.output().expect("git runs").stdout
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn machine(number: u64) -> Sandbox {
    let machine = Sandbox::of_machine(number);
    machine.run(["init"]).ok();
    machine
}

fn add_only(machine: &Sandbox, url: &str, only: &str) -> String {
    machine.run(["remote", "add", "shared", url, "--only", only]).ok().stderr
}

/// A session about something, with a sub-agent's.
fn session(machine: &Sandbox, number: u32, about: &str) -> Transcript {
    let written = machine
        .transcript(number)
        .workspace(&format!("/{about}/place"))
        .user(&format!("{about} question"))
        .agent(&format!("{about} answer"))
        .write();
    written.write_subagent(&format!("{about}agent"), "toolu_1", &format!("{about} subtask"));
    written
}

#[test]
fn of_what_is_not_to_leave_nothing_ever_does() {
    let (remote, url) = bare_remote();
    let a = machine(1);
    a.run(["config", "set", "audit.enabled", "true"]).ok();
    a.git(["config", "user.name", "Kim Homebody"]);
    a.git(["config", "user.email", "kim@home.example"]);
    let work = session(&a, 1, "workshop");
    let private = session(&a, 2, "diary");
    let gone = session(&a, 3, "regret");
    let turned = session(&a, 4, "turning");
    let dropped = session(&a, 5, "dropping");
    let left = session(&a, 6, "leaving");
    a.capture();
    for it in [&work, &turned, &dropped, &left] {
        a.run(["tag", &it.short(), "work"]).ok();
    }
    a.run(["rename", &private.short(), "PRIVATE TITLE"]).ok();
    a.run(["note", &private.short(), "PRIVATE NOTE"]).ok();
    a.run(["tag", &private.short(), "privatetag"]).ok();
    a.run(["delete", &gone.short(), "--yes"]).ok();
    let told = add_only(&a, &url, "tag:work");
    assert!(told.contains("8 sessions as things are, 2 stay here"), "{told}");
    a.run(["sync", "shared"]).ok();

    // One matches no longer and goes on; others are deleted, before and after they stopped matching.
    a.run(["tag", &turned.short(), "--remove", "work"]).ok();
    a.run(["tag", &left.short(), "--remove", "work"]).ok();
    turned.clone().user("afterthought").agent("AFTERWARDS").write();
    a.capture();
    a.run(["delete", &dropped.short(), "--yes"]).ok();
    a.run(["delete", &left.short(), "--yes"]).ok();
    let told = a.run(["sync", "shared"]).ok().stderr;
    assert!(told.contains("3 sessions of shared do not match its filter"), "{told}");

    // Somebody else gives something, and all of it goes on.
    let b = machine(2);
    b.run(["remote", "add", "origin", &url]).ok();
    session(&b, 7, "colleague");
    b.capture();
    b.run(["sync"]).ok();
    session(&a, 8, "journal");
    work.clone().user("more workshop").write();
    a.capture();
    a.run(["sync", "shared"]).ok();
    a.run(["gc"]).ok();
    a.run(["sync", "shared"]).ok();
    b.run(["sync"]).ok();

    let there = everything(remote.path());
    for text in ["workshop question", "more workshop", "workshop subtask", "turning answer"] {
        assert!(holds(&there, text), "what is to leave does: {text}");
    }
    let mut kept: Vec<String> = ["PRIVATE", "privatetag", "diary", "regret", "journal"]
        .into_iter()
        .chain(["afterthought", "AFTERWARDS", "audit", "untag"])
        .map(str::to_owned)
        .collect();
    for number in [2, 3, 8] {
        let it = a.transcript(number);
        kept.extend([it.id(), it.session().to_string(), it.short()]);
    }
    for (number, about) in [(2, "diary"), (3, "regret"), (8, "journal")] {
        let native = format!("{}/{about}agent", a.transcript(number).id());
        kept.push(annals::session::SessionId::captured("claude-code", &native).to_string());
    }
    for text in kept {
        assert!(!holds(&there, &text), "{text} left");
    }
    let tree = git(remote.path(), &["ls-tree", "-r", "--name-only", "main"]);
    let stones: Vec<&str> = tree.lines().filter(|it| it.starts_with("tombstones/")).collect();
    assert!(stones.iter().any(|it| it.contains(&dropped.session().to_string())), "{stones:?}");
    assert!(!stones.iter().any(|it| it.contains(&left.session().to_string())), "{stones:?}");
    // No revision of main but those that came from there, and nothing that only these have.
    let known = git(remote.path(), &["rev-list", "main"]);
    let lineage = a.git(["rev-parse", "refs/annals/remotes/shared"]);
    assert_eq!(git(remote.path(), &["rev-parse", "main"]), lineage);
    for revision in a.git(["rev-list", "main", "--not", lineage.trim()]).lines() {
        assert!(!known.contains(revision) && !holds(&there, revision), "{revision} left");
    }
    git(remote.path(), &["fsck", "--strict", "--full"]);
    a.fsck();
    assert_eq!(a.json(["doctor"])["verdict"], "fine");
    // Main here has it all.
    assert_eq!(a.json(["list"])["total"], 5);
    assert_eq!(b.json(["list"])["total"], 4, "turning, left as it was, workshop, its own");
}

#[test]
fn machines_that_share_some_sessions_come_to_rest_and_keep_the_others() {
    let (_remote, url) = bare_remote();
    let (a, b) = (machine(1), machine(2));
    let both = |machine: &Sandbox| machine.transcript(1).user("what is up?").agent("not much");
    let id = both(&a).write().short();
    both(&b).write();
    a.transcript(2).user("of a alone").write();
    b.transcript(3).user("of b alone").write();
    for machine in [&a, &b] {
        machine.capture();
        machine.run(["tag", &id, "both"]).ok();
        add_only(machine, &url, "tag:both");
    }
    both(&a).by(1).user("from a").write();
    both(&b).by(2).user("from b").write();
    for machine in [&a, &b, &a, &b] {
        machine.capture();
        machine.run(["sync"]).ok();
    }
    for machine in [&a, &b] {
        let before = machine.tip();
        let synced = machine.json(["sync"]);
        let moved =
            ["came", "merged", "went", "held"].map(|it| synced[it].as_array().map(Vec::len));
        assert_eq!(moved, [Some(0); 4], "nothing is left to do: {synced}");
        assert_eq!(machine.tip(), before);
        assert_eq!(machine.json(["list"])["total"], 2);
        machine.fsck();
    }
    let of = |machine: &Sandbox| {
        let files = machine.tree().into_iter();
        files.filter(|(path, _)| path.contains(&id)).collect::<Vec<_>>()
    };
    assert_eq!(of(&a), of(&b), "what both have is the same");
    assert!(of(&a).iter().any(|it| it.1.contains("from a") && it.1.contains("from b")));

    // Killed behind the push, before it noted that: nothing is lost or doubled by it.
    fs::remove_file(a.store().join("annals/remotes.json")).expect("it is there");
    a.git(["update-ref", "-d", "refs/annals/remotes/shared"]);
    let again = a.json(["sync"]);
    assert_eq!(again["went"].as_array().map(Vec::len), Some(0), "{again}");
    a.run(["sync"]).ok();
    assert_eq!(a.json(["list"])["total"], 2);
    // What one changes, the other gets; main's own revisions do not pile up.
    a.run(["rename", &id, "a new name"]).ok();
    a.run(["sync"]).ok();
    let told = b.run(["sync"]).ok().stderr;
    insta::assert_snapshot!(told, @"1 session came from shared.");
    assert_eq!(b.json(["show", &id])["session"]["title"], "a new name");
    a.run(["delete", &id, "--yes"]).ok();
    a.run(["sync"]).ok();
    b.run(["sync"]).ok();
    assert_eq!(b.json(["list"])["total"], 1);
    b.run(["undelete", &id]).ok();
    b.run(["sync"]).ok();
    a.run(["sync"]).ok();
    assert_eq!(a.json(["list"])["total"], 2);
}

#[test]
fn the_filter_is_shown_and_what_is_none_is_refused() {
    let (remote, url) = bare_remote();
    let a = machine(1);
    let id = session(&a, 1, "shop").short();
    session(&a, 2, "diary");
    a.capture();
    a.run(["tag", &id, "work"]).ok();
    let add = |only: &str| a.run(["remote", "add", "x", &url, "--only", only]);
    insta::assert_snapshot!(add("tag:work since:2026").code(2).stderr, @r"
    error: The query cannot be read: a remote's filter says what sessions are, not when they were; `since` cannot be in it (character 10).
      tag:work since:2026
               ^^^^^^^^^^
    `annals help COMMAND` tells what a command takes.
    ");
    let warned = add("-tag:wrok in:/shop").ok().stderr;
    assert!(warned.contains("No session has the tag `wrok`. Did you mean `work`?"), "{warned}");
    a.run(["remote", "remove", "x"]).ok();
    let told = add("-tag:WORK").ok().stderr;
    assert!(
        told.contains("what matches -tag:WORK: 2 sessions as things are, 2 stay here"),
        "{told}"
    );
    a.run(["sync"]).ok();
    let there = everything(remote.path());
    assert!(holds(&there, "diary subtask") && !holds(&there, "shop"), "what has the tag stays");
    a.run(["remote", "remove", "x"]).ok();
    git(remote.path(), &["update-ref", "-d", "refs/heads/main"]);
    assert!(add("shop").code(2).stderr.contains("only filters can stand here"));
    assert!(add("").code(2).stderr.contains("only filters can stand here"));
    assert!(add("agent:claud").code(3).stderr.contains("No agent is called `claud`"));
    assert_eq!(a.json(["remote"])["remotes"].as_array().map(Vec::len), Some(0));
    let warned = add("tag:wrok").ok().stderr;
    assert!(warned.contains("No session has the tag `wrok`. Did you mean `work`?"), "{warned}");
    a.run(["remote", "remove", "x"]).ok();
    insta::assert_snapshot!(add("in:/shop TAG:work").ok().stderr.replace(&url, "URL"), @r"
    Added the remote x at URL
    To sync with it: annals sync x
    It gets only what matches workspace:/shop tag:work: 2 sessions as things are, 2 stay here. What it once got cannot be called back: a session that matches no longer stays there as it was.
    ");
    insta::assert_snapshot!(a.run(["remote"]).ok().stdout.replace(&url, "URL"), @"x  URL  only workspace:/shop tag:work");
    let listed = a.json(["remote"]);
    assert_eq!(listed["remotes"][0]["only"], "workspace:/shop tag:work");
    insta::assert_snapshot!(a.run(["sync", "--dry-run"]).ok().stderr, @r"
    2 sessions would go to x.
    2 sessions would stay here.
    ");
    assert_eq!(a.json(["sync", "--dry-run"])["stays"], 2);
    a.run(["sync"]).ok();
    // Plain git, called in the store, gives it the same.
    let dry = a.git(["push", "--dry-run", "--porcelain", "x"]);
    assert!(dry.contains("refs/annals/remotes/x:refs/heads/main\t[up to date]"), "{dry}");
    // A filter that somebody broke by hand lets nothing go.
    a.git(["config", "remote.x.annalsonly", "anything"]);
    let refused = a.run(["sync"]).code(3).stderr;
    assert!(refused.contains("the filter of the remote x is none"), "{refused}");
    a.run(["remote", "remove", "x"]).ok();
    assert!(!a.git(["for-each-ref"]).contains("refs/annals"), "nothing is left of it");
    let config = fs::read_to_string(a.store().join("config")).expect("it is readable");
    assert!(!config.contains("annalsonly"), "{config}");
}

#[test]
fn what_was_scrubbed_here_leaves_a_remote_with_a_filter_too() {
    const VALUE: &str = "the plum tree behind the house";
    const OTHER: &str = "the gardener waters it at night";
    let (remote, url) = bare_remote();
    let (a, b) = (machine(1), machine(2));
    let (full, full_url) = bare_remote();
    let id = a.transcript(1).user(VALUE).agent(OTHER).write().short();
    a.transcript(2).user("of a alone").write();
    a.capture();
    for machine in [&a, &b] {
        machine.run(["remote", "add", "full", &full_url]).ok();
        machine.run(["sync", "full"]).ok();
    }
    a.run(["tag", &id, "work"]).ok();
    add_only(&a, &url, "tag:work");
    a.run(["sync", "full"]).ok();
    a.run(["sync", "shared"]).ok();
    b.run(["sync", "full"]).ok();
    a.run_with(["scrub", "--value", "--yes"], VALUE).ok();
    let told = a.run(["sync", "shared"]).ok().stderr;
    assert!(told.contains("The scrubbed history took the place of the one before."), "{told}");
    assert!(!holds(&a.every_object(), VALUE), "it does not come back");
    let log = git(remote.path(), &["log", "-p", "main"]);
    assert!(log.contains(OTHER) && !log.contains(VALUE) && !log.contains("of a alone"), "{log}");
    assert_eq!(a.json(["sync", "shared"])["went"].as_array().map(Vec::len), Some(0));

    // It leaves whoever had it, and takes nothing along that was never there.
    b.transcript(3).user("of b alone").write();
    b.capture();
    add_only(&b, &url, "tag:work");
    b.run(["sync", "shared"]).ok();
    assert_eq!(b.json(["list"])["total"], 3);
    assert!(!holds(&b.every_object(), VALUE));
    let log = git(remote.path(), &["log", "-p", "main"]);
    assert!(!log.contains("of a alone") && !log.contains("of b alone"), "{log}");
    // What others gave it meanwhile is kept.
    b.run(["rename", &id, "renamed meanwhile"]).ok();
    b.run(["sync", "shared"]).ok();
    a.run_with(["scrub", "--value", "--yes"], OTHER).ok();
    a.run(["sync", "shared"]).ok();
    assert_eq!(a.json(["show", &id])["session"]["title"], "renamed meanwhile");
    let log = git(remote.path(), &["log", "-p", "main"]);
    assert!(log.contains("renamed meanwhile") && !log.contains(OTHER), "{log}");
    assert!(!log.contains("of a alone") && !log.contains("of b alone"), "{log}");
    assert!(!holds(&a.every_object(), OTHER));
    for machine in [&a, &b, &a] {
        machine.run(["sync", "shared"]).ok();
        machine.fsck();
    }
    assert_eq!(b.json(["list"])["total"], 3);
    drop(full);
}

#[test]
fn who_saved_a_session_first_stays_told_where_only_some_go() {
    let (_shared, url) = bare_remote();
    let (_full, full_url) = bare_remote();
    let (kim, joe, ada) = (machine(1), machine(2), machine(3));
    for (machine, name) in [(&kim, "Kim"), (&joe, "Joe")] {
        machine.git(["config", "user.name", name]);
        machine.git(["config", "user.email", "x@example.org"]);
        machine.run(["remote", "add", "full", &full_url]).ok();
    }
    let id = kim.transcript(1).user("what is up?").write().short();
    kim.capture();
    kim.run(["sync"]).ok();
    joe.transcript(2).user("what else?").write();
    joe.capture();
    joe.run(["sync"]).ok();
    for filter in ["author:kim", "agent:claude"] {
        joe.run(["remote", "add", "shared", &url, "--only", filter]).ok();
        joe.run(["sync", "shared"]).ok();
        if filter == "author:kim" {
            joe.run(["remote", "remove", "shared"]).ok();
        }
    }
    ada.run(["remote", "add", "shared", &url]).ok();
    ada.run(["sync"]).ok();
    assert_eq!(ada.json(["list"])["total"], 2);
    let of_kim = ada.json(["list", "--author", "kim"]);
    assert_eq!(of_kim["sessions"][0]["short"], id.as_str());
    assert_eq!(of_kim["total"], 1, "and the other is Joe's: {of_kim}");
    assert_eq!(ada.json(["list", "--author", "joe"])["total"], 1);
}
