//! The query language: what was typed becomes clauses that must all hold in a session.
//!
//! ```text
//! login redirect        both, anywhere in the session
//! "login redirect"      the words behind one another
//! -logout -"log out"    not in the session
//! login OR signin       one of them; OR binds the two beside it more tightly than a blank
//! log*                  words that begin so
//! src/main.rs  a::b  --flag  "x == y"     punctuation is matched as it stands
//! agent:codex model:opus since:"last week" in:~/src/x     filters
//! -tag:private          not what the filter matches
//! ```
//!
//! Pure. What filters mean is not known here: they are handed on, name and value.

use std::ops::Range;

use crate::index::FilterField;
use crate::index::terms::Term;

/// The most terms and filters of a query: each is compared with each.
const MOST_TERMS: usize = 1_000;

/// What is wanted of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// All of these must hold.
    pub clauses: Vec<Clause>,
    /// Filters, in the order they were typed.
    pub fields: Vec<Field>,
}

/// One of the terms must be in the session, or none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The terms.
    pub any: Vec<Term>,
    /// The session must have none.
    pub is_not: bool,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as [`FilterField::find`] knows it.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
    /// Sessions must not have it.
    pub is_not: bool,
    /// Its characters in the query.
    pub span: Range<usize>,
}

impl Field {
    /// That its value is not understood, and why.
    pub fn refused(&self, why: String) -> QueryError {
        QueryError { problem: Problem::Field(why), span: self.span.clone() }
    }
}

/// Why a text is no query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (character {})", .span.start + 1)]
pub struct QueryError {
    /// What is wrong.
    pub problem: Problem,
    /// The characters of the query that it is about.
    pub span: Range<usize>,
}

/// What can be wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is nothing to look for.
    #[error("the query has no word to look for")]
    Nothing,
    /// A quote is not closed.
    #[error("the quote is not closed")]
    OpenQuote,
    /// There are too many terms.
    #[error("the query has more than {MOST_TERMS} terms")]
    Many,
    /// There is nothing between two quotes, or behind a minus.
    #[error("there is nothing to look for")]
    Empty,
    /// `OR` does not stand between two terms.
    #[error("OR stands between two terms")]
    LoneOr,
    /// A term beside `OR` is taken away, or is a filter.
    #[error("beside OR stands a word or a phrase, no filter and nothing taken away")]
    OddOr,
    /// Something else where only filters can be.
    #[error("only filters can stand here, written name:value, as in tag:work")]
    NoField,
    /// A filter without a value.
    #[error("the filter has no value; it is written name:value")]
    NoValue,
    /// Only what must not be there.
    #[error("a query needs a word to look for, not only what to leave out")]
    OnlyNot,
    /// It is no regular expression.
    #[error("{0}")]
    Pattern(String),
    /// The filter is not understood.
    #[error("{0}")]
    Field(String),
}

impl Query {
    /// Reads a query in the language of this module.
    ///
    /// # Errors
    /// What is wrong, and at which characters.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse(text)
    }

    /// A piece of text, to the letter, letter case included.
    ///
    /// # Errors
    /// It is empty.
    pub fn exact(text: &str) -> Result<Self, QueryError> {
        let term = Term::exact(text);
        Self::single(term.ok_or(Problem::Nothing), text)
    }

    /// Filters alone, in the language of this module.
    ///
    /// # Errors
    /// What is wrong, and at which characters.
    pub fn fields(text: &str) -> Result<Vec<Field>, QueryError> {
        let mut fields = Vec::new();
        for piece in Pieces::of(text) {
            let piece = piece?;
            match piece.what {
                What::Field(field) => fields.push(field),
                _ => return Err(QueryError { problem: Problem::NoField, span: piece.span }),
            }
        }
        if fields.is_empty() {
            let span = 0..text.chars().count();
            return Err(QueryError { problem: Problem::NoField, span });
        }
        Ok(fields)
    }

    /// A regular expression, in the syntax of the crate `regex`; `^` and `$` are ends of lines.
    ///
    /// # Errors
    /// It is none, or too large.
    pub fn regex(pattern: &str) -> Result<Self, QueryError> {
        match Term::pattern(pattern) {
            Ok(term) => Self::single(Ok(term), pattern),
            Err((problem, place)) => {
                let end = pattern.chars().count();
                let span = place.map_or(0..end, |place| place..place + 1);
                Err(QueryError { problem: Problem::Pattern(problem), span })
            }
        }
    }

    /// The bytes of a text that a wanted term matches, in order and apart from one another.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let wanted = self.clauses.iter().filter(|clause| !clause.is_not);
        let terms = wanted.flat_map(|clause| &clause.any);
        let mut found: Vec<Range<usize>> =
            terms.flat_map(|term| term.matcher().find(text, usize::MAX)).collect();
        found.sort_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    fn single(term: Result<Term, Problem>, text: &str) -> Result<Self, QueryError> {
        let span = 0..text.chars().count();
        let term = term.map_err(|problem| QueryError { problem, span })?;
        let clauses = vec![Clause { any: vec![term], is_not: false }];
        Ok(Self { clauses, fields: Vec::new() })
    }
}

