//! Schema 1 → 2: times in milliseconds become RFC 3339 texts.

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;
use serde_json::Map;
use serde_json::Value;

use crate::format::migrate::each_message;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;
use crate::session::Timestamp;

/// The session in schema 2.
pub(super) fn step(mut session: Object) -> Result<Map<String, Value>, Flaw> {
    for (old, new) in [("created", "created"), ("lastModified", "modified")] {
        // What is no time stays what it is: the session does not depend on it.
        let time = session.take(old).map(|time| time_of(&time, written).unwrap_or(time));
        session.put(new, time);
    }
    let mut session = session.into_rest();
    each_message(&mut session, &mut |mut message| {
        if let Some(time) = message.take("timestamp") {
            message.put("at", Some(message_time(&time, written)?));
        }
        Ok(message.into_rest())
    })?;
    Ok(session)
}

/// How an instant is written.
type Written = fn(DateTime<Utc>) -> String;

/// The time of a message, which must be one.
pub(super) fn message_time(time: &Value, written: Written) -> Result<Value, Flaw> {
    let wanted = "milliseconds or an RFC 3339 time";
    time_of(time, written).ok_or_else(|| wrong("timestamp", wanted, time))
}

/// Milliseconds since 1970, or a time in words, as text.
pub(super) fn time_of(time: &Value, written: Written) -> Option<Value> {
    let text = match time {
        Value::String(text) => text.clone(),
        Value::Number(number) => written(DateTime::from_timestamp_millis(number.as_i64()?)?),
        _ => return None,
    };
    // Beyond the year 9999 there is no RFC 3339 text.
    Timestamp::parse(&text).map(|_| Value::String(text))
}

/// As schema 2 has it: no fraction where there is none.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stepped(session: Value) -> Result<Value, Flaw> {
        Object::of(session).and_then(step).map(Value::Object)
    }

    #[test]
    fn milliseconds_become_texts_and_the_rest_stays() {
        let session = json!({
            "id": "x", "created": 0, "lastModified": 1_751_031_065_250_i64, "native": {"a": 1},
            "messages": [{"role": "user", "timestamp": 1, "content": "hi", "native": {"b": 2}}],
        });
        assert_eq!(
            stepped(session).expect("it is of schema 1"),
            json!({
                "id": "x", "native": {"a": 1},
                "created": "1970-01-01T00:00:00Z", "modified": "2025-06-27T13:31:05.250Z",
                "messages": [{
                    "role": "user", "content": "hi", "native": {"b": 2},
                    "at": "1970-01-01T00:00:00.001Z",
                }],
            })
        );
    }

    #[test]
    fn a_message_without_a_real_time_is_refused_and_a_session_keeps_what_it_has() {
        let far = json!({"created": 9_999_999_999_999_999_i64, "lastModified": "soon"});
        let kept = json!({"created": 9_999_999_999_999_999_i64, "modified": "soon"});
        assert_eq!(stepped(far).expect("it goes on"), kept);
        for time in [json!(true), json!("soon"), json!(9_999_999_999_999_999_i64)] {
            let error = stepped(json!({"messages": [{}, {"timestamp": time}]}));
            assert_eq!(error.expect_err("no time").field(), "messages[1].timestamp");
        }
    }
}
