//! The search in the texts: a query that is typed, and the sessions that it found.

use crate::cli::picker::job::Asked;
use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Found;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Refusal;
use crate::cli::picker::job::Spot;
use crate::cli::picker::keys::Key;
use crate::cli::picker::state::State;
use crate::session::SessionId;

/// A search, as far as it is.
#[derive(Debug, Default)]
pub(in crate::cli::picker) struct Search {
    /// What was typed.
    pub(in crate::cli::picker) typed: String,
    /// What was asked for last, and whether the answer came.
    asked: Option<(Asked, bool)>,
    /// The last query that could be read.
    query: String,
    /// What it found, the best first; as much of it as was wanted.
    pub(super) found: Vec<Found>,
    /// How many sessions match.
    pub(super) total: u64,
    /// What is wrong with what was typed.
    pub(in crate::cli::picker) refusal: Option<Refusal>,
    /// How far it is, if it takes long.
    pub(in crate::cli::picker) progress: Option<String>,
    /// The hit of a session that was gone to; of all others it is the best.
    at: Option<(SessionId, usize)>,
    /// What was selected before.
    before: Option<SessionId>,
}

impl Search {
    /// Whether all that was asked for is there.
    pub(in crate::cli::picker) fn is_done(&self) -> bool {
        self.asked.as_ref().is_none_or(|(_, is_answered)| *is_answered)
    }

    /// The number of the hit that is shown of a session.
    pub(in crate::cli::picker) fn hit_of(&self, found: &Found) -> usize {
        self.at.filter(|(id, _)| *id == found.row.id).map_or(found.best, |(_, hit)| hit)
    }

    /// What is to be asked for next.
    fn wanted(&mut self, only_here: bool, seen: usize) -> Option<Asked> {
        let query = self.typed.trim().to_owned();
        if query.is_empty() {
            (self.asked, self.refusal, self.progress) = (None, None, None);
            (self.total, self.found) = (0, Vec::new());
            return None;
        }
        let is_same = |asked: &Asked| asked.query == query && asked.only_here == only_here;
        let offset = match &self.asked {
            Some((asked, is_answered)) if is_same(asked) => {
                let there = self.found.len() as u64;
                let is_at_end = seen >= self.found.len() && there < self.total;
                if !is_answered || self.refusal.is_some() || !is_at_end {
                    return None;
                }
                there
            }
            _ => 0,
        };
        Some(Asked { query, only_here, offset })
    }
}

impl State {
    /// Begins a search with what was typed into the filter.
    pub(super) fn open_search(&mut self) {
        let before = self.selected().map(|row| row.id);
        self.search = Some(Search { typed: self.typed.clone(), before, ..Search::default() });
        self.select_first();
    }

    /// Goes back to the filter, and to what was selected there.
    pub(super) fn close_search(&mut self) {
        let before = self.search.take().and_then(|search| search.before);
        self.select_first();
        let numbers = 0..self.counts().0;
        let place = |id| numbers.into_iter().find(|n| self.row(*n).is_some_and(|it| it.id == id));
        self.cursor = before.and_then(place).unwrap_or(0);
    }

    /// Takes in what was found.
    pub(super) fn found(&mut self, asked: &Asked, found: Vec<Found>, total: u64) {
        let Some(search) = self.answered(asked) else { return };
        search.refusal = None;
        search.total = total;
        search.query.clone_from(&asked.query);
        if asked.offset == 0 {
            search.found = found;
            search.at = None;
            self.select_first();
        } else if found.is_empty() {
            // Others were deleted meanwhile.
            search.total = search.found.len() as u64;
        } else {
            let is_there = |id| search.found.iter().any(|there| there.row.id == id);
            let mut more: Vec<Found> =
                found.into_iter().filter(|it| !is_there(it.row.id)).collect();
            search.found.append(&mut more);
        }
    }

    /// Takes in what is wrong with what was asked for.
    pub(super) fn refused(&mut self, asked: &Asked, refusal: Refusal) {
        if let Some(search) = self.answered(asked) {
            search.refusal = Some(refusal);
        }
    }

    /// The search, if that is what it waits for.
    fn answered(&mut self, asked: &Asked) -> Option<&mut Search> {
        let search = self.search.as_mut()?;
        let (_, is_answered) = search.asked.as_mut().filter(|(last, _)| last == asked)?;
        *is_answered = true;
        search.progress = None;
        Some(search)
    }

