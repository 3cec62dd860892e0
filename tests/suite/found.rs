//! The seeds of the fuzzer and all that it ever found, at their doors; and, of each, a few forms
//! that nobody has tried.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;

use crate::doors::DOORS;
use crate::doors::knock;

/// How many forms of its seeds each door is shown, unless `ANNALS_FORMS` says otherwise.
const FORMS: u32 = 24;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz")
}

/// The files of a door, in the order of their names.
fn seeds_of(door: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(seeds().join(door)).expect("each door has seeds");
    let names = entries.map(|it| it.expect("an entry").file_name().into_string().expect("a name"));
    let read = |name: String| {
        let bytes = fs::read(seeds().join(door).join(&name)).expect("a seed is readable");
        (name, bytes)
    };
    names.collect::<BTreeSet<_>>().into_iter().map(read).collect()
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries.map(|it| name(it.expect("an entry").path())).collect()
}

#[test]
fn each_door_has_a_fuzz_target_and_seeds() {
    let doors: BTreeSet<String> = DOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    assert_eq!(names_in(&fuzz.join("fuzz_targets")), doors);
    assert_eq!(names_in(&seeds()), doors);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("it is there");
    for door in doors {
        let path = format!("fuzz_targets/{door}.rs");
        assert!(manifest.contains(&format!("name = \"{door}\"\npath = \"{path}\"")), "{door}");
        let target = fs::read_to_string(fuzz.join(path)).expect("it is there");
        assert!(target.contains(&format!("knock(\"{door}\", bytes)")), "{target}");
    }
}

#[test]
fn what_the_fuzzer_began_with_and_what_it_found_breaks_no_promise() {
    let mut broken = Vec::new();
    for (door, _) in DOORS {
        for (name, bytes) in seeds_of(door) {
            if catch_unwind(|| knock(door, &bytes)).is_err() {
                broken.push(format!("{door}/{name}"));
            }
        }
    }
    assert!(broken.is_empty(), "what is said above is of {broken:?}");
}

/// A change of a seed: bytes of it go, and others come, or a part of any seed.
#[derive(Debug, Clone)]
struct Change {
    at: Index,
    gone: usize,
    new: New,
}

#[derive(Debug, Clone)]
enum New {
    Bytes(Vec<u8>),
    Part(Index, Index, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let pieces =
        ["", "\n", " ", "\"", "\\", "{", "}", "[", ":", "-", "\0", "0", "99999999999999999999"];
    let new = prop_oneof![
        2 => prop::sample::select(pieces.to_vec()).prop_map(|it| New::Bytes(it.into())),
        1 => vec(any::<u8>(), 1..5).prop_map(New::Bytes),
        1 => (any::<Index>(), any::<Index>(), 1_usize..60)
            .prop_map(|(seed, at, length)| New::Part(seed, at, length)),
    ];
    let change = (any::<Index>(), 0_usize..6, new);
    vec(change.prop_map(|(at, gone, new)| Change { at, gone, new }), 1..5)
}

fn changed(seeds: &[(String, Vec<u8>)], seed: Index, changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.get(seeds).1.clone();
    for Change { at, gone, new } in changes {
        let start = at.index(bytes.len() + 1);
        let end = bytes.len().min(start + gone);
        let part = match new {
            New::Bytes(new) => new.clone(),
            New::Part(seed, at, length) => {
                let from = &seed.get(seeds).1;
                let start = at.index(from.len() + 1);
                from[start..from.len().min(start + length)].to_vec()
            }
        };
        bytes.splice(start..end, part);
    }
    bytes
}

/// A form of a seed.
struct Form(Vec<u8>);

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[test]
fn forms_of_the_seeds_that_nobody_tried_break_no_promise() {
    let forms = std::env::var("ANNALS_FORMS").ok().and_then(|it| it.parse().ok()).unwrap_or(FORMS);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(forms) };
    let mut broken = Vec::new();
    for (door, _) in DOORS {
        let seeds = seeds_of(door);
        let form = (any::<Index>(), changes())
            .prop_map(move |(seed, changes)| Form(changed(&seeds, seed, &changes)));
        // The same ones each time: what nobody has seen yet is for the fuzzer to find.
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let ran = TestRunner::new_with_rng(config.clone(), rng).run(&form, |Form(bytes)| {
            knock(door, &bytes);
            Ok(())
        });
        broken.extend(ran.err().map(|error| format!("{door}: {error}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
