//! R8.5: past the limit of the store's size the user is told, with what would free space.

use std::process::Command;

use annals::repository::OpenOptions;
use annals::repository::Repository;
use chrono::DateTime;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;

/// Stores a session with a text that no deflating makes small, and gives its id.
fn store(sandbox: &Sandbox, number: u64, bytes: usize) -> String {
    let mut state = number + 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).expect("a letter"))
    };
    let words: Vec<String> =
        (0..bytes / 5).map(|_| (0..4).map(|_| next()).collect::<String>() + " ").collect();
    let texts = words.chunks(8_000).map(|words| json!({"role": "user", "text": words.concat()}));
    let messages: Vec<_> = texts.collect();
    sandbox.save(
        &json!({"agent": "a", "title": format!("S{number}"), "messages": messages}).to_string(),
    )
}

/// How many bytes a notice says that a command frees.
fn frees(told: &str, command: &str) -> Option<f64> {
    let line = told.lines().find(|line| line.trim_start().starts_with(&format!("{command}  ")))?;
    let (_, size) = line.split_once("frees ")?;
    let size = size.trim_start_matches("at least ").trim_start_matches("about ");
    let (number, unit) = size.split_once(' ')?;
    let factor = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn size(sandbox: &Sandbox) -> f64 {
    let mut total = 0;
    for (path, bytes) in sandbox.every_file() {
        if path.starts_with(sandbox.store().join("objects")) {
            total += bytes.len();
        }
    }
    f64::from(u32::try_from(total).expect("it is small"))
}

#[test]
fn p25_past_the_limit_the_user_is_told_once_a_day_what_frees_how_much() {
    let mut sandbox = Sandbox::new();
    let gone = store(&sandbox, 1, 900_000);
    let old = store(&sandbox, 2, 500_000);
    store(&sandbox, 3, 300_000);
    sandbox.run(["delete", &gone, "--yes"]).ok();
    let transcript = sandbox.transcript(1).user("hello").write();
    assert!(!sandbox.capture().stderr.contains("limits.size"), "no limit is set");
    sandbox.run(["config", "set", "limits.size", "1 MB"]).ok();
    sandbox.run(["config", "set", "retention.count", "3"]).ok();
    let transcript = transcript.user("more").write();
    assert_eq!(sandbox.json(["capture"])["kind"], "annals.capture/1");
    let transcript = transcript.user("and more").write();
    let told = sandbox.capture().stderr;
    assert!(told.contains("warning: The store takes "), "{told}");
    assert!(told.contains("more than `limits.size` (1 MB)"), "{told}");
    assert!(frees(&told, "annals gc").is_some_and(|bytes| bytes > 0.0), "{told}");
    let promised = frees(&told, "annals purge --deleted").expect("it is offered");
    assert!(frees(&told, "annals prune && annals purge --deleted").is_none(), "nothing to prune");
    let transcript = transcript.user("again").write();
    assert!(!sandbox.capture().stderr.contains("limits.size"), "not again on that day");
    sandbox.set_now("2026-11-23T12:00:00Z");
    sandbox.run(["pin", &old]).ok();
    sandbox.run(["config", "set", "limits.size", "1 GB"]).ok();
    let transcript = transcript.user("a day later").write();
    assert!(!sandbox.capture().stderr.contains("limits.size"), "it is below that limit");
    sandbox.run(["config", "set", "limits.size", "1 MB"]).ok();
    transcript.user("and past it").write();
    assert!(sandbox.capture().stderr.contains("limits.size"), "a day later it is told again");
    let before = size(&sandbox);
    sandbox.run(["purge", "--deleted", "--yes"]).ok();
    let freed = before - size(&sandbox);
    assert!(freed > 0.9 * promised, "promised {promised}, freed {freed}");
    assert!(
        sandbox.run(["purge", "--deleted", "--yes"]).ok().stderr.contains("No session is deleted.")
    );
}

#[test]
fn p25_what_retention_would_free_is_measured_too() {
    let mut sandbox = Sandbox::new();
    store(&sandbox, 1, 200_000);
    sandbox.set_now("2026-11-22T13:00:00Z");
    sandbox.run(["config", "set", "limits.size", "3 MB"]).ok();
    sandbox.run(["config", "set", "retention.count", "5"]).ok();
    sandbox.transcript(1).user("hello").write();
    assert!(!sandbox.capture().stderr.contains("limits.size"), "it is below the limit");
    store(&sandbox, 2, 1_500_000);
    sandbox.run(["config", "set", "retention.count", "1"]).ok();
    sandbox.transcript(2).user("hello again").write();
    sandbox.set_now("2026-11-22T13:30:00Z");
    let told = sandbox.capture().stderr;
    let promised = frees(&told, "annals prune && annals purge --deleted");
    assert!(promised.is_some_and(|bytes| bytes > 100_000.0), "{told}");
    sandbox.run(["config", "set", "limits.size", "5 KB"]).code(3);
}

#[test]
fn p25_past_the_limit_it_is_told_at_most_once_a_day_and_below_it_never() {
    let full = Sandbox::new();
    store(&full, 1, 2_500_000);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4) };
    let steps = proptest::collection::vec((1_u64..3, 0_i64..60), 1..8);
    let ran = TestRunner::new(config).run(&steps, |steps| is_told_once_a_day(&full, &steps));
    ran.expect("once a day, and only past the limit");
}

/// Steps of a limit in MB, and the hours before it, with a copy of a store of two and a half.
fn is_told_once_a_day(full: &Sandbox, steps: &[(u64, i64)]) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::new();
    let mut copy = Command::new("cp");
    Ran::of(copy.arg("-a").arg(full.root().join("data")).arg(sandbox.root())).ok();
    let mut now = DateTime::UNIX_EPOCH;
    let mut last = None;
    for (limit, hours) in steps {
        now += TimeDelta::hours(*hours);
        sandbox.run(["config", "set", "limits.size", &format!("{limit} MB")]).ok();
        let mut environment = sandbox.environment();
        environment.clock = annals::platform::Clock::fixed(now);
        let options = OpenOptions { store: None, environment, create: false };
        let mut repository = Repository::open(&options).expect("the store opens");
        let notice = repository.storage_notice().expect("it is measured");
        let is_past = size(&sandbox) > f64::from(u32::try_from(*limit).expect("small")) * 1e6;
        let is_due = last.is_none_or(|last| now - last >= TimeDelta::days(1));
        prop_assert_eq!(notice.is_some(), is_past && is_due, "{} MB, {} hours", limit, hours);
        if let Some(notice) = notice {
            last = Some(now);
            prop_assert!(notice.size > notice.limit);
            let is_sorted = notice.remedies.is_sorted_by(|a, b| a.frees >= b.frees);
            prop_assert!(is_sorted && notice.remedies.iter().all(|it| it.frees > 0));
        }
    }
    Ok(())
}
