use proptest::prelude::*;
use serde_json::json;

use super::*;

fn is_record(object: &Map<String, Value>) -> bool {
    object.contains_key("uuid")
}

fn kinds(line: &[u8], is_ended: bool) -> Vec<(PieceKind, String)> {
    Pieces::of(line, is_ended, is_record)
        .map(|piece| (piece.kind, String::from_utf8_lossy(piece.bytes).into_owned()))
        .collect()
}

/// The one value on a line, and whether it is exact.
fn value(line: &str) -> (Value, bool) {
    let mut pieces = kinds(line.as_bytes(), true);
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    match pieces.remove(0) {
        (PieceKind::Value(value, is_exact), text) => {
            assert_eq!(text, line);
            (value, is_exact)
        }
        other => panic!("no value: {other:?}"),
    }
}

#[test]
fn plain_values_are_exact() {
    for line in [
        r#"{"a":[1,-2,0.5,1e3,1.50,-0,18446744073709551615,-9223372036854775808]}"#,
        r#"{"t":1795378970.0062747,"e":"\ud83d\ude00","n":null}"#,
        "5e-324",
        r#""text""#,
    ] {
        assert_eq!(value(line), (serde_json::from_str(line).unwrap(), true), "{line}");
    }
}

#[test]
fn what_values_cannot_hold_is_told() {
    for line in [
        r#"{"a":1,"a":2}"#,
        r#"{"x":[{"a":1,"b":0,"a":1}]}"#,
        "[18446744073709551616]",
        "[-9223372036854775809]",
        "[0.1234567890123456789]",
        "[1e400]",
        "[1e-400]",
        r#"{"a":"\ud83d"}"#,
    ] {
        assert!(!value(line).1, "{line}");
    }
}

#[test]
fn unpaired_surrogates_become_replacement_characters() {
    let (read, is_exact) =
        value(r#"{"a":"x\uD83D y\ude00\ud83d\ude00 \\ud83d \ud83d\ud83d\ude00"}"#);
    assert_eq!(read, json!({"a": "x\u{fffd} y\u{fffd}😀 \\ud83d \u{fffd}😀"}));
    assert!(!is_exact);
    assert_eq!(value(r#"{"\udc00":1}"#).0, json!({"\u{fffd}": 1}));
}

#[test]
fn numbers_past_every_float_become_null() {
    assert_eq!(value(r#"{"a":1e999,"b":2}"#).0, json!({"a": null, "b": 2}));
}

#[test]
fn nesting_past_the_parser_is_cut_off_where_it_is_deep() {
    let line = format!(r#"{{"uuid":"u","deep":{}1{},"b":2}}"#, "[".repeat(5000), "]".repeat(5000));
    let (read, is_exact) = value(&line);
    assert_eq!((&read["uuid"], &read["b"], is_exact), (&json!("u"), &json!(2), false));
}

#[test]
fn keys_that_the_parser_itself_uses_are_keys() {
    let line = r#"{"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"1"}"#;
    let (read, is_exact) = value(line);
    assert_eq!((read.to_string().as_str(), is_exact), (line, true));
}

#[test]
fn records_run_together_are_all_read() {
    let pieces = kinds(br#"{"a":1}{"b":2} {"c":3}"#, true);
    let texts: Vec<&str> = pieces.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    assert!(pieces.iter().all(|(kind, _)| matches!(kind, PieceKind::Value(_, true))));
}

#[test]
fn a_record_behind_a_torn_one_is_read() {
    let line = br#"{"uuid":"a","message":{"x":{"y":1},"t":"hal{"uuid":"b","n":{"uuid":"c"}}"#;
    let pieces = kinds(line, true);
    assert!(matches!(pieces[0].0, PieceKind::Garbage(_)));
    assert_eq!(pieces[0].1, r#"{"uuid":"a","message":{"x":{"y":1},"t":"hal"#);
    assert_eq!(pieces[1].1, r#"{"uuid":"b","n":{"uuid":"c"}}"#);
    assert_eq!(pieces.len(), 2);
}

#[test]
fn garbage_is_given_with_a_reason_that_does_not_quote_it() {
    let pieces = kinds(b"{\"a\":1} hunter2 \xff\0{", true);
    assert!(matches!(pieces[0].0, PieceKind::Value(..)));
    let reason = "no JSON from column 9 on".to_owned();
    assert_eq!(pieces[1].0, PieceKind::Garbage(reason));
    assert_eq!(pieces.len(), 2);
}

#[test]
fn a_line_without_an_end_gives_whole_objects_and_a_tail() {
    let is_tail = |kind: &PieceKind| matches!(kind, PieceKind::Tail(_));
    for (line, tail) in
        [("12", "12"), ("nul", "nul"), (r#"{"a":1}{"b":"#, r#"{"b":"#), ("[1]", "[1]")]
    {
        let pieces = kinds(line.as_bytes(), false);
        let (kind, text) = pieces.last().expect("a piece");
        assert!(is_tail(kind) && text == tail, "{pieces:?}");
    }
    assert!(!is_tail(&kinds(br#"{"a":1}"#, false)[0].0));
}

#[test]
fn hostile_lines_take_bounded_time() {
    for part in
        [r#"[{"uuid":"u"}"#, r#"{"a":"#, r#"{""#, r#"{"uuid":"u\ud800"#, "[1e999,", "\"", "\\"]
    {
        let line = part.repeat(200_000 / part.len());
        let all: usize = kinds(line.as_bytes(), true).iter().map(|(_, text)| text.len()).sum();
        assert_eq!(all, line.len());
    }
}

proptest! {
    #[test]
    fn no_byte_but_white_space_is_lost(line in "[\\[\\]{}\",:0-9a-e\\\\ ]{0,40}", is_ended: bool) {
        let plain = |text: &str| text.replace(' ', "");
        let all: String = kinds(line.as_bytes(), is_ended).iter().map(|(_, text)| plain(text)).collect();
        prop_assert_eq!(all, plain(&line));
    }

    #[test]
    fn numbers_are_exact_if_they_print_the_same(number: f64) {
        prop_assume!(number.is_finite());
        let texts = [format!("[{number:e}]"), format!("[{number}]")];
        prop_assert!(texts.iter().all(|text| value(text).1), "{:?}", texts);
    }
}
