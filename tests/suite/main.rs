//! The integration tests: the library and the built binary, on real git repositories in temporary
//! folders.
//!
//! `layers`: the layering rule · `formats`: files and their schema · `r1_…` to `r10_…`: the
//! requirements, by number (`r2_4_workspaces`: projects that moved · `r3_5_retention`: what is let go · `r4_3_secrets`: what is never written
//! or told, and the rules · `r7_hostile`: bad bundles) · `properties`: the properties, by number ·
//! `p08_browser`: pages in a browser · `cli_…`: texts, JSON shapes and exit codes of the program ·
//! `versions`: a session in its several states; `branches`: in its several ways · `searching`: search against a naive scan ·
//! `picker`, `picker_screens`: the picker in a real terminal · `shell`: a conversation at a prompt · `live`: sessions
//! that a program holds · `hooks`: agents that call annals · `many`: several processes at once, `many_killed`: of which many are killed ·
//! `hostile`: bad input · `limits`: too much of it; `sizes`: much of what is good · `hostile_remotes`: remotes that mean harm · `hostile_stores`: stores that do · `plain_output`: what steers a
//! terminal, in every field and command · `crash`: the program killed, the disk full · `repair`: damage, mended; `repair_faults`: by a repair that fails; `repair_packs`: what stands beside objects · `scrub`: what leaves history ·
//! `migration`: stores of older schemas, killed, brought back, synced ·
//! `model`: two machines that do all of it in any order, against a few sets ·
//! `faults`: each call to the system that
//! may fail does; `operations_faults`: under each operation · `power`: the power goes, with what was not flushed · `sync`: several machines and a remote; `scrubbed_sync`: of which one scrubbed its history;
//! `sync_faults`: with calls to the system that fail; `sync_auto`: remotes synced with by themselves; `sync_only`: that
//! get some sessions; `sync_remotes`: that changed; `sync_teams`: several people's · `transports`: the ways to a remote ·
//! `found`: what a fuzzer found, at the `doors` of each parser · `git_user`: git itself in the store, `plain_git`: in a clone · `corpus`: real transcripts, where `ANNALS_CORPUS` names them.
#![allow(
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::too_many_lines,
    reason = "tests set up their own files and read their own environment, and tell long stories"
)]

mod branches;
mod cli_json;
mod cli_text;
mod corpus;
mod crash;
mod doors;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod faults;
mod found;
mod git_user;
mod hooks;
mod hostile;
mod hostile_remotes;
#[cfg(unix)]
mod hostile_stores;
mod layers;
#[cfg(unix)]
mod limits;
mod live;
mod many;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod many_killed;
mod migration;
mod model;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod operations_faults;
mod p08_browser;
mod p08_export;
#[cfg(unix)]
mod picker;
#[cfg(unix)]
mod picker_screens;
mod plain_git;
#[cfg(unix)]
mod plain_output;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod power;
mod properties;
mod r10_observing;
mod r10_statistics;
mod r1_saving;
mod r2_4_workspaces;
mod r2_resuming;
mod r3_5_retention;
mod r3_managing;
mod r4_3_secrets;
mod r4_storage;
mod r5_finding;
mod r5_search;
mod r6_migration;
mod r7_hostile;
mod r7_sharing;
mod r8_5_limits;
mod r8_configuration;
#[cfg(unix)]
mod repair;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod repair_faults;
mod repair_packs;
mod scrub;
mod scrubbed_sync;
mod searching;
mod shell;
mod sizes;
mod support;
mod sync;
mod sync_auto;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sync_faults;
mod sync_only;
mod sync_remotes;
mod sync_teams;
#[cfg(unix)]
mod transports;
mod versions;
