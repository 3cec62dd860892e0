//! Each act: what the program is called with, and what it makes of the model.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use super::Act;
use super::Play;
use super::Step;
use super::begun_of;
use super::known::Event;
use super::known::Moment;
use super::known::Session;
use super::listed;
use super::message_of;
use super::text_of;
use super::value_of;
use crate::support::lines;
use annals::repository::LiveOptions;
use annals::session::Message;
use annals::session::SessionId;
use proptest::prelude::*;

type Done = Result<(), TestCaseError>;

impl Play {
    pub(super) fn act(&mut self, step: &Step) -> Done {
        let at = (self.step, 0);
        match step.act {
            Act::Say | Act::Shorten | Act::Reword => self.agent_writes(step, at),
            Act::Save => {
                self.save(step, at);
                Ok(())
            }
            Act::Sync => {
                self.sync(step.place, step.killed);
                Ok(())
            }
            Act::Gc => self.changes_nothing(step, &["gc"]),
            Act::Migrate => self.changes_nothing(step, &["migrate"]),
            Act::Configure => {
                let seconds = (5 + self.step % 90).to_string();
                self.changes_nothing(step, &["config", "set", "save.interval", &seconds])
            }
            Act::Prune => self.prune(step),
            Act::Undelete => self.undelete(step, at),
            Act::Scrub => {
                self.scrub(step);
                Ok(())
            }
            _ => match self.pick(step, Session::is_alive) {
                Some(id) => self.act_on(step, &id, at),
                None => Ok(()),
            },
        }
    }

    /// What is done to one session that is there.
    fn act_on(&mut self, step: &Step, id: &str, at: Moment) -> Done {
        let word = format!("word{}", self.step);
        let insert =
            |event: Event| move |session: &mut Session| drop(session.events.insert(at, event));
        match step.act {
            Act::Rename => {
                self.change(step, id, &["rename", id, &word], insert(Event::Rename(word.clone())))
            }
            Act::Note => {
                self.change(step, id, &["note", id, &word], insert(Event::Note(word.clone())))
            }
            Act::Tag => {
                self.change(step, id, &["tag", id, &word], insert(Event::Tag(word.clone())))
            }
            Act::Untag => {
                let tags: Vec<String> =
                    self.session(step, id).seen().said.tags.into_iter().collect();
                if tags.is_empty() {
                    return Ok(());
                }
                let tag = step.choice.get(&tags).clone();
                self.change(
                    step,
                    id,
                    &["tag", id, "--remove", &tag],
                    insert(Event::Untag(tag.clone())),
                )
            }
            Act::Pin => {
                let pinned = !self.session(step, id).seen().said.is_pinned;
                let off = if pinned { vec![] } else { vec!["--off"] };
                let arguments = [vec!["pin", id], off].concat();
                self.change(step, id, &arguments, insert(Event::Pin(pinned)))
            }
            Act::Delete => self.change(step, id, &["delete", id, "--yes"], Session::delete),
            Act::Purge => {
                self.purge(step, id);
                Ok(())
            }
            Act::Rollback => self.rollback(step, id, at),
            Act::Live => {
                self.live(step, id, at);
                Ok(())
            }
            Act::Fork => self.fork(step, id),
            Act::Share => self.share(step, id),
            _ => self.restore(step, id),
        }
    }

    fn session(&self, step: &Step, id: &str) -> &Session {
        &self.sides[step.place].known.sessions[id]
    }

    fn pick(&self, step: &Step, is_wanted: impl Fn(&Session) -> bool) -> Option<String> {
        let sessions = &self.sides[step.place].known.sessions;
        let wanted = sessions.iter().filter(|(_, session)| is_wanted(session));
        let wanted: Vec<&String> = wanted.map(|(id, _)| id).collect();
        (!wanted.is_empty()).then(|| (*step.session.get(&wanted)).clone())
    }

