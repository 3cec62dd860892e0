//! The merge strategy `annals`, as git calls it: by this name, from the `PATH`.
//!
//! It only hands over to the program `annals` that lies beside it, or on the `PATH`.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

/// How a strategy tells git that it cannot merge.
const CANNOT: u8 = 2;

fn main() -> ExitCode {
    let name = format!("annals{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().map(|own| own.with_file_name(&name)).ok();
    let program = beside.filter(|path| path.is_file()).unwrap_or(PathBuf::from(name));
    let ran = Command::new(&program)
        .args(["hooks", "run", "git", "merge", "--"])
        .args(env::args_os().skip(1))
        .status();
    match ran {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(CANNOT),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "it is a program of its own")]
            {
                eprintln!("git-merge-annals: {} cannot be started: {error}", program.display());
            }
            ExitCode::from(CANNOT)
        }
    }
}
