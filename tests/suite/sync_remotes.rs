//! Remotes that are otherwise than they were, or than this program knows.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::bare_remote;
use crate::support::folder;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    Ran::of(command.arg("-C").arg(folder).args(identity).args(arguments)).ok().stdout
}

fn tip(remote: &TempDir) -> String {
    git(remote.path(), &["rev-parse", "main"]).trim().to_owned()
}

/// A machine with a session or more, each of them at the remote too.
fn synced(url: &str, sessions: u32, flags: &[&str]) -> Sandbox {
    let machine = Sandbox::new();
    machine.run(["init"]).ok();
    Ran::of(machine.program().args(["remote", "add", "origin", url]).args(flags)).ok();
    for number in 1..=sessions {
        machine.transcript(number).user(&format!("question {number}")).write();
        machine.capture();
        machine.run(["sync"]).ok();
    }
    machine
}

#[test]
fn a_remote_that_was_rewritten_by_force_is_told_and_gets_back_what_it_had() {
    for flags in [&[][..], &["--only", "agent:claude"][..]] {
        let (remote, url) = bare_remote();
        let machine = synced(&url, 2, flags);
        let before = tip(&remote);
        // Somebody takes the second session out of its history, and puts something else in.
        let clone = folder();
        git(clone.path(), &["clone", "-q", &url, "."]);
        git(clone.path(), &["reset", "-q", "--hard", "HEAD~1"]);
        fs::write(clone.path().join("NEWS.md"), "something else\n").expect("written");
        git(clone.path(), &["add", "NEWS.md"]);
        git(clone.path(), &["commit", "-q", "-m", "rewritten"]);
        git(clone.path(), &["push", "-q", "--force", "origin", "HEAD:main"]);
        let rewritten = tip(&remote);

        let dry = machine.json(["sync", "--dry-run"]);
        assert_eq!(dry["rewritten"], before.as_str(), "{flags:?}");
        assert_eq!(tip(&remote), rewritten);
        let told = machine.run(["sync"]).ok().stderr;
        let line = format!(
            "Somebody rewrote the history of origin by force. What it had before ({}) is still \
             here, and was given back to it.\n",
            &before[..8]
        );
        assert!(told.starts_with(&line), "{flags:?}: {told}");
        let now = tip(&remote);
        git(remote.path(), &["merge-base", "--is-ancestor", &rewritten, &now]);
        let there = git(remote.path(), &["ls-tree", "-r", "--name-only", "main"]);
        assert_eq!(there.matches("session.yaml").count(), 2, "{flags:?}: {there}");
        assert!(there.contains("NEWS.md"), "{flags:?}: {there}");
        assert_eq!(machine.json(["list"])["total"], 2);
        let again = machine.json(["sync"]);
        assert_eq!(again["rewritten"], serde_json::Value::Null, "it is told once");
        machine.fsck();
    }
}

#[test]
fn a_remote_that_went_back_or_is_empty_gets_back_what_it_had() {
    for flags in [&[][..], &["--only", "agent:claude"][..]] {
        let (remote, url) = bare_remote();
        let machine = synced(&url, 2, flags);
        let before = tip(&remote);
        git(remote.path(), &["update-ref", "refs/heads/main", "main~1"]);
        let back = machine.json(["sync"]);
        assert_eq!(back["rewritten"], before.as_str(), "{flags:?}");
        git(remote.path(), &["merge-base", "--is-ancestor", &before, "main"]);

        let before = tip(&remote);
        git(remote.path(), &["update-ref", "-d", "refs/heads/main"]);
        let back = machine.json(["sync"]);
        assert_eq!(back["rewritten"], before.as_str(), "{flags:?}");
        let there = git(remote.path(), &["ls-tree", "-r", "--name-only", "main"]);
        assert_eq!(there.matches("session.yaml").count(), 2, "{flags:?}: {there}");
        assert_eq!(machine.json(["list"])["total"], 2);
    }
}

