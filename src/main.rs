//! The program: hands its arguments to the front end and ends with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    annals::cli::run(std::env::args_os())
}
