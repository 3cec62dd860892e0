//! Two machines that do whatever can be done to sessions, in any order, killed in between, against
//! a model that is a few sets.
//!
//! After each step the machine's store must say what the model says: which sessions there are, what
//! they are called and marked with, which messages are seen and which were ever there, each once,
//! and what a search finds. A step that was killed has happened, or has not. Whatever was scrubbed
//! or purged is in no object.

mod acts;
mod known;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::process::Command;

use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::Query;
use annals::repository::Repository;
use annals::repository::Scope;
use annals::repository::SearchOptions;
use annals::repository::SortKey;
use annals::session::Head;
use annals::session::Record;
use annals::session::SessionId;
use chrono::DateTime;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::support::NOW;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::say;
use crate::sync::World;
use crate::sync::git;
use crate::sync::schedules;
use known::Begun;
use known::Known;
use known::Moment;
use known::Session;

/// What a machine does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Say,
    Shorten,
    Reword,
    Live,
    Save,
    Rename,
    Tag,
    Untag,
    Note,
    Pin,
    Fork,
    Rollback,
    Delete,
    Undelete,
    Purge,
    Scrub,
    Gc,
    Prune,
    Share,
    Restore,
    Configure,
    Migrate,
    Sync,
}

const ACTS: [(u32, Act); 23] = [
    (6, Act::Say),
    (1, Act::Shorten),
    (1, Act::Reword),
    (2, Act::Live),
    (2, Act::Save),
    (2, Act::Rename),
    (2, Act::Tag),
    (1, Act::Untag),
    (1, Act::Note),
    (1, Act::Pin),
    (2, Act::Fork),
    (2, Act::Rollback),
    (2, Act::Delete),
    (2, Act::Undelete),
    (1, Act::Purge),
    (1, Act::Scrub),
    (1, Act::Gc),
    (1, Act::Prune),
    (1, Act::Share),
    (1, Act::Restore),
    (1, Act::Configure),
    (1, Act::Migrate),
    (8, Act::Sync),
];

/// A step of a schedule.
#[derive(Debug, Clone)]
struct Step {
    place: usize,
    act: Act,
    /// Which of the sessions that the machine knows.
    session: Index,
    /// Which of what can be chosen besides.
    choice: Index,
    /// Killed before its call of that number that changes a file.
    killed: Option<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    let acts = ACTS.iter().flat_map(|(weight, act)| vec![*act; *weight as usize]);
    let killed = prop_oneof![3 => Just(None), 1 => (1_usize..120).prop_map(Some)];
    (0_usize..2, select(acts.collect::<Vec<_>>()), any::<Index>(), any::<Index>(), killed).prop_map(
        |(place, act, session, choice, killed)| Step { place, act, session, choice, killed },
    )
}

/// An agent's file: its lines by the messages they hold, and what it was when it was last read.
struct File {
    transcript: Transcript,
    lines: Vec<Moment>,
    before: Vec<Moment>,
    /// When each line was given its id: a line that is said otherwise keeps it.
    ids: Vec<Moment>,
}

/// A machine, and what its store must hold.
struct Side {
    known: Known,
    files: BTreeMap<String, File>,
    /// Revisions, and what the sessions were in each.
    past: Vec<(String, Known)>,
    /// The messages that this machine said, and none else knows another way to.
    own: BTreeSet<Moment>,
}

struct Play {
    world: World,
    sides: Vec<Side>,
    remote: Known,
    /// Sessions that an older program left.
    older: BTreeSet<String>,
    step: u32,
    purged: BTreeSet<Moment>,
    has_rewritten: bool,
}

fn value_of(message: Moment) -> String {
    format!("value{:03}x{}-of-this-message-ends", message.0, message.1)
}

fn text_of(message: Moment) -> String {
    format!("step {:03}x{} says {}.", message.0, message.1, value_of(message))
}

/// The message that a text is of.
fn message_of(text: &str) -> Option<Moment> {
    let (step, slot) = text.strip_prefix("step ")?.split(' ').next()?.split_once('x')?;
    Some((step.parse().ok()?, slot.parse().ok()?))
}

