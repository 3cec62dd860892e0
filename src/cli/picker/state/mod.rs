//! The picker's state: a pure machine, from what happened to what is to be done.
//!
//! It knows no terminal, no repository and no clock. Rows come in portions and in any order; what
//! is selected stays selected while they do.

mod browse;
mod modes;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::cli::brief;
use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Text;
use crate::cli::picker::keys::Key;
use crate::cli::picker::panes::Panes;
use crate::cli::picker::panes::has_room;
use crate::cli::picker::panes::panes;
use crate::cli::picker::row::Row;
use crate::cli::picker::sieve::Order;
use crate::cli::picker::sieve::Sieve;
use crate::session::SessionId;

pub(super) use modes::Mode;

/// What the list begins with.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    /// Its order.
    pub(super) order: Order,
    /// The agents that sessions can be resumed in.
    pub(super) agents: Vec<String>,
}

/// The preview of the selected session.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// What was asked for last.
    asked: Option<(SessionId, u16)>,
    /// What is there.
    pub(super) text: Option<(SessionId, Text)>,
    /// The lines above the first that is seen.
    pub(super) scroll: usize,
}

/// All that the picker knows.
#[derive(Debug)]
pub(super) struct State {
    rows: Vec<Row>,
    known: HashSet<SessionId>,
    sieve: Sieve,
    /// The order of the list.
    pub(super) order: Order,
    /// What was typed into the filter.
    pub(super) typed: String,
    /// What keys go to.
    pub(super) mode: Mode,
    /// The number of the selected row among those that match.
    pub(super) cursor: usize,
    /// The number of the first row that is seen.
    pub(super) top: usize,
    /// The place of the row that stays selected while others come.
    held: Option<usize>,
    marked: Vec<SessionId>,
    agents: Vec<String>,
    /// The preview.
    pub(super) preview: Preview,
    is_preview_wanted: bool,
    /// What was deleted, the last at the end.
    deleted: Vec<Vec<SessionId>>,
    /// What happened last, in a sentence.
    pub(super) notice: Option<String>,
    /// Whether something is being done.
    is_busy: bool,
    /// Whether rows still come.
    pub(super) is_loading: bool,
    size: (u16, u16),
}

impl State {
    /// Nothing there yet, on a screen of that size.
    pub(super) fn new(start: Start, size: (u16, u16)) -> Self {
        let mut sieve = Sieve::new();
        sieve.reset("", start.order);
        Self {
            rows: Vec::new(),
            known: HashSet::new(),
            sieve,
            order: start.order,
            typed: String::new(),
            mode: Mode::Browse,
            cursor: 0,
            top: 0,
            held: None,
            marked: Vec::new(),
            agents: start.agents,
            preview: Preview::default(),
            is_preview_wanted: has_room(size.0, size.1),
            deleted: Vec::new(),
            notice: None,
            is_busy: false,
            is_loading: true,
            size,
        }
    }

