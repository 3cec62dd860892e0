//! The remotes as the store's own git settings name them.

use crate::store::Error;
use crate::store::Remote;
use crate::store::Store;
use crate::store::lineage::lineage_ref;
use crate::store::refs::MAIN;
use crate::store::remote::address::Address;
use crate::store::remote::address::AddressError;

/// The settings of a remote that are ours: its filter, and whether it is synced with by itself.
const ONLY: &str = "annalsonly";
const AUTO: &str = "annalsauto";

impl Store {
    /// The remotes, by name.
    ///
    /// # Errors
    /// [`Error::Remote`]: one of them has an address that may not be used.
    pub fn remotes_to_sync(&self) -> Result<Vec<Remote>, Error> {
        self.each_remote()?.into_iter().collect()
    }

    /// Those of the remotes whose addresses may be used, by name.
    pub fn usable_remotes(&self) -> Result<Vec<Remote>, Error> {
        Ok(self.each_remote()?.into_iter().flatten().collect())
    }

    fn each_remote(&self) -> Result<Vec<Result<Remote, Error>>, Error> {
        let failed = |source| Error::Git { doing: "reading the remotes".into(), source };
        let config = self.repository.config().and_then(|mut it| it.snapshot()).map_err(failed)?;
        let mut names = Vec::new();
        for name in self.repository.remotes().map_err(failed)?.iter().flatten().flatten() {
            names.push(name.to_owned());
        }
        names.sort();
        let remote = |name: String| {
            let text = config.get_string(&format!("remote.{name}.url")).map_err(failed)?;
            let address = Address::parse(&text).map_err(|error| refused(&name, &error))?;
            let key = |end: &str| format!("remote.{name}.{end}");
            let only = unless_missing(config.get_string(&key(ONLY))).map_err(failed)?;
            let is_auto = unless_missing(config.get_bool(&key(AUTO))).map_err(failed)?;
            Ok(Remote { name, address, only, is_auto: is_auto.unwrap_or_default() })
        };
        Ok(names.into_iter().map(remote).collect())
    }

    /// Adds a remote.
    pub fn add_remote(&self, remote: &Remote) -> Result<(), Error> {
        let failed = |source| Error::Git { doing: "writing the remote".into(), source };
        let _lock = self.lock()?;
        if self.repository.find_remote(&remote.name).is_ok() {
            let cause = format!("there is a remote {} already", remote.name);
            return Err(Error::Remote { name: remote.name.clone(), cause });
        }
        let write = || {
            let mut config = self.repository.config()?.open_level(git2::ConfigLevel::Local)?;
            let key = |end: &str| format!("remote.{}.{end}", remote.name);
            // The address comes last: there is never a remote without its filter.
            if let Some(only) = &remote.only {
                config.set_str(&key(ONLY), only)?;
                config.set_str(&key("push"), &format!("{}:{MAIN}", lineage_ref(&remote.name)))?;
            }
            if remote.is_auto {
                config.set_bool(&key(AUTO), true)?;
            }
            config.set_str(&key("url"), remote.address.as_str())
        };
        write().map_err(failed)
    }

    /// Removes a remote, and what is known of it.
    pub fn remove_remote(&self, name: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        let remove = || {
            let mut config = self.repository.config()?.open_level(git2::ConfigLevel::Local)?;
            config.remove(&format!("remote.{name}.url"))?;
            for end in [ONLY, "push", AUTO] {
                unless_missing(config.remove(&format!("remote.{name}.{end}")))?;
            }
            Ok(())
        };
        remove()
            .map_err(|source| Error::Git { doing: format!("removing the remote {name}"), source })
    }
}

fn refused(name: &str, error: &AddressError) -> Error {
    Error::Remote { name: name.to_owned(), cause: error.to_string() }
}

/// A setting, if there is one.
fn unless_missing<T>(read: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    match read {
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        read => read.map(Some),
    }
}