    fn agent_writes(&mut self, step: &Step, at: Moment) -> Done {
        let ids: Vec<String> = self.sides[step.place].files.keys().cloned().collect();
        let id = step.session.get(&ids);
        let file = self.sides[step.place].files.get_mut(id).expect("it is there");
        // The first line is the one that both machines have.
        match (step.act, file.lines.len()) {
            (Act::Shorten, 3..) => {
                file.transcript = file.transcript.clone().without_last(1).write();
                file.lines.pop();
            }
            (Act::Reword, 2..) => {
                let place = 1 + step.choice.index(file.lines.len() - 1);
                file.transcript = file.transcript.clone().reworded(place, &text_of(at)).write();
                file.lines[place] = at;
                self.sides[step.place].own.insert(at);
            }
            _ => self.grow(step.place, id, at),
        }
        let before = self.sides[step.place].known.clone();
        let ran = self.run(step.place, &["capture"], step.killed);
        prop_assert!(ran.as_ref().is_none_or(|ran| ran.code == 0), "{ran:?}");
        let read = self.sides[step.place].files[id].before.clone();
        self.sides[step.place].capture(id, (self.step, 9));
        if ran.is_none() {
            self.happened_or_not(step.place, before.clone())?;
            // The same again comes to the end, whatever was done.
            self.machine(step.place).capture();
            let side = &mut self.sides[step.place];
            side.known = before;
            side.files.get_mut(id).expect("it is there").before = read;
            side.capture(id, (self.step, 9));
        }
        Ok(())
    }

    fn save(&mut self, step: &Step, at: Moment) {
        let document = serde_json::json!({"messages": [{"role": "user", "text": text_of(at)}]});
        let id = self.machine(step.place).save(&document.to_string());
        let mut session = Session::default();
        session.events.insert(at, Event::Said);
        self.sides[step.place].own.insert(at);
        self.sides[step.place].known.sessions.insert(id, session);
    }

    fn live(&mut self, step: &Step, id: &str, at: Moment) {
        let never = Duration::from_secs(200);
        let by_hand = LiveOptions { interval: never, idle: never, ..LiveOptions::default() };
        let session: SessionId = id.parse().expect("an id");
        let mut repository = self.machine(step.place).repository();
        let (live, _) = repository.resume(session, &by_hand).expect("it is held");
        live.append(vec![Message::new("user", &text_of(at)).into()]).expect("it is appended");
        live.close().expect("it is saved");
        let side = &mut self.sides[step.place];
        side.own.insert(at);
        let session = side.known.sessions.get_mut(id).expect("it is known");
        session.events.insert(at, Event::Said);
    }

    fn rollback(&mut self, step: &Step, id: &str, at: Moment) -> Done {
        let past = &self.sides[step.place].past;
        let is_there = |known: &super::known::Known| {
            known.sessions.get(id).is_some_and(|it| it.is_alive() && !it.is_contested)
        };
        let past: Vec<_> = past.iter().filter(|(_, known)| is_there(known)).collect();
        if past.is_empty() || self.session(step, id).is_contested {
            return Ok(());
        }
        let (revision, known) = step.choice.get(&past);
        let (revision, target) = (revision.clone(), known.sessions[id].in_view());
        self.change(step, id, &["rollback", id, &revision], |it| it.go_to(&target, at))
    }

    fn undelete(&mut self, step: &Step, at: Moment) -> Done {
        let Some(id) = self.pick(step, |session| !session.is_alive()) else { return Ok(()) };
        if self.session(step, &id).was_purged {
            // It may be that another line of history has it.
            return Ok(());
        }
        self.change(step, &id, &["undelete", &id], |session| {
            session.dead = None;
            session.events.insert(at, Event::Undelete);
        })
    }

    fn purge(&mut self, step: &Step, id: &str) {
        let said = self.session(step, id).said();
        self.run(step.place, &["purge", id, "--yes"], step.killed);
        // What was killed comes to the end by the same again; what was done is not there any more.
        self.run(step.place, &["purge", id, "--yes"], None);
        let session = self.sides[step.place].known.sessions.get_mut(id).expect("it is known");
        session.purge();
        self.purged.extend(said);
        self.rewritten(step.place);
    }

    fn scrub(&mut self, step: &Step) {
        let side = &self.sides[step.place];
        let own = side.own.iter().filter(|it| side.known.has(**it));
        let own: Vec<Moment> =
            own.filter(|it| !side.known.scrubbed.contains(it)).copied().collect();
        if own.is_empty() {
            return;
        }
        let message = *step.choice.get(&own);
        let machine = self.machine(step.place);
        machine.run_with(["scrub", "--value", "--yes"], &value_of(message)).ok();
        self.sides[step.place].known.scrubbed.insert(message);
        self.rewritten(step.place);
    }

    fn rewritten(&mut self, place: usize) {
        self.sides[place].past.clear();
        self.has_rewritten = true;
    }

