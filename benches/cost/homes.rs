//! What is measured: real transcripts, homes made of them, and the same files in plain git.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use annals::platform::Environment;
use annals::repository::OpenOptions as StoreOptions;
use annals::repository::Repository;
use anyhow::Context;
use anyhow::Result;
use tempfile::TempDir;

use crate::meter;

/// Where Claude Code keeps the sessions of one workspace, within a home.
const PROJECT: &str = ".claude/projects/-work-bench";

/// The real transcripts.
pub(crate) struct Corpus {
    pub(crate) folder: PathBuf,
    /// Those of its home, smallest first, with their lengths.
    pub(crate) files: Vec<(PathBuf, u64)>,
}

impl Corpus {
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        let mut files = Vec::new();
        collect(&folder.join("home"), &mut files)?;
        files.sort_by_key(|(path, length)| (*length, path.clone()));
        Ok(Self { folder, files })
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Bytes of one version of each session.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, length)| length).sum()
    }

    /// Lines of real sessions, about `bytes` of them. Each round through the files gives its
    /// records other ids.
    pub(crate) fn lines(
        &self,
        bytes: usize,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut left = bytes;
        for round in 0u8.. {
            for (path, _) in &self.files {
                let text = fs::read(path)?;
                for line in text.split_inclusive(|&b| b == b'\n') {
                    take(&renumbered(line, round))?;
                    left = left.saturating_sub(line.len());
                    if left == 0 {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The line with other record ids: the first two digits of each say the round.
fn renumbered(line: &[u8], round: u8) -> Vec<u8> {
    let mut line = line.to_vec();
    let length = line.len();
    for name in [&b"\"uuid\":\""[..], &b"\"parentUuid\":\""[..]] {
        let finder = memchr::memmem::Finder::new(name);
        let places: Vec<usize> = finder.find_iter(&line).map(|at| at + name.len()).collect();
        for place in places.into_iter().filter(|place| place + 2 < length) {
            line[place..place + 2].copy_from_slice(format!("{round:02x}").as_bytes());
        }
    }
    line
}

/// A home with transcripts, and a store beside it.
pub(crate) struct Shelf {
    pub(crate) folder: TempDir,
}

impl Shelf {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("home").join(PROJECT))?;
        Ok(Self { folder })
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store.git")
    }

    /// The file of a session of the home.
    pub(crate) fn transcript(&self, session: &str) -> PathBuf {
        self.home().join(PROJECT).join(format!("{session}.jsonl"))
    }

    /// The built program, on this home and store.
    pub(crate) fn annals(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.arg("--quiet").args(arguments).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.home());
        command.env("ANNALS_STORE", self.store()).current_dir(self.folder.path());
        command
    }

    /// The store, opened by the library.
    pub(crate) fn open(&self) -> Result<Repository> {
        let mut environment = Environment::from_process()?;
        environment.home = self.home();
        let options = StoreOptions { store: Some(self.store()), environment, create: false };
        Ok(Repository::open(&options)?)
    }

    pub(crate) fn tip(&self) -> Result<String> {
        let mut command = plain_git(&self.store());
        meter::output(command.args(["rev-parse", "main"]))
    }

    /// Waits until nothing is packed in the background.
    pub(crate) fn settle(&self) -> Result<()> {
        let path = self.store().join("annals/maintenance.lock");
        if path.exists() {
            fs::File::open(path)?.lock()?;
            // The thread that waits for the ended child needs a moment.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Appends a line to a file.
pub(crate) fn append(path: &Path, line: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(line)?)
}

/// A session of `count` short messages; `word` stands in every tenth.
pub(crate) fn short_session(session: &str, count: usize, word: &str) -> String {
    let mut text = String::new();
    let mut parent = String::from("null");
    for n in 0..count {
        let id = format!("\"{n:08x}-{}\"", &session[9..]);
        let (kind, content) = match n % 2 {
            0 => ("user", format!("\"Question {n}: why is the last line dropped?\"")),
            _ => ("assistant", format!("[{{\"type\":\"text\",\"text\":\"Answer {n}.\"}}]")),
        };
        let content = if n % 10 == 4 { content.replace("dropped", word) } else { content };
        let time =
            chrono::DateTime::from_timestamp(1_770_000_000 + i64::try_from(n).unwrap_or(0), 0);
        let time = time.unwrap_or_default().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        text.push_str(&format!(
            "{{\"parentUuid\":{parent},\"isSidechain\":false,\"userType\":\"external\",\
             \"cwd\":\"/home/dev/bench\",\"sessionId\":\"{session}\",\"version\":\"2.1.31\",\
             \"gitBranch\":\"main\",\"type\":\"{kind}\",\"message\":{{\"role\":\"{kind}\",\
             \"content\":{content}}},\"uuid\":{id},\"timestamp\":\"{time}\"}}\n"
        ));
        parent = id;
    }
    text
}

/// The agent's id of the `n`th made session.
pub(crate) fn session_name(n: usize) -> String {
    format!("{n:08x}-1111-4222-8333-{n:012x}")
}

/// Git, undisturbed by the user's settings, in a repository or work tree.
pub(crate) fn plain_git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
    command.args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

/// `git add` and `git commit` of all that is new in a work tree.
pub(crate) fn commit_all(folder: &Path) -> Result<()> {
    meter::run(plain_git(folder).args(["add", "-A"]))?;
    meter::run(plain_git(folder).args(["commit", "-q", "-m", "save"]))
}

/// Copies files, folders too.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    meter::run(Command::new("cp").args(["-r", "--no-preserve=mode"]).arg(from).arg(to))
}

/// Bytes of the files in a folder, at any depth.
pub(crate) fn size(folder: &Path) -> Result<u64> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    Ok(files.iter().map(|(_, length)| length).sum())
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push((entry.path(), entry.metadata()?.len()));
        }
    }
    Ok(())
}