#[test]
fn what_a_later_version_wrote_is_neither_merged_nor_pushed() {
    for flags in [&[][..], &["--only", "agent:claude"][..]] {
        for what in ["annals.yaml", "session.yaml"] {
            let (remote, url) = bare_remote();
            let machine = synced(&url, 1, flags);
            let clone = folder();
            git(clone.path(), &["clone", "-q", &url, "."]);
            let listed = git(clone.path(), &["ls-files"]);
            let name = listed.lines().find(|it| it.ends_with(what)).expect("it is there");
            let path = clone.path().join(name);
            let text = fs::read_to_string(&path).expect("it is readable");
            let newer = text.replace("schema: 4", "schema: 5") + "\nforesight: [1]\n";
            fs::write(&path, newer).expect("written");
            git(clone.path(), &["commit", "-q", "-a", "-m", "newer"]);
            git(clone.path(), &["push", "-q", "origin", "main"]);
            machine.transcript(7).user("what is up?").write();
            machine.capture();

            let (here, there, objects) = (machine.tip(), tip(&remote), machine.every_object());
            let refused = machine.run(["sync"]).code(5).stderr;
            insta::allow_duplicates! {
                insta::assert_snapshot!(refused, @r"
                too new: the remote origin has schema 5, newer than this program's; nothing was synced
                A later version of annals wrote it. Update this one.
                ");
            }
            assert_eq!((machine.tip(), tip(&remote)), (here, there), "{what} {flags:?}");
            assert_eq!(machine.every_object(), objects, "nothing of it stays: {what} {flags:?}");
            assert_eq!(machine.json(["list"])["total"], 2);
            machine.run(["rename", &machine.transcript(7).short(), "it goes on here"]).ok();
            let error = Ran::of(machine.program().args(["--json", "sync"])).code(5).stderr;
            assert!(error.contains("\"kind\":\"too_new\""), "{error}");
        }
    }
}

#[test]
fn a_store_of_a_later_version_is_not_synced() {
    let (remote, url) = bare_remote();
    let machine = synced(&url, 1, &[]);
    let clone = folder();
    git(clone.path(), &["clone", "-q", &machine.store().display().to_string(), "."]);
    let path = clone.path().join("annals.yaml");
    let text = fs::read_to_string(&path).expect("it is readable");
    fs::write(&path, text.replace("schema: 4", "schema: 5")).expect("written");
    git(clone.path(), &["commit", "-q", "-a", "-m", "newer"]);
    git(clone.path(), &["push", "-q", "origin", "HEAD:main"]);
    let there = tip(&remote);
    let refused = machine.run(["sync"]).code(5).stderr;
    assert!(refused.contains("the store has schema 5, newer than this program's"), "{refused}");
    assert_eq!(tip(&remote), there);
}

#[test]
fn a_secret_in_an_address_is_neither_kept_nor_told() {
    let machine = Sandbox::new();
    machine.run(["init"]).ok();
    machine.run(["config", "set", "audit.enabled", "true"]).ok();
    let token = format!("ghp_{}", "a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6");
    for address in [
        format!("https://kim:{token}@example.org/a.git"),
        format!("https://{token}@example.org/a.git"),
        format!("https://kim:{token}@/a.git"),
        format!("http://kim:{token}@example.org/a.git"),
    ] {
        let refused = machine.run(["remote", "add", "origin", &address]).code(3);
        assert!(!refused.stderr.contains(&token), "{}", refused.stderr);
    }
    // Written by hand, it is not told either.
    machine.git(["config", "remote.origin.url", &format!("https://{token}@127.0.0.1:1/a.git")]);
    for args in
        [&["remote"][..], &["--json", "remote"], &["sync"], &["stats"], &["--json", "stats"]]
    {
        let ran = Ran::of(machine.program().args(args));
        assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token), "{args:?}: {ran:?}");
    }
    for (path, bytes) in machine.every_file() {
        let is_config = path.ends_with("store.git/config");
        let text = String::from_utf8_lossy(&bytes);
        assert!(is_config || !text.contains(&token), "{}", path.display());
    }
}
