//! Searching: which sessions hold what is asked for, the best first, with their best hits.
//!
//! The index gives candidates, row by row; what it cannot decide is looked up in the text, session
//! by session, up to the first true hit. What it does not know at all is looked for in every text
//! (`scan.rs`). A session matches when each clause of the query holds somewhere in it.
//!
//! Ranking: bm25 of each row, the head weighing more than talk, and talk more than tools; the best
//! row of a session counts whole, so that terms in one message come before terms far apart; what is
//! recent before what is old.

use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::Range;

use chrono::DateTime;
use chrono::Utc;
use rusqlite::Connection;
use rusqlite::params;

use crate::index::Error;
use crate::index::Filter;
use crate::index::Index;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Summary;
use crate::index::database::failed;
use crate::index::found::Found;
use crate::index::found::FoundSession;
use crate::index::found::Hit;
use crate::index::found::Scope;
use crate::index::found::SearchOptions;
use crate::index::list;
use crate::index::query::Query;
use crate::index::row_reader::RowReader;
use crate::index::scan;
use crate::index::snippet::Snippet;
use crate::index::snippet::snippet;
use crate::index::terms::Matcher;
use crate::index::terms::Term;
use crate::index::texts::Spot;
use crate::index::texts::first_row;
use crate::index::texts::whole_row;
use crate::session::Head;
use crate::session::Part;
use crate::store::Store;

/// What a row's match weighs by the part it is in: head, talk, tools.
pub(super) const WEIGHTS: [f64; 3] = [6.0, 3.0, 1.0];
/// Scores below come from a term that SQLite gives no weight.
const MILLIONTHS: f64 = 1e-4;
/// What a term weighs that stands in more than half of all rows.
const COMMON: f64 = 0.05;
/// How much the best rows of the single terms count beside the best row of all.
const SPREAD: f64 = 0.2;
/// After so many days a session counts half of what it would today.
const HALF_LIFE_DAYS: f64 = 365.0;
/// The least that is left of a score, however old the session is.
const OLDEST: f64 = 0.5;
/// So many rows are looked at for each hit that is to be shown: others may be no true ones.
const TRIES: usize = 8;
/// So many matches of a text are looked at.
const MOST_MATCHES: usize = 64;

impl Index {
    /// The sessions that match, best first. The full text must be up to date.
    pub fn search(
        &self,
        store: &Store,
        query: &Query,
        options: &SearchOptions,
    ) -> Result<Found, Error> {
        let seeker = Seeker::of(&self.connection, store, query, options)?;
        let ranked = seeker.ranked()?;
        let total = ranked.len() as u64;
        let offset = usize::try_from(options.page.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(options.page.limit).unwrap_or(usize::MAX);
        let mut sessions = Vec::new();
        for (key, score) in ranked.into_iter().skip(offset).take(limit) {
            let summary = list::summary_of(&self.connection, key).map_err(reading())?;
            let hits = seeker.hits(key, &summary.head, score)?;
            sessions.push(FoundSession { summary, score, hits });
        }
        Ok(Found { total, sessions })
    }

    /// As [`Index::list`], of the sessions whose text matches too. The full text must be up to date.
    pub fn list_matching(
        &self,
        store: &Store,
        query: &Query,
        filter: &Filter,
        (sort, is_reversed): (SortKey, bool),
        page: Page,
    ) -> Result<(Vec<Summary>, u64), Error> {
        let options = SearchOptions {
            scope: Scope::All,
            filter: filter.clone(),
            page,
            hits: 0,
            now: DateTime::UNIX_EPOCH,
        };
        let keys = Seeker::of(&self.connection, store, query, &options)?.matching()?;
        list::page_of(&self.connection, filter, Some(&keys), (sort, is_reversed), page)
    }
}

fn reading() -> impl FnOnce(rusqlite::Error) -> Error {
    failed("cannot search the index")
}

fn best_first(rows: &mut [(i64, f64)]) {
    rows.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
}

/// A term with the rows that it may be in.
struct Sought {
    matcher: Matcher,
    /// By number of row.
    rows: Vec<(i64, f64)>,
    /// Whether each row holds the term; else they must be looked at.
    is_certain: bool,
}

impl Sought {
    fn rows_of(&self, key: i64) -> &[(i64, f64)] {
        let place = |row: i64| self.rows.partition_point(|(other, _)| *other < row);
        &self.rows[place(first_row(key))..place(first_row(key + 1))]
    }

