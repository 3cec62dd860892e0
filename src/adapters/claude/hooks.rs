//! What annals puts into Claude Code's folder, so that sessions are captured by themselves: entries
//! in `settings.json`, and two commands.
//!
//! The settings are edited in place: what stands there keeps its form, its order and its comments.
//! Our entries are known by the command that they run.

use std::path::Path;
use std::path::PathBuf;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstArray;
use jsonc_parser::cst::CstInputValue;
use jsonc_parser::cst::CstNode;
use jsonc_parser::cst::CstObject;
use jsonc_parser::cst::CstRootNode;
use jsonc_parser::json;
use serde_json::Value;

use crate::adapters::HookEdit;

/// When Claude Code is to run the hook: at the end of each turn, also of a sub-agent's, before it
/// drops what a compaction leaves out, and at the end of the session.
const EVENTS: [&str; 4] = ["Stop", "SubagentStop", "PreCompact", "SessionEnd"];

/// What stands in the command of each of our entries.
const MARK: &str = " hooks run claude-code";

/// The longest time the hook may take before the agent goes on without it, in seconds.
const TIMEOUT: u32 = 10;

const SETTINGS: &str = "settings.json";
const HOOK: &str = include_str!("../../../hooks/claude-code/hook.sh");
const COMMANDS: [(&str, &str); 2] = [
    ("commands/sessions.md", include_str!("../../../hooks/claude-code/sessions.md")),
    ("commands/recall.md", include_str!("../../../hooks/claude-code/recall.md")),
];

/// What to change in the agent's folder. `read`: what a file in it holds; `program`: how annals is
/// called; none: all of it goes.
pub(super) fn plan(
    read: &dyn Fn(&Path) -> Option<String>,
    program: Option<&str>,
) -> Result<Vec<HookEdit>, String> {
    let mut edits = Vec::new();
    let settings = read(Path::new(SETTINGS));
    let edited = edit_settings(settings.as_deref().unwrap_or_default(), program)
        .map_err(|cause| format!("{SETTINGS} cannot be edited: {cause}"))?;
    if let Some(text) = edited {
        edits.push(HookEdit { path: SETTINGS.into(), text: Some(text) });
    }
    for (path, template) in COMMANDS {
        let present = read(Path::new(path));
        let is_ours = present.as_deref().is_none_or(is_ours);
        let wanted = program.map(|program| template.replace("{annals}", program));
        // A command of that name which is not ours stays the user's.
        if is_ours && present != wanted {
            edits.push(HookEdit { path: path.into(), text: wanted });
        }
    }
    Ok(edits)
}

/// The file that the agent says it writes, and those of its sub-agents.
pub(super) fn transcripts_told(word: &str) -> Vec<PathBuf> {
    let word: Option<Value> = serde_json::from_str(word).ok();
    let path = word.as_ref().and_then(|word| word.get("transcript_path")?.as_str());
    let Some(transcript) = path.map(PathBuf::from).filter(|path| path.is_file()) else {
        return Vec::new();
    };
    let folder = transcript.with_extension("").join("subagents");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let subagents = entries.map(|entry| entry.path());
    let subagents = subagents.filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
    std::iter::once(transcript.clone()).chain(subagents).collect()
}

/// Whether a command's text is one that annals wrote.
fn is_ours(text: &str) -> bool {
    text.contains(" hooks answer")
}

/// The settings with our entries, or without them; none: they are so already.
fn edit_settings(text: &str, program: Option<&str>) -> Result<Option<String>, String> {
    if text.trim().is_empty() && program.is_none() {
        return Ok(None);
    }
    let root = CstRootNode::parse(text, &ParseOptions::default()).map_err(|it| it.to_string())?;
    let settings = root.object_value_or_create().ok_or("it holds no JSON object")?;
    let command = program.map(|program| HOOK.trim_end().replace("{annals}", program));
    if let Some(command) = command {
        let hooks = settings.object_value_or_create("hooks").ok_or("`hooks` is no object")?;
        for event in EVENTS {
            let groups = hooks.array_value_or_create(event);
            let groups = groups.ok_or_else(|| format!("`hooks.{event}` is no list"))?;
            put_entry(&groups, &command);
        }
    } else if let Some(hooks) = settings.object_value("hooks") {
        take_entries(&hooks);
        if hooks.properties().is_empty()
            && let Some(property) = settings.get("hooks")
        {
            property.remove();
        }
    }
    let mut edited = root.to_string();
    if !edited.ends_with('\n') && text.is_empty() {
        edited.push('\n');
    }
    Ok((edited != text).then_some(edited))
}

