//! What `annals doctor` prints: its findings, and what was mended or would be.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::mending;
use crate::repository::Check;
use crate::repository::Gap;
use crate::repository::LostSession;
use crate::repository::Place;
use crate::repository::RepairOutcome;
use crate::repository::RepairPlan;
use crate::repository::RepairStep;
use crate::repository::SalvagedSession;
use crate::repository::Verdict;
use crate::session::RevisionId;
use crate::session::SessionId;

/// `annals.doctor/1`
#[derive(Debug, Serialize)]
pub(crate) struct DoctorView<'a> {
    kind: &'static str,
    verdict: &'static str,
    checks: Vec<CheckView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<RepairView<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    name: &'a str,
    verdict: &'static str,
    found: &'a str,
}

/// What was mended, or would be.
#[derive(Debug, Serialize)]
pub(crate) struct RepairView<'a> {
    dry_run: bool,
    main: Option<&'a RevisionId>,
    objects: BTreeMap<&'a str, u64>,
    index: bool,
    steps: Vec<StepView<'a>>,
    left: Vec<StepView<'a>>,
    lost: Vec<LostView<'a>>,
    notices: &'a [String],
}

#[derive(Debug, Serialize)]
struct StepView<'a> {
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SalvagedView<'a>>,
}

#[derive(Debug, Serialize)]
struct SalvagedView<'a> {
    id: SessionId,
    title: Option<&'a str>,
    messages: u64,
    lost: Option<u64>,
    gaps: Vec<GapView<'a>>,
    lost_files: Vec<FileView<'a>>,
    faults: &'a [String],
}

#[derive(Debug, Serialize)]
struct GapView<'a> {
    after: Option<PlaceView<'a>>,
    before: Option<PlaceView<'a>>,
}

#[derive(Debug, Serialize)]
struct PlaceView<'a> {
    record: u64,
    key: &'a str,
    at: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct FileView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct LostView<'a> {
    id: SessionId,
    title: Option<&'a str>,
    messages: Option<u64>,
    faults: &'a [String],
}

impl<'a> DoctorView<'a> {
    /// The view of what the doctor found, and of what was mended before.
    pub(crate) fn of(checks: &'a [Check], mended: Option<&'a RepairOutcome>) -> Self {
        let view = |check: &'a Check| CheckView {
            name: check.name,
            verdict: verdict(check.verdict),
            found: &check.found,
        };
        let worst = checks.iter().map(|check| check.verdict).max();
        Self {
            kind: "annals.doctor/1",
            verdict: verdict(worst.unwrap_or(Verdict::Fine)),
            checks: checks.iter().map(view).collect(),
            repair: mended.map(|it| {
                let repair = RepairView::of(&it.done, &it.lost, &it.notices, false);
                let left = it.left.iter().map(|step| StepView::of(step, true)).collect();
                RepairView { left, ..repair }
            }),
        }
    }

    /// The view of what would be mended.
    pub(crate) fn planned(plan: &'a RepairPlan) -> Self {
        let worst = match (plan.has_damage(), plan.steps.as_slice()) {
            (true, _) => Verdict::Damaged,
            (false, []) => Verdict::Fine,
            (false, _) => Verdict::Warning,
        };
        Self::would(worst, RepairView::of(&plan.steps, &plan.lost, &plan.notices, true))
    }

    /// The view of what comes first where no step can be planned before it.
    pub(crate) fn begun(notices: &'a [String]) -> Self {
        Self::would(Verdict::Damaged, RepairView::of(&[], &[], notices, true))
    }

    fn would(worst: Verdict, repair: RepairView<'a>) -> Self {
        let (kind, verdict) = ("annals.doctor/1", verdict(worst));
        Self { kind, verdict, checks: Vec::new(), repair: Some(repair) }
    }
}

impl<'a> RepairView<'a> {
    fn of(
        steps: &'a [RepairStep],
        lost: &'a [LostSession],
        notices: &'a [String],
        dry_run: bool,
    ) -> Self {
        let main = steps.iter().find_map(|step| match step {
            RepairStep::Main(main) => Some(&main.revision),
            _ => None,
        });
        let objects = steps.iter().filter_map(|step| match step {
            RepairStep::Objects(name, count) => Some((name.as_str(), *count)),
            _ => None,
        });
        let lost = lost.iter().map(|it| LostView {
            id: it.session,
            title: it.title.as_deref(),
            messages: it.messages,
            faults: &it.faults,
        });
        Self {
            dry_run,
            main,
            objects: objects.collect(),
            index: steps.iter().any(|step| matches!(step, RepairStep::Index(_))),
            steps: steps.iter().map(|step| StepView::of(step, dry_run)).collect(),
            left: Vec::new(),
            lost: lost.collect(),
            notices,
        }
    }
}

impl<'a> StepView<'a> {
    fn of(step: &'a RepairStep, would: bool) -> Self {
        let session = match step {
            RepairStep::Session(session) => Some(SalvagedView::of(session)),
            _ => None,
        };
        Self { kind: step.kind(), text: mending::step(step, would), session }
    }
}

impl<'a> SalvagedView<'a> {
    fn of(session: &'a SalvagedSession) -> Self {
        let gap = |gap: &'a Gap| GapView {
            after: gap.after.as_ref().map(PlaceView::of),
            before: gap.before.as_ref().map(PlaceView::of),
        };
        let files = session.lost_files.iter();
        let files = files.map(|it| FileView { place: PlaceView::of(&it.place), name: &it.name });
        Self {
            id: session.session,
            title: session.title.as_deref(),
            messages: session.messages,
            lost: session.lost,
            gaps: session.gaps.iter().map(gap).collect(),
            lost_files: files.collect(),
            faults: &session.faults,
        }
    }
}

impl<'a> PlaceView<'a> {
    fn of(place: &'a Place) -> Self {
        Self { record: place.number, key: &place.key, at: place.at.as_deref() }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "fine",
        Verdict::Warning => "warning",
        Verdict::Damaged => "damaged",
    }
}