impl Play {
    /// Both machines have read the first lines of a session that they share, and one of their own.
    fn new(is_older: bool) -> Self {
        let machines: Vec<Sandbox> = (1..=2).map(Sandbox::of_machine).collect();
        if is_older {
            machines[0].older_store("3");
        }
        let world = World::of(machines);
        let side = |_| Side {
            known: Known::default(),
            files: BTreeMap::new(),
            past: Vec::new(),
            own: BTreeSet::new(),
        };
        let mut play = Self {
            world,
            sides: (0..2).map(side).collect(),
            remote: Known::default(),
            older: BTreeSet::new(),
            step: 0,
            purged: BTreeSet::new(),
            has_rewritten: false,
        };
        if is_older {
            play.world.machines[0].run(["migrate"]).ok();
            let listed = listed(&mut play.world.machines[0].repository());
            play.older = listed.into_keys().map(|id| id.to_string()).collect();
        }
        for place in 0..2 {
            let machine = &play.world.machines[place];
            let by = u16::try_from(place).expect("small") + 1;
            for transcript in [machine.transcript(1), machine.transcript(10 + u32::from(by))] {
                let id = transcript.session().to_string();
                let transcript = transcript.by(by);
                let file = File { transcript, lines: vec![], before: vec![], ids: vec![] };
                play.sides[place].files.insert(id, file);
            }
        }
        let shared = play.world.machines[0].transcript(1).session().to_string();
        for place in 0..2 {
            let ids: Vec<String> = play.sides[place].files.keys().cloned().collect();
            for id in ids {
                let number =
                    if id == shared { 0 } else { 1 + u32::try_from(place).expect("small") };
                play.grow(place, &id, (0, number));
                play.captured(place, &id);
            }
        }
        for place in [0, 1, 0] {
            play.sync(place, None);
        }
        play
    }

    fn machine(&self, place: usize) -> &Sandbox {
        &self.world.machines[place]
    }

    /// A line is added to an agent's file.
    fn grow(&mut self, place: usize, id: &str, message: Moment) {
        let file = self.sides[place].files.get_mut(id).expect("it is an agent's");
        let said = file.transcript.clone().user(&text_of(message));
        let mut line = said.lines().last().expect("one was added").clone();
        // An agent never gives an id twice, also where it took lines off.
        line["uuid"] = json!(format!("{:08x}-{:04x}-4bbb-8ccc-000000000000", message.0, message.1));
        file.transcript = said.without_last(1).line(line).write();
        file.lines.push(message);
        file.ids.push(message);
        self.sides[place].own.insert(message);
    }

    /// What a capture of that file makes of the model.
    fn captured(&mut self, place: usize, id: &str) {
        self.machine(place).capture();
        let at = (self.step, 9);
        self.sides[place].capture(id, at);
    }

    /// Runs the program, and kills all that it does where that is wanted. None: it was killed.
    fn run(&self, place: usize, arguments: &[&str], killed: Option<usize>) -> Option<Ran> {
        let mut command = self.machine(place).program();
        command.args(arguments);
        self.start(place, command, killed)
    }

    /// The same, with a text that it reads.
    fn run_with(
        &self,
        place: usize,
        arguments: &[&str],
        input: &str,
        killed: Option<usize>,
    ) -> Option<Ran> {
        let mut command = self.machine(place).fed(input);
        command.args(arguments);
        self.start(place, command, killed)
    }

    fn start(&self, place: usize, mut command: Command, killed: Option<usize>) -> Option<Ran> {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        if let (Some(nth), Some(fault)) = (killed, crate::support::fault::Fault::tool()) {
            use crate::support::fault::Wrong;
            let faulted = fault.run(&command, "all", nth, Wrong::Killed);
            self.world.unlock_remote();
            // Whoever opens the store next brings to its end what was begun.
            drop(self.machine(place).repository());
            return (faulted.calls.len() < nth).then_some(faulted.ran);
        }
        let _ = killed;
        Some(Ran::of(&mut command))
    }

