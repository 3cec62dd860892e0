use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::config::Setting;
use crate::observe::Operation;

fn log(folder: &Path, bytes: u64, days: u64, files: u64) -> AuditLog {
    let settings = AuditSettings {
        path: Setting::default(Some(folder.join("log"))),
        size: Setting::default(bytes),
        age: Setting::default(days * 24 * 3_600),
        files: Setting::default(files),
        ..AuditSettings::default()
    };
    AuditLog::of(&settings, folder)
}

fn entry(number: u64, hours: i64) -> Entry {
    let at = DateTime::from_timestamp(1_795_000_000 + hours * 3_600, 0).expect("a time");
    let mut entry = Entry::new(Operation::Save, at);
    entry.counts.insert("messages", number);
    entry.sessions.push(Uuid::from_u128(u128::from(number % 2)));
    entry
}

fn numbers(reading: &AuditReading) -> Vec<u64> {
    reading.entries.iter().map(|entry| entry.counts["messages"]).collect()
}

fn files(log: &AuditLog) -> usize {
    log.closed_files().expect("they are there").len()
}

#[test]
fn the_latest_lines_come_first_across_files_and_a_limit_says_that_there_are_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 500, 30, 100);
    assert_eq!(log.read(&AuditFilter::default(), 9).expect("nothing"), AuditReading::default());
    (0..10).for_each(|number| log.append(&entry(number, 0)).expect("written"));
    assert!(files(&log) > 1, "it was closed by its size");
    let all = log.read(&AuditFilter::default(), 10).expect("read");
    assert_eq!((numbers(&all), all.has_more), ((0..10).rev().collect(), false));
    for limit in 0..10 {
        let some = log.read(&AuditFilter::default(), limit).expect("read");
        assert_eq!((numbers(&some), some.has_more), (numbers(&all)[..limit].to_vec(), true));
    }
    let about = AuditFilter { sessions: vec![Uuid::from_u128(1)], ..AuditFilter::default() };
    assert_eq!(numbers(&log.read(&about, 3).expect("read")), [9, 7, 5]);
}

#[test]
fn a_file_is_closed_by_age_and_the_oldest_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 1_000_000, 1, 2);
    for day in 0..5 {
        log.append(&entry(day * 10, i64::try_from(day).expect("small") * 25)).expect("written");
        log.append(&entry(day * 10 + 1, i64::try_from(day).expect("small") * 25 + 2))
            .expect("written");
    }
    assert_eq!(files(&log), 2, "the others were removed");
    let all = log.read(&AuditFilter::default(), 99).expect("read");
    assert_eq!(numbers(&all), [41, 40, 31, 30, 21, 20]);
    log.append(&entry(50, -99)).expect("a clock that was set back closes nothing");
    assert_eq!(files(&log), 2);
}

#[test]
fn what_is_torn_or_foreign_is_passed_over_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 9_000_000, 30, 2);
    log.append(&entry(1, 0)).expect("written");
    let add = |bytes: &[u8]| {
        let mut file = OpenOptions::new().append(true).open(log.current()).expect("there");
        file.write_all(bytes).expect("written");
    };
    add(b"nonsense\n{\"time\":1}\n\n\xff\xfe\n");
    add(&[b'x'; 3_000_000]);
    add(b"\n{\"time\":\"2026-");
    log.append(&entry(2, 0)).expect("written");
    let all = log.read(&AuditFilter::default(), 99).expect("read");
    assert_eq!((numbers(&all), all.skipped), (vec![2, 1], 5));
}

#[test]
fn a_line_that_cannot_be_written_leaves_the_log_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 1_000, 30, 2);
    platform::write_atomic(&folder.path().join("log"), b"a file").expect("written");
    log.append(&entry(1, 0)).expect_err("its folder is a file");
    fs::remove_file(folder.path().join("log")).expect("removed");
    fs::create_dir_all(log.current()).expect("made");
    log.append(&entry(1, 0)).expect_err("its file is a folder");
}

#[test]
fn only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 300, 30, 2);
    (0..9).for_each(|number| log.append(&entry(number, 0)).expect("written"));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(log.folder()), 0o700);
    for file in fs::read_dir(log.folder()).expect("there") {
        assert_eq!(mode(&file.expect("there").path()), 0o600);
    }
}

#[test]
fn lines_are_rewritten_in_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log(folder.path(), 400, 30, 99);
    (0..9).for_each(|number| log.append(&entry(number, 0)).expect("written"));
    let changed = log.rewrite(&|line| {
        let text = String::from_utf8_lossy(line);
        text.contains(":4}").then(|| Clean::stored(text.replace(":4}", ":400}").into_bytes()))
    });
    assert_eq!(changed.expect("written"), 1);
    let all = numbers(&log.read(&AuditFilter::default(), 99).expect("read"));
    assert_eq!(all, [8, 7, 6, 5, 400, 3, 2, 1, 0]);
}

#[test]
fn what_several_write_at_once_is_all_there_once_while_files_are_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = log(folder.path(), 2_000, 30, 1_000);
            scope.spawn(move || {
                for number in 0..100 {
                    log.append(&entry(writer * 100 + number, 0)).expect("written");
                }
            });
        }
    });
    let log = log(folder.path(), 2_000, 30, 1_000);
    let all = log.read(&AuditFilter::default(), usize::MAX).expect("read");
    let mut numbers = numbers(&all);
    numbers.sort_unstable();
    assert_eq!((numbers, all.skipped), ((0..400).collect(), 0));
    assert!(files(&log) > 10);
}

proptest! {
    /// Against a list: whatever is written and asked, the answer is the latest that match.
    #[test]
    fn reading_is_what_a_list_would_give(
        hours in prop::collection::vec(0_i64..100, 0..40),
        (from, to) in (0_i64..100, 0_i64..100),
        limit in 0_usize..50,
        bytes in 200_u64..3_000,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let log = log(folder.path(), bytes, 365, 1_000);
        let entries: Vec<Entry> =
            (0..).zip(&hours).map(|(number, hours)| entry(number, *hours)).collect();
        entries.iter().for_each(|entry| log.append(entry).expect("written"));
        let (from, to) = (entry(0, from).at, entry(0, to).at);
        let filter = AuditFilter { spans: vec![(Some(from), Some(to))], ..AuditFilter::default() };
        let wanted: Vec<u64> = entries.iter().rev()
            .filter(|entry| from <= entry.at && entry.at < to)
            .map(|entry| entry.counts["messages"])
            .collect();
        let reading = log.read(&filter, limit).expect("read");
        prop_assert_eq!(numbers(&reading), wanted.iter().copied().take(limit).collect::<Vec<_>>());
        prop_assert_eq!(reading.has_more, wanted.len() > limit);
    }
}
