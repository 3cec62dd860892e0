//! Other processes: whether one lives, what it says, and ending one with those that it started.

use std::io::Read;
use std::process::Child;
use std::time::Duration;

/// What another process says.
#[cfg(unix)]
pub trait Pipe: Read + std::os::fd::AsFd + Send + 'static {}
/// What another process says.
#[cfg(not(unix))]
pub trait Pipe: Read + Send + 'static {}

#[cfg(unix)]
impl<P: Read + std::os::fd::AsFd + Send + 'static> Pipe for P {}
#[cfg(not(unix))]
impl<P: Read + Send + 'static> Pipe for P {}

/// Whether there is something to read, or the end of it, within so long. Where the system does not
/// say, there is: then the reader waits.
#[cfg_attr(not(unix), expect(unused_variables, reason = "nobody can be asked"))]
pub fn has_said(pipe: &impl Pipe, patience: Duration) -> bool {
    #[cfg(unix)]
    {
        use rustix::event::PollFd;
        use rustix::event::PollFlags;
        use rustix::event::Timespec;
        let patience = Timespec::try_from(patience).ok();
        let mut asked = [PollFd::new(pipe, PollFlags::IN)];
        // One that cannot be asked is read.
        rustix::event::poll(&mut asked, patience.as_ref()).map_or(true, |count| count > 0)
    }
    #[cfg(not(unix))]
    true
}

/// Ends a process at once, and on Linux all those that it started too; waits for it.
pub fn end_with_descendants(child: &mut Child) {
    let below = descendants(child.id());
    child.kill().ok();
    below.into_iter().for_each(end);
    child.wait().ok();
}

/// Whether there is a process of this number. Where the system does not say, there is.
pub fn is_alive(process: u32) -> bool {
    #[cfg(unix)]
    {
        let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
        process.is_some_and(|process| {
            let found = rustix::process::test_kill_process(process);
            found.is_ok() || found == Err(rustix::io::Errno::PERM)
        })
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        true
    }
}

#[cfg(target_os = "linux")]
fn descendants(process: u32) -> Vec<u32> {
    let (mut found, mut waiting) = (Vec::new(), vec![process]);
    while let Some(process) = waiting.pop() {
        let list = format!("/proc/{process}/task/{process}/children");
        let list = std::fs::read_to_string(list).unwrap_or_default();
        let children = list.split_whitespace().filter_map(|it| it.parse::<u32>().ok());
        let first = found.len();
        found.extend(children);
        waiting.extend_from_slice(&found[first..]);
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn descendants(_process: u32) -> Vec<u32> {
    Vec::new()
}

#[cfg(unix)]
fn end(process: u32) {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // What cannot be ended has ended by itself.
        rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
    }
}

#[cfg(not(unix))]
fn end(_process: u32) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_until_it_has_ended() {
        assert!(is_alive(std::process::id()));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        assert!(is_alive(child.id()));
        end_with_descendants(&mut child);
        assert!(!is_alive(child.id()));
        assert!(!is_alive(0) && !is_alive(u32::MAX));
    }
}
