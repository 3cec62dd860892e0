use proptest::prelude::*;

use super::*;
use crate::redact::Redactor;

fn rule(name: &str, pattern: &str, keywords: &[&str]) -> ExtraRule {
    let keywords = keywords.iter().map(|word| (*word).to_owned()).collect();
    ExtraRule { name: name.to_owned(), keywords, pattern: pattern.to_owned(), entropy: None }
}

fn with_rules(rules: Vec<ExtraRule>) -> RuleSettings {
    RuleSettings { rules, ..RuleSettings::default() }
}

fn loaded(settings: &RuleSettings) -> Rules {
    Rules::load(settings).expect("the settings can be used")
}

fn redacted(rules: &Rules, text: &str) -> String {
    Redactor::new(rules).text("text", text.to_owned()).into_inner()
}

fn refused(settings: &RuleSettings) -> String {
    Rules::load(settings).expect_err("it is refused").to_string()
}

fn digest_of(value: &str) -> String {
    let named = Rules::builtin().expect("the rules load").name_value(value);
    named.expect("it holds one value").digests.remove(0)
}

/// A token that no scanner takes for one where it is written.
fn token() -> String {
    ["gh", "p_", "Zb4kQ9xW2mT7vL1n", "R8sD3fG6hJ5pK0aYcEuI"].concat()
}

#[test]
fn a_rule_of_ones_own_finds_in_every_form_and_names_the_mark() {
    let rules = loaded(&with_rules(vec![rule("acme-key", "acme_([a-z0-9]{8})", &[])]));
    for (text, expected) in [
        ("x acme_k3k3k3k3 y", "x acme_[redacted:acme-key] y"),
        ("{\\\"a\\\":\\\"acme_k3k3k3k3\\\"}", "{\\\"a\\\":\\\"acme_[redacted:acme-key]\\\"}"),
        ("acme\\u005fk3k3k3k3", "acme\\u005f[redacted:acme-key]"),
        ("ACME_k3k3k3k3 acme_k3", "ACME_k3k3k3k3 acme_k3"),
        ("TOKEN=acme_k3k3k3k3", "TOKEN=[redacted:acme-key]"),
    ] {
        assert_eq!(redacted(&rules, text), expected, "{text}");
    }
    let found = Redactor::new(&rules).spots("text", "see acme_k3k3k3k3");
    assert_eq!((found[0].rule.as_str(), found[0].column), ("acme-key", 10));
    assert_eq!(found[0].reason, "is what your own rule finds near acme_");
}

#[test]
fn a_rule_of_ones_own_names_what_others_find_too() {
    let pattern = "corp-[A-Za-z0-9]{24}";
    let rules = loaded(&with_rules(vec![rule("corp", pattern, &[])]));
    let text = "api_key = corp-q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S";
    assert_eq!(redacted(&rules, text), "api_key = [redacted:corp]");
}

#[test]
fn a_pattern_runs_only_near_its_keyword_and_a_mark_is_none() {
    let rules = loaded(&with_rules(vec![rule("acme-hex", r"\b[0-9a-f]{32}\b", &["ACME"])]));
    let hex = "4bb0403cdd965fe8e813b7e292b08e88";
    let near = format!("from acme: {hex}");
    assert_eq!(redacted(&rules, &near), "from acme: [redacted:acme-hex]");
    let far = format!("acme {}{hex}", " x".repeat(4000));
    assert_eq!(redacted(&rules, &far), far);
    let marked = format!("[redacted:acme-hex] {hex}");
    assert_eq!(redacted(&rules, &marked), marked, "the name in a mark brings nothing near");
}

#[test]
fn low_entropy_is_no_secret_where_the_rule_says_so() {
    let entropy = Some(3.0);
    let rule = ExtraRule { entropy, ..rule("acme", "acme-([a-z0-9]{12})", &[]) };
    let rules = loaded(&with_rules(vec![rule]));
    assert_eq!(redacted(&rules, "acme-aaaaaaaabbbb"), "acme-aaaaaaaabbbb");
    assert_eq!(redacted(&rules, "acme-k3m9x2q7v5t1"), "acme-[redacted:acme]");
}

#[test]
fn a_rule_that_is_off_finds_nothing_and_its_marks_stay() {
    let off = vec!["github-token".to_owned(), "password".to_owned()];
    let rules = loaded(&RuleSettings { off, ..RuleSettings::default() });
    let token = token();
    assert_eq!(redacted(&rules, &format!("see {token}")), format!("see {token}"));
    let password = Redactor::new(&rules).text("password", "Kx9mmQ2zz7".to_owned());
    assert_eq!(*password, "Kx9mmQ2zz7");
    let marked = "token=[redacted:github-token] [redacted:password]";
    assert_eq!(redacted(&rules, marked), marked);
    assert!(redacted(&rules, "postgres://u:Kx9mmQ2zz7@h/x").contains("[redacted:url-password]"));
}

#[test]
fn all_rules_can_be_off_and_a_persons_word_still_holds() {
    let names = builtin().map(|rule| rule.name).filter(|name| *name != GIVEN);
    let off = names.map(str::to_owned).collect();
    let rules = loaded(&RuleSettings { off, ..RuleSettings::default() });
    let mut redactor = Redactor::new(&rules);
    assert_eq!(*redactor.text("password", token()), token());
    assert!(redactor.learn_given("plum-tree"));
    assert_eq!(*redactor.text("text", "a plum-tree".to_owned()), "a [redacted:scrubbed]");
}

