//! The only table from kinds of failure to heading, hint and exit code.
//!
//! 0 done · 1 a negative answer · 2 wrong usage · 3 failed · 4 locked, try again · 5 damaged or too
//! new · 70 a bug in annals · 130 interrupted. A closed pipe is quiet success.

use std::borrow::Cow;
use std::io;

use crate::error::Error;
use crate::error::ErrorKind;

/// What a command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// It did what it was asked.
    Done,
    /// It did, and the answer is no: differences, nothing found.
    Negative,
    /// It was called in a wrong way.
    Usage,
    /// It failed, or something was left out that must not be.
    Failed,
    /// Somebody else holds the lock.
    Locked,
    /// The store is damaged, or newer than this program.
    Damaged,
    /// A bug in annals.
    Bug,
    /// The person stopped it.
    Interrupted,
}

impl ExitCode {
    /// The number that the process ends with.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Negative => 1,
            Self::Usage => 2,
            Self::Failed => 3,
            Self::Locked => 4,
            Self::Damaged => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library could not.
    Library(Error),
    /// The library could not, and the command knows what would help.
    Hinted(Error, Cow<'static, str>),
    /// The command was called in a wrong way.
    Usage(String),
    /// The person, or the want of one, said no.
    Declined(String),
    /// What was to be printed could not be.
    Output(io::Error),
    /// Stopped from the keyboard.
    Interrupted,
    /// The program panicked; with what it said.
    Panic(String),
}

/// What commands return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How a failure is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The kind's name in `--json`.
    pub(crate) kind: &'static str,
    /// What stands before the message.
    pub(crate) heading: &'static str,
    /// What failed.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<Cow<'static, str>>,
    /// How the process ends.
    pub(crate) code: ExitCode,
}

/// How a failure is told; none: it is none (the reader of our output went away).
pub(crate) fn report(failure: &Failure) -> Option<Report> {
    let report = match failure {
        Failure::Library(error) => {
            let (heading, hint, code) = row(error.kind());
            let (kind, hint) = (error.kind().name(), hint.map(Cow::Borrowed));
            return Some(Report { kind, heading, message: with_causes(error), hint, code });
        }
        Failure::Hinted(error, hint) => {
            let (heading, _, code) = row(error.kind());
            let kind = error.kind().name();
            Report { kind, heading, message: with_causes(error), hint: Some(hint.clone()), code }
        }
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return None,
        Failure::Output(error) => Report {
            kind: "io",
            heading: "error",
            message: format!("The output could not be written: {error}"),
            hint: None,
            code: ExitCode::Failed,
        },
        Failure::Usage(message) => Report {
            kind: "usage",
            heading: "error",
            message: message.clone(),
            hint: Some("`annals help COMMAND` tells what a command takes.".into()),
            code: ExitCode::Usage,
        },
        Failure::Declined(message) => Report {
            kind: "declined",
            heading: "not done",
            message: message.clone(),
            hint: None,
            code: ExitCode::Failed,
        },
        Failure::Interrupted => Report {
            kind: "interrupted",
            heading: "interrupted",
            message: "Stopped from the keyboard. What was saved is saved.".to_owned(),
            hint: None,
            code: ExitCode::Interrupted,
        },
        Failure::Panic(what) => Report {
            kind: "internal",
            heading: "bug",
            message: what.clone(),
            hint: row(ErrorKind::Internal).1.map(Cow::Borrowed),
            code: ExitCode::Bug,
        },
    };
    Some(report)
}

type Row = (&'static str, Option<&'static str>, ExitCode);

