use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

fn id(number: u64) -> SessionId {
    SessionId::captured("test", &number.to_string())
}

/// A session that was changed so many days ago, of so many bytes.
fn item(number: u64, days: i64, bytes: u64) -> RetentionItem {
    RetentionItem {
        id: id(number),
        at: Some(now() - TimeDelta::days(days)),
        bytes,
        parent: None,
        group: 0,
        is_pinned: false,
        is_live: false,
    }
}

fn verdicts(items: &[RetentionItem], limits: RetentionLimits) -> Vec<Retained> {
    let plan = plan_retention(items, &[limits], now());
    items.iter().map(|item| plan[&item.id]).collect()
}

const WITHIN: Retained = Retained::Kept(KeepReason::Within);

#[test]
fn without_limits_everything_stays() {
    let items = [item(1, 9_000, u64::MAX), item(2, -5, u64::MAX)];
    assert_eq!(verdicts(&items, RetentionLimits::default()), [WITHIN; 2]);
    assert!(plan_retention(&[], &[], now()).is_empty());
}

#[test]
fn each_limit_lets_the_oldest_go_and_says_why() {
    let items = [item(1, 3, 10), item(2, 1, 10), item(3, 2, 10)];
    let age = TimeDelta::days(2);
    let limits = RetentionLimits { age: Some(age), ..RetentionLimits::default() };
    assert_eq!(verdicts(&items, limits)[0], Retained::Dropped(DropReason::Age(age)));
    assert_eq!(verdicts(&items, limits)[1..], [WITHIN; 2], "exactly so old is not older");
    let limits = RetentionLimits { count: Some(1), ..RetentionLimits::default() };
    let over = Retained::Dropped(DropReason::Count(1));
    assert_eq!(verdicts(&items, limits), [over, WITHIN, over]);
    let limits = RetentionLimits { size: Some(20), ..RetentionLimits::default() };
    assert_eq!(verdicts(&items, limits)[0], Retained::Dropped(DropReason::Size(20)));
    assert_eq!(verdicts(&items, limits)[1..], [WITHIN; 2]);
}

#[test]
fn what_is_pinned_live_or_undated_stays_and_takes_up_room() {
    let mut items = [item(1, 900, 10), item(2, 900, 10), item(3, 900, 10), item(4, 1, 10)];
    items[0].is_pinned = true;
    items[1].is_live = true;
    items[2].at = None;
    let limits = RetentionLimits { count: Some(3), age: Some(TimeDelta::days(9)), size: None };
    let reasons = [KeepReason::Pinned, KeepReason::Live, KeepReason::Undated];
    assert_eq!(verdicts(&items, limits)[..3], reasons.map(Retained::Kept));
    assert_eq!(verdicts(&items, limits)[3], Retained::Dropped(DropReason::Count(3)));
}

#[test]
fn sub_agents_go_and_stay_with_their_parent() {
    let mut items = [item(1, 1, 5), item(2, 900, 5), item(3, 900, 5), item(4, 30, 5)];
    items[1].parent = Some(id(1));
    items[2].parent = Some(id(2));
    items[3].parent = Some(id(77));
    let limits = RetentionLimits { age: Some(TimeDelta::days(9)), ..RetentionLimits::default() };
    assert_eq!(
        verdicts(&items, limits)[..3],
        [WITHIN; 3],
        "the family is as young as its youngest"
    );
    assert!(matches!(verdicts(&items, limits)[3], Retained::Dropped(_)), "its parent is not there");
    items[2].is_pinned = true;
    items[0].at = items[1].at;
    assert_eq!(verdicts(&items, limits)[..3], [Retained::Kept(KeepReason::Pinned); 3]);
    items[0].parent = Some(id(3));
    assert_eq!(verdicts(&items, limits).len(), 4, "a ring of parents ends");
}

