//! R3.5: retention: what goes, what stays, and how it comes back.

use annals::repository::Filter;
use annals::repository::LiveChange;
use annals::repository::LiveOptions;
use annals::repository::SortKey;
use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;

fn id(number: u64) -> String {
    format!("01890000-0000-7000-8000-00000000000{number}")
}

/// Stores sessions of an agent, each changed last on that day of October 2026.
fn store(sandbox: &Sandbox, sessions: &[(u64, &str, u32)]) {
    for (number, agent, day) in sessions {
        let at = format!("2026-10-{day:02}T10:00:00Z");
        let document = json!({
            "id": id(*number),
            "created": at,
            "title": format!("Session {number}"),
            "agent": agent,
            "workspace": format!("/src/{agent}"),
            "messages": [{"role": "user", "at": at, "text": "x".repeat(1_000)}],
        });
        sandbox.save(&document.to_string());
    }
}

fn configure(sandbox: &Sandbox, text: &str) {
    let folder = sandbox.root().join("config/annals");
    std::fs::create_dir_all(&folder).expect("it can be made");
    std::fs::write(folder.join("config.toml"), text).expect("it can be written");
}

/// The last digits of the sessions of a list, sorted.
fn numbers(list: &Value) -> Vec<u64> {
    let number = |it: &Value| it["short"].as_str().and_then(|it| it.parse().ok());
    let mut all: Vec<u64> =
        list.as_array().expect("rows").iter().map(|it| number(it).expect("a number")).collect();
    all.sort_unstable();
    all
}

fn listed(sandbox: &Sandbox) -> Vec<u64> {
    numbers(&sandbox.json(["list", "--all"])["sessions"])
}

#[test]
fn r3_5_nothing_is_let_go_unless_a_limit_is_set() {
    let mut sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1)]);
    sandbox.set_now("2056-11-22T12:00:00Z");
    let ran = sandbox.run(["prune", "--yes"]).ok();
    assert!(ran.stderr.starts_with("No limit is set, so nothing is let go.\n"), "{}", ran.stderr);
    store(&sandbox, &[(2, "a", 2)]);
    assert_eq!(listed(&sandbox), [1, 2]);
    let state = std::fs::read(sandbox.store().join("annals/upkeep.json")).expect("it is there");
    let state: serde_json::Value = serde_json::from_slice(&state).expect("JSON");
    assert_eq!(state["pruned"], serde_json::Value::Null, "retention is not even looked at");
}

#[test]
fn r3_5_a_plan_is_shown_with_reasons_and_asked_for() {
    let sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1), (2, "a", 2), (3, "a", 3), (4, "a", 4)]);
    sandbox.run(["pin", &id(1)]).ok();
    configure(&sandbox, "[retention]\ncount = 3\nage = '51 days'\n");
    let tip = sandbox.tip();
    let shown = sandbox.run(["prune", "--dry-run"]).ok();
    assert_eq!(
        shown.stderr,
        "  00000002 “Session 2”  not changed for 51 days\n1 session goes; 3 stay, 1 pinned.\n"
    );
    let refused = sandbox.run(["prune"]).code(3);
    assert!(refused.stderr.contains("`annals prune` needs --yes"), "{}", refused.stderr);
    assert_eq!(sandbox.tip(), tip, "nothing was done");
    configure(&sandbox, "[retention]\ncount = 2\n");
    let plan = sandbox.json(["prune", "--dry-run"]);
    assert_eq!(numbers(&plan["pruned"]), [2, 3]);
    assert_eq!(plan["pruned"][0]["reason"], "count");
    assert_eq!(plan["pruned"][0]["limit"], 2);
    assert_eq!(plan["kept"], json!({"within": 1, "pinned": 1, "live": 0, "undated": 0}));
    assert_eq!((&plan["dry_run"], &plan["revision"]), (&json!(true), &Value::Null));
    configure(&sandbox, "[retention]\n\nage = 'soon'\n");
    let refused = sandbox.run(["prune", "--yes"]).code(3);
    assert!(refused.stderr.contains("line 3: `retention.age` is \"soon\""), "{}", refused.stderr);
    assert_eq!(listed(&sandbox), [1, 2, 3, 4]);
}

