//! Machines that share a history which one of them scrubs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use annals::repository::LiveOptions;
use annals::session::Message;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::Sandbox;
use crate::support::Transcript;
use crate::sync::World;
use crate::sync::begun;
use crate::sync::git;
use crate::sync::said;
use crate::sync::schedules;

const VALUE: &str = "the plum tree behind the house";
const OTHER: &str = "a bench below the lime tree";
const TAKEN_OVER: &str = "The scrubbed history took the place of the one before.";

fn holds(machine: &Sandbox, value: &str) -> bool {
    has(&machine.every_object(), value)
}

fn has(bytes: &[u8], value: &str) -> bool {
    bytes.windows(value.len()).any(|window| window == value.as_bytes())
}

/// Whether anything that a remote's refs lead to holds a value.
fn remote_holds(world: &World, value: &str) -> bool {
    let all = git(&world.remote(), &["rev-list", "--objects", "--all"]);
    all.lines().any(|line| {
        let id = line.split(' ').next().unwrap_or_default();
        has(git(&world.remote(), &["cat-file", "-p", id]).as_bytes(), value)
    })
}

/// Whether a file of a machine's store, objects aside, holds a value.
fn notes_hold(folder: &Path, value: &str) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => notes_hold(&entry.path(), value),
            _ => fs::read(entry.path()).is_ok_and(|bytes| has(&bytes, value)),
        })
    })
}

fn scrub(machine: &Sandbox, value: &str) {
    machine.run_with(["scrub", "--value", "--yes"], value).ok();
    assert!(!holds(machine, value));
}

#[test]
fn a_scrubbed_history_is_taken_over_by_the_other_machines_and_the_old_one_never_comes_back() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    assert!(holds(b, VALUE), "before the scrub it is on both");
    scrub(a, VALUE);
    insta::assert_snapshot!(
        a.run(["sync"]).ok().stderr,
        @"The scrubbed history took the place of the one before."
    );
    assert!(!holds(a, VALUE), "what was taken out does not come back to the disk");
    let told = b.run(["sync"]).ok().stderr;
    assert!(told.contains(TAKEN_OVER), "{told}");
    assert!(!holds(b, VALUE), "and leaves the other machine's disk too");
    world.settle();
    assert_eq!(a.tree(), b.tree());
    assert_eq!(b.json(["list"])["total"], 1);
}

#[test]
fn what_a_machine_saved_since_goes_on_top_of_the_scrubbed_history_without_the_value() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    // On b, unsynced: the session goes on, another begins, and both hold the value.
    let more = begun(b).user(VALUE).by(2);
    let more = more.user("said on b").user(&format!("again: {VALUE}!")).write();
    b.capture();
    let other = b.transcript(2).by(3).user(&format!("elsewhere: {VALUE}.")).write();
    b.capture();
    b.run(["rename", &other.short(), "the one on b"]).ok();
    let revisions = b.json(["log", &other.short()])["revisions"].as_array().map(Vec::len);

    scrub(a, VALUE);
    a.run(["sync"]).ok();
    let told = b.run(["sync"]).ok().stderr;
    assert!(told.contains(TAKEN_OVER), "{told}");
    assert!(!holds(b, VALUE), "nor in what b alone had");
    assert!(!notes_hold(&b.store(), VALUE), "nor beside the objects");
    world.settle();
    assert_eq!(a.tree(), b.tree());
    assert!(!holds(a, VALUE) && !remote_holds(&world, VALUE));
    let texts = said(a, &more.short());
    assert!(texts.contains(&"said on b".to_owned()), "{texts:?}");
    assert!(texts.iter().any(|it| it.starts_with("again: [redacted:")), "{texts:?}");
    assert!(said(a, &other.short())[0].starts_with("elsewhere: [redacted:"));
    assert_eq!(a.json(["show", &other.short()])["session"]["title"], "the one on b");
    let now = b.json(["log", &other.short()])["revisions"].as_array().map(Vec::len);
    assert_eq!(now, revisions, "each of its saves is still there");
}

