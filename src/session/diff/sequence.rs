//! Which parts two sequences have in common, in bounded time.
//!
//! Short stretches are aligned exactly, long ones along what occurs once in them, or, where all
//! repeats, by the number of the occurrence. No clock decides, so the outcome is always the same.

use std::collections::HashMap;
use std::hash::Hash;

use similar::Algorithm;
use similar::DiffOp;
use similar::capture_diff_slices;

use crate::session::view::longest_rising;

/// Stretches whose lengths multiply to no more than this are aligned exactly.
const EXACT: usize = 1 << 20;

/// How often a stretch is divided along what occurs once in it.
const DIVISIONS: u32 = 8;

/// Gives equal values equal numbers.
pub(super) struct Numbers<K>(HashMap<K, u32>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Numbers<K> {
    /// The number of a value.
    pub(super) fn of(&mut self, value: K) -> u32 {
        let next = u32::try_from(self.0.len()).expect("fewer values than bytes in memory");
        *self.0.entry(value).or_insert(next)
    }
}

/// The pairs of places, rising on both sides, at which two sequences are equal.
pub(super) fn common(left: &[u32], right: &[u32]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    add_common((left, right), (0, 0), DIVISIONS, &mut pairs);
    pairs
}

fn add_common(
    (left, right): (&[u32], &[u32]),
    (left_start, right_start): (usize, usize),
    divisions: u32,
    pairs: &mut Vec<(usize, usize)>,
) {
    let same = |(a, b): &(&u32, &u32)| a == b;
    let head = left.iter().zip(right).take_while(same).count();
    let (left_rest, right_rest) = (&left[head..], &right[head..]);
    let backwards = left_rest.iter().rev().zip(right_rest.iter().rev());
    let tail = backwards.take_while(same).count();
    let left_rest = &left_rest[..left_rest.len() - tail];
    let right_rest = &right_rest[..right_rest.len() - tail];

    pairs.extend((0..head).map(|i| (left_start + i, right_start + i)));
    let (left_start, right_start) = (left_start + head, right_start + head);
    let between = if left_rest.len().saturating_mul(right_rest.len()) <= EXACT {
        exact(left_rest, right_rest)
    } else {
        divided(left_rest, right_rest, divisions)
    };
    pairs.extend(between.iter().map(|(l, r)| (left_start + l, right_start + r)));
    let (left_start, right_start) = (left_start + left_rest.len(), right_start + right_rest.len());
    pairs.extend((0..tail).map(|i| (left_start + i, right_start + i)));
}

fn exact(left: &[u32], right: &[u32]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, left, right) {
        if let DiffOp::Equal { old_index, new_index, len } = operation {
            pairs.extend((0..len).map(|i| (old_index + i, new_index + i)));
        }
    }
    pairs
}

fn divided(left: &[u32], right: &[u32], divisions: u32) -> Vec<(usize, usize)> {
    let anchors = match divisions {
        0 => Vec::new(),
        _ => by_occurrence(left, right, true),
    };
    if anchors.is_empty() {
        return by_occurrence(left, right, false);
    }
    let mut pairs = Vec::new();
    let mut next = (0, 0);
    let end = (left.len(), right.len());
    for &(l, r) in anchors.iter().chain([&end]) {
        let stretch = (&left[next.0..l], &right[next.1..r]);
        add_common(stretch, next, divisions.saturating_sub(1), &mut pairs);
        if (l, r) != end {
            pairs.push((l, r));
        }
        next = (l + 1, r + 1);
    }
    pairs
}

/// Pairs the first occurrence of a number on the left with the first on the right, the second
/// with the second, and so on, or only what occurs but once on both sides; of these pairs as many
/// as rise on both sides.
fn by_occurrence(left: &[u32], right: &[u32], only_once: bool) -> Vec<(usize, usize)> {
    let places = |side: &[u32]| {
        let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, number) in side.iter().enumerate() {
            places.entry(*number).or_default().push(place);
        }
        places
    };
    let right = places(right);
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (number, places) in &places(left) {
        let Some(others) = right.get(number) else {
            continue;
        };
        if !only_once || (places.len() == 1 && others.len() == 1) {
            order.extend(places.iter().copied().zip(others.iter().copied()));
        }
    }
    order.sort_unstable();
    let rising = longest_rising(&order);
    order.retain(|(place, _)| rising.contains(place));
    order
}