#[test]
fn each_group_has_limits_of_its_own() {
    let mut items = [item(1, 3, 10), item(2, 2, 10), item(3, 1, 10)];
    items[1].group = 1;
    let one = RetentionLimits { count: Some(1), ..RetentionLimits::default() };
    let plan = plan_retention(&items, &[one, RetentionLimits::default()], now());
    let over = Retained::Dropped(DropReason::Count(1));
    assert_eq!(items.map(|item| plan[&item.id]), [over, WITHIN, WITHIN]);
}

fn any_item() -> impl Strategy<Value = RetentionItem> {
    let at = proptest::option::weighted(0.95, 0..40_i64);
    let parent = proptest::option::weighted(0.3, 0..30_u64);
    let flags = (proptest::bool::weighted(0.1), proptest::bool::weighted(0.1));
    (0..30_u64, at, 0..100_u64, parent, 0..3_usize, flags).prop_map(
        |(number, days, bytes, parent, group, (is_pinned, is_live))| RetentionItem {
            at: days.map(|days| now() - TimeDelta::days(days)),
            parent: parent.map(id),
            group,
            is_pinned,
            is_live,
            ..item(number, 0, bytes)
        },
    )
}

fn any_limits() -> impl Strategy<Value = RetentionLimits> {
    let option = proptest::option::of::<std::ops::Range<u64>>;
    (option(0..12), option(0..40), option(0..600)).prop_map(|(count, age, size)| RetentionLimits {
        count,
        age: age.map(|days| TimeDelta::days(days.cast_signed())),
        size,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// P9: the limits hold as far as what is guarded lets them, the oldest go first, no more go
    /// than must, and what is pinned or live never does.
    #[test]
    fn p09_limits_hold_and_the_oldest_go_first(
        items in proptest::collection::vec(any_item(), 0..25),
        limits in proptest::array::uniform3(any_limits()),
    ) {
        let mut items = items;
        items.sort_by_key(|item| item.id);
        items.dedup_by_key(|item| item.id);
        let plan = plan_retention(&items, &limits, now());
        prop_assert_eq!(plan.len(), items.len(), "each has a verdict");
        let is_kept = |id: &SessionId| matches!(plan[id], Retained::Kept(_));
        for item in &items {
            prop_assert!(is_kept(&item.id) || !(item.is_pinned || item.is_live));
            let parent = item.parent.filter(|parent| plan.contains_key(parent));
            let is_ring = roots(&items)[&item.id] == item.id;
            if let Some(parent) = parent.filter(|_| !is_ring) {
                prop_assert_eq!(is_kept(&item.id), is_kept(&parent), "families stay together");
            }
        }
        let families = families(&items, &roots(&items));
        for (group, limits) in limits.iter().enumerate() {
            let ours = families.iter().filter(|family| family.group == group);
            let (kept, dropped): (Vec<_>, Vec<_>) = ours.partition(|it| is_kept(&it.root));
            let free: Vec<_> = kept.iter().filter(|family| family.guard.is_none()).collect();
            let bytes: u64 = kept.iter().map(|family| family.bytes).sum();
            for family in &free {
                let at = family.at.expect("what is undated is guarded");
                prop_assert!(limits.age.is_none_or(|age| now() - at <= age), "age holds");
                prop_assert!(dropped.iter().all(|other| other.at <= family.at), "oldest first");
            }
            if !free.is_empty() {
                prop_assert!(limits.count.is_none_or(|most| kept.len() as u64 <= most));
                prop_assert!(limits.size.is_none_or(|most| bytes <= most));
            }
            // The newest of those that go could not have stayed.
            if let Some(next) = dropped.iter().max_by_key(|it| (it.at, Reverse(it.root))) {
                let is_old = limits.age.is_some_and(|age| next.at.is_some_and(|at| now() - at > age));
                let is_full = limits.count.is_some_and(|most| kept.len() as u64 + 1 > most)
                    || limits.size.is_some_and(|most| bytes + next.bytes > most);
                prop_assert!(is_old || is_full, "nothing goes without need");
            }
        }
    }
}