#[test]
fn what_the_remote_got_since_goes_on_top_of_the_history_that_was_scrubbed_here() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    let other = b.transcript(2).by(2).user("another").user(VALUE).write();
    b.capture();
    b.run(["sync"]).ok();
    scrub(a, VALUE);
    let told = a.run(["sync"]).ok().stderr;
    assert!(told.contains(TAKEN_OVER), "{told}");
    assert!(!holds(a, VALUE), "what came is without it, and the old form never arrived");
    assert!(!remote_holds(&world, VALUE));
    b.run(["sync"]).ok();
    assert!(!holds(b, VALUE));
    world.settle();
    assert_eq!(a.tree(), b.tree());
    assert_eq!(said(a, &other.short())[0], "another");
}

#[test]
fn a_machine_that_was_behind_takes_the_scrubbed_history_over_too() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let shared = begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    // The remote, and b, have less than what is scrubbed; b has something of its own besides.
    shared.user("more on a").write();
    a.capture();
    let other = b.transcript(2).by(2).user("on b").write();
    b.capture();
    scrub(a, VALUE);
    a.run(["sync"]).ok();
    b.run(["sync"]).ok();
    world.settle();
    assert_eq!(a.tree(), b.tree());
    for machine in [a, b] {
        assert!(!holds(machine, VALUE));
        assert_eq!(said(machine, &other.short()), ["on b"]);
    }
    assert!(!remote_holds(&world, VALUE));
    let commits = git(&a.store(), &["log", "--format=%s", "main"]);
    let captures = commits.lines().filter(|it| it.starts_with("capture: ")).count();
    assert_eq!(captures, 3, "no save stands in history twice: {commits}");
}

#[test]
fn each_of_two_machines_takes_over_what_the_other_scrubbed() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).user(VALUE).user(OTHER).write();
    a.capture();
    world.settle();
    let on_a = a.transcript(2).by(2).user(&format!("a: {OTHER}")).write();
    let on_b = b.transcript(3).by(3).user(&format!("b: {VALUE}")).write();
    a.capture();
    b.capture();
    scrub(a, VALUE);
    scrub(b, OTHER);
    a.run(["sync"]).ok();
    b.run(["sync"]).ok();
    world.settle();
    assert_eq!(a.tree(), b.tree());
    for machine in [a, b] {
        assert!(!holds(machine, VALUE) && !holds(machine, OTHER));
        assert_eq!(machine.json(["list"])["total"], 3);
        assert!(said(machine, &on_a.short())[0].starts_with("a: [redacted:"));
        assert!(said(machine, &on_b.short())[0].starts_with("b: [redacted:"));
    }
}

#[test]
fn what_was_deleted_before_the_scrub_is_not_brought_back_with_the_value() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let gone = begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    a.run(["delete", &gone.short(), "--yes"]).ok();
    a.run(["sync"]).ok();
    b.transcript(2).by(2).user(VALUE).write();
    b.capture();
    b.run(["rename", &gone.short(), "b still had it"]).ok();
    scrub(a, VALUE);
    a.run(["sync"]).ok();
    b.run(["sync"]).ok();
    world.settle();
    for machine in [a, b] {
        assert!(!holds(machine, VALUE));
        assert_eq!(machine.json(["list"])["total"], 2, "what b did to it since is newer");
    }
}

#[test]
fn a_purged_session_stays_away_unless_the_other_side_went_on() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let first = begun(a).user(VALUE).write();
    a.transcript(2).by(2).user(OTHER).write();
    a.capture();
    world.settle();
    let second = b.transcript(2).by(2).user(OTHER).by(3).user("said on b").write();
    b.transcript(3).by(4).user("something else").write();
    b.capture();
    a.run(["purge", &first.short(), &second.short(), "--yes"]).ok();
    a.run(["sync"]).ok();
    let told = b.json(["sync"]);
    assert_eq!(told["kept"].as_array().map(Vec::len), Some(1), "{told}");
    world.settle();
    assert_eq!(a.tree(), b.tree());
    for machine in [a, b] {
        assert!(!holds(machine, VALUE), "nobody went on with it");
        assert_eq!(said(machine, &second.short()), [OTHER, "said on b"]);
        assert_eq!(machine.json(["list"])["total"], 2);
    }
}