    fn keys(&self) -> HashSet<i64> {
        self.rows.iter().map(|(row, _)| Spot::of_row(*row).key).collect()
    }
}

/// A clause with what is known of its terms.
struct SoughtClause {
    any: Vec<Sought>,
    is_not: bool,
}

/// One search.
struct Seeker<'i> {
    connection: &'i Connection,
    store: &'i Store,
    scope: Scope,
    most_hits: usize,
    now: DateTime<Utc>,
    clauses: Vec<SoughtClause>,
    /// The sessions that the filter leaves; none: all.
    allowed: Option<HashSet<i64>>,
    reader: RowReader<'i>,
}

impl<'i> Seeker<'i> {
    fn of(
        connection: &'i Connection,
        store: &'i Store,
        query: &Query,
        options: &SearchOptions,
    ) -> Result<Self, Error> {
        let mut seeker = Self {
            connection,
            store,
            scope: options.scope,
            most_hits: options.hits,
            now: options.now,
            clauses: Vec::new(),
            allowed: list::keys_that_match(connection, &options.filter).map_err(reading())?,
            reader: RowReader::new(connection, store),
        };
        // What must be looked for in every text is looked for last, in the sessions left by then.
        let is_known = |term: &Term| term.phrase_of_index().is_some();
        let (known, unknown): (Vec<_>, Vec<_>) =
            query.clauses.iter().partition(|clause| clause.any.iter().all(is_known));
        for clause in known.into_iter().chain(unknown) {
            let mut any = Vec::with_capacity(clause.any.len());
            for term in &clause.any {
                any.push(seeker.sought(term)?);
            }
            seeker.clauses.push(SoughtClause { any, is_not: clause.is_not });
        }
        Ok(seeker)
    }

    fn sought(&self, term: &Term) -> Result<Sought, Error> {
        let matcher = term.matcher();
        if let Some(phrase) = term.phrase_of_index() {
            let rows = self.rows(&phrase).map_err(reading())?;
            return Ok(Sought { matcher, rows, is_certain: term.is_certain() });
        }
        let left = self.left();
        let rows = scan::scan(self.connection, self.store, &matcher, self.scope, left.as_ref())?;
        Ok(Sought { matcher, rows, is_certain: true })
    }

    /// The rows that hold a phrase of the index, with their scores.
    fn rows(&self, phrase: &str) -> rusqlite::Result<Vec<(i64, f64)>> {
        let scoped = match self.scope {
            Scope::All => phrase.to_owned(),
            Scope::Talk => format!("{{about talk}} : {phrase}"),
            Scope::Tools => format!("tools : {phrase}"),
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT rowid, bm25(texts, ?2, ?3, ?4) FROM texts WHERE texts MATCH ?1",
        )?;
        let [about, talk, tools] = WEIGHTS;
        let rows = statement.query_map(params![scoped, about, talk, tools], |row| {
            let score: f64 = row.get(1)?;
            Ok((whole_row(row.get(0)?), -score))
        })?;
        let mut rows: Vec<(i64, f64)> = rows.collect::<rusqlite::Result<_>>()?;
        // Of a long text the best piece counts.
        rows.sort_by_key(|(row, _)| *row);
        rows.dedup_by(|later, best| {
            let is_same = later.0 == best.0;
            best.1 = if is_same { best.1.max(later.1) } else { best.1 };
            is_same
        });
        // What stands in more than half of all rows weighs a millionth in SQLite: too little to
        // tell talk from tools beside any other term.
        if rows.iter().all(|(_, score)| *score < MILLIONTHS) {
            rows.iter_mut().for_each(|(_, score)| *score *= COMMON / 1e-6);
        }
        Ok(rows)
    }

    /// The sessions that may match by what is known so far; none: all.
    fn left(&self) -> Option<HashSet<i64>> {
        let mut left = self.allowed.clone();
        for clause in self.clauses.iter().filter(|clause| !clause.is_not) {
            let mut keys = HashSet::new();
            clause.any.iter().for_each(|sought| keys.extend(sought.keys()));
            left = Some(match left {
                Some(left) => left.intersection(&keys).copied().collect(),
                None => keys,
            });
        }
        for clause in self.clauses.iter().filter(|clause| clause.is_not) {
            for sought in clause.any.iter().filter(|sought| sought.is_certain) {
                let keys = sought.keys();
                left.iter_mut().for_each(|left| left.retain(|key| !keys.contains(key)));
            }
        }
        left
    }

