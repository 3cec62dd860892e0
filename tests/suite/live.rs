//! Live sessions: nothing acknowledged is lost, nobody waits, and what fails is tried again.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use annals::ErrorKind;
use annals::platform::Stopwatch;
use annals::repository::Edit;
use annals::repository::LiveChange;
use annals::repository::LiveOptions;
use annals::repository::LiveSession;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use annals::repository::StartOffer;
use annals::repository::Update;
use annals::session::Content;
use annals::session::Message;
use annals::session::Record;
use annals::session::SessionId;
use proptest::prelude::*;
use serde_json::json;

use crate::support::Sandbox;

/// Says which store the child of a test writes to.
const CHILD: &str = "ANNALS_LIVE_CHILD";

/// The same, of one that is told to stop.
#[cfg(unix)]
const STOPPED: &str = "ANNALS_STOPPED_CHILD";

/// How long a test waits for another thread, at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options under which only the test itself makes a save due.
fn by_hand() -> LiveOptions {
    LiveOptions { interval: Duration::from_secs(300), idle: PATIENCE * 9, ..LiveOptions::default() }
}

fn say(live: &LiveSession, text: &str) {
    live.append(vec![Message::new("user", text).into()]).expect("appended");
}

fn texts(records: &[Record]) -> Vec<String> {
    let content = |record: &Record| match &record.as_message()?.content {
        Content::Text(text) => Some(text.clone()),
        Content::Blocks(_) => None,
    };
    records.iter().filter_map(content).collect()
}

/// What is stored of a session.
fn stored(repository: &mut Repository, live: &LiveSession) -> Vec<String> {
    let at = repository.resolve(&live.id().to_string(), None).expect("it is stored");
    texts(&repository.load(&at).expect("it loads").records)
}

/// A repository whose stopwatch the test moves, in seconds.
fn watched(sandbox: &Sandbox) -> (Repository, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let shown = Arc::clone(&seconds);
    let mut environment = sandbox.environment();
    environment.stopwatch =
        Stopwatch::reading(move || Duration::from_secs(shown.load(Ordering::SeqCst)));
    let options = OpenOptions { store: None, environment, create: true };
    (Repository::open(&options).expect("the store opens"), seconds)
}

fn journals(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.store().join("annals/journal")).map_or(0, Iterator::count)
}

#[test]
fn r1_1_a_created_session_is_in_the_store_at_once() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("my-agent", &by_hand()).expect("created");
    let shown = sandbox.json(["show", &live.id().to_string()]);
    assert_eq!(shown["session"]["agent"]["name"], "my-agent");
}

#[test]
fn r1_2_what_was_appended_is_committed_when_the_interval_is_over() {
    let sandbox = Sandbox::new();
    let (mut repository, seconds) = watched(&sandbox);
    let options = LiveOptions { idle: Duration::from_secs(100), ..LiveOptions::default() };
    let live = repository.create("my-agent", &options).expect("created");
    let changes = live.watch();
    say(&live, "one");
    seconds.store(4, Ordering::SeqCst);
    say(&live, "two");
    live.wake();
    assert_eq!(live.status().unsaved, 2, "the interval is not over");
    seconds.store(5, Ordering::SeqCst);
    live.wake();
    let change = changes.recv_timeout(PATIENCE).expect("it is told");
    assert!(matches!(change, LiveChange::Saved { records: 2, revision: Some(_) }), "{change:?}");
    assert_eq!(stored(&mut repository, &live), ["one", "two"]);
    assert_eq!((live.status().unsaved, live.status().saved), (0, 2));
}

#[test]
fn r1_2_many_records_are_committed_before_the_interval_is_over() {
    let sandbox = Sandbox::new();
    let (mut repository, _seconds) = watched(&sandbox);
    let live = repository.create("a", &LiveOptions { records: 3, ..by_hand() }).expect("created");
    let changes = live.watch();
    for text in ["one", "two", "three"] {
        say(&live, text);
    }
    let change = changes.recv_timeout(PATIENCE).expect("it is told");
    assert!(matches!(change, LiveChange::Saved { records: 3, .. }), "{change:?}");
}

