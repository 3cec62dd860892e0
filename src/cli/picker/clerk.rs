//! What takes time, done beside the screen: each clerk is a thread with a repository of its own.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread;

use chrono::DateTime;
use chrono::NaiveDateTime;
use chrono::Utc;

use crate::cli::brief;
use crate::cli::changes::Stat;
use crate::cli::changes::changes;
use crate::cli::conversation::Look;
use crate::cli::exit;
use crate::cli::exit::Failure;
use crate::cli::paint::Paint;
use crate::cli::picker::finder;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Text;
use crate::cli::picker::job::View;
use crate::cli::picker::preview;
use crate::cli::picker::row::Places;
use crate::cli::picker::row::Row;
use crate::cli::picker::text;
use crate::error::Result;
use crate::repository::Beginning;
use crate::repository::Edit;
use crate::repository::ExportFormat;
use crate::repository::ExportOptions;
use crate::repository::ExportTarget;
use crate::repository::Filter;
use crate::repository::OpenOptions;
use crate::repository::Page;
use crate::repository::Query;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::SortKey;
use crate::repository::Summary;
use crate::session::Head;
use crate::session::Record;
use crate::session::Session;
use crate::session::SessionId;

/// The sessions that are read at once.
const PORTION: u64 = 2_000;

/// What clerks work with.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    /// How the store is opened.
    pub(super) options: OpenOptions,
    /// The colours.
    pub(super) paint: Paint,
    /// The clock on the wall.
    pub(super) local: fn(DateTime<Utc>) -> NaiveDateTime,
    /// The sessions that the picker was opened with.
    pub(super) filter: Filter,
    /// What the repository of the current folder is known by.
    pub(super) here: Option<String>,
    /// Where it is told what was done.
    pub(super) reports: Sender<Input>,
}

impl Desk {
    /// The folders that rows are told from.
    pub(super) fn places(&self) -> Places<'_> {
        let environment = &self.options.environment;
        Places {
            home: &environment.home,
            current: &environment.current,
            repository: self.here.as_deref(),
        }
    }

    fn look(&self, width: u16) -> Look<'_> {
        let home = &self.options.environment.home;
        Look { paint: self.paint, width: usize::from(width).max(20), home, local: self.local }
    }

    /// Tells; false: nobody listens any longer.
    pub(super) fn tell(&self, input: Input) -> bool {
        self.reports.send(input).is_ok()
    }

    /// Does it, and tells why if it fails, or is wrong in itself.
    fn attempt(&self, work: impl FnOnce() -> Result<Input>) -> bool {
        let failed = |failure: &Failure| {
            let report = exit::report(failure);
            Input::Failed(report.map_or_else(String::new, |report| report.message))
        };
        self.tell(match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(input)) => input,
            Ok(Err(error)) => failed(&Failure::Library(error)),
            Err(panic) => failed(&Failure::Panic(said(&*panic))),
        })
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("A bug in annals: {}", text.unwrap_or_default())
}

/// Reads all rows that match, portion by portion, and tells of each.
pub(super) fn read_rows(desk: Desk) {
    thread::spawn(move || {
        let read = || {
            let mut repository = Repository::open(&desk.options)?;
            for portion in 0.. {
                let page = Page { offset: portion * PORTION, limit: PORTION };
                let listing = repository.list(&desk.filter, SortKey::Modified, false, page)?;
                let rows = listing.sessions.iter().map(|it| Row::of(it, desk.places())).collect();
                let is_last = page.offset + PORTION >= listing.total;
                if !desk.tell(Input::Rows(rows)) || is_last {
                    break;
                }
            }
            Ok(Input::AllRows)
        };
        desk.attempt(read);
    });
}

/// A clerk who does one job after the other; of several that are for the eye, only the last.
pub(super) fn hire(desk: Desk) -> Sender<Job> {
    let (sender, jobs) = channel();
    thread::spawn(move || {
        let mut repository = None;
        while let Some(job) = next(&jobs) {
            let did = desk.attempt(|| {
                let repository = match &mut repository {
                    Some(repository) => repository,
                    none => none.insert(Repository::open(&desk.options)?),
                };
                work(&job, repository, &desk)
            });
            if !did {
                return;
            }
        }
    });
    sender
}

fn next(jobs: &Receiver<Job>) -> Option<Job> {
    let mut job = jobs.recv().ok()?;
    while matches!(job, Job::Preview(_) | Job::Search(_))
        && let Ok(later) = jobs.try_recv()
    {
        job = later;
    }
    Some(job)
}

