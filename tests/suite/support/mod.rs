//! A sealed environment for tests, and a small vocabulary to tell stories in.

mod claude;
pub(crate) mod endpoint;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod fault;
pub(crate) mod forge;
mod mount;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod power;
pub(crate) mod servers;
#[cfg(unix)]
mod terminal;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use annals::platform::Clock;
use annals::platform::Environment;
use annals::platform::Ids;
use annals::platform::Stopwatch;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use claude::Transcript;
pub(crate) use forge::Forge;
pub(crate) use forge::Pack;
pub(crate) use mount::Mount;
#[cfg(unix)]
pub(crate) use terminal::Terminal;

/// The time in every sandbox, unless a test moves it.
pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";

/// The room that the tests need together, in bytes, many times over.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 4 << 30;

/// A home of its own, with a store, a fixed clock, counted ids, and no configuration of git's.
pub(crate) struct Sandbox {
    root: TempDir,
    now: String,
    runs: AtomicU64,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = folder();
        fs::create_dir(root.path().join("home")).expect("a folder can be made");
        Self { root, now: NOW.to_owned(), runs: AtomicU64::new(0) }
    }

    /// One of several machines: what it makes has ids of its own.
    pub(crate) fn of_machine(number: u64) -> Self {
        Self { runs: AtomicU64::new(number * 10_000), ..Self::new() }
    }

    /// The folder that holds it all.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Where the store lies.
    pub(crate) fn store(&self) -> PathBuf {
        self.root.path().join("data/annals/store.git")
    }

    /// Sets the clock.
    pub(crate) fn set_now(&mut self, now: &str) {
        now.clone_into(&mut self.now);
    }

    /// The program, sealed off from the user's own environment.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.seal(&mut command);
        command
            .env("ANNALS_TEST_NOW", &self.now)
            .env("ANNALS_TEST_IDS", (run * 1000).to_string())
            .env("COLUMNS", "100")
            .env("TZ", "UTC")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// The program, with address space for 1 GiB at most, of which half may be its own code, libraries
    /// and threads' stacks: what it asks for beyond kills it.
    pub(crate) fn limited(&self) -> Command {
        self.through_sh("ulimit -v 1048576 2>/dev/null; exec \"$0\" \"$@\"")
    }

    /// The program, which reads a text from a file: it can be started again, and by others.
    pub(crate) fn fed(&self, input: &str) -> Command {
        fs::write(self.root().join("input"), input).expect("it is written");
        self.through_sh("exec \"$0\" \"$@\" < ../input")
    }

    /// The program, which a script of the shell's starts in the home.
    fn through_sh(&self, script: &str) -> Command {
        let program = self.program();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.arg(program.get_program()).env_clear().stdin(Stdio::null());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.home());
        command
    }

    /// Runs the program.
    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> Ran {
        Ran::of(self.program().args(args))
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn run_with<const N: usize>(&self, args: [&str; N], input: &str) -> Ran {
        let mut command = self.program();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        stdin.write_all(input.as_bytes()).expect("it reads its input");
        drop(stdin);
        Ran::from_output(&child.wait_with_output().expect("it ends"))
    }

    /// Runs the program, which must succeed, and reads the JSON that it prints.
    pub(crate) fn json<const N: usize>(&self, args: [&str; N]) -> Value {
        let ran = Ran::of(self.program().arg("--json").args(args));
        assert_eq!(ran.code, 0, "{args:?} failed: {}", ran.stderr);
        serde_json::from_str(&ran.stdout).expect("it prints JSON")
    }

    /// Captures this home, which must succeed.
    pub(crate) fn capture(&self) -> Ran {
        self.run(["capture"]).ok()
    }

    /// Stores a session given as a document, and gives its id.
    pub(crate) fn save(&self, document: &str) -> String {
        let ran = self.run_with(["--json", "save", "-"], document).ok();
        let saved: Value = serde_json::from_str(&ran.stdout).expect("it prints JSON");
        saved["session"]["id"].as_str().expect("a session has an id").to_owned()
    }

    /// Makes the store what an earlier program left: the files of `tests/fixtures/schemas/<schema>`.
    pub(crate) fn older_store(&self, schema: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemas");
        let mut files = Vec::new();
        collect(&folder.join(schema), &mut files);
        let names = files.iter().map(|(path, bytes)| {
            let name = path.strip_prefix(folder.join(schema)).expect("it lies there");
            (name.to_string_lossy().into_owned(), bytes.clone())
        });
        self.commit_files(&names.collect::<Vec<_>>());
    }

    /// Commits these files to the store with git alone, as the whole of its tree; the store is made if
    /// it is not there. Gives the revision.
    pub(crate) fn commit_files(&self, files: &[(String, Vec<u8>)]) -> String {
        let store = self.store();
        if !store.exists() {
            fs::create_dir_all(&store).expect("a folder is made");
            self.git(["init", "-q", "--bare", "-b", "main", "."]);
        }
        let mut lines = String::new();
        for (name, bytes) in files {
            let input = self.root().join("blob");
            fs::write(&input, bytes).expect("it is written");
            let id = self.git(["hash-object", "-w", &input.to_string_lossy()]);
            lines += &format!("100644 {}\t{name}\n", id.trim());
        }
        let index = self.root().join("older-index");
        drop(fs::remove_file(&index));
        let git = |arguments: &[&str], input: &str| {
            let mut command = Command::new("git");
            self.seal(&mut command);
            let file = self.root().join("input");
            fs::write(&file, input).expect("it is written");
            command.env("GIT_INDEX_FILE", &index).arg("-C").arg(&store).args(arguments);
            for who in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{who}_NAME"), "an earlier program");
                command.env(format!("GIT_{who}_EMAIL"), "x@example.org");
                command.env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
            }
            let stdin = fs::File::open(&file).expect("it opens");
            Ran::of(command.stdin(stdin)).ok().stdout.trim().to_owned()
        };
        git(&["update-index", "--add", "--index-info"], &lines);
        let tree = git(&["write-tree"], "");
        let parent = git(&["for-each-ref", "--format=%(objectname)", "refs/heads/main"], "");
        let mut arguments = vec!["commit-tree", &tree, "-m", "saved"];
        if !parent.is_empty() {
            arguments.extend(["-p", &parent]);
        }
        let commit = git(&arguments, "");
        git(&["update-ref", "refs/heads/main", &commit], "");
        commit
    }

    /// The newest revision of the store.
    pub(crate) fn tip(&self) -> String {
        self.git(["rev-parse", "main"]).trim().to_owned()
    }

    /// The files at the tip, by path.
    pub(crate) fn tree(&self) -> Vec<(String, String)> {
        let names = self.git(["ls-tree", "-r", "--name-only", "main"]);
        let content = |name: &str| self.git(["cat-file", "blob", &format!("main:{name}")]);
        names.lines().map(|name| (name.to_owned(), content(name))).collect()
    }

    /// The content of all objects of all revisions, one after the other.
    pub(crate) fn every_object(&self) -> Vec<u8> {
        let mut command = Command::new("git");
        self.seal(&mut command);
        let arguments = ["cat-file", "--batch", "--batch-all-objects"];
        let output = command.arg("-C").arg(self.store()).args(arguments).output();
        output.expect("git runs").stdout
    }

    /// Runs git in the store.
    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        let mut command = Command::new("git");
        self.seal(&mut command);
        let output = command.arg("-C").arg(self.store()).args(args).output().expect("git runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?} failed: {errors}{text}");
        text + &errors
    }

    /// Git as the user calls it in any folder, where it finds the programs that come with annals;
    /// without `strategy`, as if the merge strategy were not installed.
    pub(crate) fn plain_git(&self, folder: &Path, strategy: bool) -> Command {
        let mut command = Command::new("git");
        self.seal(&mut command);
        if strategy {
            command.env("PATH", Self::path_with_programs());
        }
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Kim")
                .env(format!("GIT_{role}_EMAIL"), "kim@localhost");
        }
        command.arg("-C").arg(folder);
        command
    }

    /// A `PATH` that also leads to the programs that come with annals.
    pub(crate) fn path_with_programs() -> std::ffi::OsString {
        let own = Path::new(env!("CARGO_BIN_EXE_git-merge-annals")).parent().map(Path::to_owned);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(std::env::split_paths(&path));
        std::env::join_paths(all).expect("no folder has a colon in its name")
    }

    /// Git must accept the store, and have nothing to say about it.
    pub(crate) fn fsck(&self) {
        self.wait_for_packing();
        let said = self.git(["fsck", "--strict", "--full", "--no-dangling"]);
        let complaints: Vec<&str> =
            said.lines().filter(|line| !line.starts_with("notice")).collect();
        assert!(complaints.is_empty(), "git fsck complains: {complaints:?}");
    }

    /// Git still packs behind a save, or after its parent was killed, and git's own check does not
    /// expect files to move.
    pub(crate) fn wait_for_packing(&self) {
        if let Ok(lock) = fs::File::open(self.store().join("annals/maintenance.lock")) {
            lock.lock().expect("it can be waited for");
        }
    }

    /// The environment for use through the library.
    pub(crate) fn environment(&self) -> Environment {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let now = DateTime::parse_from_rfc3339(&self.now).expect("the clock is set to a time");
        Environment {
            home: self.home(),
            data: self.root().join("data"),
            config: self.root().join("config"),
            store: None,
            claude_config_dir: None,
            codex_home: None,
            current: self.home(),
            stopwatch: Stopwatch::system(),
            clock: Clock::fixed(now.with_timezone(&Utc)),
            ids: Ids::counting(run * 1000),
        }
    }

    /// The store through the library; made if it is not there.
    pub(crate) fn repository(&self) -> Repository {
        let environment = self.environment();
        Repository::open(&OpenOptions { store: None, environment, create: true })
            .expect("the store opens")
    }

    /// A transcript of Claude Code in this home.
    pub(crate) fn transcript(&self, number: u32) -> Transcript {
        Transcript::new(&self.home(), number)
    }

    /// Every file in the sandbox but those in the home, with its bytes.
    pub(crate) fn every_file(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.root(), &mut files);
        let home = self.home();
        files.retain(|(path, _)| !path.starts_with(&home));
        files
    }

    /// The user's own settings of git: a file that is not there, unless a test makes it.
    pub(crate) fn git_settings(&self) -> PathBuf {
        self.root().join("gitconfig")
    }

    /// Has the user's git know a setting.
    pub(crate) fn set_git(&self, key: &str, value: &str) {
        let mut git = Command::new("git");
        git.args(["config", "--file"]).arg(self.git_settings()).args([key, value]);
        Ran::of(&mut git).ok();
    }

    fn seal(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.home())
            .env("XDG_DATA_HOME", self.root().join("data"))
            .env("XDG_CONFIG_HOME", self.root().join("config"))
            .env("XDG_STATE_HOME", self.root().join("state"))
            .env("XDG_CACHE_HOME", self.root().join("cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.git_settings())
            .env("LANG", "C.UTF-8");
    }
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from_output(&command.output().expect("the program starts"))
    }

    fn from_output(output: &std::process::Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// It must have ended with that code.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// It must have succeeded.
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }
}