    /// The session that a run says it left.
    fn made(&mut self, place: usize, id: String, from: &BTreeSet<Moment>) -> Done {
        let mut repository = self.machine(place).repository();
        let head = listed(&mut repository).into_iter().find(|(it, _)| it.to_string() == id);
        let Some((session, head)) = head else {
            return Err(TestCaseError::fail(format!("{id} is made, but not there")));
        };
        let at = repository.resolve(&session.to_string(), None).expect("it is there");
        let whole = repository.load(&at).expect("it loads");
        let said: BTreeSet<Moment> =
            super::messages(whole.records.iter()).into_iter().map(|it| it.0).collect();
        prop_assert!(said.is_subset(from), "{said:?} of {from:?}");
        let made = Session {
            events: said.into_iter().map(|it| (it, Event::Said)).collect(),
            begun: begun_of(&head),
            ..Session::default()
        };
        self.sides[place].known.sessions.insert(id, made);
        Ok(())
    }

    fn fork(&mut self, step: &Step, id: &str) -> Done {
        let seen = self.session(step, id).seen().messages;
        let forked = self.machine(step.place).json(["fork", id]);
        let new = forked["session"]["id"].as_str().expect("an id").to_owned();
        let is_contested = self.session(step, id).is_contested;
        let all = self.session(step, id).said();
        self.made(step.place, new, if is_contested { &all } else { &seen })
    }

    /// One machine shares a session, the other takes it in.
    fn share(&mut self, step: &Step, id: &str) -> Done {
        let all = self.session(step, id).said();
        if self.session(step, id).seen().messages.is_empty() {
            return Ok(());
        }
        // What one of the two scrubbed comes back by a copy of the other's: nobody knows the value.
        let is_scrubbed = |place: usize, it: &Moment| self.sides[place].known.scrubbed.contains(it);
        if all.iter().any(|it| is_scrubbed(0, it) != is_scrubbed(1, it)) {
            return Ok(());
        }
        let folder = tempfile::tempdir().expect("a folder is made");
        let file = folder.path().join("it.bundle").display().to_string();
        let shared = self.run(step.place, &["share", id, "--output", &file], None);
        prop_assert!(shared.as_ref().is_some_and(|ran| ran.code == 0), "{shared:?}");
        let other = 1 - step.place;
        let imported = self.machine(other).json(["import", &file, "--yes"]);
        for session in imported["imported"].as_array().into_iter().flatten() {
            let new = session["id"].as_str().expect("an id").to_owned();
            self.made(other, new, &all)?;
        }
        Ok(())
    }

    fn restore(&mut self, step: &Step, id: &str) -> Done {
        let is_agents = self.sides[step.place].files.contains_key(id);
        if !is_agents || self.session(step, id).is_contested {
            return Ok(());
        }
        let home = tempfile::tempdir().expect("a folder is made");
        let home = home.path().display().to_string();
        let restored = self.machine(step.place).json([
            "restore",
            id,
            "--home",
            &home,
            "--workspace",
            "/work/demo",
        ]);
        let path = restored["files"][0].as_str().expect("a path");
        let said = lines(path.as_ref())
            .iter()
            .filter_map(|line| message_of(line["message"]["content"].as_str().unwrap_or_default()))
            .collect::<BTreeSet<_>>();
        drop(fs::remove_file(path));
        let seen = self.session(step, id).seen().messages;
        let live = said.symmetric_difference(&seen).count();
        prop_assert!(live == 0, "{said:?} is restored, {seen:?} is seen");
        Ok(())
    }

    fn prune(&mut self, step: &Step) -> Done {
        let machine = self.machine(step.place);
        machine.run(["config", "set", "retention.count", "3"]).ok();
        let pruned = machine.json(["prune", "--yes"]);
        machine.run(["config", "unset", "retention.count"]).ok();
        for gone in pruned["pruned"].as_array().into_iter().flatten() {
            let id = gone["id"].as_str().expect("an id");
            if let Some(session) = self.sides[step.place].known.sessions.get_mut(id) {
                prop_assert!(
                    session.is_contested || !session.seen().said.is_pinned,
                    "{id} is pinned"
                );
                session.delete();
            }
        }
        Ok(())
    }

    fn changes_nothing(&mut self, step: &Step, arguments: &[&str]) -> Done {
        let ran = self.run(step.place, arguments, step.killed);
        prop_assert!(ran.as_ref().is_none_or(|ran| ran.code == 0), "{arguments:?}: {ran:?}");
        Ok(())
    }
}
