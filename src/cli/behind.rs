//! Processes of annals' own that go on behind a command, and after it.

use std::process::Command;
use std::process::Stdio;
use std::thread;

use crate::cli::context::Flags;
use crate::platform::Environment;

/// Settings under which git and ssh ask nobody: there is nobody to answer.
const UNATTENDED: [(&str, &str); 3] =
    [("GIT_TERMINAL_PROMPT", "0"), ("GIT_ASKPASS", ""), ("SSH_ASKPASS_REQUIRE", "never")];

/// Starts the sync with all remotes that are due, and does not wait for it. What it comes to is told
/// by `stats`.
pub(crate) fn start_sync(flags: &Flags, environment: &Environment) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut sync = Command::new(program);
    sync.arg("--quiet");
    if let Some(store) = &flags.store {
        sync.arg("--store").arg(environment.current.join(store));
    }
    sync.args(["sync", "--auto"]).envs(UNATTENDED).env_remove("SSH_ASKPASS");
    sync.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = sync.spawn() {
        // Only so that a long-lived process does not collect dead children.
        drop(thread::Builder::new().spawn(move || child.wait()));
    }
}
