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
use serde_json::json;

use crate::support::Sandbox;

/// Says which store the child of a test writes to.
const CHILD: &str = "ANNALS_LIVE_CHILD";

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
        let (id, last) = kill_after(&sandbox, kill * 37 % 101);
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