    /// Does what changes one session, and the same to the model, if it comes to that.
    fn change(
        &mut self,
        step: &Step,
        id: &str,
        arguments: &[&str],
        model: impl FnOnce(&mut Session),
    ) -> Result<(), TestCaseError> {
        let ran = self.run(step.place, arguments, step.killed);
        self.changed(step, ran.as_ref(), |known| {
            model(known.sessions.get_mut(id).expect("it is known"));
        })
    }

    /// After a run that changes what the model says: it has succeeded, or, where it was killed, it has
    /// happened, or it has not.
    fn changed(
        &mut self,
        step: &Step,
        ran: Option<&Ran>,
        model: impl FnOnce(&mut Known),
    ) -> Result<(), TestCaseError> {
        prop_assert!(ran.is_none_or(|ran| ran.code == 0), "{step:?}: {ran:?}");
        let before = self.sides[step.place].known.clone();
        model(&mut self.sides[step.place].known);
        if ran.is_none() { self.happened_or_not(step.place, before) } else { Ok(()) }
    }

    /// After a kill: the store is as the model says, or as it was before.
    fn happened_or_not(&mut self, place: usize, before: Known) -> Result<(), TestCaseError> {
        let Err(after) = self.check(place) else { return Ok(()) };
        let done = std::mem::replace(&mut self.sides[place].known, before);
        let Err(fault) = self.check(place) else { return Ok(()) };
        self.sides[place].known = done;
        Err(TestCaseError::fail(format!("neither done ({after}) nor undone ({fault})")))
    }