#[test]
fn what_is_allowed_stays_wherever_it_stands() {
    let password = "Kx9mmQ2zz7";
    let allow = vec![
        Allowance { sha256: Some(digest_of(password)), ..Allowance::default() },
        Allowance {
            name: Some("FIXTURE_[A-Z]+".to_owned()),
            rule: Some("secret".to_owned()),
            ..Allowance::default()
        },
    ];
    let rules = loaded(&RuleSettings { allow, ..RuleSettings::default() });
    for text in [
        "DB_PASSWORD=Kx9mmQ2zz7",
        "postgres://u:Kx9mmQ2zz7@h/x",
        "{\\\"password\\\": \\\"Kx9mmQ2zz7\\\"}",
        "FIXTURE_TOKEN=q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S",
    ] {
        assert_eq!(redacted(&rules, text), text);
    }
    let mut redactor = Redactor::new(&rules);
    assert_eq!(*redactor.text("password", password.to_owned()), password);
    assert_eq!(redactor.known(), 0, "it is not looked for elsewhere");
    let other = redacted(&rules, "DB_PASSWORD=Kx9mmQ2zz8 REAL_TOKEN=q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S");
    assert_eq!(other, "DB_PASSWORD=[redacted:password] REAL_TOKEN=[redacted:secret]");
}

#[test]
fn what_a_person_scrubs_goes_though_it_is_allowed() {
    let value = "Kx9mmQ2zz7";
    let sha256 = Some(digest_of(value));
    let allow = vec![Allowance { sha256, ..Allowance::default() }];
    let rules = loaded(&RuleSettings { allow, ..RuleSettings::default() });
    let mut redactor = Redactor::new(&rules);
    assert!(redactor.learn_given(value));
    assert_eq!(*redactor.text("text", format!("x {value}")), "x [redacted:scrubbed]");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let fine = rule("acme", "acme_[a-z]{4}", &[]);
    let with = |other: ExtraRule| refused(&with_rules(vec![fine.clone(), other]));
    let second = "the redact.rules setting 2 for redaction cannot be used:";
    for (rule, cause) in [
        (rule("Acme", "x", &["abc"]), "name must be 1 to 64 lower-case"),
        (rule("", "x", &["abc"]), "name must be 1 to 64 lower-case"),
        (rule("jwt", "x", &["abc"]), "name is \"jwt\", which a rule of annals' own"),
        (rule("scrubbed", "x", &["abc"]), "name is \"scrubbed\", which a rule of annals' own"),
        (rule("acme", "x", &["abc"]), "name is \"acme\", which an earlier rule"),
        (rule("b", "(", &["abc"]), "pattern is no regular expression: unclosed group"),
        (rule("b", "x*", &["abc"]), "pattern matches where nothing stands"),
        (rule("b", "", &["abc"]), "pattern must be 1 to 4096 bytes"),
        (rule("b", "(?:[ab]{500}){500}", &["abc"]), "pattern is too large"),
        (rule("b", "[a-z]{9}", &[]), "keywords is missing"),
        (rule("b", "ab[a-z]{9}", &[]), "keywords is missing"),
        (rule("b", "x", &["ab"]), "keywords must be 1 to 32 texts of 3"),
        (
            ExtraRule { entropy: Some(9.0), ..self::rule("b", "x", &["abc"]) },
            "entropy is 9; it must be from 0 to 8",
        ),
        (
            ExtraRule { entropy: Some(f64::NAN), ..self::rule("b", "x", &["abc"]) },
            "entropy is NaN; it must be from 0 to 8",
        ),
    ] {
        let said = with(rule);
        assert!(said.starts_with(&format!("{second} {cause}")), "{cause}: {said}");
    }
    let off = vec!["jwt".to_owned(), "gihub-token".to_owned()];
    let said = refused(&RuleSettings { off, ..RuleSettings::default() });
    assert!(said.contains("names no rule; is \"github-token\" meant?"), "{said}");
    let off = vec!["scrubbed".to_owned()];
    let said = refused(&RuleSettings { off, ..RuleSettings::default() });
    assert!(said.contains("names no rule"), "what a person scrubs is always marked: {said}");
}

#[test]
fn an_allowance_must_not_hold_a_secret_itself() {
    let allow = vec![Allowance { pattern: Some(token()), ..Allowance::default() }];
    let said = refused(&RuleSettings { allow, ..RuleSettings::default() });
    assert!(said.contains("pattern holds what the rule github-token takes"), "{said}");
    assert!(!said.contains(&token()), "and the refusal does not tell it: {said}");
    let allow = vec![Allowance { rule: Some("jvt".to_owned()), ..Allowance::default() }];
    let said = refused(&RuleSettings { allow, ..RuleSettings::default() });
    assert!(said.contains("rule names no rule; is \"jwt\" meant?"), "{said}");
}

#[test]
fn long_texts_full_of_keywords_are_searched_to_their_end() {
    let rules = loaded(&with_rules(vec![rule("acme", "acme_[a-z0-9]{8}x", &[])]));
    let text = format!("{} acme_k3k3k3k3x", "acme_ ".repeat(200_000));
    assert!(redacted(&rules, &text).ends_with(" [redacted:acme]"));
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing_with_rules_of_ones_own(
        parts in proptest::collection::vec(0_usize..12, 0..40),
        which in 0_usize..6,
    ) {
        let pattern = [
            "acme_[a-z0-9]+", r"\b[a-k]{3}", r"([a-k]{2})\b", r"acme_(\w)", r"(\w)\]", "(?i)acme.(.)",
        ][which];
        let rules = loaded(&with_rules(vec![rule("acme-key", pattern, &["acme", "redacted"])]));
        let token = token();
        let pieces = [
            "acme_", "abcdefghijk", "k3", " ", "\n", "[redacted:", "acme-key", "]", "password=",
            token.as_str(), "\\u005f", "\"",
        ];
        let text: String = parts.iter().map(|part| pieces[*part]).collect();
        let once = redacted(&rules, &text);
        prop_assert_eq!(redacted(&rules, &once), once);
    }
}
