//! Files for other YAML readers, which `tests/readers/check.sh` runs: each `.yaml` has a `.json`
//! beside it with the list of its documents.

use std::path::Path;

use super::*;

/// Where the files go; without it they go nowhere.
const FOLDER: &str = "ANNALS_READERS_DIR";

#[test]
fn files_for_other_readers() {
    let texts = nasty_texts();
    let values: Vec<Value> =
        ["numbers_as_json", "values_as_json"].into_iter().flat_map(nasty_values).collect();
    let mut files = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        files.push((format!("text-{place:04}"), document(positions(text))));
    }
    for (place, value) in values.iter().enumerate() {
        let value = json!({"is": value, "item": [value, value]});
        files.push((format!("value-{place:04}"), document(value)));
    }
    for (place, texts) in texts.chunks(40).enumerate() {
        let records = stream(texts);
        let session = render_session(&Head::default(), &records);
        files.push((format!("session-{place:04}"), session));
        for (number, chunk) in chunks(&records).into_iter().enumerate() {
            files.push((format!("chunk-{place:04}-{number}"), chunk.text));
        }
    }
    #[expect(clippy::disallowed_methods, reason = "the folder is the script's to choose")]
    let folder = std::env::var_os(FOLDER);
    for (name, text) in files {
        let documents = read_documents(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        if let Some(folder) = &folder {
            write(Path::new(folder), &name, &text, &documents);
        }
    }
}

fn document(value: Value) -> String {
    format!("---\n{}", yaml(&value))
}

fn stream(texts: &[String]) -> Vec<Record> {
    let shared = positions(&texts[0]);
    let shared = shared.as_object().expect("a map");
    let records = texts.iter().flat_map(|text| {
        let block = Block {
            kind: BlockKind::ToolCall {
                name: text.clone(),
                id: Some(text.clone()),
                input: Some(json!({text: text})),
            },
            native: Map::new(),
        };
        let content = Content::Blocks(vec![block]);
        [
            say("user", text),
            Record::Message(message(&texts[0], content, shared.clone())),
            event(json!({"text": text, text: [text]})),
        ]
    });
    records.collect()
}

#[expect(clippy::disallowed_methods, reason = "files of a test")]
fn write(folder: &Path, name: &str, text: &str, documents: &[Value]) {
    std::fs::write(folder.join(format!("{name}.yaml")), text).expect("writes");
    let json = serde_json::to_string(documents).expect("JSON");
    std::fs::write(folder.join(format!("{name}.json")), json).expect("writes");
}
