use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;
use std::sync::LazyLock;

use super::*;
use crate::redact::scan::SHOWN;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Unreadable;

/// A token that no scanner takes for one where it is written.
fn token() -> String {
    ["gh", "p_", "Zb4kQ9xW2mT7vL1n", "R8sD3fG6hJ5pK0aYcEuI"].concat()
}

fn rules() -> Rules {
    Rules::builtin().expect("the rules load")
}

fn redacted(text: &str) -> String {
    // Loaded once: the properties below redact thousands of texts.
    static RULES: LazyLock<Rules> = LazyLock::new(rules);
    Redactor::new(&RULES).text("text", text.to_owned()).into_inner()
}

fn event(native: Value) -> Record {
    let envelope = Envelope::default();
    Record::Event(Event { envelope, name: "event".to_owned(), title: None, native })
}

fn native(record: &Record) -> &Value {
    match record {
        Record::Event(event) => &event.native,
        other => panic!("{other:?} is no event"),
    }
}

#[test]
fn a_token_goes_in_every_form_and_nothing_else_changes() {
    let token = token();
    let mark = "[redacted:github-token]";
    let (head, tail) = token.split_at(9);
    let escaped = token.replace('_', "\\u005f");
    for (form, expected) in [
        (format!("`{token}`"), format!("`{mark}`")),
        (format!("({token}), [{token}]&<{token}>"), format!("({mark}), [{mark}]&<{mark}>")),
        (format!("é{{\\\"t\\\":\\\"{token}\\\"}}\\n"), format!("é{{\\\"t\\\":\\\"{mark}\\\"}}\\n")),
        (format!("\x1b[33m{token}\x1b[0m ok"), format!("\x1b[33m{mark}\x1b[0m ok")),
        (format!("\x1b[01;31m\x1b[K{head}\x1b[m\x1b[K{tail}"), format!("\x1b[01;31m\x1b[K{mark}")),
        (format!("\\u001b[1m{token}\\u001b[0m"), format!("\\u001b[1m{mark}\\u001b[0m")),
        (format!("x {escaped} y"), format!("x {mark} y")),
        (format!("a%20b {}", token.replace('_', "%5F")), format!("a%20b {mark}")),
        (format!("line\\n{token}"), format!("line\\n{mark}")),
    ] {
        assert_eq!(redacted(&form), expected, "{form}");
    }
}

#[test]
fn a_key_block_goes_whole_also_with_gutters_and_escapes() {
    let line = "MIIEowIBAAKCAQEAo3y1XuVAQpHiaQE05mkhrNg124Fr2K9OYq1zR7tUwXyZ0b3d";
    let (begin, end) = (
        format!("-----BEGIN RSA {} KEY-----", "PRIVATE"),
        format!("-----END RSA {} KEY-----", "PRIVATE"),
    );
    for (before, joint, after) in [
        ("", "\n", ""),
        ("    ", "\n    ", "\n"),
        ("{\"k\":\"", "\\n", "\\n\"}"),
        ("\\\"", "\\\\n", "\\\""),
        ("", "\r\n", "\r\n"),
    ] {
        let text =
            format!("{before}{begin}{joint}{line}{joint}{line}{joint}c2hvcnQ={joint}{end}{after}");
        assert_eq!(redacted(&text), format!("{before}[redacted:private-key]{after}"), "{text}");
    }
    let gutter = format!("     1→{begin}\n     2→{line}\n     3→{line}\n     4→{end}\n     5→next");
    assert_eq!(redacted(&gutter), "     1→[redacted:private-key]\n     5→next");
    // With the head of an encrypted one, and an empty line below it.
    for mark in ["", "+", "-", "+    ", "// ", "# ", "   12\t", "12:"] {
        let lines = [&*begin, "DEK-Info: AES-128-CBC,AB12", "", line, line, &end, "next"];
        let text = lines.map(|line| format!("{mark}{line}").trim_end().to_owned()).join("\n");
        let expected = format!("{mark}[redacted:private-key]\n{mark}next");
        assert_eq!(redacted(&text), expected, "{text}");
        let nested = json!({"text": text}).to_string();
        assert_eq!(redacted(&nested), json!({"text": expected}).to_string(), "{nested}");
    }
    let cut = format!("$ head\n{begin}\n{line}\n{line}\n[output truncated]");
    assert_eq!(redacted(&cut), "$ head\n[redacted:private-key]\n[output truncated]");
    let public = format!("-----BEGIN CERTIFICATE-----\n{line}\n-----END CERTIFICATE-----");
    assert_eq!(redacted(&public), public);
}