/// Adds our entry to an event's groups, unless one with this very command is there; others of ours
/// go.
fn put_entry(groups: &CstArray, command: &str) {
    let mut is_there = false;
    for group in groups.elements() {
        match our_command(&group) {
            Some(found) if found == command && !is_there => is_there = true,
            Some(_) => group.remove(),
            None => {}
        }
    }
    if !is_there {
        let hook: CstInputValue = json!({
            "type": "command",
            "command": command,
            "timeout": TIMEOUT
        });
        groups.ensure_multiline();
        groups.append(json!({ "hooks": [hook] }));
    }
}

/// Takes our entries out, and the lists that held nothing else.
fn take_entries(hooks: &CstObject) {
    for event in EVENTS {
        let Some(groups) = hooks.array_value(event) else { continue };
        let ours: Vec<CstNode> =
            groups.elements().into_iter().filter(|group| our_command(group).is_some()).collect();
        let is_all = !ours.is_empty() && ours.len() == groups.elements().len();
        ours.into_iter().for_each(CstNode::remove);
        if is_all && let Some(property) = hooks.get(event) {
            property.remove();
        }
    }
}

/// The command of a group, if it has one alone and that is ours.
fn our_command(group: &CstNode) -> Option<String> {
    let hooks = group.as_object()?.array_value("hooks")?.elements();
    let [hook] = hooks.as_slice() else { return None };
    let command = hook.as_object()?.get("command")?.value()?.as_string_lit()?;
    command.decoded_value().ok().filter(|command| command.contains(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "'/opt/annals'";

    fn install(text: &str) -> String {
        edit_settings(text, Some(PROGRAM)).expect("edited").expect("changed")
    }

    #[test]
    fn settings_that_are_not_there_are_made() {
        let text = install("");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for event in EVENTS {
            let hook = &value["hooks"][event][0]["hooks"][0];
            assert_eq!(hook["type"], "command", "{event}: {text}");
            let command = "'/opt/annals' hooks run claude-code >/dev/null 2>&1 || true";
            assert_eq!(hook["command"], command);
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn what_stands_in_the_settings_keeps_its_form_and_comes_back_when_ours_goes() {
        let before = "{\n    // mine\n    \"model\": \"opus\",\n    \"hooks\": {\n        \
                      \"Stop\": [\n            { \"hooks\": [ { \"type\": \"command\", \
                      \"command\": \"say done\" } ] }\n        ]\n    },\n    \"env\": {}\n}\n";
        let installed = install(before);
        assert!(installed.contains("// mine"), "{installed}");
        assert!(installed.contains("\"command\": \"say done\""), "{installed}");
        assert_eq!(edit_settings(&installed, Some(PROGRAM)), Ok(None), "twice changes nothing");
        let removed = edit_settings(&installed, None).expect("edited").expect("changed");
        assert_eq!(removed, before);
        assert_eq!(edit_settings(&removed, None), Ok(None));
    }

    #[test]
    fn an_entry_of_a_program_that_moved_is_replaced() {
        let old = edit_settings("", Some("'/old/annals'")).expect("edited").expect("made");
        let text = install(&old);
        assert!(!text.contains("/old/"), "{text}");
        assert_eq!(text.matches(MARK).count(), EVENTS.len());
    }

    #[test]
    fn settings_that_are_no_settings_are_refused_and_named() {
        for text in ["[1]", "{\"hooks\": 3}", "{\"hooks\": {\"Stop\": {}}}", "{ broken"] {
            let read = |_: &Path| Some(text.to_owned());
            let refused = plan(&read, Some(PROGRAM)).expect_err("no settings");
            assert!(refused.starts_with("settings.json cannot be edited: "), "{refused}");
        }
    }

    #[test]
    fn a_command_of_the_user_is_left_alone() {
        let read = |path: &Path| path.ends_with("recall.md").then(|| "my own".to_owned());
        let paths = |program| -> Vec<String> {
            let edits = plan(&read, program).expect("planned");
            edits.iter().map(|edit| edit.path.display().to_string()).collect()
        };
        assert_eq!(paths(Some(PROGRAM)), ["settings.json", "commands/sessions.md"]);
        assert!(paths(None).is_empty(), "nothing of ours is there");
    }
}