#[test]
fn p24_an_interval_outside_5_to_300_seconds_is_refused() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    for (seconds, is_fine) in [(0, false), (4, false), (5, true), (300, true), (301, false)] {
        let options =
            LiveOptions { interval: Duration::from_secs(seconds), ..LiveOptions::default() };
        let created = repository.create("a", &options);
        assert_eq!(created.is_ok(), is_fine, "{seconds} seconds");
        if let Err(error) = created {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("5 to 300"), "{error}");
        }
    }
}

#[test]
fn r1_5_a_save_that_fails_is_told_kept_and_tried_again() {
    let sandbox = Sandbox::new();
    let (mut repository, seconds) = watched(&sandbox);
    let live = repository.create("a", &by_hand()).expect("created");
    let changes = live.watch();
    let (main, aside) =
        (sandbox.store().join("refs/heads/main"), sandbox.store().join("refs/heads/aside"));
    std::fs::rename(&main, &aside).expect("moved");
    say(&live, "one");
    let error = live.save().expect_err("there is no branch to save to");
    assert_eq!(live.status().error, Some(error.to_string()));
    let change = changes.recv_timeout(PATIENCE).expect("it is told");
    assert!(matches!(change, LiveChange::Retrying { failures: 1, .. }), "{change:?}");
    say(&live, "two");
    std::fs::rename(&aside, &main).expect("moved back");
    seconds.store(300, Ordering::SeqCst);
    live.wake();
    let change = changes.recv_timeout(PATIENCE).expect("it is told");
    assert!(matches!(change, LiveChange::Saved { records: 2, .. }), "{change:?}");
    assert_eq!((live.status().error, live.status().failures), (None, 1));
    assert_eq!(stored(&mut repository, &live), ["one", "two"], "in order, once");
}

#[test]
fn a_closed_session_is_saved_and_leaves_no_journal() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    say(&live, "one");
    assert_eq!(journals(&sandbox), 1);
    let (id, head) = (live.id(), live.close().expect("saved"));
    assert_eq!((head.id, head.counts.messages), (id, 1));
    let (live, restored) = repository.resume(id, &by_hand()).expect("resumed");
    assert_eq!(texts(&restored.records), ["one"]);
    say(&live, "two");
    drop(live);
    assert_eq!(journals(&sandbox), 0);
    let (_live, restored) = repository.resume(id, &by_hand()).expect("resumed");
    assert_eq!(texts(&restored.records), ["one", "two"]);
}

#[test]
fn r2_2_all_that_was_set_comes_back() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    let there = sandbox.home().join("there.rs");
    std::fs::write(&there, "x").expect("written");
    let files = [there.display().to_string(), "/gone.rs".to_owned()];
    let state = json!({"mode": "plan", "open": [1, 2.5, null], "nested": {"z": 1, "a": "x"}});
    say(&live, "hello");
    for update in [
        Update::Edit(Edit::Rename("Parser".to_owned())),
        Update::Edit(Edit::Tag(vec!["bug".to_owned()])),
        Update::Model("llama-3".to_owned()),
        Update::ContextFiles(files.to_vec()),
        Update::State(json!(1)),
        Update::State(state.clone()),
    ] {
        live.update(update).expect("updated");
    }
    let head = live.head();
    let id = live.id();
    live.close().expect("saved");
    let (_live, restored) = repository.resume(id, &by_hand()).expect("resumed");
    assert_eq!(restored.head, head, "what was shown before is what is stored");
    assert_eq!(restored.head.title.as_deref(), Some("Parser"));
    assert_eq!(restored.model.as_deref(), Some("llama-3"));
    assert_eq!(restored.state, Some(state));
    assert_eq!(restored.missing_files, ["/gone.rs"]);
    assert_eq!(restored.head.context_files, files);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn p05_what_a_live_session_was_given_comes_back_when_it_is_resumed(
        steps in proptest::collection::vec((0_u8..7, "[ -~\n\téあ]{0,60}", any::<i64>()), 1..16),
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let mut live = repository.create("a", &by_hand()).expect("created");
        let (mut said, mut model, mut state, mut files) = (Vec::new(), None, None, Vec::new());
        for (kind, text, number) in steps {
            let updated = match kind {
                0..=2 => {
                    let role = if kind == 0 { "user" } else { "assistant" };
                    let message = Message::new(role, &text);
                    said.push((role.to_owned(), text));
                    live.append(vec![message.into()])
                }
                3 => {
                    model = Some(format!("model-{number}"));
                    live.update(Update::Model(format!("model-{number}")))
                }
                4 => {
                    state = Some(json!({"text": text, "number": number, "list": [null, 1.5]}));
                    live.update(Update::State(state.clone().expect("set")))
                }
                5 => {
                    files = vec![format!("/nowhere/{number}.rs")];
                    live.update(Update::ContextFiles(files.clone()))
                }
                _ => {
                    let (id, head) = (live.id(), live.head());
                    live.close().expect("saved");
                    let (resumed, restored) = repository.resume(id, &by_hand()).expect("resumed");
                    prop_assert_eq!(restored.head, head, "what was shown is what is stored");
                    live = resumed;
                    Ok(())
                }
            };
            updated.expect("taken");
        }
        let id = live.id();
        live.close().expect("saved");
        let (_live, restored) = repository.resume(id, &by_hand()).expect("resumed");
        let message = |record: &Record| {
            let message = record.as_message().expect("nothing else is in view");
            match &message.content {
                Content::Text(text) => (message.role.clone(), text.clone()),
                Content::Blocks(_) => panic!("a text stays a text"),
            }
        };
        prop_assert_eq!(restored.records.iter().map(message).collect::<Vec<_>>(), said);
        prop_assert_eq!((restored.model, restored.state), (model, state));
        prop_assert_eq!((&restored.missing_files, &restored.head.context_files), (&files, &files));
    }
}

