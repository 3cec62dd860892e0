//! Each act: what the program is called with, and what it makes of the model.

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
use super::loaded;
use super::message_of;
use super::moments;
use super::text_of;
use super::value_of;
use crate::support::Ran;
use crate::support::folder;
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
            Act::Save => self.save(step, at),
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
            Act::Scrub => self.scrub(step),
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
            Act::Live => self.live(step, id, at),
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
                file.ids.pop();
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
        let was_gone = before.sessions.get(id).is_some_and(|it| !it.is_alive());
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
        let side = &self.sides[step.place];
        if was_gone && side.known.sessions[id].is_alive() {
            // Of a purged session the file brings back all that it has, also to history.
            for line in &side.files[id].lines {
                self.purged.remove(line);
            }
        }
        Ok(())
    }

    fn save(&mut self, step: &Step, at: Moment) -> Done {
        let id = format!("01890000-0000-7000-8000-{:08}{:04}", self.step, step.place);
        let message = serde_json::json!({"role": "user", "text": text_of(at)});
        let document = serde_json::json!({"id": id, "messages": [message]}).to_string();
        let ran = self.run_with(step.place, &["save", "-"], &document, step.killed);
        self.sides[step.place].own.insert(at);
        self.changed(step, ran.as_ref(), |known| {
            let mut session = Session::default();
            session.events.insert(at, Event::Said);
            known.sessions.insert(id, session);
        })
    }

    /// A program holds a session and says something: this one, or the shell where it is killed.
    fn live(&mut self, step: &Step, id: &str, at: Moment) -> Done {
        let ran = if step.killed.is_some() {
            let typed = format!("/resume {id}\n{}\n", text_of(at));
            self.run_with(step.place, &["shell"], &typed, step.killed)
        } else {
            let never = Duration::from_secs(200);
            let by_hand = LiveOptions { interval: never, idle: never, ..LiveOptions::default() };
            let session: SessionId = id.parse().expect("an id");
            let mut repository = self.machine(step.place).repository();
            let (live, _) = repository.resume(session, &by_hand).expect("it is held");
            live.append(vec![Message::new("user", &text_of(at)).into()]).expect("it is appended");
            live.close().expect("it is saved");
            Some(Ran { stdout: String::new(), stderr: String::new(), code: 0 })
        };
        self.sides[step.place].own.insert(at);
        self.changed(step, ran.as_ref(), |known| {
            let session = known.sessions.get_mut(id).expect("it is known");
            session.events.insert(at, Event::Said);
        })
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

    fn scrub(&mut self, step: &Step) -> Done {
        let side = &self.sides[step.place];
        let own = side.own.iter().filter(|it| side.known.has(**it));
        let own: Vec<Moment> =
            own.filter(|it| !side.known.scrubbed.contains(it)).copied().collect();
        if own.is_empty() {
            return Ok(());
        }
        let message = *step.choice.get(&own);
        let (words, value) = (["scrub", "--value", "--yes"], value_of(message));
        let ran = self.run_with(step.place, &words, &value, step.killed);
        self.changed(step, ran.as_ref(), |known| {
            known.scrubbed.insert(message);
        })?;
        if ran.is_none() {
            // What was killed comes to the end by the same again.
            self.machine(step.place).run_with(words, &value).ok();
            self.sides[step.place].known.scrubbed.insert(message);
        }
        self.rewritten(step.place);
        Ok(())
    }

    fn rewritten(&mut self, place: usize) {
        self.sides[place].past.clear();
        self.has_rewritten = true;
    }

    /// The messages of a session that are seen, in their order.
    fn view(&self, place: usize, id: &str) -> Vec<Moment> {
        let mut repository = self.machine(place).repository();
        let id: SessionId = id.parse().expect("an id");
        moments(loaded(&mut repository, id).expect("it loads").view())
    }

    /// The sessions that a run left which were not there before: as many as that, or, where it was
    /// killed, none. Each is a copy of `from`, or of a part of it.
    fn made(&mut self, place: usize, count: Option<usize>, from: &[Moment]) -> Done {
        let mut repository = self.machine(place).repository();
        let is_known =
            |id: &str| self.sides[place].known.sessions.contains_key(id) || self.older.contains(id);
        let listed = listed(&mut repository).into_iter();
        let new: Vec<_> = listed.filter(|(id, _)| !is_known(&id.to_string())).collect();
        prop_assert!(count.map_or(new.len() < 2, |it| it == new.len()), "{count:?}: {new:?}");
        for (id, head) in new {
            let whole = loaded(&mut repository, id).map_err(TestCaseError::fail)?;
            let said = moments(whole.records.iter());
            let mut rest = from.iter();
            prop_assert!(said.iter().all(|it| rest.any(|from| from == it)), "{said:?} of {from:?}");
            let made = Session {
                events: said.iter().map(|it| (*it, Event::Said)).collect(),
                begun: begun_of(&head),
                copied: said,
                ..Session::default()
            };
            self.sides[place].known.sessions.insert(id.to_string(), made);
        }
        Ok(())
    }

    fn fork(&mut self, step: &Step, id: &str) -> Done {
        let seen = self.view(step.place, id);
        let ran = self.run(step.place, &["fork", id], step.killed);
        prop_assert!(ran.as_ref().is_none_or(|ran| ran.code == 0), "{ran:?}");
        self.made(step.place, ran.map(|_| 1), &seen)
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
        let seen = self.view(step.place, id);
        let folder = folder();
        let file = folder.path().join("it.bundle").display().to_string();
        let words = ["share", id, "--output", &file, "--force"];
        let shared = self.run(step.place, &words, step.killed);
        if shared.is_none() {
            self.check(step.place).map_err(TestCaseError::fail)?;
        }
        let shared = shared.or_else(|| self.run(step.place, &words, None));
        prop_assert!(shared.as_ref().is_some_and(|ran| ran.code == 0), "{shared:?}");
        let other = 1 - step.place;
        let imported = self.run(other, &["--json", "import", &file, "--yes"], step.killed);
        let Some(imported) = imported else { return self.made(other, None, &seen) };
        prop_assert!(imported.code == 0, "{imported:?}");
        let imported: serde_json::Value = serde_json::from_str(&imported.stdout).expect("JSON");
        self.made(other, imported["imported"].as_array().map(Vec::len), &seen)
    }

    fn restore(&mut self, step: &Step, id: &str) -> Done {
        let is_agents = self.sides[step.place].files.contains_key(id);
        if !is_agents || self.session(step, id).is_contested {
            return Ok(());
        }
        let home = folder();
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
            .collect::<Vec<_>>();
        drop(fs::remove_file(path));
        prop_assert_eq!(said, self.view(step.place, id), "what is seen is restored, in its order");
        Ok(())
    }

    fn prune(&mut self, step: &Step) -> Done {
        let machine = self.machine(step.place);
        machine.run(["config", "set", "retention.count", "3"]).ok();
        let planned = machine.json(["prune", "--dry-run"]);
        let ran = self.run(step.place, &["prune", "--yes"], step.killed);
        self.machine(step.place).run(["config", "unset", "retention.count"]).ok();
        let planned = planned["pruned"].as_array().into_iter().flatten();
        let planned: Vec<&str> = planned.map(|it| it["id"].as_str().expect("an id")).collect();
        for session in
            planned.iter().filter_map(|id| self.sides[step.place].known.sessions.get(*id))
        {
            let is_pinned = !session.is_contested && session.seen().said.is_pinned;
            prop_assert!(!is_pinned, "{session:?} is pinned");
        }
        self.changed(step, ran.as_ref(), |known| {
            for id in planned {
                known.sessions.get_mut(id).into_iter().for_each(Session::delete);
            }
        })
    }

    fn changes_nothing(&mut self, step: &Step, arguments: &[&str]) -> Done {
        let ran = self.run(step.place, arguments, step.killed);
        prop_assert!(ran.as_ref().is_none_or(|ran| ran.code == 0), "{arguments:?}: {ran:?}");
        Ok(())
    }
}