#[test]
fn r3_5_a_prune_is_one_commit_and_one_undelete_brings_all_of_it_back() {
    let sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1), (2, "a", 2), (3, "a", 3)]);
    sandbox.run(["delete", &id(3), "--yes"]).ok();
    let before = sandbox.git(["rev-list", "--count", "main"]);
    configure(&sandbox, "[retention]\nage = '9 days'\n");
    let pruned = sandbox.json(["prune", "--yes"]);
    assert_eq!(numbers(&pruned["pruned"]), [1, 2]);
    assert_eq!(pruned["revision"], sandbox.tip());
    assert!(listed(&sandbox).is_empty());
    let count = |text: &str| text.trim().parse::<u32>().expect("a number");
    let after = sandbox.git(["rev-list", "--count", "main"]);
    assert_eq!(count(&after), count(&before) + 1);
    assert!(sandbox.git(["log", "-1"]).contains("Annals-Operation: prune"));
    let log = sandbox.run(["log", "--json", &id(1)]);
    assert!(log.stdout.is_empty() || log.stdout.contains("prune"), "{}", log.stdout);
    let revision = &sandbox.tip()[..8];
    let back = sandbox.json(["undelete", "--revision", revision]);
    assert_eq!(back["kind"], "annals.undeleted/1");
    assert_eq!(numbers(&back["sessions"]), [1, 2]);
    assert_eq!(listed(&sandbox), [1, 2], "what was deleted before stays deleted");
    let again = sandbox.run(["undelete", "--revision", revision]).code(3);
    assert!(again.stderr.contains("nothing that revision"), "{}", again.stderr);
    let kept = sandbox.json(["prune", "--yes"]);
    assert_eq!(numbers(&kept["pruned"]), [0; 0], "what was brought back counts as changed now");
    sandbox.fsck();
}

#[test]
fn r3_5_rules_hold_for_their_agent_and_workspace_and_filters_narrow() {
    let sandbox = Sandbox::new();
    store(
        &sandbox,
        &[(1, "a", 1), (2, "a", 2), (3, "b", 1), (4, "b", 2), (5, "c", 1), (6, "c", 2)],
    );
    let rules = "[retention]\ncount = 1\n[[retention.rules]]\nagent = 'b'\n\
        [[retention.rules]]\nworkspace = '/src/c'\nage = '52 days'\n";
    configure(&sandbox, rules);
    let plan = sandbox.json(["prune", "--dry-run"]);
    assert_eq!(numbers(&plan["pruned"]), [1, 5], "one of a, none of b, the older of c");
    let plan = sandbox.json(["prune", "--dry-run", "--agent", "c"]);
    assert_eq!(numbers(&plan["pruned"]), [5]);
    configure(&sandbox, "[[retention.rules]]\nage = '3 days'\n");
    let refused = sandbox.run(["prune"]).code(3);
    assert!(refused.stderr.contains("must name an agent or a workspace"), "{}", refused.stderr);
}

#[test]
fn r3_5_sub_agents_go_with_their_parent() {
    let sandbox = Sandbox::new();
    let parent = sandbox.transcript(1).user("Fix it").agent("On it.").write();
    parent.write_subagent("a1", "toolu_1", "Seen.");
    sandbox.capture();
    assert_eq!(sandbox.json(["list", "--all"])["total"], 2);
    sandbox.run(["config", "set", "retention.age", "1 hour"]).ok();
    let pruned = sandbox.json(["prune", "--yes"]);
    assert_eq!(pruned["pruned"].as_array().map(Vec::len), Some(2), "{pruned}");
    sandbox.run(["undelete", "--revision", &sandbox.tip()]).ok();
    assert_eq!(sandbox.json(["list", "--all"])["total"], 2);
}