fn parse(text: &str) -> Result<Query, QueryError> {
    let mut query = Query::default();
    // The span of an OR that still wants its right side.
    let mut open_or: Option<Range<usize>> = None;
    let mut may_join = false;
    for (number, piece) in Pieces::of(text).enumerate() {
        let piece = piece?;
        let at = |problem| QueryError { problem, span: piece.span.clone() };
        if number >= MOST_TERMS {
            return Err(at(Problem::Many));
        }
        match piece.what {
            What::Or if !may_join || open_or.is_some() => return Err(at(Problem::LoneOr)),
            What::Or => open_or = Some(piece.span),
            What::Field(_) if open_or.is_some() => return Err(at(Problem::OddOr)),
            What::Field(field) => {
                may_join = false;
                query.fields.push(field);
            }
            What::Term { is_not: true, .. } if open_or.is_some() => {
                return Err(at(Problem::OddOr));
            }
            What::Term { term, is_not } => {
                match query.clauses.last_mut().filter(|_| open_or.take().is_some()) {
                    Some(clause) => clause.any.push(term),
                    None => query.clauses.push(Clause { any: vec![term], is_not }),
                }
                may_join = !is_not;
            }
        }
    }
    if let Some(span) = open_or {
        return Err(QueryError { problem: Problem::LoneOr, span });
    }
    let problem = match query.clauses.as_slice() {
        [] => Problem::Nothing,
        clauses if clauses.iter().all(|clause| clause.is_not) => Problem::OnlyNot,
        _ => return Ok(query),
    };
    Err(QueryError { problem, span: 0..text.chars().count() })
}

/// A piece of a query, and its characters.
struct Piece {
    what: What,
    span: Range<usize>,
}

enum What {
    Or,
    Field(Field),
    Term { term: Term, is_not: bool },
}

/// The pieces of a query, from left to right.
struct Pieces {
    characters: Vec<char>,
    place: usize,
}

impl Pieces {
    fn of(text: &str) -> Self {
        Self { characters: text.chars().collect(), place: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.place).copied()
    }

    fn error(&self, problem: Problem, start: usize) -> QueryError {
        QueryError { problem, span: start..self.place.max(start + 1) }
    }

    fn piece(&mut self) -> Result<Piece, QueryError> {
        let start = self.place;
        let is_not = self.takes_away();
        self.place += usize::from(is_not);
        if let Some(name) = self.field() {
            let value = if self.peek() == Some('"') { self.quoted()? } else { self.word() };
            if value.is_empty() && FilterField::find(&name) != Some(FilterField::Here) {
                return Err(self.error(Problem::NoValue, start));
            }
            let span = start..self.place;
            let field = Field { name, value, is_not, span: span.clone() };
            return Ok(Piece { what: What::Field(field), span });
        }
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            let is_prefix = self.peek() == Some('*');
            self.place += usize::from(is_prefix);
            let term = Term::phrase(&text, is_prefix);
            let term = term.ok_or_else(|| self.error(Problem::Empty, start))?;
            return Ok(Piece { what: What::Term { term, is_not }, span: start..self.place });
        }
        let word = self.word();
        let span = start..self.place;
        if word == "OR" && !is_not {
            return Ok(Piece { what: What::Or, span });
        }
        let term = Term::word(&word).filter(|_| word != "-");
        let term = term.ok_or_else(|| self.error(Problem::Empty, start))?;
        Ok(Piece { what: What::Term { term, is_not }, span })
    }

    /// Whether a minus stands before a term; two of them begin the name of a flag.
    fn takes_away(&self) -> bool {
        let next = self.characters.get(self.place + 1);
        self.peek() == Some('-') && next.is_some_and(|next| *next != '-' && !next.is_whitespace())
    }

    /// The name of a filter and its colon.
    fn field(&mut self) -> Option<String> {
        let rest = &self.characters[self.place..];
        let colon = rest.iter().take(16).position(|it| *it == ':')?;
        let name: String = rest[..colon].iter().collect();
        // `in::` is no filter.
        let is_field = FilterField::find(&name).is_some() && rest.get(colon + 1) != Some(&':');
        is_field.then(|| self.place += colon + 1)?;
        Some(name.to_lowercase())
    }

    fn word(&mut self) -> String {
        let rest = self.characters[self.place..].iter();
        let word: String = rest.take_while(|it| !it.is_whitespace()).collect();
        self.place += word.chars().count();
        word
    }

    /// What stands in quotes; `\"` is a quote in it.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.place;
        let mut text = String::new();
        self.place += 1;
        while let Some(character) = self.peek() {
            self.place += 1;
            match character {
                '"' => return Ok(text),
                '\\' if self.peek() == Some('"') => {
                    text.push('"');
                    self.place += 1;
                }
                other => text.push(other),
            }
        }
        Err(self.error(Problem::OpenQuote, start))
    }
}

