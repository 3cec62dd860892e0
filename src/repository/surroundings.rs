//! Checks of what is around the store: modes, owners, journals, locks, settings, agents' folders, the disk,
//! the git program.

use crate::adapters;
use crate::platform;
use crate::repository::Check;
use crate::repository::Repository;
use crate::store::SettingsFault;

/// The git that knows all that is asked of it.
const OLDEST_GIT: (u32, u32) = (2, 31);
/// Less than this is little, in bytes: a save may need as much for a moment.
const LITTLE_ROOM: u64 = 50_000_000;
/// How many files are named of which the same is to be said.
const SHOWN: usize = 5;

impl Repository {
    /// Checks all that is around the store.
    pub(super) fn check_surroundings(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.store.is_replacing() {
            let found = "a rewriting of history was interrupted; the next command goes on with it";
            checks.push(Check::warning("history", found));
        }
        checks.extend(self.check_left_behind());
        let wrong = self.store.wrong_modes();
        for path in &self.closed {
            let found = format!("{} was open to others, and is closed now", path.display());
            checks.push(Check::warning("modes", found));
        }
        if wrong.is_empty() && self.closed.is_empty() {
            checks.push(Check::fine("modes", "nobody else can read the store"));
        }
        for path in wrong {
            let found = format!("{} is open to others: --repair closes it", path.display());
            checks.push(Check::warning("modes", found));
        }
        checks.extend(self.check_owners());
        checks.push(check_git(self.store.git_version()));
        checks.extend(self.store.settings_fault().as_ref().map(check_git_settings));
        checks.push(self.check_audit());
        checks.extend(self.check_settings());
        checks.extend(self.check_agents());
        checks.extend(self.check_left());
        checks.push(self.check_room());
        checks
    }

    fn check_owners(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let wrong = self.store.wrong_owners();
        for path in wrong.iter().take(SHOWN) {
            let path = path.display();
            let found =
                format!("{path} belongs to another user: `chown` it, as that user or as root");
            checks.push(Check::warning("owners", found));
        }
        match wrong.len().saturating_sub(SHOWN) {
            0 if wrong.is_empty() => checks.push(Check::fine("owners", "all of it is yours")),
            0 => {}
            more => checks.push(Check::warning("owners", format!("… and {more} more"))),
        }
        checks
    }

    fn check_audit(&self) -> Check {
        let state = match self.audit_state() {
            Ok(state) => state,
            Err(error) => return Check::warning("audit", error.to_string()),
        };
        let unaudited = self.observer.metrics().unaudited;
        let folder = state.folder.display();
        match unaudited.last {
            Some(last) => {
                let (count, cause) = (unaudited.count, unaudited.cause.unwrap_or_default());
                let last = last.format("%Y-%m-%d %H:%M UTC");
                let found = format!("{count} lines could not be written, last {last}: {cause}");
                Check::warning("audit", found)
            }
            None if !state.is_on => Check::fine("audit", "no audit log is kept"),
            None if !platform::is_writable(&state.folder) => {
                Check::warning("audit", format!("{folder} cannot be written"))
            }
            None => Check::fine("audit", format!("the log is kept in {folder}")),
        }
    }

    /// Whether main was moved by git alone, so that its history lost something. What cannot be read
    /// of that is told with the objects.
    fn check_left_behind(&self) -> Option<Check> {
        let left = self.store.left_behind().unwrap_or_default();
        let newest = left.first()?.short();
        let others = match left.len() - 1 {
            0 => String::new(),
            count => format!(", and before that away from {count} more"),
        };
        let found = format!(
            "main was moved away from revision {newest} by git{others}; \
             `git -C {} branch kept {newest}` gives what is left there a name",
            self.store.path().display()
        );
        Some(Check::warning("history", found))
    }

    fn check_settings(&self) -> Vec<Check> {
        let settings = self.settings();
        let faults: Vec<Check> =
            settings.faults().map(|fault| Check::warning("config", fault.to_string())).collect();
        if faults.is_empty() {
            vec![Check::fine("config", "nothing in it is refused")]
        } else {
            faults
        }
    }

