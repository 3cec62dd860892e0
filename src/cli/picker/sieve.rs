//! The filter: which rows match what was typed, the best first.
//!
//! It works in portions, so that a keystroke waits for no more than one of them, however many rows
//! there are; what it found so far can be shown at any moment.

use std::cmp::Reverse;

use nucleo_matcher::Config;
use nucleo_matcher::Matcher;
use nucleo_matcher::Utf32String;
use nucleo_matcher::pattern::CaseMatching;
use nucleo_matcher::pattern::Normalization;
use nucleo_matcher::pattern::Pattern;

use crate::cli::picker::row::Rank;
use crate::cli::picker::row::Row;
use crate::repository::SortKey;

/// The rows of a portion.
const PORTION: usize = 4_000;

/// What a character that was typed must score on average: letters that are strewn over a long
/// text are no match that anybody meant.
const LEAST: u32 = 17;

/// Which rows are listed, and what comes first of those that match equally well.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    /// What they are sorted by.
    pub(super) sort: SortKey,
    /// Whether the order is turned around.
    pub(super) is_reversed: bool,
    /// Whether those of other folders are left out.
    pub(super) only_here: bool,
}

/// Rows that match.
pub(super) struct Sieve {
    matcher: Matcher,
    pattern: Pattern,
    least: u32,
    order: Order,
    seen: usize,
    matched: Vec<((Reverse<u32>, Rank), usize)>,
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sieve").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Sieve {
    /// One that lets everything pass.
    pub(super) fn new() -> Self {
        Self {
            matcher: Matcher::new(Config::DEFAULT.match_paths()),
            pattern: Pattern::default(),
            least: 0,
            order: Order::default(),
            seen: 0,
            matched: Vec::new(),
        }
    }

    /// Begins anew with what was typed.
    pub(super) fn reset(&mut self, typed: &str, order: Order) {
        self.pattern.reparse(typed, CaseMatching::Smart, Normalization::Smart);
        // What is only to be left out scores nothing where it is not.
        let words = typed.split_whitespace().filter(|word| !word.starts_with('!'));
        let bare = words.map(|word| word.trim_start_matches(['\'', '^']).trim_end_matches('$'));
        let letters: usize = bare.map(|word| word.chars().count()).sum();
        self.least = u32::try_from(letters).unwrap_or(u32::MAX).saturating_mul(LEAST);
        self.order = order;
        self.again();
    }

    /// Begins anew with other rows.
    pub(super) fn again(&mut self) {
        self.seen = 0;
        self.matched.clear();
    }

    /// Whether there are rows that were not looked at.
    pub(super) fn is_behind(&self, rows: &[Row]) -> bool {
        self.seen < rows.len()
    }

    /// Looks at a portion more.
    pub(super) fn advance(&mut self, rows: &[Row]) {
        let order = self.order;
        let end = rows.len().min(self.seen + PORTION);
        for (place, row) in rows.iter().enumerate().take(end).skip(self.seen) {
            if order.only_here && !row.is_here {
                continue;
            }
            let score = self.pattern.score(row.haystack.slice(..), &mut self.matcher);
            if let Some(score) = score.filter(|score| *score >= self.least) {
                let rank = row.rank(order.sort, order.is_reversed);
                self.matched.push(((Reverse(score), rank), place));
            }
        }
        self.seen = end;
        // A stable sort is quick where most is sorted already.
        self.matched.sort_by_key(|(rank, _)| *rank);
    }

    /// How many rows match.
    pub(super) fn count(&self) -> usize {
        self.matched.len()
    }

    /// The place among all rows of the `n`th that matches.
    pub(super) fn place(&self, n: usize) -> Option<usize> {
        self.matched.get(n).map(|(_, place)| *place)
    }

    /// The number among those that match of the row at a place.
    pub(super) fn number_of(&self, place: usize) -> Option<usize> {
        self.matched.iter().position(|(_, it)| *it == place)
    }

    /// The characters of a text that match, by number.
    pub(super) fn hits(&mut self, text: &Utf32String) -> Vec<u32> {
        let mut hits = Vec::new();
        if !self.pattern.atoms.is_empty() {
            self.pattern.indices(text.slice(..), &mut self.matcher, &mut hits);
        }
        hits.sort_unstable();
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::picker::samples::rows;

    fn found(typed: &str, rows: &[Row]) -> Vec<String> {
        let mut sieve = Sieve::new();
        sieve.reset(typed, Order::default());
        while sieve.is_behind(rows) {
            sieve.advance(rows);
        }
        let places = (0..sieve.count()).filter_map(|n| sieve.place(n));
        places.map(|place| rows[place].title.clone()).collect()
    }

    #[test]
    fn nothing_typed_lets_everything_pass_here_first() {
        let rows = rows();
        assert_eq!(found("", &rows).len(), rows.len());
        assert!(rows.iter().any(|row| row.is_here && row.title == found("", &rows)[0]));
    }

    #[test]
    fn letters_match_in_order_and_words_in_any() {
        let rows = rows();
        assert_eq!(found("logn", &rows), ["Fix the login redirect"]);
        assert_eq!(found("redirect login", &rows), ["Fix the login redirect"]);
        assert_eq!(found("xyzzy", &rows), Vec::<String>::new());
    }

    #[test]
    fn letters_strewn_over_a_text_are_no_match() {
        assert_eq!(found("oic", &rows()), Vec::<String>::new());
    }

    #[test]
    fn it_works_in_portions_and_comes_to_the_same() {
        let some = rows();
        let many: Vec<Row> = (0..PORTION * 2 + 7).map(|n| some[n % some.len()].clone()).collect();
        let mut sieve = Sieve::new();
        sieve.reset("login", Order::default());
        let mut steps = 0;
        while sieve.is_behind(&many) {
            sieve.advance(&many);
            steps += 1;
        }
        assert_eq!(steps, 3);
        let login = many.iter().filter(|row| row.title.contains("login")).count();
        assert_eq!(sieve.count(), login);
    }
}
