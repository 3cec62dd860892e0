//! The commands, one file each: what was typed is resolved, the repository called, the outcome
//! rendered.

mod audit;
pub(crate) mod capture;
mod checkout;
pub(crate) mod completions;
mod config;
mod delete;
mod diff;
mod doctor;
mod edit;
mod export;
mod fork;
mod gc;
mod hooks;
mod import;
mod init;
mod list;
mod log;
pub(crate) mod man;
mod merge_driver;
pub(crate) mod migrate;
mod note;
mod pin;
mod prune;
mod purge;
mod redact;
mod remote;
mod rename;
mod restore;
mod resume;
mod rollback;
mod save;
mod scan;
mod scrub;
mod search;
mod share;
mod shell;
mod show;
mod stats;
mod sync;
mod tag;
mod tour;
mod undelete;
mod workspace;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;

/// What annals can be asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Capture(capture::CaptureArgs),
    List(list::ListArgs),
    Search(search::SearchArgs),
    Show(show::ShowArgs),
    Shell(shell::ShellArgs),
    Log(log::LogArgs),
    Diff(diff::DiffArgs),
    Resume(resume::ResumeArgs),
    Restore(restore::RestoreArgs),
    Rollback(rollback::RollbackArgs),
    Rename(rename::RenameArgs),
    Tag(tag::TagArgs),
    Note(note::NoteArgs),
    Pin(pin::PinArgs),
    Edit(edit::EditArgs),
    Fork(fork::ForkArgs),
    Export(export::ExportArgs),
    Share(share::ShareArgs),
    Import(import::ImportArgs),
    Save(save::SaveArgs),
    Redact(redact::RedactArgs),
    Scan(scan::ScanArgs),
    Scrub(scrub::ScrubArgs),
    Prune(prune::PruneArgs),
    Purge(purge::PurgeArgs),
    Delete(delete::DeleteArgs),
    Undelete(undelete::UndeleteArgs),
    Remote(remote::RemoteArgs),
    Sync(sync::SyncArgs),
    Workspace(workspace::WorkspaceArgs),
    Hooks(hooks::HooksArgs),
    MergeDriver(merge_driver::MergeDriverArgs),
    Config(config::ConfigArgs),
    Init(init::InitArgs),
    Checkout(checkout::CheckoutArgs),
    Gc(gc::GcArgs),
    Migrate(migrate::MigrateArgs),
    Doctor(doctor::DoctorArgs),
    Stats(stats::StatsArgs),
    Audit(audit::AuditArgs),
    Tour(tour::TourArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// Whether it changes nothing, wherever it is called from.
    pub(crate) fn only_reads(&self) -> bool {
        matches!(
            self,
            Self::List(_) | Self::Search(_) | Self::Show(_) | Self::Log(_) | Self::Diff(_)
        )
    }
}

/// Runs a command, and tells of what it found damaged of the store, and did without.
pub(crate) fn run(command: Command, context: &mut Context) -> Result<ExitCode> {
    let ended = run_alone(command, context);
    context.tell_of_damage(ended.as_ref().err())?;
    ended
}

fn run_alone(command: Command, context: &mut Context) -> Result<ExitCode> {
    match command {
        Command::Capture(args) => capture::run(args, context),
        Command::List(args) => list::run(&args, context),
        Command::Shell(args) => shell::run(&args, context),
        Command::Search(args) => search::run(&args, context),
        Command::Show(args) => show::run(args, context),
        Command::Log(args) => log::run(&args, context),
        Command::Diff(args) => diff::run(&args, context),
        Command::Resume(args) => resume::run(args, context),
        Command::Restore(args) => restore::run(args, context),
        Command::Rollback(args) => rollback::run(&args, context),
        Command::Rename(args) => rename::run(&args, context),
        Command::Tag(args) => tag::run(args, context),
        Command::Note(args) => note::run(&args, context),
        Command::Pin(args) => pin::run(&args, context),
        Command::Edit(args) => edit::run(&args, context),
        Command::Fork(args) => fork::run(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Share(args) => share::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Redact(args) => redact::run(&args, context),
        Command::Scan(args) => scan::run(&args, context),
        Command::Scrub(args) => scrub::run(&args, context),
        Command::Prune(args) => prune::run(&args, context),
        Command::Purge(args) => purge::run(&args, context),
        Command::Save(args) => save::run(&args, context),
        Command::Delete(args) => delete::run(&args, context),
        Command::Undelete(args) => undelete::run(&args, context),
        Command::Remote(args) => remote::run(&args, context),
        Command::Sync(args) => sync::run(&args, context),
        Command::Workspace(args) => workspace::run(args, context),
        Command::Hooks(args) => hooks::run(args, context),
        Command::MergeDriver(args) => merge_driver::run(&args, context),
        Command::Config(args) => config::run(args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Checkout(args) => checkout::run(&args, context),
        Command::Gc(args) => gc::run(&args, context),
        Command::Migrate(args) => migrate::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Stats(args) => stats::run(&args, context),
        Command::Audit(args) => audit::run(&args, context),
        Command::Tour(args) => tour::run(&args, context),
        Command::Completions(args) => completions::run(&args, &mut context.output),
        Command::Man(args) => man::run(&args, &mut context.output),
    }
}