#[test]
fn records_are_redacted_in_values_keys_and_names() {
    let rules = rules();
    let mut redactor = Redactor::new(&rules);
    let secret = "q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S";
    let record = event(json!({
        "env": [{"name": "API_TOKEN", "value": secret}], "client_secret": secret,
        token(): 1, "[redacted:github-token]": 2, "n": 7,
        "uuid": "5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8",
    }));
    let clean = redactor.record(record);
    let expected = json!({
        "env": [{"name": "API_TOKEN", "value": "[redacted:secret]"}], "client_secret": "[redacted:secret]",
        "[redacted:github-token]": 1, "[redacted:github-token]-2": 2, "n": 7,
        "uuid": "5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8",
    });
    assert_eq!(native(&clean).to_string(), expected.to_string());
    assert_eq!(redactor.counts()["secret"], 2);
    assert_eq!(redactor.known(), 2);
}

#[test]
fn what_is_found_late_is_taken_out_of_earlier_records() {
    let rules = rules();
    let mut redactor = Redactor::new(&rules);
    let secret = "q7Lz9Vb2Xc4Nm6\"Kj8";
    let encoded = "cTdMejlWYjJYYzRObTYiS2o4";
    let earlier = redactor
        .record(event(json!({"a": format!("it is {secret}, {encoded}, q7Lz9Vb2Xc4Nm6\\\"Kj8")})));
    assert_eq!(redactor.known(), 0);
    let later = redactor.text("db_password", secret.to_owned());
    assert_eq!(*later, "[redacted:password]");
    assert_eq!(redactor.known(), 1);
    let mark = "[redacted:password]";
    let again = redactor.again(earlier);
    assert_eq!(native(&again)["a"], format!("it is {mark}, {mark}, {mark}"));
    let mut next = Redactor::new(&rules);
    next.learn_all(redactor.secrets());
    assert_eq!(*next.text("text", format!("still {secret}")), format!("still {mark}"));
}

#[test]
fn a_value_read_again_elsewhere_can_be_handed_in() {
    let rules = rules();
    let mut redactor = Redactor::new(&rules);
    redactor.learn("password", "Kx9#mmQ2zz");
    assert_eq!(*redactor.text("text", "Kx9#mmQ2zz!".to_owned()), "[redacted:password]!");
}

#[test]
fn only_a_rules_name_makes_a_mark_that_is_left_alone() {
    let token = token();
    for (before, after) in [("[redacted: ", " ]"), ("[redacted:", "]"), ("[redacted:x-", "]")] {
        let text = format!("{before}{token}{after}");
        assert!(!redacted(&text).contains(&token), "{before}…{after} hides nothing");
    }
    let mark = "password=[redacted:password] [redacted:github-token]";
    assert_eq!(redacted(mark), mark, "a mark stays");
}

