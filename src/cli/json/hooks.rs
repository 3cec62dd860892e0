//! What `annals hooks` prints.

use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::HookChange;
use crate::repository::HookPlan;

/// `annals.hooks/1`: of `install` and `remove` what they changed, of `list` which agents have them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum HooksView {
    /// What was changed.
    Changes {
        /// `annals.hooks/1`
        kind: &'static str,
        /// The agent.
        agent: &'static str,
        /// Whether that was only planned.
        dry_run: bool,
        /// The files.
        files: Vec<FileView>,
    },
    /// Which agents have them.
    Agents {
        /// `annals.hooks/1`
        kind: &'static str,
        /// The agents that annals has hooks for.
        agents: Vec<AgentView>,
    },
}

/// A file in an agent's folder.
#[derive(Debug, Serialize)]
pub(crate) struct FileView {
    path: String,
    change: &'static str,
}

/// An agent.
#[derive(Debug, Serialize)]
pub(crate) struct AgentView {
    agent: &'static str,
    folder: String,
    installed: bool,
}

const KIND: &str = "annals.hooks/1";

impl HooksView {
    /// The view of a plan.
    pub(crate) fn of(plan: &HookPlan, dry_run: bool) -> Self {
        Self::of_files(plan.agent, plan.files(), dry_run)
    }

    /// The view of what happens to files.
    pub(crate) fn of_files<'p>(
        agent: &'static str,
        files: impl Iterator<Item = (&'p Path, HookChange)>,
        dry_run: bool,
    ) -> Self {
        let view = |(path, change): (&Path, HookChange)| FileView {
            path: shown(path),
            change: match change {
                HookChange::Made => "made",
                HookChange::Changed => "changed",
                HookChange::Removed => "removed",
            },
        };
        Self::Changes { kind: KIND, agent, dry_run, files: files.map(view).collect() }
    }

    /// The view of agents, their folders, and whether the hooks are in.
    pub(crate) fn of_agents(agents: &[(&'static str, PathBuf, bool)]) -> Self {
        let view = |(agent, folder, installed): &(&'static str, PathBuf, bool)| AgentView {
            agent,
            folder: shown(folder),
            installed: *installed,
        };
        Self::Agents { kind: KIND, agents: agents.iter().map(view).collect() }
    }
}