#[test]
fn while_a_program_holds_the_value_unsaved_the_scrubbed_history_waits() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).user(VALUE).write();
    a.capture();
    world.settle();
    scrub(a, VALUE);
    a.run(["sync"]).ok();
    let never = Duration::from_secs(200);
    let by_hand = LiveOptions { interval: never, idle: never, ..LiveOptions::default() };
    let live = b.repository().create("mine", &by_hand).expect("created");
    live.append(vec![Message::new("user", &format!("of {VALUE}")).into()]).expect("appended");
    let before = b.tree();
    let refused = b.run(["sync"]).code(4).stderr;
    assert!(refused.contains("would bring back"), "{refused}");
    assert!(refused.contains("Try again"), "{refused}");
    assert_eq!(b.tree(), before);
    live.close().expect("saved");
    b.run(["sync"]).ok();
    assert!(!holds(b, VALUE));
}

/// What one of three machines does.
#[derive(Debug, Clone, Copy)]
enum Step {
    Say,
    SayAgain,
    Rename,
    Delete,
    Scrub,
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        3 => Just(Step::Say),
        1 => Just(Step::SayAgain),
        1 => Just(Step::Rename),
        1 => Just(Step::Delete),
        2 => Just(Step::Scrub),
        3 => Just(Step::Sync),
    ];
    prop::collection::vec((0_usize..3, step), 6..16)
}

#[test]
fn whoever_scrubs_when_nobody_loses_a_message_and_no_scrubbed_value_is_anywhere() {
    let config =
        ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(schedules()) };
    let ran = TestRunner::new(config).run(&steps(), |steps| {
        let world = World::new(3);
        // Each machine has a session of its own, and goes on with one that all have.
        let mut files: Vec<[Transcript; 2]> = (1..)
            .zip(&world.machines)
            .map(|(number, it)| {
                [begun(it).by(number), it.transcript(u32::from(number) + 4).by(number)]
            })
            .collect();
        let (mut said, mut scrubbed) = (vec![], vec![]);
        for (turn, (place, step)) in steps.iter().enumerate() {
            let machine = &world.machines[*place];
            let mut say = |text: String| {
                let file = &mut files[*place][turn % 2];
                *file = file.clone().user(&text).write();
                machine.capture();
            };
            match step {
                Step::Say => {
                    let value = format!("value{turn:02}-of-machine{place}-ends");
                    say(format!("turn {turn} says {value}."));
                    said.push((*place, turn, value));
                }
                // A value that it has from another one: of what it has not, it could never learn.
                Step::SayAgain => {
                    let value = said.last().map(|it: &(_, _, String)| it.2.clone());
                    let value = value.filter(|it| holds(machine, it)).unwrap_or_default();
                    say(format!("turn {turn} quotes {value}."));
                }
                Step::Rename => {
                    let id = files[*place][turn % 2].short();
                    drop(machine.run(["rename", &id, &format!("title {turn}")]));
                }
                Step::Delete => {
                    let id = files[*place][1].short();
                    drop(machine.run(["delete", &id, "--yes"]));
                }
                Step::Scrub => {
                    let own = said.iter().rfind(|it| it.0 == *place).map(|it| it.2.clone());
                    if let Some(value) = own.filter(|it| holds(machine, it)) {
                        scrub(machine, &value);
                        scrubbed.push(value);
                    }
                }
                Step::Sync => drop(machine.run(["sync"]).ok()),
            }
        }
        world.settle();
        let trees: Vec<_> = world.machines.iter().map(Sandbox::tree).collect();
        prop_assert!(trees[0] == trees[1] && trees[1] == trees[2], "byte for byte");
        for value in &scrubbed {
            for machine in &world.machines {
                prop_assert!(!holds(machine, value), "{value} is gone");
            }
            prop_assert!(!remote_holds(&world, value));
        }
        for (_, turn, _) in &said {
            let text = format!("turn {turn} says ");
            let places = |it: &Sandbox| {
                let objects = it.every_object();
                objects.windows(text.len()).filter(|it| *it == text.as_bytes()).count()
            };
            prop_assert!(world.machines.iter().all(|it| places(it) > 0), "{text} is in history");
        }
        Ok(())
    });
    ran.expect("whatever they do, they come together");
}
