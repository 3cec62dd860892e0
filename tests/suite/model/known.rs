//! What a store must hold, in a few sets: the model that stores are compared with.
//!
//! A session is the set of what ever happened to it; what is seen of it follows from playing that in
//! its order. To merge is to unite.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// When something happened: the step, and its place in it.
pub(super) type Moment = (u32, u32);

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A message came; it names its moment.
    Said,
    Rename(String),
    Tag(String),
    Untag(String),
    Note(String),
    Pin(bool),
    Undelete,
    /// The conversation was taken back, or its agent changed its file.
    Change {
        removed: BTreeSet<Moment>,
        placed: BTreeSet<Moment>,
    },
}

/// A session.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Session {
    pub(super) events: BTreeMap<Moment, Event>,
    /// What it began with, where it was made of another one.
    pub(super) begun: Begun,
    /// The messages that came with it then, in their order.
    pub(super) copied: Vec<Moment>,
    /// All that it had when it was deleted, if it was.
    pub(super) dead: Option<BTreeSet<Moment>>,
    /// Whether it was ever purged: then it may not come back where it is undeleted.
    pub(super) was_purged: bool,
    /// Both sides took it back, or deleted it, without knowing of each other: what is seen of it then
    /// is said in no simpler words than those of the merge itself.
    pub(super) is_contested: bool,
}

/// What is said of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Begun {
    pub(super) title: Option<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) notes: Option<String>,
    pub(super) is_pinned: bool,
}

/// What is seen of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) said: Begun,
    pub(super) messages: BTreeSet<Moment>,
}

impl Session {
    pub(super) fn is_alive(&self) -> bool {
        self.dead.is_none()
    }

    /// Every message that it ever had.
    pub(super) fn said(&self) -> BTreeSet<Moment> {
        let said = self.events.iter().filter(|(_, event)| **event == Event::Said);
        said.map(|(moment, _)| *moment).collect()
    }

    /// What counts: all that no change took out.
    pub(super) fn in_view(&self) -> BTreeSet<Moment> {
        let mut view = BTreeSet::new();
        for (moment, event) in &self.events {
            match event {
                Event::Change { removed, placed } => {
                    view.retain(|it| !removed.contains(it));
                    view.extend(placed);
                }
                Event::Undelete => {}
                _ => drop(view.insert(*moment)),
            }
        }
        view
    }

    pub(super) fn seen(&self) -> Seen {
        let mut seen = Seen { said: self.begun.clone(), messages: BTreeSet::new() };
        for moment in self.in_view() {
            match &self.events[&moment] {
                Event::Said => drop(seen.messages.insert(moment)),
                Event::Rename(title) => seen.said.title = Some(title.clone()),
                Event::Tag(tag) => drop(seen.said.tags.insert(tag.clone())),
                Event::Untag(tag) => drop(seen.said.tags.remove(tag)),
                Event::Note(text) => seen.said.notes = Some(text.clone()),
                Event::Pin(pinned) => seen.said.is_pinned = *pinned,
                Event::Undelete | Event::Change { .. } => {}
            }
        }
        seen
    }

    pub(super) fn delete(&mut self) {
        self.dead = Some(self.events.keys().copied().collect());
    }

    /// Nothing of it stays but that it was there.
    pub(super) fn purge(&mut self) {
        let known = self.dead.take().unwrap_or_else(|| self.events.keys().copied().collect());
        let is_contested = self.is_contested;
        *self = Self { dead: Some(known), was_purged: true, is_contested, ..Self::default() };
    }

    /// Makes the view what `target` is, as far as it is known.
    pub(super) fn go_to(&mut self, target: &BTreeSet<Moment>, at: Moment) {
        let view = self.in_view();
        let removed: BTreeSet<Moment> = view.difference(target).copied().collect();
        let known = target.iter().filter(|it| self.events.contains_key(it));
        let placed: BTreeSet<Moment> = known.filter(|it| !view.contains(it)).copied().collect();
        if !removed.is_empty() || !placed.is_empty() {
            self.events.insert(at, Event::Change { removed, placed });
        }
    }

    /// An agent's file, as it stands now, what it held when it was last read, and the ids of its lines:
    /// what was deleted knows them, and nothing of what they say.
    pub(super) fn capture(
        &mut self,
        file: &[Moment],
        before: &[Moment],
        ids: &[Moment],
        at: Moment,
    ) {
        if let Some(dead) = &self.dead {
            if ids.iter().all(|id| dead.contains(id)) {
                return;
            }
            self.dead = None;
        }
        let mut target = self.in_view();
        target.retain(|it| !before.contains(it) || file.contains(it));
        let new = file.iter().filter(|line| !self.events.contains_key(line));
        let new: Vec<Moment> = new.copied().collect();
        target.extend(file.iter().filter(|line| self.events.contains_key(line)));
        self.go_to(&target, at);
        self.events.extend(new.into_iter().map(|line| (line, Event::Said)));
    }

    fn changes(&self) -> BTreeSet<Moment> {
        let changes = self.events.iter().filter(|it| matches!(it.1, Event::Change { .. }));
        changes.map(|(moment, _)| *moment).collect()
    }

    fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (self.changes(), other.changes());
        let both_changed = !mine.is_subset(&theirs) && !theirs.is_subset(&mine);
        let both_deleted = self.dead.is_some() && other.dead.is_some() && self.dead != other.dead;
        self.is_contested |= other.is_contested || both_changed || both_deleted;
        let goes_on = |live: &Self, dead: &BTreeSet<Moment>| {
            live.events.keys().any(|moment| !dead.contains(moment))
        };
        self.dead = match (self.dead.take(), other.dead.clone()) {
            (Some(mine), Some(theirs)) => Some(mine.union(&theirs).copied().collect()),
            (Some(dead), None) => (!goes_on(other, &dead)).then_some(dead),
            (None, Some(dead)) => (!goes_on(self, &dead)).then_some(dead),
            (None, None) => None,
        };
        if self.begun == Begun::default() {
            self.begun = other.begun.clone();
        }
        if self.copied.is_empty() {
            self.copied.clone_from(&other.copied);
        }
        self.events.extend(other.events.clone());
        self.was_purged |= other.was_purged;
        if self.was_purged && !self.is_alive() {
            self.events.clear();
        }
        // Where it was purged its agent's file is read as if for the first time, so what others went
        // on with is taken for left out.
        self.is_contested |= self.was_purged && self.is_alive();
    }
}

/// A store: its sessions by id, and the messages whose value was scrubbed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) scrubbed: BTreeSet<Moment>,
}

impl Known {
    pub(super) fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.sessions {
            match self.sessions.get_mut(id) {
                Some(mine) => mine.merge(theirs),
                None => drop(self.sessions.insert(id.clone(), theirs.clone())),
            }
        }
        self.scrubbed.extend(&other.scrubbed);
    }

    /// Whether any session has that message, deleted ones too.
    pub(super) fn has(&self, message: Moment) -> bool {
        self.sessions.values().any(|session| session.events.contains_key(&message))
    }
}
