//! Running git while it talks to others, who may say anything, for ever, or nothing at all.
//!
//! Git has no limit to what it takes in. Here each of its processes gets 2 GiB of memory, 512 MiB of
//! it at once; nothing that arrives may take more than half of what is free on the disk; and
//! when nothing came for two minutes, and a second more for each 64 KiB that did, it is ended with
//! all that it started. So the time is bounded too: what arrived may be small and stand for much.
//! On systems without `ulimit` the memory of a process is not bounded, only each piece of it.

use std::io;
#[cfg(test)]
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::platform;
use crate::platform::Pipe;
use crate::store::inspect::bytes_in;

/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(120);
/// As many bytes that arrived, or that are to go, give a second more.
const BYTES_A_SECOND: u64 = 64 << 10;
/// How often is looked at what has come, and whether the process has ended whose child keeps its
/// output open.
const TICK: Duration = Duration::from_millis(200);
/// How long is waited for last words where nobody can tell whether there are more.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The most of what git says that is kept.
const SAID_LIMIT: u64 = 1 << 20;
/// What a shell does before git takes its place: 2 GiB for each process, in KiB.
#[cfg(unix)]
const BOUNDED: &str = "ulimit -d 2097152 2>/dev/null; exec git \"$@\"";
/// How a shell ends when there is no git.
#[cfg(unix)]
const NO_PROGRAM: i32 = 127;

/// What may be spent on a talk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds<'p> {
    /// Where things arrive.
    pub(super) place: Option<&'p Path>,
    /// The most bytes that may arrive.
    pub(super) bytes: u64,
    /// How long nothing may come.
    pub(super) silence: Duration,
}

/// What git said, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl<'p> Bounds<'p> {
    /// Of a talk in which little is said.
    pub(super) fn short() -> Self {
        Self { place: None, bytes: 0, silence: SILENCE }
    }

    /// Of one in which things arrive at `place`.
    pub(super) fn arriving(place: &'p Path) -> Self {
        let bytes = platform::free_space(place).map_or(u64::MAX, |free| free / 2);
        Self { place: Some(place), bytes, silence: SILENCE }
    }

    /// Of one in which up to so many bytes go.
    pub(super) fn sending(bytes: u64) -> Self {
        // A slow line: nobody tells how far it is.
        Self { place: None, bytes: 0, silence: allowance(SILENCE, bytes.saturating_mul(4)) }
    }
}

/// How long it may take until something is done with so many bytes.
pub(super) fn allowance(silence: Duration, bytes: u64) -> Duration {
    silence + Duration::from_secs(bytes / BYTES_A_SECOND)
}

/// How long it may take to look at what arrived.
pub(super) fn time_to_look_at(place: &Path) -> Duration {
    allowance(SILENCE, bytes_in(place))
}

/// The git program, with its memory bounded where that can be done.
pub(super) fn bounded_git() -> Command {
    #[cfg(unix)]
    let mut command = {
        let mut command = Command::new("sh");
        command.args(["-c", BOUNDED, "git"]);
        command
    };
    #[cfg(not(unix))]
    let mut command = Command::new("git");
    command.env("GIT_ALLOC_LIMIT", "512m");
    command
}

/// Runs git to its end, or to its bounds.
///
/// # Errors
/// In words: why there is nothing to be had of it.
pub(super) fn talk(mut command: Command, bounds: Bounds<'_>) -> Result<Said, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "the git program is not installed".to_owned(),
        _ => format!("the git program cannot be started: {error}"),
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    hear(child, stdout.expect("it is a pipe"), stderr.expect("it is a pipe"), bounds)
}

/// Hears a process out, with its output.
fn hear(
    mut child: Child,
    stdout: impl Pipe,
    stderr: impl Pipe,
    bounds: Bounds<'_>,
) -> Result<Said, String> {
    let (done, finished) = mpsc::channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let stdout = listen(stdout, &is_over, done.clone());
    let stderr = listen(stderr, &is_over, done);
    let status = wait(&mut child, &finished, &is_over, bounds);
    if status.is_err() {
        platform::end_with_descendants(&mut child);
    }
    let status = status?;
    #[cfg(unix)]
    if status.code() == Some(NO_PROGRAM) {
        return Err("the git program is not installed".to_owned());
    }
    Ok(Said { status, stdout: text(&stdout), stderr: text(&stderr) })
}

type Heard = Arc<Mutex<Vec<u8>>>;