    /// Takes in what happened.
    pub(super) fn update(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Key(key) => effects.extend(self.key(key)),
            Input::Pasted(text) => self.paste(&text),
            Input::Resized(width, height) => self.resize((width, height)),
            Input::Rows(rows) => self.add(rows),
            Input::AllRows => self.is_loading = false,
            Input::Preview(id, text) => {
                if self.preview.asked == Some((id, text.width)) {
                    self.preview.text = Some((id, text));
                }
            }
            Input::Text(title, text) => {
                self.is_busy = false;
                self.notice = None;
                self.mode = Mode::reading(title, text);
            }
            Input::Done(said, rows) => self.replace(said, rows),
            Input::Deleted(ids) => self.remove(&ids),
            Input::Undeleted(rows) => self.bring_back(rows),
            Input::Failed(why) => {
                self.is_busy = false;
                self.notice = Some(why);
            }
        }
        effects.extend(self.advance());
        effects
    }

    /// Whether rows wait to be filtered.
    pub(super) fn is_behind(&self) -> bool {
        self.sieve.is_behind(&self.rows)
    }

    /// Whether something is being done that will be told of.
    pub(super) fn is_waiting(&self) -> bool {
        let shown = self.preview.text.as_ref().map(|(id, text)| (*id, text.width));
        self.is_busy || self.is_loading || shown != self.preview.asked
    }

    /// Filters a portion of the rows that wait, if any do.
    pub(super) fn advance(&mut self) -> Option<Effect> {
        if self.is_behind() {
            self.sieve.advance(&self.rows);
        }
        self.settle();
        self.wanted_preview()
    }

    /// Takes the size of the screen that is drawn now: it may have changed before it was told.
    pub(super) fn fit(&mut self, width: u16, height: u16) {
        self.resize((width, height));
        self.settle();
    }

    /// The parts of the screen.
    pub(super) fn panes(&self) -> Panes {
        panes(self.size.0, self.size.1, self.is_preview_wanted)
    }

    /// How many rows match, and how many there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.sieve.count(), self.rows.len())
    }

    /// The `n`th row that matches.
    pub(super) fn row(&self, n: usize) -> Option<&Row> {
        self.sieve.place(n).map(|place| &self.rows[place])
    }

    /// The selected row.
    pub(super) fn selected(&self) -> Option<&Row> {
        self.row(self.cursor)
    }

    /// Whether a session is marked.
    pub(super) fn is_marked(&self, id: SessionId) -> bool {
        self.marked.contains(&id)
    }

    /// How many are marked.
    pub(super) fn marks(&self) -> usize {
        self.marked.len()
    }

    /// The characters of the `n`th row's title that match, by number.
    pub(super) fn title_hits(&mut self, n: usize) -> Vec<u32> {
        match self.sieve.place(n) {
            Some(place) => self.sieve.hits(&self.rows[place].haystack),
            None => Vec::new(),
        }
    }

    /// What was typed, word by word, without the signs of the filter's language.
    pub(super) fn words(&self) -> Vec<String> {
        let words = self.typed.split_whitespace().filter(|word| !word.starts_with('!'));
        let bare = words.map(|word| word.trim_start_matches(['\'', '^']).trim_end_matches('$'));
        bare.filter(|word| word.chars().count() > 1).map(str::to_lowercase).collect()
    }

    /// What is typed where; after it stands the cursor.
    pub(super) fn prompt(&self) -> (&'static str, &str) {
        match &self.mode {
            Mode::Tags(text) => ("tags> ", text),
            _ => ("> ", &self.typed),
        }
    }

    fn key(&mut self, key: Key) -> Option<Effect> {
        self.notice = None;
        match &mut self.mode {
            Mode::Browse => self.browse(key),
            Mode::Tags(_) => self.type_tags(key),
            Mode::Agents(_) => self.choose_agent(key),
            Mode::Reading(_) => self.read(key),
        }
    }

    fn resize(&mut self, size: (u16, u16)) {
        // A small screen shows the list first.
        let had_room = has_room(self.size.0, self.size.1);
        if had_room != has_room(size.0, size.1) {
            self.is_preview_wanted = !had_room;
        }
        self.size = size;
    }

    fn add(&mut self, rows: Vec<Row>) {
        self.hold();
        self.rows.extend(rows.into_iter().filter(|row| self.known.insert(row.id)));
    }

    /// Takes in rows that changed.
    fn replace(&mut self, said: String, rows: Vec<Row>) {
        self.is_busy = false;
        self.notice = Some(said);
        for mut row in rows {
            if let Some(known) = self.rows.iter_mut().find(|known| known.id == row.id) {
                row.subagents = known.subagents;
                *known = row;
            }
        }
        self.hold();
        self.sieve.again();
        self.preview.asked = None;
    }

    fn remove(&mut self, ids: &[SessionId]) {
        self.is_busy = false;
        let gone: Vec<&Row> = self.rows.iter().filter(|row| ids.contains(&row.id)).collect();
        self.notice = Some(match gone.as_slice() {
            [one] => format!("Deleted “{}”. ^Z brings it back.", brief::fit(&one.title, 40)),
            many => format!("Deleted {} sessions. ^Z brings them back.", many.len()),
        });
        self.deleted.push(gone.iter().map(|row| row.id).collect());
        self.rows.retain(|row| !ids.contains(&row.id));
        self.marked.retain(|id| !ids.contains(id));
        self.known.retain(|id| !ids.contains(id));
        self.held = None;
        self.sieve.again();
    }

    fn bring_back(&mut self, rows: Vec<Row>) {
        self.is_busy = false;
        self.deleted.pop();
        let count = brief::count(rows.len() as u64, "session");
        self.notice = Some(format!("Brought back {count}."));
        let first = self.rows.len();
        self.add(rows);
        self.held = Some(first).filter(|first| *first < self.rows.len());
    }

    /// Begins to filter anew.
    fn sift(&mut self) {
        self.sieve.reset(&self.typed, self.order);
    }

    /// Keeps the selected row selected, unless it is the first: then the first is.
    fn hold(&mut self) {
        if self.held.is_none() && self.cursor > 0 {
            self.held = self.sieve.place(self.cursor);
        }
    }

    /// Puts the cursor on the row that is held, and both into sight.
    fn settle(&mut self) {
        if let Some(number) = self.held.and_then(|place| self.sieve.number_of(place)) {
            self.cursor = number;
        }
        if !self.is_behind() {
            self.held = None;
        }
        self.cursor = self.cursor.min(self.sieve.count().saturating_sub(1));
        let height = usize::from(self.panes().list.height).max(1);
        // No empty lines at the end while there are rows above.
        let lowest = self.sieve.count().saturating_sub(height);
        self.top = self.top.min(lowest).min(self.cursor);
        self.top = self.top.max((self.cursor + 1).saturating_sub(height));
    }

    /// Asks for the preview of the selected row, if it is to be seen and was not asked for.
    fn wanted_preview(&mut self) -> Option<Effect> {
        let width = self.panes().preview.width;
        let wanted = self.selected().map(|row| (row.id, width)).filter(|_| width > 0)?;
        if self.preview.asked == Some(wanted) {
            return None;
        }
        if self.preview.asked.is_none_or(|(id, _)| id != wanted.0) {
            self.preview.scroll = 0;
        }
        self.preview.asked = Some(wanted);
        Some(Effect::Do(Job::Preview { id: wanted.0, width }))
    }
}
