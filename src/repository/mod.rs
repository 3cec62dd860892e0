//! `Repository`, the library's one handle: one file per operation.
//!
//! It puts the modules below together and knows none of their formats: adapters give records,
//! `redact` cleans them, `store` commits them, `index` follows. Every operation that writes is
//! planned without a lock and committed under one (`change`). Reading works whatever state the
//! index is in: it is derived, and made anew when it cannot be used. Where the store itself is damaged,
//! what is left of it is read (`damaged`), and nothing is written.

mod adoption;
mod allow;
mod audit;
mod auto_sync;
mod beginning;
mod capture;
mod catalogue;
mod change;
mod changed;
mod damaged;
mod delete;
mod difference;
mod doctor;
mod edit;
mod error;
mod examine;
mod export;
mod filter;
mod fork;
mod gather;
mod hooks;
mod import;
mod intake;
mod keep;
mod limits;
mod list;
mod live;
mod load;
mod log;
mod machine;
mod merging;
mod migrate;
mod migrating;
mod observing;
mod open;
mod place;
mod plain_git;
mod prune;
mod purge;
mod reading;
mod recover;
mod relearn;
mod remake;
mod remote_filter;
mod remotes;
mod repair;
mod repair_step;
mod resolve;
mod restore;
mod retention;
mod rewrite;
mod rollback;
mod rules;
mod salvage;
mod save;
mod scan;
mod scrub;
mod search;
mod selective;
mod share;
mod sizes;
mod startup;
mod stats;
mod surroundings;
mod sync;
mod take;
mod told;
mod upkeep;
mod workspaces;
mod yaml;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use chrono::DateTime;
use chrono::Utc;

use crate::config::Settings;
use crate::error::Result;
use crate::index::Index;
use crate::platform::Environment;
use crate::redact::Rules;
use crate::repository::damaged::Damaged;
use crate::repository::migrate::Listener;
use crate::repository::observing::Observer;
use crate::repository::rules::load_rules;
use crate::store::Store;

/// The most bytes that are read of a file in which something was noted that can be learned again.
const NOTES_LIMIT: u64 = 64 << 20;

