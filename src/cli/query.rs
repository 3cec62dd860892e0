//! Queries as they are typed: read, and refused with a mark under what is wrong.

use unicode_width::UnicodeWidthStr;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::filters;
use crate::cli::filters::FilterArgs;
use crate::repository::Filter;
use crate::repository::Query;
use crate::repository::QueryError;
use crate::repository::Repository;

/// A query in the language of `annals search`.
pub(crate) fn parse(text: &str) -> Result<Query> {
    Query::parse(text).map_err(|error| refused(text, &error))
}

/// The sessions that the flags and the fields of the query leave.
pub(crate) fn filter(
    flags: &FilterArgs,
    (text, query): (&str, &Query),
    repository: &mut Repository,
    context: &Context,
) -> Result<Filter> {
    let mut input = flags.input(context)?;
    for field in &query.fields {
        input.take(field).map_err(|error| refused(text, &field.refused(error.to_string())))?;
    }
    filters::finish(input, repository)
}

/// The longest query that is shown, in bytes.
const LONGEST_SHOWN: usize = 1_000;

/// A query that cannot be read, with a mark under what is wrong.
pub(crate) fn refused(text: &str, error: &QueryError) -> Failure {
    let mut message = format!("The query cannot be read: {error}.");
    if text.len() <= LONGEST_SHOWN && !text.contains(char::is_control) {
        let columns = |from: usize, count: usize| {
            let part: String = text.chars().skip(from).take(count).collect();
            part.width()
        };
        let blanks = " ".repeat(columns(0, error.span.start));
        let mark = "^".repeat(columns(error.span.start, error.span.len()).max(1));
        message = format!("{message}\n  {text}\n  {blanks}{mark}");
    }
    Failure::Usage(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_cannot_be_read_is_marked_where_it_is_wrong() {
        let Err(Failure::Usage(message)) = parse("fix OR tag:bug") else { panic!("wrong usage") };
        insta::assert_snapshot!(message, @r"
        The query cannot be read: beside OR stands a word or a phrase, no filter and nothing taken away (character 8).
          fix OR tag:bug
                 ^^^^^^^
        ");
    }
    #[test]
    fn the_mark_stands_below_wide_characters_too() {
        let Err(Failure::Usage(message)) = parse("日本 \"語") else { panic!("wrong usage") };
        insta::assert_snapshot!(message, @r#"
        The query cannot be read: the quote is not closed (character 4).
          日本 "語
               ^^^
        "#);
    }
}
