//! The integration tests: the library and the built binary, on real git repositories in temporary
//! folders.
//!
//! `layers`: the layering rule · `formats`: files and their schema · `r1_…` to `r9_…`: the
//! requirements, by number (`r4_3_secrets`: what is never written or told, and the rules) · `properties`: the properties, by number · `cli_…`: texts, JSON shapes
//! and exit codes of the program · `versions`: a session in its several states · `picker`: the picker in
//! a real terminal · `many`: several
//! processes at once · `hooks`: agents that call annals · `hostile`: bad input · `r7_hostile`: bad bundles · `p08_browser`: pages in a browser · `crash`: the
//! program killed, the disk full · `scrub`: what leaves history · `live`: sessions that a program holds · `shell`: a conversation at a prompt ·
//! `corpus`: real transcripts, where `ANNALS_CORPUS`
//! names them.
#![allow(
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::too_many_lines,
    reason = "tests set up their own files and read their own environment, and tell long stories"
)]

mod cli_json;
mod cli_text;
mod corpus;
mod crash;
mod hooks;
mod hostile;
mod layers;
mod live;
mod many;
mod p08_browser;
mod p08_export;
#[cfg(unix)]
mod picker;
mod properties;
mod r1_saving;
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
mod scrub;
mod searching;
mod shell;
mod support;
mod versions;