pub use crate::adapters::ResumeCommand;
pub use crate::adapters::Skipped;
pub use crate::exchange::Chart;
pub use crate::exchange::Dashboard;
pub use crate::exchange::ExportFormat;
pub use crate::exchange::Table;
pub use crate::exchange::TableRow;
pub use crate::format::record_to_value;
pub use crate::index::Filter;
pub use crate::index::FilterError;
pub use crate::index::FilterField;
pub use crate::index::FilterInput;
pub use crate::index::Found;
pub use crate::index::FoundSession;
pub use crate::index::Hit;
pub use crate::index::Page;
pub use crate::index::Query;
pub use crate::index::QueryError;
pub use crate::index::RevisionEntry;
pub use crate::index::Scope;
pub use crate::index::SearchOptions;
pub use crate::index::Snippet;
pub use crate::index::SortKey;
pub use crate::index::Summary;
pub use crate::index::TimeSpan;
pub use crate::index::Unmatched;
pub use crate::store::Damage;
pub use crate::store::DerivedFault;
pub use crate::store::FoundMain;
pub use crate::store::GitLock;
pub use crate::store::Remote;
pub use crate::store::SettingsFault;
pub use allow::AllowOutcome;
pub use allow::allow_value;
pub use audit::AuditEntry;
pub use audit::AuditFailure;
pub use audit::AuditFilter;
pub use audit::AuditReading;
pub use audit::AuditState;
pub use beginning::Beginning;
pub use capture::CaptureOptions;
pub use capture::CaptureOutcome;
pub use capture::CapturedSession;
pub use changed::known_agents;
pub use damaged::StoreDamage;
pub use delete::DeleteOutcome;
pub use delete::UndeleteOutcome;
pub use difference::Difference;
pub use difference::FieldChange;
pub use difference::RecordChange;
pub use doctor::Check;
pub use doctor::Verdict;
pub use edit::Edit;
pub use edit::EditOutcome;
pub use export::ExportOptions;
pub use export::ExportOutcome;
pub use export::ExportTarget;
pub use export::ExportText;
pub use filter::Profile;
pub use filter::Sharing;
pub use filter::Spot;
pub use filter::TextFilter;
pub use filter::profile_of;
pub use filter::told_without_secrets;
pub use fork::ForkPart;
pub use hooks::HookChange;
pub use hooks::HookPlan;
pub use hooks::transcripts_told;
pub use import::ImportOptions;
pub use import::ImportPlan;
pub use import::ImportWarning;
pub use import::ImportedSession;
pub use import::Known;
pub use keep::GcOutcome;
pub use limits::Remedy;
pub use limits::RemedyKind;
pub use limits::StorageNotice;
pub use list::Listing;
pub use live::INTERVALS;
pub use live::LiveChange;
pub use live::LiveOptions;
pub use live::LiveSession;
pub use live::LiveStatus;
pub use live::Restored;
pub use live::Update;
pub use log::LogEntry;
pub use migrate::FailedMigration;
pub use migrate::MigratedSession;
pub use migrate::MigrationListener;
pub use migrate::MigrationOutcome;
pub use migrate::MigrationPlan;
pub use migrate::MigrationStep;
pub use migrate::UndoneMigration;
pub use observing::Operation;
pub use observing::record;
pub use open::OpenOptions;
pub use place::PlaceSource;
pub use plain_git::GitCall;
pub use plain_git::GitHooksPlan;
pub use plain_git::GitHooksState;
pub use plain_git::Refusal;
pub use plain_git::answer_git;
pub use plain_git::merge_file;
pub use prune::KeptSessions;
pub use prune::PrunePlan;
pub use prune::PrunedSession;
pub use purge::PurgePlan;
pub use purge::PurgedSession;
pub use recover::LeftBehind;
pub use recover::RecoveredSession;
pub use recover::Recovery;
pub use remote_filter::RemoteFilter;
pub use remotes::RemoteOptions;
pub use remotes::RemoteShare;
pub use remotes::RemoteState;
pub use remotes::SyncFailure;
pub use repair::RepairOutcome;
pub use repair::RepairPlan;
pub use repair_step::RepairStep;
pub use resolve::SessionAt;
pub use restore::RestoreOptions;
pub use restore::RestoreOutcome;
pub use restore::agents_for;
pub use retention::DropReason;
pub use retention::KeepReason;
pub use retention::Retained;
pub use retention::RetentionItem;
pub use retention::RetentionLimits;
pub use retention::plan_retention;
pub use rewrite::RewriteOutcome;
pub use rules::check_settings;
pub use salvage::Gap;
pub use salvage::LostFile;
pub use salvage::LostSession;
pub use salvage::Place;
pub use salvage::SalvagedSession;
pub use save::SaveOutcome;
pub use scan::ScanOptions;
pub use scan::ScanOutcome;
pub use scan::StoredFinding;
pub use scrub::ScrubPlan;
pub use scrub::ScrubbedSession;
pub use share::ShareChoice;
pub use share::SharedBundle;
pub use sizes::SizeOn;
pub use startup::FailedStart;
pub use startup::StartOffer;
pub use stats::Alert;
pub use stats::CaptureCache;
pub use stats::Day;
pub use stats::Group;
pub use stats::Happened;
pub use stats::Latency;
pub use stats::Stats;
pub use stats::Storage;
pub use stats::Totals;
pub use stats::Window;
pub use stats::write_dashboard;
pub use sync::SyncOptions;
pub use sync::SyncOutcome;
pub use upkeep::UntoldPrune;
pub use workspaces::MappedWorkspace;
pub use workspaces::WorkspaceEntry;
pub use workspaces::WorkspaceListing;
pub use workspaces::WorkspaceName;
pub use workspaces::WorkspacePlace;
pub use yaml::parse_yaml;
pub use yaml::render_session;
pub use yaml::render_yaml;

/// An open store with its index.
#[derive(Debug)]
pub struct Repository {
    store: Store,
    index: Index,
    environment: Environment,
    rules: OnceLock<Arc<Rules>>,
    recovery: Recovery,
    damaged: Damaged,
    closed: Vec<PathBuf>,
    observer: Observer,
    listener: Listener,
}

/// How far a long operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is counted: `files`, `sessions`, `objects`.
    pub unit: &'static str,
    /// How many are done.
    pub done: u64,
    /// How many there are; 0: unknown.
    pub total: u64,
}

impl Repository {
    /// Where the store lies.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// What others could read of it when it was opened, and no longer can.
    pub fn closed_to_others(&self) -> &[PathBuf] {
        &self.closed
    }

    /// The time, as the repository sees it.
    pub fn now(&self) -> DateTime<Utc> {
        self.environment.clock.now()
    }

    /// The user's settings, as the file has them now.
    fn settings(&self) -> Settings {
        Settings::load(&self.environment.config, &self.environment.home)
    }

    /// The rules of redaction, loaded when first needed.
    fn rules(&self) -> Result<&Rules> {
        self.loaded_rules().map(Arc::as_ref)
    }

    fn shared_rules(&self) -> Result<Arc<Rules>> {
        self.loaded_rules().map(Arc::clone)
    }

    fn loaded_rules(&self) -> Result<&Arc<Rules>> {
        if self.rules.get().is_none() {
            // Losing a race means that the same rules are there already.
            drop(self.rules.set(Arc::new(load_rules(&self.environment)?)));
        }
        Ok(self.rules.get().expect("they were set above"))
    }

    fn new_id(&self) -> String {
        self.environment.ids.next(self.now()).to_string()
    }
}
