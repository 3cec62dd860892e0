//! Puts two sequences into one that keeps the order of both.
//!
//! A sequence of distinct numbers is a forest: each number hangs below the nearest greater one
//! before it, and what hangs below one number stands there in rising order. The sequence is the
//! walk through that forest, parents first. So every sequence gives one forest, and every forest
//! whose parents are greater than their children gives back one sequence.
//!
//! Two sequences become one by the union of their forests. Where a number has the same parent in
//! both, both keep their order, and union knows no order of its operands: whatever is woven with
//! whatever, in whatever grouping, gives one result. Numbers that both sequences have in different
//! orders may have two parents: the smaller stays, and a parent rather than none, which is as
//! independent of order and grouping.

use std::collections::HashMap;

/// Weaves two sequences of numbers below `count`, each of which stands in one of them at least, and
/// in none twice.
pub(super) fn weave(left: &[usize], right: &[usize], count: usize) -> Vec<usize> {
    let mut parents: HashMap<usize, usize> = HashMap::new();
    for sequence in [left, right] {
        for (number, parent) in nearest_greater(sequence) {
            let found = parents.entry(number).or_insert(parent);
            *found = parent.min(*found);
        }
    }
    let mut roots = Vec::new();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for number in 0..count {
        match parents.get(&number) {
            Some(parent) => children.entry(*parent).or_default().push(number),
            None => roots.push(number),
        }
    }
    let mut woven = Vec::with_capacity(count);
    roots.reverse();
    let mut open = roots;
    while let Some(number) = open.pop() {
        woven.push(number);
        open.extend(children.remove(&number).into_iter().flatten().rev());
    }
    woven
}

/// The numbers that have a greater one before them, with the nearest of these.
fn nearest_greater(sequence: &[usize]) -> Vec<(usize, usize)> {
    let mut found = Vec::with_capacity(sequence.len());
    let mut greater: Vec<usize> = Vec::new();
    for &number in sequence {
        while greater.pop_if(|it| *it < number).is_some() {}
        found.extend(greater.last().map(|parent| (number, *parent)));
        greater.push(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    /// Distinct numbers, in any order; the numbers are not dense.
    fn sequence() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::btree_set(0_usize..24, 0..16)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
    }

    /// Weaves sequences whose numbers are not dense.
    fn woven(left: &[usize], right: &[usize]) -> Vec<usize> {
        let union: BTreeSet<usize> = left.iter().chain(right).copied().collect();
        let union: Vec<usize> = union.into_iter().collect();
        let dense = |side: &[usize]| -> Vec<usize> {
            side.iter().map(|it| union.binary_search(it).expect("it is there")).collect()
        };
        let woven = weave(&dense(left), &dense(right), union.len());
        woven.into_iter().map(|place| union[place]).collect()
    }

    proptest! {
        #[test]
        fn any_sequences_weave_to_one_whatever_the_order_and_the_grouping(
            a in sequence(), b in sequence(), c in sequence(),
        ) {
            prop_assert_eq!(woven(&a, &a), a.clone());
            prop_assert_eq!(woven(&a, &[]), a.clone());
            prop_assert_eq!(woven(&a, &b), woven(&b, &a));
            prop_assert_eq!(woven(&woven(&a, &b), &c), woven(&a, &woven(&b, &c)));
            let all: BTreeSet<usize> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(woven(&a, &b).into_iter().collect::<BTreeSet<_>>(), all.clone());
            prop_assert_eq!(woven(&a, &b).len(), all.len());
        }

        #[test]
        fn what_two_wrote_on_top_of_one_beginning_keeps_the_order_of_both(
            all in sequence(), cut in any::<prop::sample::Index>(), owners in any::<u32>(),
        ) {
            let cut = cut.index(all.len() + 1);
            let side = |owner: bool| -> Vec<usize> {
                let is_own = |place: usize| (owners >> place & 1 == 1) == owner;
                let own = all.iter().enumerate().filter(|(place, _)| *place < cut || is_own(*place));
                own.map(|(_, number)| *number).collect()
            };
            let (left, right) = (side(true), side(false));
            let woven = woven(&left, &right);
            for side in [&left, &right] {
                let kept: Vec<usize> = woven.iter().filter(|it| side.contains(it)).copied().collect();
                prop_assert_eq!(&kept, side);
            }
        }
    }
}
