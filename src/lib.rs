//! A git-backed, versioned repository for conversations with AI agents.
//!
//! Agents keep their sessions in files that expire, stay on one machine, and cannot be compared.
//! annals takes them into a git repository of readable YAML: every save is a commit, so history is
//! the backup and going back is a commit too. This crate is the whole of it; the program `annals`
//! (feature `cli`, on by default) is one front end.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`platform`] | the operating system: clock, ids, atomic files, locks, folders |
//! | [`session`] | the domain as plain values: records, heads, views, differences |
//! | [`redact`] | finds secrets and replaces them; the only maker of [`redact::Clean`] |
//! | [`mod@format`] | session ⇄ YAML |
//! | [`config`] | settings |
//! | [`observe`] | the audit log; counts and times of operations |
//! | [`store`] | the git repository; accepts only clean values |
//! | [`adapters`] | each agent's own files, read and written |
//! | [`index`] | the catalogue and the full text, derived from the store |
//! | [`exchange`] | what leaves and enters: JSON, YAML, Markdown, HTML, bundles |
//! | [`repository`] | [`repository::Repository`], the one handle: one file per operation |
//! | `cli` | the program |
//!
//! Imports point down this list only: `cli` to `repository`, `repository` to the rest, and all to
//! `session`. A test holds every file to that.
//!
//! # The way of a save
//!
//! 1. An adapter reads what an agent's file holds beyond the place where the last capture stood,
//!    and makes a [`session::Record`] of each line; what it has no name for stays in `native`.
//! 2. [`redact::Redactor`] replaces the secrets in every text of the record and gives a
//!    [`redact::Clean`] one; nothing else can be stored.
//! 3. [`session::HeadFold`] takes the record in: the head, all that a list needs, is a fold.
//! 4. [`format::Chunker`] cuts the stream of records into chunks of YAML, by a rule that depends on
//!    the records alone.
//! 5. A [`store::Batch`] makes blobs and trees of them, without any lock.
//! 6. Under the store's lock the tip is read; what another process changed meanwhile is planned
//!    anew on top of it.
//! 7. The objects reach the disk, then the commit, then the ref `main`, by compare-and-swap.
//! 8. The lock is freed, and the save is durable.
//! 9. [`index::Index`] follows main by the difference of trees, its full text too.
//! 10. Maintenance packs old objects later, in the background.
//!
//! # A program that keeps its conversations
//!
//! `examples/chat.rs` is a whole one, which offers to go on after a crash.
//!
//! ```
//! use annals::platform::Environment;
//! use annals::repository::{LiveOptions, OpenOptions, Repository};
//! use annals::session::Message;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let options = OpenOptions {
//!     store: Some(folder.path().join("store.git")),
//!     environment: Environment::from_process()?,
//!     create: true,
//! };
//! let mut repository = Repository::open(&options)?;
//! let live = repository.create("my-agent", &LiveOptions::default())?;
//! // When `append` returns, the message is on the disk; a thread commits it soon after.
//! live.append(vec![Message::new("user", "Why is the last line dropped?").into()])?;
//! let id = live.close()?.id;
//!
//! let (live, restored) = repository.resume(id, &LiveOptions::default())?;
//! live.append(vec![Message::new("assistant", "The reader stops early.").into()])?;
//! assert_eq!(restored.records.len(), 1);
//! assert_eq!(live.head().counts.messages, 2);
//! # Ok(())
//! # }
//! ```
//!
//! A program that is told to stop saves what waits within a time of its choice; what is not done by
//! then is in the journal, and committed when the store is next opened. Dropping a session does the
//! same, within [`repository::LiveOptions::patience`].
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use annals::platform::Environment;
//! # use annals::repository::{LiveOptions, OpenOptions, Repository};
//! # use annals::session::Message;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let mut repository = Repository::open(&OpenOptions {
//! #     store: Some(folder.path().join("store.git")),
//! #     environment: Environment::from_process()?,
//! #     create: true,
//! # })?;
//! let live = Arc::new(repository.create("my-agent", &LiveOptions::default())?);
//! let held = Arc::clone(&live);
//! # #[cfg(all(unix, feature = "cli"))] {
//! let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
//! let stopper = std::thread::spawn(move || {
//!     let signal = signals.forever().next();
//!     // Then `std::process::exit(143)`.
//!     signal.map(|_| held.close_within(Duration::from_secs(5)))
//! });
//! live.append(vec![Message::new("user", "Why is the last line dropped?").into()])?;
//! # signal_hook::low_level::raise(signal_hook::consts::SIGTERM)?;
//! # let head = stopper.join().expect("it does not panic").expect("it came")?;
//! # assert_eq!(head.counts.messages, 1);
//! # assert!(live.append(Vec::new()).is_err(), "the session has ended for all");
//! # }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::large_stack_arrays,
        clippy::needless_pass_by_value,
        clippy::too_many_lines,
        clippy::cloned_ref_to_slice_refs,
        reason = "tests set up their own files, and their tables are long"
    )
)]

pub mod adapters;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod error;
pub mod exchange;
pub mod format;
pub mod index;
pub mod observe;
pub mod platform;
pub mod redact;
pub mod repository;
pub mod session;
pub mod store;

pub use error::Error;
pub use error::ErrorKind;
pub use error::Result;