impl Iterator for Pieces {
    type Item = Result<Piece, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.peek()?.is_whitespace() {
            self.place += 1;
        }
        Some(self.piece())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let term = |term: &Term| format!("{term:?}");
        let clause = |clause: &Clause| {
            let any: Vec<String> = clause.any.iter().map(term).collect();
            format!("{}{}", if clause.is_not { "-" } else { "" }, any.join("|"))
        };
        match parse(text) {
            Ok(query) => {
                let clauses = query.clauses.iter().map(clause);
                let sign = |it: &Field| if it.is_not { "-" } else { "" };
                let field = |it: &Field| format!("{}{}={}", sign(it), it.name, it.value);
                let fields = query.fields.iter().map(field);
                clauses.chain(fields).collect::<Vec<_>>().join(" & ")
            }
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn the_places_that_match_are_apart_and_what_is_not_wanted_has_none() {
        let query = parse("\"lost update\" update -test tag:bug").expect("a query");
        let text = "A lost\nupdate: update, test, bug, lost";
        let found: Vec<&str> = query.find(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["lost\nupdate", "update"]);
    }

    #[test]
    fn terms_clauses_and_filters_are_told_apart() {
        let cases = [
            ("login", "words(login)"),
            ("Login redirect", "words(Login) & words(redirect)"),
            ("\"log in\" -out", "words(log in) & -words(out)"),
            ("a OR b c", "words(a)|words(b) & words(c)"),
            ("a OR b OR c", "words(a)|words(b)|words(c)"),
            ("log* \"a b\"*", "words(log)* & words(a b)*"),
            ("--flag a::b x/y.rs", "literal(--flag) & literal(a::b) & literal(x/y.rs)"),
            ("x_y*", "literal(x_y)*"),
            ("tag:bug x since:\"last week\"", "words(x) & tag=bug & since=last week"),
            ("\"tag:bug\" TAG:x in::y", "literal(tag:bug) & literal(in::y) & tag=x"),
            ("x -tag:\"a b\" -In:y", "words(x) & -tag=a b & -in=y"),
            ("https://x.y or", "literal(https://x.y) & words(or)"),
            ("日本 👍 \"日 本\"", "words(日本) & words(👍) & literal(日 本)"),
            ("\"say \\\"hi\\\"\" \"C:\\x\"", "literal(say \"hi\") & literal(C:\\x)"),
            ("=> *", "literal(=>) & literal(*)"),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("", Problem::Nothing, 0..0),
            ("tag:x", Problem::Nothing, 0..5),
            ("a \"b c", Problem::OpenQuote, 2..6),
            ("a \"\"", Problem::Empty, 2..4),
            ("a - b", Problem::Empty, 2..3),
            ("OR a", Problem::LoneOr, 0..2),
            ("a OR", Problem::LoneOr, 2..4),
            ("a OR OR b", Problem::LoneOr, 5..7),
            ("-a OR b", Problem::LoneOr, 3..5),
            ("é OR -b", Problem::OddOr, 5..7),
            ("a OR tag:b", Problem::OddOr, 5..10),
            ("a tag: b", Problem::NoValue, 2..6),
            ("-a -b", Problem::OnlyNot, 0..5),
        ];
        for (text, problem, span) in cases {
            assert_eq!(parse(text), Err(QueryError { problem, span }), "{text}");
        }
        assert_eq!(Query::fields("tag:x in:\"a b\"").map(|it| it.len()), Ok(2));
        for (text, span) in [("", 0..0), ("tag:x word", 6..10), ("tag:x OR tag:y", 6..8)] {
            let problem = Problem::NoField;
            assert_eq!(Query::fields(text), Err(QueryError { problem, span }), "{text}");
        }
        let error = parse("a \"b").expect_err("an open quote");
        assert_eq!(error.to_string(), "the quote is not closed (character 3)");
    }
}
