//! Importing: sessions from elsewhere, each under a new id.
//!
//! All files are read and all sessions checked before anything is written; then one commit takes
//! in all of them or none. What enters is redacted by today's rules. Paths that stand in a session
//! are looked at and never made into other ones: `~` and stand-ins stay what they are.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use crate::adapters;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::exchange::INCOMING_LIMIT;
use crate::exchange::Incoming;
use crate::exchange::IncomingError;
use crate::exchange::IncomingFile;
use crate::exchange::NewName;
use crate::format;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::change::Planned;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::BundleError;
use crate::store::CommitNote;

/// How often one session may be taken in with `again`.
const MOST_TIMES: u32 = 1000;

/// How an import works.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Take sessions in that are here already, as others.
    pub again: bool,
    /// The folders in which programs are looked for.
    pub programs: Vec<PathBuf>,
}

/// What an import would do.
#[derive(Debug)]
pub struct ImportPlan {
    /// The sessions, in the order of the files.
    pub sessions: Vec<ImportedSession>,
    /// What is redacted, by rule.
    pub redactions: BTreeMap<String, u64>,
    files: Vec<IncomingFile>,
}

/// A session that comes in.
#[derive(Debug, Clone)]
pub struct ImportedSession {
    /// Its head, under its new id.
    pub head: Head,
    /// The file it comes from.
    pub file: PathBuf,
    /// The id it had there.
    pub source: String,
    /// Whether it is here already, or was, so that it is not taken in.
    pub known: Option<Known>,
    /// What it will miss here, and what is odd about it.
    pub warnings: Vec<ImportWarning>,
    /// The file, and the place in it.
    place: (usize, usize),
    name: NewName,
    parent: Option<NewName>,
}

/// Why a session is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was taken in before.
    Here,
    /// It was taken in before, and deleted.
    Deleted,
}

/// Something that a session misses here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImportWarning {
    /// `workspace`, `file`, `agent`, `program`, `parent` or `form`.
    pub kind: &'static str,
    /// What it is.
    pub message: String,
}

impl Repository {
    /// Reads files and checks all that they hold.
    ///
    /// # Errors
    /// `Invalid`: a file is not what can be imported. `Corrupt`: it is damaged. `TooNew`: a later
    /// version of annals made it.
    pub fn plan_import(&self, paths: &[PathBuf], options: &ImportOptions) -> Result<ImportPlan> {
        attempted(self, Operation::Import, &[], |it| it.check_files(paths, options))
    }

    fn check_files(&self, paths: &[PathBuf], options: &ImportOptions) -> Result<ImportPlan> {
        let mut files = Vec::new();
        for path in paths {
            files.push(read(path)?);
        }
        let mut names: HashMap<String, NewName> = HashMap::new();
        let mut plan =
            ImportPlan { sessions: Vec::new(), redactions: BTreeMap::new(), files: Vec::new() };
        // Sessions that others started come after those.
        for is_subagent in [false, true] {
            for (number, (file, path)) in files.iter().zip(paths).enumerate() {
                for place in 0..file.len() {
                    let incoming = file.session(place).map_err(|error| refusal(path, &error))?;
                    if incoming.parent.is_some() == is_subagent {
                        let place = (number, place);
                        self.plan_one(&incoming, path, place, options, &mut names, &mut plan)?;
                    }
                }
            }
        }
        plan.files = files;
        Ok(plan)
    }

    /// Takes the planned sessions in, all in one commit. None: there was nothing to take in.
    pub fn import(&mut self, plan: &ImportPlan) -> Result<Option<RevisionId>> {
        let ids: Vec<SessionId> = plan.wanted().map(|session| session.head.id).collect();
        observed(self, Operation::Import, &ids, |it| it.take_in(plan))
    }

    fn take_in(&mut self, plan: &ImportPlan) -> Result<Option<RevisionId>> {
        self.ready_to_write()?;
        let at = self.now();
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let mut batch = bench.store.batch();
        let wanted: Vec<&ImportedSession> = plan.wanted().collect();
        let plan_one =
            |bench: &Bench<'_>, batch: &mut Batch<'_>, tip: &RevisionId, id: SessionId| {
                let found = wanted.iter().find(|session| session.head.id == id);
                match found {
                    Some(session) if bench.store.session(tip, id)?.is_none() => {
                        let incoming = plan.files[session.place.0].session(session.place.1);
                        let incoming = incoming.map_err(|error| refusal(&session.file, &error))?;
                        let records = incoming.records(&session.name, session.parent.as_ref());
                        let (stream, _) = redacted(bench, records);
                        let messages = session.head.counts.messages;
                        Bench::plan_whole(batch, id, None, stream, messages).map(Some)
                    }
                    _ => Ok(None),
                }
            };
        let mut planned: Vec<Planned> = Vec::new();
        for session in &wanted {
            planned.extend(plan_one(&bench, &mut batch, &tip, session.head.id)?);
        }
        let subject = match planned.as_slice() {
            [] => return Ok(None),
            [one] => one.subject.clone(),
            several => Clean::stored(format!("{} sessions", several.len())),
        };
        let note = CommitNote { operation: "import", subject, at };
        let committed = bench.commit(batch, &note, planned, &mut { plan_one })?;
        self.follow(&committed);
        Ok(committed.revision)
    }

