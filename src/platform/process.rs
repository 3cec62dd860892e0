//! Ending a process with those that it started.

use std::process::Child;

/// Ends a process at once, and on Linux all those that it started too; waits for it.
pub fn end_with_descendants(child: &mut Child) {
    let below = descendants(child.id());
    child.kill().ok();
    below.into_iter().for_each(end);
    child.wait().ok();
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