fn work(job: &Job, repository: &mut Repository, desk: &Desk) -> Result<Input> {
    match job {
        Job::Preview(view) => {
            let shown = match seen(view, repository, desk) {
                Ok(text) => text,
                Err(error) => preview::refusal(error, view.width),
            };
            Ok(Input::Preview(view.clone(), shown))
        }
        Job::Search(asked) => Ok(finder::search(asked, repository, desk)),
        Job::Compare { left, right, width } => compare([*left, *right], *width, repository, desk),
        Job::Tag { ids, put, taken } => {
            let edits = [Edit::Untag(taken.clone()), Edit::Tag(put.clone())];
            let edits: Vec<Edit> = edits
                .into_iter()
                .filter(|edit| !matches!(edit, Edit::Tag(it) | Edit::Untag(it) if it.is_empty()))
                .collect();
            edit("Tagged", ids, &edits, repository, desk)
        }
        Job::Pin { ids, is_pinned } => {
            let done = if *is_pinned { "Pinned" } else { "Unpinned" };
            edit(done, ids, &[Edit::Pin(*is_pinned)], repository, desk)
        }
        Job::Export { ids } => export(ids, repository, desk),
        Job::Delete { ids } => {
            let deleted = repository.delete(ids)?.deleted;
            Ok(Input::Deleted(deleted.iter().map(|head| head.id).collect()))
        }
        Job::Undelete { ids } => {
            let mut rows = Vec::new();
            for id in ids {
                rows.push(row(&repository.undelete(*id)?.head, desk));
            }
            Ok(Input::Undeleted(rows))
        }
    }
}

/// What is to be seen of a session.
fn seen(view: &View, repository: &mut Repository, desk: &Desk) -> Result<Text> {
    let (look, width) = (desk.look(view.width), view.width);
    let at = at(view.id, repository)?;
    let beginning = repository.beginning(&at)?;
    let Some(spot) = &view.spot else {
        return Ok(text::set(&preview::preview(&beginning, look), width));
    };
    // It could be read when it was searched for.
    let query = Query::parse(&spot.query).unwrap_or_default();
    let Some(number) = spot.message else {
        let mut text = text::set(&preview::preview(&beginning, look), width);
        let hit = text::hit(desk.paint.is_on());
        text::mark(&mut text.lines, |text| query.find(text), hit);
        return Ok(text);
    };
    let Beginning { head, records, is_whole } = beginning;
    let session = if is_whole { Session { id: at.id, records } } else { repository.load(&at)? };
    let view: Vec<&Record> = session.view().collect();
    Ok(preview::around((&head, &view), number, &query, look, width))
}

fn at(id: SessionId, repository: &mut Repository) -> Result<SessionAt> {
    repository.resolve(&id.to_string(), None)
}

/// The row of a session that was changed here; its sub-agents are not counted again.
fn row(head: &Head, desk: &Desk) -> Row {
    let summary = Summary { head: head.clone(), author: None, subagents: 0, damaged: None };
    Row::of(&summary, desk.places())
}

fn compare(
    [left, right]: [SessionId; 2],
    width: u16,
    repository: &mut Repository,
    desk: &Desk,
) -> Result<Input> {
    let (left, right) = (at(left, repository)?, at(right, repository)?);
    let difference = repository.diff(Some(&left), &right)?;
    let (old, new) = (brief::name(&difference.left), brief::name(&difference.right));
    let shown = format!(
        "--- {old}\n+++ {new}\n\n{}{}",
        changes(&difference, false, desk.look(width)),
        Stat::of(&difference).line(desk.paint)
    );
    Ok(Input::Text("What differs".to_owned(), text::set(&shown, width)))
}

fn edit(
    done: &str,
    ids: &[SessionId],
    edits: &[Edit],
    repository: &mut Repository,
    desk: &Desk,
) -> Result<Input> {
    let mut rows = Vec::new();
    for id in ids {
        rows.push(row(&repository.edit(*id, edits)?.head, desk));
    }
    let said = match rows.as_slice() {
        [one] => format!("{done} “{}”.", brief::fit(&one.title, 40)),
        many => format!("{done} {} sessions.", many.len()),
    };
    Ok(Input::Done(said, rows))
}

fn export(ids: &[SessionId], repository: &mut Repository, desk: &Desk) -> Result<Input> {
    let mut sessions = Vec::new();
    for id in ids {
        sessions.push(at(*id, repository)?);
    }
    let environment = &desk.options.environment;
    let folder: PathBuf = environment.current.clone();
    let target = ExportTarget::Folder(folder.clone());
    let options = ExportOptions { format: ExportFormat::Markdown, target, force: false };
    let files = repository.export(&sessions, &options)?.files;
    let said = match files.as_slice() {
        [one] => format!("Wrote {}", brief::path(&one.to_string_lossy(), &environment.home)),
        many => {
            let folder = brief::path(&folder.to_string_lossy(), &environment.home);
            format!("Wrote {} files to {folder}", many.len())
        }
    };
    Ok(Input::Done(said, Vec::new()))
}