    fn plan_one(
        &self,
        incoming: &Incoming,
        path: &Path,
        place: (usize, usize),
        options: &ImportOptions,
        names: &mut HashMap<String, NewName>,
        plan: &mut ImportPlan,
    ) -> Result<()> {
        let parent = incoming.parent.as_ref().and_then(|parent| names.get(parent)).cloned();
        let (name, known) = self.free_name(incoming, parent.as_ref(), options.again, plan)?;
        let records = incoming.records(&name, parent.as_ref());
        let (stream, redactions) = redacted(&self.bench()?, records);
        let head = HeadFold::of_stream(name.id, &stream).head().clone();
        if known.is_none() {
            for (rule, count) in redactions {
                *plan.redactions.entry(rule).or_default() += count;
            }
        }
        names.insert(incoming.source.clone(), name.clone());
        let mut warnings = Self::warnings(&head, options);
        let odd = incoming.warnings.iter().cloned();
        warnings.extend(odd.map(|message| ImportWarning { kind: "form", message }));
        if incoming.parent.is_some() && parent.is_none() {
            let message = "the session that started it does not come along".to_owned();
            warnings.push(ImportWarning { kind: "parent", message });
        }
        let source = incoming.source.clone();
        let file = path.to_owned();
        plan.sessions.push(ImportedSession {
            head,
            file,
            source,
            known,
            warnings,
            place,
            name,
            parent,
        });
        Ok(())
    }

    /// What the session is called here, and whether it is here under that name.
    fn free_name(
        &self,
        incoming: &Incoming,
        parent: Option<&NewName>,
        again: bool,
        plan: &ImportPlan,
    ) -> Result<(NewName, Option<Known>)> {
        let tip = self.store.tip()?;
        for number in 0..MOST_TIMES {
            let name = incoming.name(number, parent);
            let is_planned = plan.wanted().any(|session| session.head.id == name.id);
            let known = if is_planned || self.store.session(&tip, name.id)?.is_some() {
                Known::Here
            } else if self.store.tombstone(&tip, name.id)?.is_some() {
                Known::Deleted
            } else {
                return Ok((name, None));
            };
            if is_planned || !again {
                return Ok((name, Some(known)));
            }
        }
        let message = format!("session {} was taken in {MOST_TIMES} times", incoming.source);
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// What the session speaks of and this machine does not have.
    fn warnings(head: &Head, options: &ImportOptions) -> Vec<ImportWarning> {
        let mut warnings = Vec::new();
        let root = head.workspace.root.as_deref().map(Path::new);
        if let Some(root) = root.filter(|root| !(root.is_absolute() && root.is_dir())) {
            let message = format!("its workspace, {}, is not on this machine", root.display());
            warnings.push(ImportWarning { kind: "workspace", message });
        }
        for file in &head.context_files {
            let path = root.map_or_else(|| PathBuf::from(file), |root| root.join(file));
            if !(path.is_absolute() && path.exists()) {
                let message = format!("its context file, {file}, is not on this machine");
                warnings.push(ImportWarning { kind: "file", message });
            }
        }
        match adapters::find(&head.agent.name) {
            None => {
                let message = format!("annals cannot resume sessions of {}", head.agent.name);
                warnings.push(ImportWarning { kind: "agent", message });
            }
            Some(adapter) => {
                let program = adapter.resume_command(head, Path::new("")).program;
                if !options.programs.iter().any(|folder| folder.join(&program).is_file()) {
                    let message = format!("its agent, {program}, is not installed here");
                    warnings.push(ImportWarning { kind: "program", message });
                }
            }
        }
        warnings
    }
}

impl ImportPlan {
    /// The sessions that are taken in.
    pub fn wanted(&self) -> impl Iterator<Item = &ImportedSession> {
        self.sessions.iter().filter(|session| session.known.is_none())
    }
}

/// The records without secrets, and what was one, by rule.
fn redacted(
    bench: &Bench<'_>,
    records: Vec<Record>,
) -> (Clean<Vec<Record>>, BTreeMap<String, u64>) {
    let mut redactor = Redactor::new(bench.rules);
    let records: Vec<Clean<Record>> =
        records.into_iter().map(|record| redactor.record(record)).collect();
    let stream = Clean::from_items(records.into_iter().map(|record| redactor.again(record)));
    (stream, redactor.counts().clone())
}

fn read(path: &Path) -> Result<IncomingFile> {
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            _ => ErrorKind::Io,
        };
        Error::new(kind, format!("cannot read {}", path.display())).because(error)
    };
    let refused = |cause: &str| {
        Error::new(ErrorKind::Invalid, format!("{} is not imported: {cause}", path.display()))
    };
    // A look before it is opened: a pipe would be waited for.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(refused("it is no plain file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(INCOMING_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > INCOMING_LIMIT {
        return Err(refused(&format!("it has more than {} MiB", INCOMING_LIMIT >> 20)));
    }
    IncomingFile::parse(bytes).map_err(|error| refusal(path, &error))
}

fn refusal(path: &Path, error: &IncomingError) -> Error {
    let kind = match error {
        IncomingError::Bundle(BundleError::Damaged(_)) => ErrorKind::Corrupt,
        IncomingError::Bundle(BundleError::TooNew { .. })
        | IncomingError::Format(format::Error::TooNew { .. }) => ErrorKind::TooNew,
        _ => ErrorKind::Invalid,
    };
    Error::new(kind, format!("{} is not imported: {error}", path.display()))
}
