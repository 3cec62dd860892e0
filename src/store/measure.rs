//! How much of the disk could be freed, as measured: nothing is changed by it.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Child;
use std::process::Stdio;
use std::thread;

use crate::session::SessionId;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;

impl Store {
    /// How many bytes less the loose objects would take in a pack: what packing frees at least.
    ///
    /// # Errors
    /// There is no git program, or it failed.
    pub fn gain_of_packing(&self, level: u8) -> Result<u64, Error> {
        let (mut ids, mut loose) = (Vec::new(), 0);
        for folder in self.loose_folders() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let names = [folder.file_name(), entry.path().file_name()]
                    .map(|name| name.unwrap_or_default().to_string_lossy().into_owned());
                if let (38, Ok(metadata)) = (names[1].len(), entry.metadata()) {
                    ids.push(names.concat());
                    loose += metadata.len();
                }
            }
        }
        if ids.is_empty() {
            return Ok(0);
        }
        let compression = format!("pack.compression={level}");
        let pack = ["-c", &compression, "pack-objects", "--stdout", "-q", "--window=10"];
        let mut packed = 0;
        self.ask(&pack, ids, &mut |answer| {
            packed = io::copy(answer, &mut io::sink())?;
            Ok(())
        })?;
        Ok(loose.saturating_sub(packed))
    }

    /// How many bytes on the disk only these sessions take, in all revisions.
    ///
    /// # Errors
    /// As [`Store::gain_of_packing`].
    pub fn bytes_only_in(&self, sessions: &BTreeSet<SessionId>) -> Result<u64, Error> {
        if sessions.is_empty() {
            return Ok(0);
        }
        let is_theirs = |path: &str| {
            let id = path.strip_prefix("sessions/").and_then(|path| path.split('/').nth(1));
            id.and_then(|id| id.parse().ok()).is_some_and(|id| sessions.contains(&id))
        };
        let mut theirs = HashSet::new();
        self.ask(&["rev-list", "--objects", "--all"], Vec::new(), &mut |answer| {
            for line in BufReader::new(answer).lines() {
                let line = line?;
                if let Some((id, _)) = line.split_once(' ').filter(|(_, path)| is_theirs(path)) {
                    theirs.insert(id.to_owned());
                }
            }
            Ok(())
        })?;
        // What another session holds too would stay. Records only ever grow, so it holds it now.
        self.ask(&["ls-tree", "-r", "-t", "main"], Vec::new(), &mut |answer| {
            for line in BufReader::new(answer).lines() {
                let line = line?;
                if let Some((about, _)) = line.split_once('\t').filter(|(_, path)| !is_theirs(path))
                {
                    theirs.remove(about.rsplit(' ').next().unwrap_or_default());
                }
            }
            Ok(())
        })?;
        let sizes = ["cat-file", "--batch-check=%(objectsize:disk)", "--buffer"];
        let mut bytes = 0;
        self.ask(&sizes, theirs.into_iter().collect(), &mut |answer| {
            for line in BufReader::new(answer).lines() {
                bytes += line?.parse::<u64>().unwrap_or_default();
            }
            Ok(())
        })?;
        Ok(bytes)
    }

    fn loose_folders(&self) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(&self.objects).into_iter().flatten().flatten();
        let is_loose = |path: &std::path::PathBuf| path.file_name().is_some_and(|it| it.len() == 2);
        entries.map(|entry| entry.path()).filter(is_loose).collect()
    }

    /// Asks the git program something, a question a line, and reads what it answers.
    fn ask(
        &self,
        arguments: &[&str],
        questions: Vec<String>,
        read: &mut dyn FnMut(&mut dyn io::Read) -> io::Result<()>,
    ) -> Result<(), Error> {
        let mut command = git::git_in(&self.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let doing = || "measuring the store".to_owned();
        let failed = |source| Error::Io { doing: doing(), source };
        let mut child = command.spawn().map_err(failed)?;
        let asked = exchange(&mut child, questions, read);
        let status = child.wait().map_err(failed)?;
        asked.map_err(failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::Program { doing: doing(), cause: status.to_string() })
        }
    }
}

/// Questions go on a thread of their own: neither side waits for the other.
fn exchange(
    child: &mut Child,
    questions: Vec<String>,
    read: &mut dyn FnMut(&mut dyn io::Read) -> io::Result<()>,
) -> io::Result<()> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    thread::scope(|scope| {
        scope.spawn(move || {
            let Some(mut stdin) = stdin else { return };
            let text: Vec<u8> =
                questions.iter().flat_map(|line| line.bytes().chain(*b"\n")).collect();
            // A git that ended early says so by its status.
            drop(stdin.write_all(&text));
        });
        stdout.map_or(Ok(()), |mut stdout| read(&mut stdout))
    })
}