/// A folder of a test's own. It lies in memory where there is room and nobody named another place
/// (`TMPDIR`): a flush costs nothing there, and what a disk may lose is none of these tests' business
/// but `power`'s, which knows it of the calls.
pub(crate) fn folder() -> TempDir {
    static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
        let is_named = std::env::var_os("TMPDIR").is_some();
        memory().filter(|_| !is_named).unwrap_or_else(std::env::temp_dir)
    });
    TempDir::new_in(&*PLACE).expect("a temporary folder can be made")
}

/// A file system in memory with room for all tests that run at a time.
fn memory() -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    if let Ok(found) = rustix::fs::statvfs("/dev/shm")
        && found.f_bavail.saturating_mul(found.f_frsize) >= MEMORY
    {
        return Some(PathBuf::from("/dev/shm"));
    }
    None
}

/// An empty remote that plain git made, and its address.
pub(crate) fn bare_remote() -> (TempDir, String) {
    let folder = folder();
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    Ran::of(command.args(["init", "-q", "--bare", "-b", "main"]).arg(folder.path())).ok();
    let address = folder.path().display().to_string();
    (folder, address)
}

/// Says why a test is skipped.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// The corpus of real transcripts, where there is one.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("ANNALS_CORPUS").map(PathBuf::from)?;
    assert!(folder.is_dir(), "ANNALS_CORPUS names no folder: {}", folder.display());
    Some(folder)
}

/// The lines of a transcript, as values.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read(path).expect("the transcript is readable");
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("each line is JSON"))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            files.push((path, bytes));
        }
    }
}
