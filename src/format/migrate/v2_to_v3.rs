//! Schema 2 → 3: texts become blocks, the tokens of the session those of its last answer, and the
//! workspace has a place of its own.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::format::migrate::each_message;
use crate::format::migrate::set_apart;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;

/// The session in schema 3.
pub(super) fn step(mut session: Object) -> Result<Map<String, Value>, Flaw> {
    let root = session.take("workspaceRoot").filter(|root| !root.is_null());
    session.put("workspace", root.map(|root| json!({ "root": root })));
    let tokens = session.take("tokenCount");
    let mut session = session.into_rest();
    each_message(&mut session, &mut |mut message| {
        let content = match message.take("content") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => vec![json!({ "text": text })],
            Some(other) => return Err(wrong("content", "a text", &other)),
        };
        message.put("content", Some(Value::Array(content)));
        Ok(message.into_rest())
    })?;
    if let Some(tokens) = tokens {
        count_on_last_answer(&mut session, &tokens);
        set_apart(&mut session, "tokenCount", tokens);
    }
    Ok(session)
}

/// Before messages counted their tokens the session did: its last answer carries them. Where a
/// message counts, the sum says nothing new.
pub(super) fn count_on_last_answer(session: &mut Map<String, Value>, tokens: &Value) {
    let counts: Map<String, Value> = ["input", "output"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), tokens.get(name)?.as_u64()?.into())))
        .collect();
    let Some(Value::Array(messages)) = session.get_mut("messages") else { return };
    if counts.is_empty() || messages.iter().any(|message| message.get("usage").is_some()) {
        return;
    }
    let is_answer = |message: &&mut Value| message.get("role") == Some(&"assistant".into());
    if let Some(Value::Object(last)) = messages.iter_mut().rev().find(is_answer) {
        last.insert("usage".to_owned(), Value::Object(counts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stepped(session: Value) -> Result<Value, Flaw> {
        Object::of(session).and_then(step).map(Value::Object)
    }

    #[test]
    fn texts_become_blocks_and_the_tokens_stand_at_the_last_answer() {
        let session = json!({
            "workspaceRoot": "/w", "tokenCount": {"total": 57, "input": 36, "output": 21},
            "messages": [
                {"role": "assistant", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user"},
            ],
        });
        assert_eq!(
            stepped(session).expect("it is of schema 2"),
            json!({
                "workspace": {"root": "/w"},
                "messages": [
                    {"role": "assistant", "content": [{"text": "a"}]},
                    {
                        "role": "assistant", "content": [{"text": "b"}],
                        "usage": {"input": 36, "output": 21},
                    },
                    {"role": "user", "content": []},
                ],
                "native": {"tokenCount": {"total": 57, "input": 36, "output": 21}},
            })
        );
    }

    #[test]
    fn content_that_is_no_text_is_refused_with_its_place() {
        let error = stepped(json!({"messages": [{"content": ["a"]}]})).expect_err("a list");
        assert_eq!(error.field(), "messages[0].content");
    }
}