#[test]
fn r4_3_a_secret_that_is_recognised_late_leaves_the_journal_and_the_tip() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    let value = "Zk8vQ2nX7rT5wLp3";
    say(&live, &format!("it is {value}, I think"));
    live.save().expect("saved");
    say(&live, &format!("look: {value}"));
    say(&live, &format!("export DB_PASSWORD={value}"));
    for (path, bytes) in sandbox.every_file() {
        let is_journal = path.extension().is_some_and(|it| it == "journal");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!is_journal || !text.contains(value), "{}", path.display());
    }
    live.save().expect("saved");
    let said = stored(&mut repository, &live).join("\n");
    assert!(!said.contains(value), "{said}");
    assert_eq!(said.matches("[redacted:").count(), 3);
    assert!(!live.head().preview.unwrap_or_default().contains(value));
}

#[test]
fn records_of_a_session_deleted_meanwhile_bring_it_back() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    say(&live, "one");
    live.save().expect("saved");
    sandbox.run(["delete", "--yes", &live.id().to_string()]).ok();
    say(&live, "two");
    live.save().expect("saved");
    assert_eq!(stored(&mut repository, &live), ["one", "two"]);
}

/// No test by itself: the program that the tests below kill.
#[expect(clippy::print_stdout, reason = "its parent reads what it acknowledges")]
#[test]
fn appends_until_it_is_killed() {
    let Some(store) = std::env::var_os(CHILD) else { return };
    let mut environment = annals::platform::Environment::from_process().expect("an environment");
    environment.store = Some(store.into());
    let options = OpenOptions { store: None, environment, create: true };
    let mut repository = Repository::open(&options).expect("the store opens");
    let options = LiveOptions { records: 7, ..LiveOptions::default() };
    let live = repository.create("doomed", &options).expect("created");
    println!("id {}", live.id());
    for number in 0..100_000 {
        say(&live, &number.to_string());
        println!("ack {number}");
    }
}

/// Starts that program, kills it after so many acknowledged messages, and gives the session and
/// the number of the last acknowledged message.
fn kill_after(sandbox: &Sandbox, count: u64) -> (String, u64) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["live::appends_until_it_is_killed", "--exact", "--nocapture"])
        .env(CHILD, sandbox.store())
        .env("HOME", sandbox.home())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut id = String::new();
    let mut last = 0;
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map_while(Result::ok);
    for line in &mut lines {
        // The first line is behind what the test harness prints.
        if let Some((_, found)) = line.split_once("id ") {
            found.clone_into(&mut id);
        } else if let Some(number) = line.strip_prefix("ack ") {
            last = number.parse().expect("a number");
            if last >= count {
                // Anywhere in what follows, from one call to some dozen.
                let start = std::time::Instant::now();
                while start.elapsed() < Duration::from_micros(count * 7_919 % 20_011) {
                    std::hint::spin_loop();
                }
                child.kill().expect("it can be killed");
                break;
            }
        }
    }
    let rest = lines.filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).last();
    child.wait().expect("it ends");
    (id, rest.unwrap_or(last))
}