    /// The sessions that match.
    fn matching(&self) -> Result<HashSet<i64>, Error> {
        let mut matching = HashSet::new();
        'sessions: for key in self.left().unwrap_or_default() {
            for clause in &self.clauses {
                if self.holds(clause, key)? == clause.is_not {
                    continue 'sessions;
                }
            }
            matching.insert(key);
        }
        Ok(matching)
    }

    /// Whether a term of the clause is in the session.
    fn holds(&self, clause: &SoughtClause, key: i64) -> Result<bool, Error> {
        let is_certain = |sought: &&Sought| sought.is_certain && !sought.rows_of(key).is_empty();
        if clause.any.iter().any(|sought| is_certain(&sought)) {
            return Ok(true);
        }
        for sought in clause.any.iter().filter(|sought| !sought.is_certain) {
            let mut rows = sought.rows_of(key).to_vec();
            // The best first: it is the one that will be shown.
            best_first(&mut rows);
            for (row, _) in rows {
                if self.is_in(&sought.matcher, Spot::of_row(row))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_in(&self, matcher: &Matcher, spot: Spot) -> Result<bool, Error> {
        let mut is_in = false;
        self.reader.each_text(spot, &mut |part, _, text| {
            is_in = is_in || (self.scope.holds(part) && matcher.is_in(text));
        })?;
        Ok(is_in)
    }

    /// The sessions that match with their scores, the best first.
    fn ranked(&self) -> Result<Vec<(i64, f64)>, Error> {
        let mut ranked = Vec::new();
        for key in self.matching()? {
            let modified = list::modified(self.connection, key).map_err(reading())?;
            let score = self.score(key) * self.recency(modified);
            ranked.push((key, score, modified));
        }
        ranked.sort_by(|left, right| {
            right.1.total_cmp(&left.1).then(right.2.cmp(&left.2)).then(left.0.cmp(&right.0))
        });
        Ok(ranked.into_iter().map(|(key, score, _)| (key, score)).collect())
    }

    fn wanted(&self) -> impl Iterator<Item = &Sought> {
        self.clauses.iter().filter(|clause| !clause.is_not).flat_map(|clause| &clause.any)
    }

    /// The rows of a session with the sum of what their terms score.
    fn rows_of(&self, key: i64) -> HashMap<i64, f64> {
        let mut rows = HashMap::new();
        for (row, score) in self.wanted().flat_map(|sought| sought.rows_of(key)) {
            *rows.entry(*row).or_default() += score;
        }
        rows
    }

    fn score(&self, key: i64) -> f64 {
        let best = self.rows_of(key).into_values().fold(0.0, f64::max);
        let single = |sought: &Sought| {
            sought.rows_of(key).iter().map(|(_, score)| *score).fold(0.0, f64::max)
        };
        best + SPREAD * self.wanted().map(single).sum::<f64>()
    }

    fn recency(&self, modified: Option<i64>) -> f64 {
        let Some(modified) = modified.and_then(DateTime::from_timestamp_micros) else {
            return OLDEST;
        };
        let days = (self.now - modified).as_seconds_f64().max(0.0) / 86_400.0;
        OLDEST + (1.0 - OLDEST) * (-days / HALF_LIFE_DAYS).exp2()
    }

    /// The best hits of a session that scores that much.
    fn hits(&self, key: i64, head: &Head, score: f64) -> Result<Vec<Hit>, Error> {
        let mut rows: Vec<(i64, f64)> = self.rows_of(key).into_iter().collect();
        best_first(&mut rows);
        let best = rows.first().map_or(1.0, |(_, score)| score.max(f64::MIN_POSITIVE));
        let mut hits = Vec::new();
        for (tries, (row, row_score)) in rows.into_iter().enumerate() {
            let is_enough = tries >= self.most_hits * TRIES && !hits.is_empty();
            if is_enough || hits.len() == self.most_hits {
                break;
            }
            let hit = self.hit(Spot::of_row(row), head, score * row_score / best)?;
            hits.extend(hit);
        }
        Ok(hits)
    }

    /// What stands at a row; none: it was no true hit.
    fn hit(&self, spot: Spot, head: &Head, score: f64) -> Result<Option<Hit>, Error> {
        let mut best: Option<(usize, Part, Option<&'static str>, Snippet)> = None;
        self.reader.each_text_of(spot, head, &mut |part, field, text| {
            if !self.scope.holds(part) {
                return;
            }
            let mut matches: Vec<Range<usize>> = Vec::new();
            let mut terms = 0;
            for sought in self.wanted() {
                let found = sought.matcher.find(text, MOST_MATCHES);
                terms += usize::from(!found.is_empty());
                matches.extend(found);
            }
            if terms > best.as_ref().map_or(0, |best| best.0) {
                best = Some((terms, part, field, snippet(text, matches)));
            }
        })?;
        let Some((_, part, field, snippet)) = best else { return Ok(None) };
        let (mut message, mut role, mut at) = (None, None, None);
        if spot.chunk > 0 {
            message = self.reader.message_number(spot)?;
            if let Some(found) = self.reader.message(spot)? {
                at = found.envelope.at.as_ref().map(ToString::to_string);
                role = Some(found.role);
            }
        }
        Ok(Some(Hit { message, field, part, role, at, score, snippet }))
    }
}