#[test]
fn tokens_of_a_grammar_are_no_secrets() {
    for text in ["nonMatchingToken := \"sm2aat9jdh5nn6kai\"", "closingToken = \"a8Kq2ZpLw9\""] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn bytes_are_redacted_as_bytes() {
    let rules = rules();
    let raw = [b"\xff\xfe ", token().as_bytes(), b" \xff"].concat();
    let record =
        Record::Unreadable(Unreadable { raw: Raw::Bytes(raw), is_tail: false, after: None });
    let Record::Unreadable(clean) = Redactor::new(&rules).record(record).into_inner() else {
        panic!("the record stays what it is");
    };
    assert_eq!(clean.raw, Raw::Bytes(b"\xff\xfe [redacted:github-token] \xff".to_vec()));
}

#[test]
fn pictures_and_signatures_are_left_alone() {
    let rules = rules();
    let picture = format!("iVBORw0KGgo{}", token().replace('_', "/").repeat(3));
    let signature = "EqRe1kbPa2".repeat(12);
    let record = event(json!({"data": picture, "signature": signature}));
    let clean = Redactor::new(&rules).record(record.clone());
    assert_eq!(*clean, record);
}

#[test]
fn hostile_texts_take_linear_time() {
    let rules = rules();
    let pieces = [
        "ghp_",
        "eyJ-",
        "eyJabcdefgh.",
        "sk-",
        "password=",
        "-----BEGIN PRIVATE KEY-----\n",
        "://a:b",
        "\\\\\\\"",
        "%25",
        "\x1b[",
        "token key secret ",
        "[redacted:",
        "cookie: ",
        "-u a:",
        "machine x login ",
        "xoxb-1",
        "key.",
        "1/1:",
        "otpauth://",
        "asana key ",
        "key is ",
        "mnemonic orbit velvet ",
        "kind: Secret\ndata:\n  a: b\n",
        "{\"kind\":\"Secret\",\"data\":{\"a\":\"b\"",
        "MTA.",
        "AZDO",
        "\"name\":\"token\",\"value\":",
        "<password ",
        "api key [",
        "\\\\u002d",
        "QUJD",
        "mysql -p",
        "{\"a\":\"{\\\\\"b\\\\\":\\\\\"",
    ];
    // What rules are shown is counted, so that no clock decides: some hundred bytes for each byte at
    // most, and twice as much for twice the text.
    let shown = |piece: &str, size: usize| {
        SHOWN.set(0);
        Redactor::new(&rules).text("text", piece.repeat(size / piece.len()));
        SHOWN.get()
    };
    for piece in pieces {
        let (half, whole) = (shown(piece, 250_000), shown(piece, 500_000));
        assert!(whole <= 300 * 500_000, "{piece:?}: {whole} bytes are shown");
        assert!(whole <= half * 9 / 4 + 200_000, "{piece:?}: {half} bytes, twice as long {whole}");
    }
}

#[test]
fn what_stands_in_another_encoding_is_known_too() {
    let rules = rules();
    let (password, key) = ("Kx9mmQ2zz7-orchard", "q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S");
    let encode = |text: &str| STANDARD.encode(text);
    let docker = json!({"auths": {"x.test": {"auth": encode(&format!("bob:{password}"))}}});
    for text in [
        format!("kind: Secret\ndata:\n  password: {}\n", encode(password)),
        format!("kind: Secret\ndata:\n  password: {}\n", encode(&format!("{password}\n"))),
        format!("kind: Secret\nstringData:\n  password: {password}\n"),
        format!(
            "kind: Secret\ndata:\n  env: {}\n",
            encode(&format!("A=b\nDB_PASSWORD={password}\n"))
        ),
        format!("kind: Secret\ndata:\n  .dockerconfigjson: {}\n", encode(&docker.to_string())),
        format!("{{\"data\": {{\"x\": \"{}\"}}, \"kind\": \"Secret\"}}", encode(password)),
        format!("Authorization: Basic {}", encode(&format!("bob:{password}"))),
        docker.to_string(),
        format!("curl -u 'bob:{password}' https://x.test"),
    ] {
        let mut redactor = Redactor::new(&rules);
        let earlier = redactor.record(event(json!({"a": format!("it is {password}")})));
        redactor.text("text", text.clone());
        let forms =
            [password.to_owned(), password.replace('-', "%2D"), encode(&format!("x:{password}"))];
        for form in forms {
            let later = redactor.text("text", format!("<{form}>"));
            assert!(later.starts_with("<[redacted:"), "{text} then {form}: {}", *later);
        }
        let earlier = redactor.again(earlier);
        let said = native(&earlier)["a"].as_str().expect("a text");
        assert!(said.starts_with("it is [redacted:"), "{text}: {said}");
    }
    let mut redactor = Redactor::new(&rules);
    redactor.text("text", format!("Cookie: theme=dark; sid={key}; lang=en"));
    assert_eq!(
        *redactor.text("text", format!("sid {key} theme dark")),
        "sid [redacted:cookie] theme dark"
    );
}

#[test]
fn plain_words_of_a_manifest_are_not_taken_out_elsewhere() {
    let rules = rules();
    let mut redactor = Redactor::new(&rules);
    for word in ["production", "db.internal.test:5432", "https://api.internal.test/v1", "app-user"]
    {
        redactor.text("text", format!("kind: Secret\ndata:\n  x: {}\n", STANDARD.encode(word)));
        assert_eq!(*redactor.text("text", format!("see {word}.")), format!("see {word}."));
    }
}

#[test]
fn a_checksum_that_holds_makes_a_token_certain_and_one_that_does_not_lets_none_go() {
    // With a mask in it no token is drawn, unless its checksum says that it was.
    let masked = ["gh", "p_", "xxxxxxxxEXAMPLExxxxxxxxxxxxxxx"].concat();
    let certain = format!("{masked}2ZbCx8");
    assert_eq!(redacted(&certain), "[redacted:github-token]");
    let other = format!("{masked}2ZbCx0");
    assert_eq!(redacted(&other), other, "an example");
    assert_eq!(redacted(&token()), "[redacted:github-token]", "drawn, though its sum is wrong");
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing(parts in proptest::collection::vec(0_usize..14, 0..24)) {
        let token = token();
        let pieces = [
            token.as_str(), "password=", "Kx9mmQ2zz7", "\\\"", "\"", " ", "\n", ": ", "Bearer ",
            "[redacted:", "]", "postgres://u:", "@h", "%5F",
        ];
        let text: String = parts.iter().map(|part| pieces[*part]).collect();
        let once = redacted(&text);
        prop_assert_eq!(redacted(&once), once);
    }

    #[test]
    fn any_text_passes_without_panic(text in "\\PC{0,80}") {
        redacted(&text);
    }
}