#[test]
fn p03_nothing_acknowledged_is_lost_whenever_the_program_is_killed() {
    let kills: u64 = std::env::var("ANNALS_KILLS").map_or(6, |n| n.parse().expect("a number"));
    let sandbox = Sandbox::new();
    for kill in 0..kills {
        // Spread over the beginning, the commits, and what lies between them.
        let (id, last) = kill_after(&sandbox, kill * 37 % 101 + kill / 101);
        let mut repository = sandbox.repository();
        let recovery = repository.recovery().clone();
        assert!(recovery.left.is_empty(), "{recovery:?}");
        let at = repository.resolve(&id, None).expect("it is stored");
        let said = texts(&repository.load(&at).expect("it loads").records);
        let expected: Vec<String> = (0..said.len()).map(|number| number.to_string()).collect();
        assert_eq!(said, expected, "in order, once");
        assert!(said.len() as u64 > last, "{last} was acknowledged, {} are there", said.len());
    }
    assert_eq!(journals(&sandbox), 0);
    sandbox.fsck();
}

/// No test by itself: a program that is told to stop while something waits.
#[cfg(unix)]
#[test]
fn holds_a_session_until_it_is_told_to_stop() {
    let Some(store) = std::env::var_os(STOPPED) else { return };
    let mut environment = annals::platform::Environment::from_process().expect("an environment");
    environment.store = Some(store.into());
    let options = OpenOptions { store: None, environment, create: true };
    let mut repository = Repository::open(&options).expect("the store opens");
    let live = Arc::new(repository.create("stopped", &by_hand()).expect("created"));
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])
        .expect("they can be listened to");
    say(&live, "one");
    crate::support::say(&format!("id {}", live.id()));
    let signal = signals.forever().next().expect("it comes");
    let is_closed = live.close_within(Duration::from_secs(2)).is_ok();
    signal_hook::low_level::exit(128 + signal + i32::from(!is_closed));
}

#[cfg(unix)]
#[test]
fn a_program_that_is_told_to_stop_commits_what_waits_or_leaves_it_in_its_journal() {
    for is_locked in [false, true] {
        let sandbox = Sandbox::new();
        drop(sandbox.repository());
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["live::holds_a_session_until_it_is_told_to_stop", "--exact", "--nocapture"])
            .env(STOPPED, sandbox.store())
            .env("HOME", sandbox.home())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok);
        let line = lines.find(|line| line.contains("id ")).expect("it begins a session");
        let id = line.rsplit(' ').next().expect("an id").to_owned();
        // As long as somebody else commits, nobody can.
        let held = is_locked.then(|| {
            let lock = sandbox.store().join("annals/lock");
            annals::platform::FileLock::acquire(&lock, PATIENCE).expect("tried").expect("free")
        });
        let process = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
        let start = std::time::Instant::now();
        let code = child.wait().expect("it ends").code();
        assert!(start.elapsed() < Duration::from_secs(20), "it ends within a bounded time");
        assert_eq!(code, Some(143 + i32::from(is_locked)), "whether all is committed is told");
        drop(held);
        assert_eq!(journals(&sandbox) > 0, is_locked);
        let mut repository = sandbox.repository();
        assert_eq!(repository.recovery().sessions.len(), usize::from(is_locked));
        let at = repository.resolve(&id, None).expect("it is stored");
        assert_eq!(texts(&repository.load(&at).expect("it loads").records), ["one"]);
    }
}

#[test]
fn a_session_that_is_dropped_waits_no_longer_than_its_patience() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let options = LiveOptions { patience: Duration::from_millis(50), ..by_hand() };
    let live = repository.create("a", &options).expect("created");
    say(&live, "one");
    let lock = sandbox.store().join("annals/lock");
    let held = annals::platform::FileLock::acquire(&lock, PATIENCE).expect("tried").expect("free");
    let error = live.close_within(Duration::from_millis(50)).expect_err("it cannot be committed");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    let error = live.append(Vec::new()).expect_err("it has ended for all");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let start = std::time::Instant::now();
    drop(live);
    assert!(start.elapsed() < Duration::from_secs(5), "far less than the lock is waited for");
    drop(held);
}