#[test]
fn r3_5_saves_let_go_by_themselves_at_most_hourly_and_it_is_told_once() {
    let mut sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1), (2, "a", 2)]);
    sandbox.run(["config", "set", "retention.count", "2"]).ok();
    let transcript = sandbox.transcript(1).user("hello").write();
    let told = sandbox.capture().stderr;
    assert!(told.contains("Let go 1 session that the limits"), "{told}");
    assert!(told.contains(&format!("undelete --revision {}", &sandbox.tip()[..8])), "{told}");
    assert!(!sandbox.run(["list"]).ok().stderr.contains("Let go"), "it is told once");
    store(&sandbox, &[(3, "a", 3)]);
    assert_eq!(sandbox.json(["list"])["total"], 3, "not again within the hour");
    sandbox.set_now("2026-11-22T13:00:00Z");
    transcript.user("more").write();
    let json = sandbox.json(["capture"]);
    assert_eq!(json["kind"], "annals.capture/1", "JSON stays one document");
    assert_eq!(sandbox.json(["list"])["total"], 2);
    let told = sandbox.run(["list"]).ok().stderr;
    assert!(told.contains("Let go 1 session"), "the next that can says it: {told}");
    configure(&sandbox, "[retention]\ncount = 0\n");
    sandbox.set_now("2026-11-22T15:00:00Z");
    let told = sandbox.capture().stderr;
    assert!(told.contains("warning: Nothing was pruned: ") && told.contains("line 2"), "{told}");
    assert_eq!(sandbox.json(["list"])["total"], 2);
}

#[test]
fn r3_5_what_a_program_holds_stays_and_its_saves_let_go_what_does_not() {
    let sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1), (2, "a", 2)]);
    let mut repository = sandbox.repository();
    let held = id(1).parse().expect("an id");
    let (live, _) = repository.resume(held, &LiveOptions::default()).expect("resumed");
    configure(&sandbox, "[retention]\ncount = 1\n");
    let plan = repository.plan_prune(&Filter::default()).expect("planned");
    assert_eq!(plan.dropped.len(), 1, "the newer one goes, for the older is held");
    assert_eq!((plan.kept.live, plan.kept.within), (1, 0));
    let changes = live.watch();
    live.append(vec![annals::session::Message::new("user", "more").into()]).expect("appended");
    live.save().expect("saved");
    let is_pruned = |change| matches!(change, LiveChange::Pruned { sessions: 1, .. });
    let patience = std::time::Duration::from_secs(60);
    let mut all = std::iter::from_fn(|| changes.recv_timeout(patience).ok());
    assert!(all.any(is_pruned), "its watchers are told");
    live.close().expect("closed");
    assert_eq!(listed(&sandbox), [1]);
    let told = sandbox.run(["list"]).ok().stderr;
    assert!(
        told.contains("Let go 1 session"),
        "a program prints nothing, so the next does: {told}"
    );
    let page = annals::repository::Page { offset: 0, limit: 9 };
    let left = repository.list(&Filter::default(), SortKey::Modified, false, page);
    assert_eq!(left.expect("listed").total, 1);
}

#[test]
fn r3_5_an_import_is_a_save_too() {
    let other = Sandbox::new();
    store(&other, &[(9, "a", 9)]);
    let file = other.root().join("session.json");
    let file = file.to_string_lossy().into_owned();
    other.run(["export", &id(9), "-o", &file]).ok();
    let sandbox = Sandbox::new();
    store(&sandbox, &[(1, "a", 1), (2, "a", 2), (3, "a", 30)]);
    configure(&sandbox, "[retention]\ncount = 1\n");
    let planned = sandbox.run(["import", "--yes", "--dry-run", &file]).ok();
    assert!(!planned.stderr.contains("Let go"), "a plan lets nothing go: {planned:?}");
    let imported = sandbox.run(["import", "--yes", &file]).ok();
    assert!(imported.stderr.contains("Let go 3 sessions"), "{imported:?}");
    assert_eq!(listed(&sandbox), [3]);
}
