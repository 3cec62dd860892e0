//! The rows that are known: others come, and what is done to sessions changes them.

use crate::cli::brief;
use crate::cli::picker::row::Row;
use crate::cli::picker::state::State;
use crate::session::SessionId;

impl State {
    /// All rows that are known, of the filter and of the search; some twice.
    pub(super) fn all_rows(&self) -> impl Iterator<Item = &Row> {
        let found = self.search.iter().flat_map(|search| &search.found).map(|found| &found.row);
        self.rows.iter().chain(found)
    }

    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.hold();
        self.rows.extend(rows.into_iter().filter(|row| self.known.insert(row.id)));
    }

    /// Takes in rows that changed.
    pub(super) fn replace(&mut self, said: String, rows: Vec<Row>) {
        self.is_busy = false;
        self.notice = Some(said);
        for mut row in rows {
            let found = self.search.iter_mut().flat_map(|search| &mut search.found);
            let all = self.rows.iter_mut().chain(found.map(|found| &mut found.row));
            for known in all.filter(|known| known.id == row.id) {
                row.subagents = known.subagents;
                *known = row.clone();
            }
        }
        self.hold();
        self.sieve.again();
        self.preview.asked = None;
    }

    pub(super) fn remove(&mut self, ids: &[SessionId]) {
        self.is_busy = false;
        let mut gone: Vec<&Row> = Vec::new();
        for row in self.all_rows().filter(|row| ids.contains(&row.id)) {
            if gone.iter().all(|other| other.id != row.id) {
                gone.push(row);
            }
        }
        let notice = match gone.as_slice() {
            [one] => format!("Deleted “{}”. ^Z brings it back.", brief::fit(&one.title, 40)),
            many => format!("Deleted {} sessions. ^Z brings them back.", many.len()),
        };
        let gone = gone.iter().map(|row| row.id).collect();
        self.notice = Some(notice);
        self.deleted.push(gone);
        if let Some(search) = &mut self.search {
            let before = search.found.len();
            search.found.retain(|found| !ids.contains(&found.row.id));
            search.total -= (before - search.found.len()) as u64;
        }
        self.rows.retain(|row| !ids.contains(&row.id));
        self.marked.retain(|id| !ids.contains(id));
        self.known.retain(|id| !ids.contains(id));
        self.held = None;
        self.sieve.again();
    }

    pub(super) fn bring_back(&mut self, rows: Vec<Row>) {
        self.is_busy = false;
        self.deleted.pop();
        let count = brief::count(rows.len() as u64, "session");
        self.notice = Some(format!("Brought back {count}."));
        let first = self.rows.len();
        self.add(rows);
        self.held = Some(first).filter(|first| *first < self.rows.len() && self.search.is_none());
        self.search_again();
    }

    /// Keeps the selected row selected, unless it is the first: then the first is.
    fn hold(&mut self) {
        if self.held.is_none() && self.cursor > 0 && self.search.is_none() {
            self.held = self.sieve.place(self.cursor);
        }
    }
}