    fn sync(&mut self, place: usize, killed: Option<usize>) {
        let tips = |play: &Self| {
            let remote = git(&play.world.remote(), &["for-each-ref", "--format=%(objectname)"]);
            (play.machine(place).tip(), remote)
        };
        let before = tips(self);
        let ran = self.run(place, &["sync"], killed);
        if let Some(ran) = &ran {
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        let after = tips(self);
        let mut merged = self.sides[place].known.clone();
        merged.merge(&self.remote);
        if ran.is_some() || before.0 != after.0 {
            self.sides[place].known = merged.clone();
        }
        if ran.is_some() || before.1 != after.1 {
            self.remote = merged;
        }
        if self.has_rewritten {
            self.sides[place].past.clear();
        }
    }

    /// What the machine's store holds that it must not, or has not that it must.
    fn check(&self, place: usize) -> Result<(), String> {
        let machine = self.machine(place);
        let known = &self.sides[place].known;
        let mut repository = machine.repository();
        let listed = listed(&mut repository);
        let ids: BTreeSet<String> = listed.keys().map(ToString::to_string).collect();
        let alive = known.sessions.iter().filter(|(_, session)| session.is_alive());
        let mut expected: BTreeSet<String> = alive.map(|(id, _)| id.clone()).collect();
        let contested = known.sessions.iter().filter(|(_, session)| session.is_contested);
        let contested: BTreeSet<&String> = contested.map(|(id, _)| id).collect();
        expected.extend(self.older.iter().filter(|id| ids.contains(*id)).cloned());
        let odd: Vec<&String> =
            ids.symmetric_difference(&expected).filter(|id| !contested.contains(id)).collect();
        if !odd.is_empty() {
            return Err(format!("{odd:?} are there, or are not: {ids:?}"));
        }
        for (id, head) in listed {
            let Some(session) = known.sessions.get(&id.to_string()) else { continue };
            check_session(&mut repository, id, &head, session, &known.scrubbed)?;
            self.check_order(&mut repository, id, session)?;
        }
        self.check_search(place, &mut repository)
    }

    /// Each machine's messages stand in the order in which they came there, a copy's in that of what it
    /// is a copy of; and those of an agent's file are seen in the order of the file.
    fn check_order(
        &self,
        repository: &mut Repository,
        id: SessionId,
        session: &Session,
    ) -> Result<(), String> {
        let whole = loaded(repository, id)?;
        let stream = moments(whole.records.iter());
        let among = |order: &[Moment], some: &[Moment]| -> Vec<Moment> {
            order.iter().filter(|it| some.contains(it)).copied().collect()
        };
        if among(&stream, &session.copied) != among(&session.copied, &stream) {
            return Err(format!("{id} is a copy of {:?}, in order: {stream:?}", session.copied));
        }
        let view = moments(whole.view());
        for side in &self.sides {
            // What is read again behind a purge comes in the order of the file.
            let own: Vec<Moment> = side.own.iter().copied().collect();
            let own = among(&own, &stream);
            if !session.was_purged && session.copied.is_empty() && among(&stream, &own) != own {
                return Err(format!("{id} has what came as {own:?} in another order: {stream:?}"));
            }
            let lines = side.files.get(&id.to_string()).map_or(&[][..], |file| &file.lines[..]);
            if !session.is_contested && among(&view, lines) != among(lines, &view) {
                return Err(format!("{id} shows {lines:?} in another order: {view:?}"));
            }
        }
        Ok(())
    }

    /// A search for what was last said finds it where it is seen.
    fn check_search(&self, place: usize, repository: &mut Repository) -> Result<(), String> {
        let known = &self.sides[place].known;
        let Some(message) = known.sessions.values().flat_map(Session::said).max() else {
            return Ok(());
        };
        let said = format!("step {:03}x{} says", message.0, message.1);
        let options = SearchOptions {
            scope: Scope::All,
            filter: Filter::default(),
            page: Page { offset: 0, limit: 100 },
            hits: 1,
            now: DateTime::UNIX_EPOCH,
        };
        let query = Query::exact(&said).expect("it is a query");
        let found =
            repository.search(&query, &options, &mut |_| {}).map_err(|it| it.to_string())?;
        let found = found.sessions.iter().map(|it| it.summary.head.id.to_string());
        let found: BTreeSet<String> = found.collect();
        let has =
            |session: &Session| session.is_alive() && session.seen().messages.contains(&message);
        let sessions = known.sessions.iter().filter(|(_, it)| !it.is_contested);
        for (id, session) in sessions {
            if has(session) != found.contains(id) {
                return Err(format!("{said:?} is found in {found:?}, {id} is {session:?}"));
            }
        }
        Ok(())
    }

    /// What was scrubbed here, and what was purged everywhere, is in no object.
    fn check_gone(&self, place: usize) -> Result<(), TestCaseError> {
        let known = &self.sides[place].known;
        // What somebody else went on with may come back at any moment.
        let is_gone = |it: &&Moment| !known.has(**it) && !self.remote.has(**it);
        let purged = self.purged.iter().filter(is_gone);
        let gone: Vec<Moment> = known.scrubbed.iter().chain(purged).copied().collect();
        let objects = if gone.is_empty() { vec![] } else { self.machine(place).every_object() };
        for message in gone {
            let value = value_of(message);
            let is_there = memchr::memmem::find(&objects, value.as_bytes()).is_some();
            prop_assert!(!is_there, "{value} is on machine {place} still");
        }
        Ok(())
    }
}

impl Side {
    fn capture(&mut self, id: &str, at: Moment) {
        let file = self.files.get_mut(id).expect("it is an agent's");
        let session = self.known.sessions.entry(id.to_owned()).or_default();
        session.capture(&file.lines, &file.before, &file.ids, at);
        file.before.clone_from(&file.lines);
    }
}

type Heads = BTreeMap<SessionId, Head>;

fn listed(repository: &mut Repository) -> Heads {
    let page = Page { offset: 0, limit: 1000 };
    let listing = repository.list(&Filter::default(), SortKey::Created, false, page);
    listing.expect("it lists").sessions.into_iter().map(|row| (row.head.id, row.head)).collect()
}

fn check_session(
    repository: &mut Repository,
    id: SessionId,
    head: &Head,
    session: &Session,
    scrubbed: &BTreeSet<Moment>,
) -> Result<(), String> {
    let whole = loaded(repository, id)?;
    let stream = messages(whole.records.iter());
    let once: BTreeSet<Moment> = stream.iter().map(|(message, _)| *message).collect();
    if once.len() != stream.len() {
        return Err(format!("{id} has a message twice: {stream:?}"));
    }
    for (message, text) in &stream {
        if scrubbed.contains(message) != text.contains("[redacted:") {
            return Err(format!("{id}: {text:?} is scrubbed: {}", scrubbed.contains(message)));
        }
    }
    let seen = session.seen();
    let view = moments(whole.view()).into_iter().collect::<BTreeSet<_>>();
    if session.is_contested {
        // Nothing is lost of it, whatever of it is seen.
        let is_whole = !session.is_alive() || once == session.said();
        return if is_whole && view.is_subset(&once) {
            Ok(())
        } else {
            Err(format!("{id} shows {view:?} of {once:?}: {session:?}"))
        };
    }
    let mut expected = seen.said.clone();
    expected.title = expected.title.map(|title| {
        let replaced =
            |title: String, it: &Moment| title.replace(&value_of(*it), "[redacted:scrubbed]");
        scrubbed.iter().fold(title, replaced)
    });
    let mismatch = |what: &str| format!("{id}, {what}: it is {head:?}, {stream:?}; {session:?}");
    match () {
        () if once != session.said() => Err(mismatch("what was ever said")),
        () if view != seen.messages => Err(mismatch(&format!("what is seen, {view:?}"))),
        () if begun_of(head) != expected => {
            Err(mismatch(&format!("what is said of it, {expected:?}")))
        }
        () => Ok(()),
    }
}

fn loaded(repository: &mut Repository, id: SessionId) -> Result<annals::session::Session, String> {
    let at = repository.resolve(&id.to_string(), None).map_err(|it| it.to_string())?;
    repository.load(&at).map_err(|it| it.to_string())
}

fn begun_of(head: &Head) -> Begun {
    Begun {
        title: head.title.clone(),
        tags: head.tags.iter().cloned().collect(),
        notes: head.notes.clone(),
        is_pinned: head.pinned,
    }
}

/// The messages among records, and their texts.
fn messages<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<(Moment, String)> {
    let text = |record: &Record| {
        let value = annals::repository::record_to_value(record);
        let text = value["content"].as_str()?.to_owned();
        Some((message_of(&text)?, text))
    };
    records.filter_map(text).collect()
}

fn moments<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<Moment> {
    messages(records).into_iter().map(|(message, _)| message).collect()
}

impl Play {
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.step += 1;
        let now = DateTime::parse_from_rfc3339(NOW).expect("a time");
        let now = now + TimeDelta::minutes(i64::from(self.step));
        self.world.machines.iter_mut().for_each(|machine| machine.set_now(&now.to_rfc3339()));
        self.act(step)?;
        for place in 0..2 {
            self.check(place).map_err(|fault| {
                TestCaseError::fail(format!("step {}, machine {place}: {fault}", self.step))
            })?;
            self.check_gone(place)?;
        }
        let machine = self.machine(step.place);
        let doctor = machine.run(["doctor"]);
        prop_assert!(doctor.code == 0, "step {}: {doctor:?}", self.step);
        machine.fsck();
        let tip = machine.tip();
        let side = &mut self.sides[step.place];
        side.past.push((tip, side.known.clone()));
        Ok(())
    }
}

#[test]
fn two_machines_are_what_the_model_says_whatever_they_do() {
    // A schedule takes seconds, and so does each try to make it smaller.
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::with_cases(schedules())
    };
    let schedule = (any::<bool>(), prop::collection::vec(step(), 4..24));
    let ran = TestRunner::new(config).run(&schedule, |(is_older, steps)| {
        let played = play(is_older, &steps);
        played.inspect_err(|fault| say(&format!("{fault}, in {steps:?}")))
    });
    ran.expect("the stores are as the model");
}

fn play(is_older: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut play = Play::new(is_older);
    for step in steps {
        play.step(step)?;
    }
    for place in [0, 1, 0, 1] {
        play.sync(place, None);
    }
    // What a git that was killed left of its packs goes with the next.
    play.world.machines.iter().for_each(|machine| drop(machine.run(["gc"]).ok()));
    play.world.settle();
    for place in 0..2 {
        play.check(place).map_err(TestCaseError::fail)?;
        play.check_gone(place)?;
    }
    prop_assert_eq!(play.machine(0).tree(), play.machine(1).tree(), "both are the same");
    Ok(())
}
