//! The doors through which bytes come in that annals did not make: one for each parser.
//!
//! A door takes any bytes, and panics only where a promise is broken: that nothing panics or hangs,
//! that what is read is read in one way, that what is written back is read back as it was. The
//! fuzzer in `fuzz/` knocks at them for as long as it may; `found` with the seeds and with all that
//! the fuzzer ever found. They use the library as any program does, so they know nothing that a
//! stranger's bytes could not reach.

mod agents;
mod bundles;
mod files;
mod git;
pub(crate) mod leaving;
mod redaction;
mod settings;
mod stores;
mod typed;

use std::path::Path;

use tempfile::TempDir;

/// What comes in at a door.
pub(crate) type Door = fn(&[u8]);

/// All doors, by the names of their fuzz targets and of the folders of their seeds.
pub(crate) const DOORS: &[(&str, Door)] = &[
    ("address", typed::address),
    ("agent_settings", agents::settings),
    ("audit", stores::audit),
    ("bundle", bundles::bundle),
    ("bundle_files", bundles::files),
    ("config", settings::config),
    ("dates", typed::dates),
    ("git_calls", git::calls),
    ("git_objects", stores::git_objects),
    ("given", files::given),
    ("head", files::head),
    ("hook_word", agents::hook_word),
    ("journal", stores::journal),
    ("machine", settings::machine),
    ("marker", files::marker),
    ("older", files::older),
    ("pages", leaving::pages),
    ("plain", typed::plain),
    ("query", typed::query),
    ("records", files::records),
    ("redaction", redaction::redaction),
    ("revision", typed::revision),
    ("rules", redaction::rules),
    ("search", typed::search),
    ("sharing", redaction::sharing),
    ("shell_line", typed::shell_line),
    ("tombstone", files::tombstone),
    ("transcript", agents::transcript),
];

/// Lets bytes in at the door of that name.
pub(crate) fn knock(name: &str, bytes: &[u8]) {
    let (_, door) = DOORS.iter().find(|(known, _)| *known == name).expect("there is such a door");
    door(bytes);
}

/// The bytes as a text, where a text is what comes in.
fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Does something in a folder that each thread has once: making one takes longer than most doors.
fn in_scratch<T>(work: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static SCRATCH: TempDir = TempDir::new().expect("a temporary folder can be made");
    }
    SCRATCH.with(|folder| work(folder.path()))
}
