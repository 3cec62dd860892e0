//! Git's deltas: an object as what changes another one.

use crate::store::bundle::BundleError;
use crate::store::bundle::damaged;

/// The size of what the delta makes.
pub(super) fn result_size(delta: &[u8]) -> Result<usize, BundleError> {
    let mut rest = delta;
    size(&mut rest)?;
    size(&mut rest)
}

/// What the delta makes of `base`; not a byte more than it says.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, BundleError> {
    let mut rest = delta;
    if size(&mut rest)? != base.len() {
        return Err(broken());
    }
    let length = size(&mut rest)?;
    // What it says is its own; it grows by what it copies.
    let mut made = Vec::with_capacity(length.min(base.len() + delta.len()));
    while let Some(step) = next(&mut rest) {
        let piece = if step & 0x80 != 0 {
            let mut number = |bits: u8, count: usize| {
                (0..count).filter(|bit| bits >> bit & 1 == 1).try_fold(0, |number, bit| {
                    Some(number | usize::from(next(&mut rest)?) << (8 * bit))
                })
            };
            let from = number(step, 4).ok_or_else(broken)?;
            let length = number(step >> 4, 3).ok_or_else(broken)?;
            let length = if length == 0 { 0x1_0000 } else { length };
            base.get(from..from + length)
        } else {
            let piece = rest.get(..usize::from(step)).filter(|_| step > 0);
            rest = rest.get(usize::from(step)..).unwrap_or_default();
            piece
        };
        let piece = piece.filter(|piece| made.len() + piece.len() <= length);
        made.extend_from_slice(piece.ok_or_else(broken)?);
    }
    if made.len() == length { Ok(made) } else { Err(broken()) }
}

fn size(rest: &mut &[u8]) -> Result<usize, BundleError> {
    let (mut size, mut shift) = (0, 0);
    loop {
        let byte = next(rest).filter(|_| shift <= 35).ok_or_else(broken)?;
        size |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
}

fn next(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn broken() -> BundleError {
    damaged("a delta in it is broken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_delta_copies_and_inserts() {
        let delta = [11, 9, 0x91, 6, 5, 4, b' ', b'a', b'l', b'l'];
        assert_eq!(result_size(&delta).expect("a size"), 9);
        assert_eq!(apply(b"hello world", &delta).expect("it applies"), b"world all");
    }

    #[test]
    fn a_delta_that_reaches_beyond_is_refused() {
        for delta in [
            &[11, 9, 0x91, 7, 5, 4, b' ', b'a', b'l', b'l'][..],
            &[10, 5, 0x91, 6, 5],
            &[11, 4, 0x91, 6, 5],
            &[11, 6, 0x91, 6, 5],
            &[11, 1, 0],
            &[11, 5, 0x91, 6],
            &[11, 5, 5, b'a'],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[],
        ] {
            assert!(apply(b"hello world", delta).is_err(), "{delta:?}");
        }
    }

    proptest! {
        #[test]
        fn no_delta_panics_or_makes_more_than_it_says(
            base in proptest::collection::vec(any::<u8>(), 0..40),
            mut delta in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            if let (Some(first), Ok(length)) = (delta.first_mut(), u8::try_from(base.len())) {
                *first = length;
            }
            if let Ok(made) = apply(&base, &delta) {
                prop_assert_eq!(made.len(), result_size(&delta).expect("it has a size"));
            }
        }
    }
}
