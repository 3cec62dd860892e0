//! Pruning: letting go, in one commit, what retention does not keep. History keeps it.

use std::collections::BTreeMap;
use std::collections::HashSet;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;

use crate::config::RetentionSettings;
use crate::config::Section;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Filter;
use crate::index::FilterInput;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Summary;
use crate::repository::DeleteOutcome;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::repository::retention::DropReason;
use crate::repository::retention::KeepReason;
use crate::repository::retention::Retained;
use crate::repository::retention::RetentionItem;
use crate::repository::retention::RetentionLimits;
use crate::repository::retention::plan_retention;
use crate::session::Head;
use crate::session::SessionId;
use crate::session::Timestamp;

/// What a prune would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrunePlan {
    /// Whether the user has set any limit.
    pub has_limits: bool,
    /// What would go, sub-agents' sessions included, the latest change first.
    pub dropped: Vec<PrunedSession>,
    /// How many sessions would stay, and why.
    pub kept: KeptSessions,
}

/// A session that would go.
#[derive(Debug, Clone, PartialEq)]
pub struct PrunedSession {
    /// Its head.
    pub head: Head,
    /// Why.
    pub reason: DropReason,
}

/// How many sessions stay, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeptSessions {
    /// They are within the limits.
    pub within: u64,
    /// They are pinned.
    pub pinned: u64,
    /// A program holds them.
    pub live: u64,
    /// Nobody knows how old they are.
    pub undated: u64,
}

impl Repository {
    /// Says which sessions the user's retention lets go, and why. `filter`: only those that match
    /// go; the others count as much as before.
    ///
    /// # Errors
    /// `Invalid`: a setting of `retention` cannot be used; the message names file, line and key.
    pub fn plan_prune(&mut self, filter: &Filter) -> Result<PrunePlan> {
        attempted(self, Operation::Prune, &[], |it| it.judge(filter))
    }

    fn judge(&mut self, filter: &Filter) -> Result<PrunePlan> {
        let settings = self.settings();
        settings.check(Section::Retention)?;
        if settings.retention.is_off() {
            return Ok(PrunePlan::default());
        }
        let limits = limits(&settings.retention);
        let groups = self.groups(&settings.retention)?;
        let all = self.every_session()?;
        let live: HashSet<SessionId> = self.store.journals().held().into_iter().collect();
        let items: Vec<RetentionItem> = all
            .iter()
            .map(|it| {
                let group = groups.get(&it.head.id).copied().unwrap_or(0);
                item(&it.head, group, live.contains(&it.head.id))
            })
            .collect();
        let verdicts = plan_retention(&items, &limits, self.now());
        let wanted = self.wanted(filter)?;
        let mut plan = PrunePlan { has_limits: true, ..PrunePlan::default() };
        for Summary { head, .. } in all {
            match verdicts[&head.id] {
                Retained::Kept(reason) => plan.kept.count(reason),
                Retained::Dropped(reason)
                    if wanted.as_ref().is_none_or(|it| it.contains(&head.id)) =>
                {
                    plan.dropped.push(PrunedSession { head, reason });
                }
                Retained::Dropped(_) => {}
            }
        }
        Ok(plan)
    }

    /// Lets go what a plan says, in one commit. What was changed or pinned since stays.
    pub fn prune(&mut self, plan: &PrunePlan) -> Result<DeleteOutcome> {
        let done = observed(self, Operation::Prune, &[], |it| Ok((it.let_go(plan)?, plan)));
        done.map(|(outcome, _)| outcome)
    }

    fn let_go(&mut self, plan: &PrunePlan) -> Result<DeleteOutcome> {
        self.ready_to_write()?;
        let filter = Filter { with_subagents: true, ..Filter::default() };
        let now: HashSet<SessionId> =
            self.plan_prune(&filter)?.dropped.iter().map(|it| it.head.id).collect();
        let tip = self.store.tip()?;
        let is_ours = |id: &SessionId| {
            let stored = self.store.session(&tip, *id);
            // One of a later version is not this one's to let go.
            !stored.is_ok_and(|it| {
                it.is_some_and(|it| self.store.check_session(*id, it.tree).is_err())
            })
        };
        let ids = plan.dropped.iter().map(|it| it.head.id).filter(|id| now.contains(id));
        let ids: Vec<SessionId> = ids.filter(is_ours).collect();
        self.bury("prune", &ids)
    }

    /// The sessions that match, with those of the sub-agents that they started; none: all do.
    fn wanted(&mut self, filter: &Filter) -> Result<Option<HashSet<SessionId>>> {
        if filter.is_open() {
            return Ok(None);
        }
        let ids = self.index(|index| index.matching(filter))?;
        Ok(Some(self.with_subagents(&ids)?.into_iter().collect()))
    }

    fn every_session(&mut self) -> Result<Vec<Summary>> {
        let filter = Filter { with_subagents: true, ..Filter::default() };
        let page = Page { offset: 0, limit: u64::MAX };
        Ok(self.list(&filter, SortKey::Modified, false, page)?.sessions)
    }

    /// Which rule, from 1, is the first that a session falls under.
    fn groups(&mut self, settings: &RetentionSettings) -> Result<BTreeMap<SessionId, usize>> {
        let mut groups = BTreeMap::new();
        for (number, rule) in (1..).zip(&settings.rules) {
            let environment = &self.environment;
            let (home, current) = (&environment.home, &environment.current);
            let mut input = FilterInput::new(self.now(), home, current);
            let fields = [("agent", &rule.value.agent), ("workspace", &rule.value.workspace)];
            for (field, value) in fields {
                let value = value.as_deref();
                value
                    .map_or(Ok(()), |value| input.add(field, value))
                    .map_err(|error| refused(&error))?;
            }
            let filter =
                Filter { with_subagents: true, ..input.finish().map_err(|error| refused(&error))? };
            for id in self.index(|index| index.matching(&filter))? {
                groups.entry(id).or_insert(number);
            }
        }
        Ok(groups)
    }
}

impl KeptSessions {
    fn count(&mut self, reason: KeepReason) {
        match reason {
            KeepReason::Within => self.within += 1,
            KeepReason::Pinned => self.pinned += 1,
            KeepReason::Live => self.live += 1,
            KeepReason::Undated => self.undated += 1,
        }
    }
}

/// The limits of each group: the general ones, then those of the rules.
fn limits(settings: &RetentionSettings) -> Vec<RetentionLimits> {
    let limits = |count, age: Option<u64>, size| RetentionLimits {
        count,
        age: age.and_then(|age| TimeDelta::try_seconds(age.cast_signed())),
        size,
    };
    let general = limits(settings.count.value, settings.age.value, settings.size.value);
    let rules = settings.rules.iter().map(|rule| &rule.value);
    std::iter::once(general)
        .chain(rules.map(|rule| limits(rule.count, rule.age, rule.size)))
        .collect()
}

fn item(head: &Head, group: usize, is_live: bool) -> RetentionItem {
    let at = |time: &Option<String>| -> Option<DateTime<Utc>> {
        time.as_deref().and_then(Timestamp::parse).map(|at| at.instant())
    };
    RetentionItem {
        id: head.id,
        at: at(&head.modified),
        bytes: head.counts.bytes,
        parent: head.parent.as_ref().and_then(|parent| parent.session.parse().ok()),
        group,
        is_pinned: head.pinned,
        is_live,
    }
}

fn refused(error: &crate::index::FilterError) -> Error {
    Error::new(ErrorKind::Invalid, format!("a rule of retention cannot be used: {error}"))
}