fn text(heard: &Heard) -> String {
    let bytes = heard.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Keeps what is said, the first of it, and tells when it ends. When the process is over that said it,
/// nobody waits for more than is there: a child of it may keep the pipe open.
fn listen(mut from: impl Pipe, is_over: &Arc<AtomicBool>, done: mpsc::Sender<()>) -> Heard {
    let heard = Heard::default();
    let (kept, is_over) = (Arc::clone(&heard), Arc::clone(is_over));
    thread::spawn(move || {
        let (mut bytes, mut last) = ([0; 8 << 10], 0);
        loop {
            // What a process said is in the pipe before anybody learns that it ended.
            let was_over = is_over.load(Ordering::SeqCst);
            let patience = if was_over { Duration::ZERO } else { TICK };
            if !platform::has_said(&from, patience) {
                if was_over {
                    break;
                }
                continue;
            }
            let Ok(count @ 1..) = from.read(&mut bytes) else { break };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if (kept.len() as u64) < SAID_LIMIT {
                kept.extend_from_slice(&bytes[..count]);
            }
            last += if was_over { count as u64 } else { 0 };
            if last > SAID_LIMIT {
                break;
            }
        }
        // Nobody waits for it any more when the talk was ended.
        done.send(()).ok();
    });
    heard
}

fn wait(
    child: &mut Child,
    finished: &mpsc::Receiver<()>,
    is_over: &AtomicBool,
    bounds: Bounds<'_>,
) -> Result<ExitStatus, String> {
    let failed = |error: io::Error| format!("the git program is lost: {error}");
    let (mut open, mut size, mut since) = (2, 0, Instant::now());
    while open > 0 {
        match finished.recv_timeout(TICK) {
            Ok(()) => open -= 1,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if let Some(status) = child.try_wait().map_err(failed)? {
                    is_over.store(true, Ordering::SeqCst);
                    last_words(finished, open);
                    return Ok(status);
                }
                let now = bounds.place.map_or(0, bytes_in);
                if now > bounds.bytes {
                    let half = "more arrives than half of what is free on the disk";
                    return Err(half.to_owned());
                }
                if now != size {
                    (size, since) = (now, Instant::now());
                }
                let patience = allowance(bounds.silence, size);
                if since.elapsed() > patience {
                    return Err(format!("nothing came for {} s", patience.as_secs()));
                }
            }
        }
    }
    child.wait().map_err(failed)
}

/// Waits until all is read that was said.
fn last_words(finished: &mpsc::Receiver<()>, open: u32) {
    for _ in 0..open {
        if cfg!(unix) {
            finished.recv().ok();
        } else {
            finished.recv_timeout(LAST_WORDS).ok();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::fd::BorrowedFd;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn soon() -> Bounds<'static> {
        Bounds { silence: Duration::from_millis(300), ..Bounds::short() }
    }

    #[test]
    fn who_says_nothing_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let (begun, alive) = (folder.path().join("begun"), folder.path().join("alive"));
        // It would write after the end of the talk.
        let script =
            format!("(echo > {}; sleep 2; echo > {}) & wait", begun.display(), alive.display());
        let told = talk(shell(&script), soon()).expect_err("it is ended");
        assert_eq!(told, "nothing came for 0 s");
        thread::sleep(Duration::from_secs(3));
        assert!(begun.exists());
        assert_eq!(alive.exists(), !cfg!(target_os = "linux"), "its child is gone too");
    }

    #[test]
    fn who_goes_on_for_ever_is_ended_when_the_room_is_used_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pack");
        let script = format!("while :; do echo 12345678 >> {}; done", file.display());
        let bounds = Bounds { place: Some(folder.path()), bytes: 10_000, ..soon() };
        let told = talk(shell(&script), bounds).expect_err("it is ended");
        assert_eq!(told, "more arrives than half of what is free on the disk");
        let size = fs::metadata(&file).expect("there").len();
        thread::sleep(TICK);
        assert_eq!(fs::metadata(&file).expect("there").len(), size, "it does not go on");
    }

    /// A pipe whose reader gets no time to read at once.
    struct Late<P>(P);

    impl<P: AsFd> AsFd for Late<P> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    impl<P: Read> Read for Late<P> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            thread::sleep(5 * TICK);
            self.0.read(bytes)
        }
    }

    #[test]
    fn what_was_said_is_read_however_late() {
        let mut command = shell("echo here; sleep 20 & exit 0");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let pipes = (child.stdout.take().expect("one"), child.stderr.take().expect("one"));
        let said = hear(child, Late(pipes.0), Late(pipes.1), Bounds::short());
        assert_eq!(said.expect("it ended").stdout, "here\n");
    }

    #[test]
    fn what_is_said_is_kept_up_to_a_limit_and_a_child_that_stays_is_not_waited_for() {
        let said = talk(shell("echo here; echo there >&2; sleep 20 & exit 3"), soon());
        let said = said.expect("it ended");
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("here\n", "there\n"));
        assert_eq!(said.status.code(), Some(3));
        let much = talk(shell("head -c 5000000 /dev/zero"), soon()).expect("it ended");
        assert!(much.stdout.len() as u64 <= SAID_LIMIT + (8 << 10));
    }
}