    /// Has the search done once more: what it found may have changed.
    pub(super) fn search_again(&mut self) {
        if let Some(search) = &mut self.search {
            search.asked = None;
        }
    }

    /// Asks for what was typed, and for more of it where the end of the list is in sight.
    pub(super) fn wanted_search(&mut self) -> Option<Effect> {
        let seen = self.top + self.rows_in_sight();
        let only_here = self.order.only_here;
        let search = self.search.as_mut()?;
        let asked = search.wanted(only_here, seen)?;
        search.asked = Some((asked.clone(), false));
        Some(Effect::Do(Job::Search(asked)))
    }

    /// Goes to the next hit of the selected session, or to the one before.
    pub(super) fn step(&mut self, key: Key) {
        let cursor = self.cursor;
        let Some(search) = &mut self.search else { return };
        let Some(found) = search.found.get(cursor).filter(|it| !it.hits.is_empty()) else { return };
        let count = found.hits.len();
        let step = if key == Key::Sort { 1 } else { count - 1 };
        let next = (search.hit_of(found) + step) % count;
        search.at = Some((found.row.id, next));
    }

    /// The selected session's hit that is to be seen.
    pub(super) fn spot(&self) -> Option<Spot> {
        let search = self.search.as_ref()?;
        let found = search.found.get(self.cursor)?;
        let hit = found.hits.get(search.hit_of(found))?;
        Some(Spot { query: search.query.clone(), message: hit.message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::picker::job::Ending;
    use crate::cli::picker::job::Input;
    use crate::cli::picker::job::View;
    use crate::cli::picker::samples;
    use crate::cli::picker::state::Start;

    fn state() -> State {
        let mut state = State::new(Start::default(), (80, 24));
        state.update(Input::Rows(samples::rows()));
        state.update(Input::AllRows);
        state
    }

    fn press(state: &mut State, key: Key) -> Vec<Effect> {
        state.update(Input::Key(key))
    }

    fn typed(state: &mut State, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|letter| press(state, Key::Character(letter))).collect()
    }

    /// What is searched for because of it, the last.
    fn asked(effects: Vec<Effect>) -> Option<Asked> {
        effects.into_iter().rev().find_map(|effect| match effect {
            Effect::Do(Job::Search(asked)) => Some(asked),
            _ => None,
        })
    }

    fn query(text: &str) -> Asked {
        Asked { query: text.to_owned(), ..Asked::default() }
    }

    fn id(n: u8) -> SessionId {
        samples::summary(n).head.id
    }

    fn selected(state: &State) -> Option<SessionId> {
        state.selected().map(|row| row.id)
    }

    #[test]
    fn what_was_typed_is_searched_for_and_escape_leads_back_to_it() {
        let mut state = state();
        typed(&mut state, "queue");
        press(&mut state, Key::Down);
        let before = selected(&state);
        assert_eq!(asked(press(&mut state, Key::Search)), Some(query("queue")));
        assert_eq!(asked(typed(&mut state, " x")), Some(query("queue x")));
        state.update(Input::Found(query("queue x"), vec![samples::found(3, &[1])], 1));
        assert_eq!((selected(&state), state.counts()), (Some(id(3)), (1, 1)));
        press(&mut state, Key::Escape);
        assert_eq!((state.typed.as_str(), selected(&state)), ("queue", before));
        assert!(state.search.is_none());
    }

    #[test]
    fn answers_to_what_was_typed_before_are_left_alone_and_enter_waits_for_the_right_one() {
        let mut state = state();
        press(&mut state, Key::Search);
        typed(&mut state, "ab");
        state.update(Input::Found(query("a"), vec![samples::found(3, &[1])], 1));
        assert_eq!(state.counts(), (0, 0));
        assert!(state.is_waiting());
        assert_eq!(press(&mut state, Key::Enter), []);
        assert!(state.notice.as_deref().is_some_and(|said| said.contains("not done")));
        state.update(Input::Found(query("ab"), vec![samples::found(2, &[1])], 1));
        let resumed = Effect::End(Ending::Resume { id: id(2), agent: None });
        assert_eq!(press(&mut state, Key::Enter), [resumed]);
    }

    #[test]
    fn the_preview_shows_the_best_hit_and_others_can_be_gone_to() {
        let mut state = state();
        press(&mut state, Key::Search);
        typed(&mut state, "lost");
        let found = vec![samples::found(0, &[3, 7, 9]), samples::found(1, &[2])];
        let preview = |message| {
            let spot = Some(Spot { query: "lost".to_owned(), message: Some(message) });
            vec![Effect::Do(Job::Preview(View { id: id(0), width: 80, spot }))]
        };
        assert_eq!(state.update(Input::Found(query("lost"), found, 2)), preview(7));
        assert_eq!(press(&mut state, Key::Sort), preview(9));
        assert_eq!(press(&mut state, Key::Sort), preview(3), "after the last comes the first");
        assert_eq!(press(&mut state, Key::Reverse), preview(9));
        press(&mut state, Key::Down);
        assert_eq!(press(&mut state, Key::Up), preview(9), "it stays where one was");
        assert_eq!(state.order.sort, crate::repository::SortKey::Modified, "nothing is sorted");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_leaves_the_list_alone() {
        let mut state = state();
        press(&mut state, Key::Search);
        typed(&mut state, "lost");
        state.update(Input::Found(query("lost"), vec![samples::found(0, &[3])], 1));
        typed(&mut state, " OR");
        let refusal = Refusal { why: "OR stands between two terms".to_owned(), span: 5..7 };
        state.update(Input::Refused(query("lost OR"), refusal.clone()));
        let search = state.search.as_ref().expect("it is open");
        assert_eq!((search.refusal.as_ref(), search.is_done()), (Some(&refusal), true));
        assert_eq!(state.counts(), (1, 1));
        typed(&mut state, " x");
        state.update(Input::Found(query("lost OR x"), Vec::new(), 0));
        assert_eq!(state.search.as_ref().and_then(|search| search.refusal.as_ref()), None);
        press(&mut state, Key::EraseAll);
        assert_eq!(state.search.as_ref().map(Search::is_done), Some(true), "nothing is asked for");
    }

    #[test]
    fn more_is_asked_for_at_the_end_of_the_list_and_comes_but_once() {
        let mut state = state();
        press(&mut state, Key::Search);
        typed(&mut state, "lost");
        let found: Vec<Found> = (0..6).map(|n| samples::found(n, &[3])).collect();
        let effects = state.update(Input::Found(query("lost"), found.clone(), 8));
        assert_eq!(asked(effects), None, "the end is not in sight");
        let more = Asked { offset: 6, ..query("lost") };
        assert_eq!(asked(press(&mut state, Key::Last)), Some(more.clone()));
        assert_eq!(asked(press(&mut state, Key::Up)), None, "once");
        let rest = vec![found[5].clone(), samples::found(6, &[3]), samples::found(7, &[1])];
        assert_eq!(asked(state.update(Input::Found(more, rest, 8))), None);
        assert_eq!((state.counts(), state.cursor), ((8, 8), 4));
    }

    #[test]
    fn the_scope_is_heeded_and_what_is_done_is_seen_at_once() {
        let mut state = state();
        press(&mut state, Key::Search);
        typed(&mut state, "lost");
        let here = Asked { only_here: true, ..query("lost") };
        assert_eq!(asked(press(&mut state, Key::Scope)), Some(here.clone()));
        // The second is one that the filter does not list.
        let found = vec![samples::found(0, &[3]), samples::found(9, &[1])];
        state.update(Input::Found(here.clone(), found, 2));
        press(&mut state, Key::Down);
        let pin = Effect::Do(Job::Pin { ids: vec![id(9)], is_pinned: true });
        assert_eq!(press(&mut state, Key::Pin), [pin]);
        let mut pinned = samples::summary(9);
        pinned.head.pinned = true;
        state.update(Input::Done("Pinned.".to_owned(), vec![samples::row(&pinned)]));
        assert!(state.selected().is_some_and(|row| row.is_pinned));
        state.update(Input::Deleted(vec![id(9)]));
        assert_eq!((selected(&state), state.counts()), (Some(id(0)), (1, 1)));
        let effects = state.update(Input::Undeleted(vec![samples::row(&pinned)]));
        assert_eq!(asked(effects), Some(here), "it is searched for once more");
    }
}
