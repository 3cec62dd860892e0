//! Putting the hooks and the merge into a repository, and taking them out again.
//!
//! A hook that is there moves aside, as it is, and is called by ours. Settings lie in a file of
//! our own, which the repository's settings include; attributes in `info/attributes`, which is
//! never committed. What of the folders and files was not there before is written down, so that
//! taking all of it out leaves what there was.

use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::HookChange;
use crate::repository::hooks::quoted;
use crate::repository::plain_git::blocks::with_block;
use crate::repository::plain_git::blocks::without_block;
use crate::repository::plain_git::conflict;
use crate::repository::plain_git::edit::Edit;
use crate::repository::plain_git::edit::Found;
use crate::repository::plain_git::edit::Step;
use crate::repository::plain_git::edit::is_program;
use crate::repository::plain_git::edit::look;
use crate::repository::plain_git::edit::mode_of;
use crate::repository::plain_git::edit::read;
use crate::store::PlainRepository;

/// The hooks, by name; those of a clone, and those of a repository that others push to.
const CLONE_HOOKS: [(&str, &str); 3] = [
    ("pre-commit", include_str!("../../../hooks/git/pre-commit")),
    ("pre-push", include_str!("../../../hooks/git/pre-push")),
    ("post-merge", include_str!("../../../hooks/git/post-merge")),
];
const BARE_HOOKS: [(&str, &str); 2] = [
    ("pre-push", include_str!("../../../hooks/git/pre-push")),
    ("pre-receive", include_str!("../../../hooks/git/pre-receive")),
];
/// What the name of a hook that was there before ends in.
const BEFORE: &str = ".before-annals";

