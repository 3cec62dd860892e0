//! Several processes at once, of which many are killed: what was acknowledged is there, once.
//!
//! `ANNALS_SEEDS=<n>` does it n times, with more saves; else it is a sample.

use std::fs;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::many::SAVES;
use crate::many::WORKERS;
use crate::many::id;
use crate::many::said;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
use crate::support::fault::Wrong;
use crate::support::say;

/// How many calls of a save change a file, about.
const SAVE_CALLS: usize = 90;

/// The document of one save, and its session: every other one goes into the session that all share.
fn one(worker: u64, save: u64) -> (String, String) {
    let shared = save.is_multiple_of(2);
    let id =
        if shared { id(99) } else { format!("01890000-0000-7000-8000-0000{worker:04}{save:04}") };
    let text = format!("worker {worker} says {save}");
    let at = format!("2026-11-20T{worker:02}:{:02}:{:02}Z", save / 60, save % 60);
    let message =
        json!({"role": "user", "id": format!("w{worker}-{save}"), "at": at, "text": text});
    (json!({"id": id, "agent": "many", "messages": [message]}).to_string(), id)
}

/// Eight processes save, and two of five saves are killed before a call that changes a file, any of
/// them: what was acknowledged is there, once. How many were killed.
fn saves_with_kills(fault: &Fault, seed: u64, saves: u64) -> usize {
    let sandbox = Sandbox::of_machine(seed);
    sandbox.save("messages:\n- {role: user, text: Hi}\n");
    // Numbers that look as if they came by chance, of the seed.
    let dice = |worker: u64, save: u64| {
        let mixed = (seed << 32 | worker << 16 | save).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
    };
    let run = |worker: u64, save: u64| {
        let file = sandbox.root().join(format!("{worker}-{save}.json"));
        fs::write(&file, one(worker, save).0).expect("it is written");
        let mut command = sandbox.program();
        command.arg("save").arg(&file);
        let number = dice(worker, save);
        if number % 5 < 2 {
            let nth = 1 + usize::try_from(number >> 8).expect("small") % SAVE_CALLS;
            let code = fault.run(&command, CALLS, nth, Wrong::Killed).ran.code;
            assert!(code == 0 || code == 128 + 9, "killed, or done: {code}");
            code == 0
        } else {
            let ran = Ran::of(&mut command);
            assert_eq!(ran.code, 0, "no caller sees an error: {ran:?}");
            true
        }
    };
    let done = |worker: u64| (0..saves).map(|save| run(worker, save)).collect::<Vec<_>>();
    let done: Vec<Vec<bool>> = thread::scope(|scope| {
        let workers = (0..WORKERS).map(|worker| scope.spawn(move || done(worker)));
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|it| it.join().expect("no caller sees an error")).collect()
    });
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine", "seed {seed}");
    sandbox.fsck();
    let shared = said(&sandbox, &id(99));
    let listed = sandbox.json(["list", "-n", "10000"]);
    let listed = listed["sessions"].as_array().expect("a list");
    let count = |worker: u64, save: u64| {
        let text = format!("worker {worker} says {save}");
        let is_it = |it: &&Value| it["id"] == one(worker, save).1 && it["counts"]["messages"] == 1;
        if save.is_multiple_of(2) {
            shared.iter().filter(|it| **it == text).count()
        } else {
            listed.iter().filter(is_it).count()
        }
    };
    let mut killed = 0;
    for (worker, done) in (0..).zip(&done) {
        for (save, is_done) in (0..).zip(done) {
            let (count, what) = (count(worker, save), format!("save {save} of worker {worker}"));
            assert!(count == 1 || count == 0 && !is_done, "seed {seed}: {what}: {count} times");
            killed += usize::from(!is_done);
        }
    }
    sandbox.save("title: Afterwards\nmessages:\n- {role: user, text: Hi}\n");
    sandbox.fsck();
    killed
}

#[test]
fn eight_processes_of_which_many_are_killed_lose_no_save() {
    let Some(fault) = Fault::tool() else { return };
    let seeds = std::env::var("ANNALS_SEEDS").ok().map(|it| it.parse().expect("a number"));
    let (seeds, saves): (u64, u64) = seeds.map_or((1, 5), |seeds| (seeds, SAVES));
    for seed in 1..=seeds {
        let killed = saves_with_kills(fault, seed, saves);
        assert!(killed > 0, "seed {seed}: some were killed");
        say(&format!("seed {seed}: {killed} of {} saves were killed", WORKERS * saves));
    }
}