    /// Whether the agents' folders can be looked into; those that are not there are no agents.
    fn check_agents(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for adapter in adapters::all() {
            let folder = self.agent_folder(*adapter, None);
            if !folder.exists() {
                continue;
            }
            let found = adapter.find(&folder);
            let count = found.files.len();
            for skipped in found.skipped.iter().take(SHOWN) {
                let text = format!("{}: {}: {}", adapter.name(), skipped.path, skipped.reason);
                checks.push(Check::warning("agents", text));
            }
            match found.skipped.len().saturating_sub(SHOWN) {
                0 if found.skipped.is_empty() => {
                    let text = format!("{}: {count} files in {}", adapter.name(), folder.display());
                    checks.push(Check::fine("agents", text));
                }
                0 => {}
                more => checks.push(Check::warning("agents", format!("… and {more} more"))),
            }
        }
        checks
    }

    /// What died programs left: lines of journals that cannot be read, locks of git's.
    fn check_left(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for path in self.store.journals().damaged() {
            let found = format!("{} holds lines that could not be read", path.display());
            checks.push(Check::warning("journals", found));
        }
        if checks.is_empty() {
            checks.push(Check::fine("journals", "each line was read"));
        }
        let locks = self.store.git_locks();
        if locks.is_empty() {
            checks.push(Check::fine("locks", "git holds none"));
        }
        for lock in locks {
            let what = match lock.is_left {
                Some(true) => "was left by a git that died: --repair removes it",
                Some(false) => "is held by git; if none is at work, --repair removes it later",
                None => "is held by git, or left by one that died: if none is at work, remove it",
            };
            checks.push(Check::warning("locks", format!("{} {what}", lock.path.display())));
        }
        checks
    }

    fn check_room(&self) -> Check {
        match platform::free_space(self.store.path()) {
            Some(free) if free < LITTLE_ROOM => {
                Check::warning("disk", format!("only {} MB are free", free / 1_000_000))
            }
            Some(free) => Check::fine("disk", format!("{} MB are free", free / 1_000_000)),
            None => Check::fine("disk", "the system does not say what is free"),
        }
    }
}

/// Whether git is there, and can do what is asked of it.
fn check_git(version: Option<String>) -> Check {
    let Some(version) = version else {
        return Check::warning("git", "there is no git program: gc, checkout and sync need one");
    };
    let numbers = version.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let mut numbers = numbers.unwrap_or_default().split('.').map(|it| it.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST_GIT => {
            let (major, minor) = OLDEST_GIT;
            Check::warning("git", format!("{version}: {major}.{minor} or later is needed"))
        }
        _ => Check::fine("git", version),
    }
}

fn check_git_settings(fault: &SettingsFault) -> Check {
    match fault {
        SettingsFault::Unreadable(cause) => {
            Check::damaged("git", format!("it cannot read its settings of the store: {cause}"))
        }
        SettingsFault::Missing(names) => {
            let names = names.join(", ");
            let found = format!("its settings of the store lack {names}: --repair sets them");
            Check::warning("git", found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Verdict;

    #[test]
    fn an_old_git_is_told() {
        let verdict = |text: &str| check_git(Some(text.to_owned())).verdict;
        assert_eq!(verdict("git version 2.39.5"), Verdict::Fine);
        assert_eq!(verdict("git version 2.31.0 (Apple Git-130)"), Verdict::Fine);
        assert_eq!(verdict("git version 3.0.1.windows.1"), Verdict::Fine);
        assert_eq!(verdict("git version 2.30.9"), Verdict::Warning);
        assert_eq!(verdict("git version 1.8.3.1"), Verdict::Warning);
        assert_eq!(verdict("something else"), Verdict::Fine);
        assert_eq!(check_git(None).verdict, Verdict::Warning);
    }
}