/// The file of our settings, from the repository's folder.
const SETTINGS: &str = "annals/plain-git.config";
const INCLUDE: &str = "[include]\n\tpath = annals/plain-git.config\n";
const ATTRIBUTES: &str = "\
annals.yaml -text merge=annals
sessions/** -text merge=annals
tombstones/** -text merge=annals
";
/// Begins the lines of [`SETTINGS`] that say what was not there before.
const MADE: &str = "# not there before: ";

/// What is to happen in a repository.
#[derive(Debug)]
pub struct GitHooksPlan {
    /// The repository's folder, which its work trees share.
    pub folder: PathBuf,
    edits: Vec<Edit>,
    shared: Option<PathBuf>,
    is_bare: bool,
}

/// Whether hooks and merge are in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHooksState {
    /// The repository's folder.
    pub folder: PathBuf,
    /// Whether there is something to take out.
    pub is_installed: bool,
}

impl GitHooksPlan {
    /// What puts them in. `program`: annals; `has_strategy`: git finds `git-merge-annals`.
    ///
    /// # Errors
    /// `NotFound`: the folder lies in no repository. `Invalid`: it is no store's. `Conflict`:
    /// something is in the way.
    pub fn install(folder: &Path, program: &Path, has_strategy: bool) -> Result<Self> {
        let (plain, mut plan) = Self::begun(folder)?;
        if !plain.is_store_or_empty() {
            let message = format!("{} is no clone of a store", folder.display());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let hooks = plain.hooks_folder()?;
        if !is_own(&plain, &hooks) {
            plan.shared = Some(hooks);
            return Ok(plan);
        }
        let program = quoted(&program.to_string_lossy());
        for (name, text) in plan.hooks() {
            plan.put_hook(&hooks.join(name), &text.replace("{annals}", &program))?;
        }
        let made = plan.made(&[hooks])?;
        plan.put_settings(&made, &program, has_strategy)?;
        Ok(plan)
    }

    /// What takes them out again.
    ///
    /// # Errors
    /// `NotFound`: the folder lies in no repository.
    pub fn remove(folder: &Path) -> Result<Self> {
        let (plain, mut plan) = Self::begun(folder)?;
        let hooks = plain.hooks_folder()?;
        // Git may have been told to look elsewhere since they were put in.
        let usual = plan.folder.join("hooks");
        let mut folders = vec![usual];
        if !folders.contains(&hooks) && is_own(&plain, &hooks) {
            folders.push(hooks);
        }
        for (name, _) in plan.hooks() {
            for folder in &folders {
                plan.take_hook(&folder.join(name))?;
            }
        }
        plan.take_settings(&folders)?;
        Ok(plan)
    }

    /// Whether they are in.
    ///
    /// # Errors
    /// `NotFound`: the folder lies in no repository.
    pub fn state(folder: &Path) -> Result<GitHooksState> {
        let plan = Self::remove(folder)?;
        Ok(GitHooksState { is_installed: !plan.edits.is_empty(), folder: plan.folder })
    }

    fn begun(folder: &Path) -> Result<(PlainRepository, Self)> {
        let plain = PlainRepository::of_folder(folder)
            .map_err(|error| Error::new(ErrorKind::NotFound, error.to_string()))?;
        let folder = plain.common_folder().to_owned();
        let is_bare = plain.top().is_none();
        Ok((plain, Self { folder, edits: Vec::new(), shared: None, is_bare }))
    }

    /// The folder of hooks that this repository shares with others: nothing is put there, and
    /// nothing is planned.
    pub fn shared_hooks(&self) -> Option<&Path> {
        self.shared.as_deref()
    }

    /// Whether others push to it, and nobody works in it.
    pub fn is_bare(&self) -> bool {
        self.is_bare
    }

    /// The files, and what happens to each.
    pub fn files(&self) -> impl Iterator<Item = (&Path, HookChange)> {
        self.edits.iter().map(|edit| (edit.path.as_path(), edit.change))
    }

    /// Does it.
    ///
    /// # Errors
    /// `Io` or `Denied`: a file cannot be written; those before it are. `Locked`: another git is
    /// changing the settings.
    pub fn apply(&self) -> Result<()> {
        self.edits.iter().try_for_each(Edit::apply)
    }

    fn hooks(&self) -> &'static [(&'static str, &'static str)] {
        if self.is_bare { &BARE_HOOKS } else { &CLONE_HOOKS }
    }

    fn put_hook(&mut self, path: &Path, text: &str) -> Result<()> {
        let kept = beside(path);
        let write = Step::Write(path.to_owned(), text.as_bytes().to_vec(), 0o755);
        match look(path)? {
            Found::Ours(found) if found == text.as_bytes() && is_program(path) => {}
            Found::Ours(_) => self.edit(path, HookChange::Changed, vec![write]),
            Found::Nothing => self.edit(path, HookChange::Made, vec![write]),
            Found::Theirs if kept.symlink_metadata().is_ok() => {
                return Err(conflict(format!(
                    "{} was put in the place of the hook of annals, and {} is there too; move one \
                     of them away",
                    path.display(),
                    kept.display()
                )));
            }
            Found::Theirs => {
                let aside = Step::Move(path.to_owned(), kept);
                self.edit(path, HookChange::Changed, vec![aside, write]);
            }
        }
        Ok(())
    }

    fn take_hook(&mut self, path: &Path) -> Result<()> {
        let kept = beside(path);
        let has_kept = kept.symlink_metadata().is_ok();
        match look(path)? {
            Found::Ours(_) | Found::Nothing if has_kept => {
                let back = Step::Move(kept, path.to_owned());
                self.edit(path, HookChange::Changed, vec![back]);
            }
            Found::Ours(_) => {
                let remove = Step::Remove(path.to_owned());
                self.edit(path, HookChange::Removed, vec![remove]);
            }
            Found::Nothing | Found::Theirs => {}
        }
        Ok(())
    }

    /// What is not there now, or was not when the hooks were put in first. `hooks`: the folders that
    /// they may lie in.
    fn made(&self, hooks: &[PathBuf]) -> Result<Vec<String>> {
        if let Some(text) = read(&self.folder.join(SETTINGS))? {
            let text = String::from_utf8_lossy(&text).into_owned();
            let names = text.lines().filter_map(|it| it.strip_prefix(MADE));
            return Ok(names.map(str::to_owned).collect());
        }
        let attributes = ("info/attributes", self.folder.join("info/attributes"));
        let missing = self.folders(hooks).into_iter().chain([attributes]);
        let missing = missing.filter(|(_, path)| !path.exists());
        Ok(missing.map(|(name, _)| name.to_owned()).collect())
    }

    /// Folders that may have been made, and how [`SETTINGS`] has them.
    fn folders(&self, hooks: &[PathBuf]) -> Vec<(&'static str, PathBuf)> {
        let usual = self.folder.join("hooks");
        let name = |folder: &PathBuf| if *folder == usual { "hooks" } else { "core.hooksPath" };
        let hooks = hooks.iter().map(|folder| (name(folder), folder.clone()));
        hooks.chain(["info", "annals"].map(|name| (name, self.folder.join(name)))).collect()
    }

    fn put_settings(&mut self, made: &[String], program: &str, has_strategy: bool) -> Result<()> {
        let mut text = String::from("# Made by `annals hooks install git`.\n");
        for name in made {
            text += MADE;
            text += name;
            text.push('\n');
        }
        if !self.is_bare {
            text += &settings(program, has_strategy);
        }
        // In a store it lies among what nobody else may read.
        self.put(SETTINGS, text.as_bytes(), if self.is_bare { 0o600 } else { 0o644 })?;
        if !self.is_bare {
            let attributes = read(&self.folder.join("info/attributes"))?.unwrap_or_default();
            self.put("info/attributes", &with_block(&attributes, ATTRIBUTES), 0o644)?;
            let path = self.folder.join("config");
            let before = read(&path)?.unwrap_or_default();
            let after = with_block(&before, INCLUDE);
            if after != before {
                let write = Step::WriteSettings(path.clone(), after);
                self.edit(&path, HookChange::Changed, vec![write]);
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let path = self.folder.join(name);
        let change = match read(&path)? {
            Some(found) if found == bytes => return Ok(()),
            Some(_) => HookChange::Changed,
            None => HookChange::Made,
        };
        let write = Step::Write(path.clone(), bytes.to_vec(), mode);
        self.edit(&path, change, vec![write]);
        Ok(())
    }

    fn take_settings(&mut self, hooks: &[PathBuf]) -> Result<()> {
        let own = self.folder.join(SETTINGS);
        let made = if own.exists() { self.made(hooks)? } else { Vec::new() };
        let is_made = |name: &str| made.iter().any(|it| it == name);
        let path = self.folder.join("config");
        let before = read(&path)?.unwrap_or_default();
        let after = without_block(&before, INCLUDE);
        if after != before {
            let write = Step::WriteSettings(path.clone(), after);
            self.edit(&path, HookChange::Changed, vec![write]);
        }
        let path = self.folder.join("info/attributes");
        let before = read(&path)?.unwrap_or_default();
        let after = without_block(&before, ATTRIBUTES);
        if after != before && after.is_empty() && is_made("info/attributes") {
            self.edit(&path, HookChange::Removed, vec![Step::Remove(path.clone())]);
        } else if after != before {
            let write = Step::Write(path.clone(), after, mode_of(&path).unwrap_or(0o644));
            self.edit(&path, HookChange::Changed, vec![write]);
        }
        if own.exists() {
            let mut steps = vec![Step::Remove(own.clone())];
            let folders = self.folders(hooks).into_iter().filter(|(name, _)| is_made(name));
            steps.extend(folders.map(|(_, folder)| Step::RemoveFolder(folder)));
            self.edit(&own, HookChange::Removed, steps);
        }
        Ok(())
    }

    fn edit(&mut self, path: &Path, change: HookChange, steps: Vec<Step>) {
        self.edits.push(Edit { path: path.to_owned(), change, steps });
    }
}

/// What git is told in a clone. Without the strategy it merges file by file.
fn settings(program: &str, has_strategy: bool) -> String {
    let driver = program.replace('%', "%%");
    let driver = format!("{driver} merge-driver %O %A %B %L %P");
    let driver = driver.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
    // Sessions that look alike are no renamed ones: git would look for what one side deleted in what
    // the other began.
    let strategy = if has_strategy { "\ttwohead = annals\n" } else { "" };
    format!(
        "[merge \"annals\"]\n\tname = sessions, as annals sync merges them\n\tdriver = \"{driver}\"\n\
         \trecursive = binary\n[merge]\n\trenames = false\n\tdirectoryRenames = false\n[pull]\n\trebase = false\n{strategy}"
    )
}

/// Whether hooks in a folder are this repository's alone.
fn is_own(plain: &PlainRepository, hooks: &Path) -> bool {
    let real = |path: &Path| {
        let there = path.ancestors().find_map(|it| Some((it.canonicalize().ok()?, it)));
        there.map(|(real, it)| real.join(path.strip_prefix(it).unwrap_or(Path::new(""))))
    };
    let Some(hooks) = real(hooks) else { return false };
    let own = [Some(plain.common_folder()), plain.top()];
    own.into_iter().flatten().filter_map(real).any(|folder| hooks.starts_with(folder))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BEFORE);
    PathBuf::from(name)
}