#[test]
fn r8_5_whoever_watches_is_told_that_the_store_is_past_its_limit_once_a_day() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    sandbox.run(["config", "set", "limits.size", "1 MB"]).ok();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + u8::try_from((state >> 33) % 26).expect("a letter"))
    };
    let mut text = || -> String {
        (0..400_000).map(|_| (0..4).map(|_| letter()).collect::<String>() + " ").collect()
    };
    say(&live, &text());
    live.save().expect("saved, with nobody to tell");
    let changes = live.watch();
    let mut noticed = Vec::new();
    for _ in 0..2 {
        say(&live, "more");
        live.save().expect("past the limit everything is saved");
    }
    live.close().expect("saved");
    for change in changes {
        if let LiveChange::LimitReached(notice) = change {
            noticed.push(notice);
        }
    }
    let [notice] = noticed.as_slice() else { panic!("it is told once: {noticed:?}") };
    assert!(notice.size > notice.limit && notice.limit == 1_000_000, "{notice:?}");
}

#[test]
fn r1_5_the_last_save_that_fails_is_told_to_whoever_watches() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let live = repository.create("a", &by_hand()).expect("created");
    let changes = live.watch();
    let (main, aside) =
        (sandbox.store().join("refs/heads/main"), sandbox.store().join("refs/heads/aside"));
    std::fs::rename(&main, &aside).expect("moved");
    say(&live, "one");
    let error = live.close().expect_err("there is no branch to save to").to_string();
    let told: Vec<LiveChange> = changes.iter().collect();
    assert_eq!(told, [LiveChange::Failed { error }], "and the channel ends with the session");
    std::fs::rename(&aside, &main).expect("moved back");
}

#[test]
fn r9_1_an_interrupted_session_is_told_when_the_store_is_next_opened() {
    let sandbox = Sandbox::new();
    let (id, last) = kill_after(&sandbox, 3);
    let recovery = sandbox.repository().recovery().clone();
    let [recovered] = recovery.sessions.as_slice() else { panic!("one session: {recovery:?}") };
    assert_eq!(recovered.head.id.to_string(), id);
    assert!(recovered.head.counts.messages > last);
    assert!(recovered.interrupted.is_some());
    assert!(sandbox.repository().recovery().sessions.is_empty(), "it is told once");
}

#[test]
fn r9_1_a_start_offers_the_last_session_and_never_one_that_could_not_be_opened() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    assert_eq!(repository.start_offer("chat").expect("asked"), StartOffer::Nothing);
    let ids: Vec<SessionId> = (0..4)
        .map(|number| {
            let live = repository.create("chat", &by_hand()).expect("created");
            // The clock stands still, so each message is a moment behind the one before.
            (0..=number).for_each(|_| say(&live, &format!("session {number}")));
            live.close().expect("saved").id
        })
        .collect();
    let other = repository.create("other-agent", &by_hand()).expect("created").close();
    other.expect("saved");
    for id in ids.iter().rev().take(3) {
        let offer = repository.start_offer("chat").expect("asked");
        let StartOffer::Last(head) = offer else { panic!("the last one is offered: {offer:?}") };
        assert_eq!(head.id, *id);
        repository.mark_failed_start(*id, "token=Zk8vQ2nX7rT5wLp3 is damaged").expect("marked");
    }
    let offer = repository.start_offer("chat").expect("asked");
    let StartOffer::Stopped(failed) = offer else { panic!("after three it stops: {offer:?}") };
    assert_eq!(failed.len(), 3);
    assert!(failed[0].reason.contains("[redacted:"), "{failed:?}");
    repository.clear_failed_starts(Some(ids[3])).expect("it opened after all");
    let offer = repository.start_offer("chat").expect("asked");
    assert!(matches!(offer, StartOffer::Last(head) if head.id == ids[3]), "it is offered again");
    repository.clear_failed_starts(None).expect("somebody looked");
    assert!(matches!(repository.start_offer("chat"), Ok(StartOffer::Last(_))));
}