fn row(kind: ErrorKind) -> Row {
    match kind {
        ErrorKind::NotFound => (
            "not found",
            Some(
                "`annals list` shows the sessions of all folders; `annals capture` takes in new ones.",
            ),
            ExitCode::Failed,
        ),
        ErrorKind::Ambiguous => {
            ("ambiguous", Some("Give more characters of the id."), ExitCode::Failed)
        }
        ErrorKind::Invalid => ("refused", None, ExitCode::Failed),
        ErrorKind::Locked => {
            ("locked", Some("Another annals is writing. Try again in a moment."), ExitCode::Locked)
        }
        ErrorKind::Conflict => ("in the way", None, ExitCode::Failed),
        ErrorKind::Corrupt => (
            "damaged",
            Some("`annals doctor` says what is damaged, `annals doctor --repair` mends it."),
            ExitCode::Damaged,
        ),
        ErrorKind::TooNew => (
            "too new",
            Some("A later version of annals wrote it. Update this one."),
            ExitCode::Damaged,
        ),
        ErrorKind::TooOld => (
            "too old",
            Some("`annals migrate` brings it to the form that this program writes."),
            ExitCode::Failed,
        ),
        ErrorKind::Denied => (
            "denied",
            Some("Look at who owns the files, and who may write them."),
            ExitCode::Failed,
        ),
        ErrorKind::Remote => ("remote", None, ExitCode::Failed),
        ErrorKind::Io => ("error", None, ExitCode::Failed),
        ErrorKind::Internal => (
            "bug",
            Some("This is a bug in annals, and no fault of yours. Please report these lines."),
            ExitCode::Bug,
        ),
    }
}

/// The message, and the causes that it does not tell itself.
fn with_causes(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{}: {text}", message.trim_end_matches('.'));
        }
        cause = error.source();
    }
    without_number(&message)
}

/// A message without the system's number for it, which says nothing more.
fn without_number(message: &str) -> String {
    let Some((before, rest)) = message.split_once(" (os error ") else {
        return message.to_owned();
    };
    match rest.split_once(')') {
        Some((_, after)) => format!("{before}{after}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name_and_code() {
        let cases = [
            (ErrorKind::NotFound, "not_found", 3),
            (ErrorKind::Ambiguous, "ambiguous", 3),
            (ErrorKind::Invalid, "invalid", 3),
            (ErrorKind::Locked, "locked", 4),
            (ErrorKind::Conflict, "conflict", 3),
            (ErrorKind::Corrupt, "corrupt", 5),
            (ErrorKind::TooNew, "too_new", 5),
            (ErrorKind::TooOld, "too_old", 3),
            (ErrorKind::Denied, "denied", 3),
            (ErrorKind::Remote, "remote", 3),
            (ErrorKind::Io, "io", 3),
            (ErrorKind::Internal, "internal", 70),
        ];
        for (kind, name, code) in cases {
            let failure = Failure::Library(Error::new(kind, "It failed."));
            let report = report(&failure).expect("a report");
            assert_eq!((report.kind, report.code.number()), (name, code));
        }
    }

    #[test]
    fn failures_of_the_front_end_have_codes_too() {
        let code = |failure: Failure| report(&failure).map(|it| it.code.number());
        assert_eq!(code(Failure::Usage(String::new())), Some(2));
        assert_eq!(code(Failure::Declined(String::new())), Some(3));
        assert_eq!(code(Failure::Interrupted), Some(130));
        assert_eq!(code(Failure::Panic(String::new())), Some(70));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(code(Failure::Output(full)), Some(3));
        let taken = Error::new(ErrorKind::Conflict, "It is there.");
        let told = report(&Failure::Hinted(taken, "--force helps.".into())).expect("a report");
        assert_eq!((told.code.number(), told.hint.as_deref()), (3, Some("--force helps.")));
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(code(Failure::Output(gone)), None);
    }

    #[test]
    fn causes_are_told_once() {
        let cause = io::Error::from_raw_os_error(2);
        let said = without_number(&cause.to_string());
        assert!(cause.to_string().starts_with(&format!("{said} (os error ")), "{cause}");
        let error = Error::new(ErrorKind::Io, "the store cannot be read.").because(cause);
        let report = report(&Failure::Library(error)).expect("a report");
        assert_eq!(report.message, format!("the store cannot be read: {said}"));
    }
}
