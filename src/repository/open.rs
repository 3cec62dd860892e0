//! Making a store, and opening one.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::config::Section;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format::Marker;
use crate::index::Index;
use crate::platform::Environment;
use crate::repository::Operation;
use crate::repository::Recovery;
use crate::repository::Repository;
use crate::repository::damaged::Damaged;
use crate::repository::migrate::Listener;
use crate::repository::migrate::cleaner;
use crate::repository::observing::Begun;
use crate::repository::observing::Observer;
use crate::session::Native;
use crate::session::SCHEMA_VERSION;
use crate::store;
use crate::store::Store;

/// The store's folder within the data folder.
const STORE_FOLDER: &str = "annals/store.git";

/// How to open a repository.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Where the store lies; none: `ANNALS_STORE`, the configuration, the data folder, in this
    /// order.
    pub store: Option<PathBuf>,
    /// The user's folders, clock and ids.
    pub environment: Environment,
    /// Make the store if it is not there.
    pub create: bool,
}

impl Repository {
    /// Where the store of these options lies.
    ///
    /// # Errors
    /// `Invalid`: the configuration cannot be read and nothing else names the store.
    pub fn locate(options: &OpenOptions) -> Result<PathBuf> {
        let environment = &options.environment;
        if let Some(path) = options.store.as_ref().or(environment.store.as_ref()) {
            return Ok(path.clone());
        }
        let settings = Settings::load(&environment.config, &environment.home);
        settings.check(Section::Store)?;
        Ok(settings.store_path.value.unwrap_or_else(|| environment.data.join(STORE_FOLDER)))
    }

    /// Makes a store and opens it.
    ///
    /// # Errors
    /// `Conflict`: something is there already.
    pub fn init(options: &OpenOptions) -> Result<Self> {
        let path = Self::locate(options)?;
        let environment = &options.environment;
        let is_empty = std::fs::read_dir(&path).is_ok_and(|mut folder| folder.next().is_none());
        if path.exists() && !is_empty {
            let what = match Store::open(&path) {
                Ok(_) => "a store",
                Err(error @ store::Error::NoMain { branch: Some(_), .. }) => {
                    return Err(error.into());
                }
                Err(_) => "something else",
            };
            let message = format!("there is {what} at {} already", path.display());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let now = environment.clock.now();
        let marker = Marker {
            store: environment.ids.next(now),
            schema: SCHEMA_VERSION,
            scrubs: Vec::new(),
            native: Native::new(),
        };
        let begun = Begun::now(environment);
        let repository =
            Self::with_store(Store::init(&path, &marker, now)?, Damaged::default(), options)?;
        repository.note_outcome(&begun, (Operation::Init, &[]), &Ok(()));
        Ok(repository)
    }

    /// Opens the store; one whose newest revision is damaged, to be read only ([`Repository::damage`]).
    ///
    /// # Errors
    /// `NotFound`: there is none, and none is to be made. `TooNew`: a later version made it.
    pub fn open(options: &OpenOptions) -> Result<Self> {
        let path = Self::locate(options)?;
        match Store::open(&path) {
            Ok(store) => Self::with_store(store, Damaged::default(), options),
            Err(error @ store::Error::Corrupt { .. }) => {
                Self::with_store(Store::open_damaged(&path)?, Damaged::at_opening(&error), options)
            }
            Err(store::Error::Missing { .. }) if options.create => match Self::init(options) {
                // Another process made it meanwhile.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    Self::with_store(Store::open(&path)?, Damaged::default(), options)
                }
                made => made,
            },
            Err(error) => Err(error.into()),
        }
    }

    fn with_store(mut store: Store, damaged: Damaged, options: &OpenOptions) -> Result<Self> {
        store.clean_older_by(cleaner(&options.environment));
        let closed = store.close_to_others();
        let index = Index::open(&store.private_folder())?;
        let environment = options.environment.clone();
        let observer = Observer::new(environment.clone(), &store.private_folder());
        let mut repository = Self {
            store,
            index,
            environment,
            rules: OnceLock::new(),
            recovery: Recovery::default(),
            damaged,
            closed,
            observer,
            listener: Listener::default(),
        };
        if !repository.closed.is_empty() {
            repository.observer.repaired("modes", repository.closed.len() as u64);
        }
        if !repository.is_only_read() {
            repository.note_beginning();
            repository.finish_rewriting();
            repository.recover();
        }
        Ok(repository)
    }
}
