//! The layering rule: what a module may import, and where a foreign crate lives.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Each module, and the modules that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("platform", &[]),
    ("session", &[]),
    ("redact", &["session"]),
    ("format", &["session"]),
    ("config", &["platform"]),
    ("observe", &["platform", "redact", "config"]),
    ("store", &["platform", "session", "redact", "format"]),
    ("adapters", &["platform", "session"]),
    ("index", &["platform", "session", "store"]),
    ("exchange", &["session", "redact", "format", "store"]),
    (
        "repository",
        &[
            "error", "config", "platform", "session", "redact", "format", "observe", "store",
            "adapters", "index", "exchange",
        ],
    ),
    ("cli", &["error", "repository", "session", "config", "platform"]),
    ("error", &[]),
];

/// Each foreign crate that has a home, and its home.
const LIVES_IN: &[(&str, &[&str])] = &[
    ("git2", &["store"]),
    ("flate2", &["store", "format"]),
    ("serde_saphyr", &["format"]),
    ("regex", &["redact", "index"]),
    ("regex_syntax", &["redact"]),
    ("aho_corasick", &["redact"]),
    ("rusqlite", &["index"]),
    ("rayon", &["index"]),
    ("unicode_normalization", &["index"]),
    ("rustix", &["platform"]),
    ("etcetera", &["platform"]),
    ("tempfile", &["platform", "store", "cli"]),
    ("toml_edit", &["config"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("anstream", &["cli"]),
    ("anstyle", &["cli"]),
    ("indicatif", &["cli"]),
    ("textwrap", &["cli"]),
    ("unicode_width", &["cli"]),
    ("rustyline", &["cli"]),
    ("shlex", &["cli"]),
    ("signal_hook", &["cli"]),
    ("ureq", &["cli"]),
    ("jsonc_parser", &["adapters"]),
    ("ratatui", &["cli"]),
    ("crossterm", &["cli"]),
    ("nucleo_matcher", &["cli"]),
    ("minijinja", &["exchange"]),
    ("pulldown_cmark", &["exchange"]),
    ("similar", &["session"]),
    ("strsim", &["redact", "config", "index"]),
];

#[test]
fn imports_point_down_and_foreign_crates_stay_at_home() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for path in rust_files(&src) {
        let relative = path.strip_prefix(&src).expect("it lies below src");
        let first = relative.components().next().expect("a file has a name");
        let name = first.as_os_str().to_string_lossy();
        let module = name.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") || relative.ends_with("tests.rs") {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{module} is in no table"));
            continue;
        };
        let text = fs::read_to_string(&path).expect("a source file is readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            faults.extend(faults_of(line, module, allowed).map(|it| format!("{it}: {line}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn faults_of<'l>(
    line: &'l str,
    module: &'l str,
    allowed: &'l [&str],
) -> impl Iterator<Item = String> + 'l {
    let inner = line.split("crate::").skip(1).filter_map(move |rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let imported = &rest[..end];
        let is_fine = imported == module
            || allowed.contains(&imported)
            || !MAY_IMPORT.iter().any(|(name, _)| *name == imported);
        (!is_fine).then(|| format!("{module} imports {imported}"))
    });
    let foreign = LIVES_IN.iter().filter_map(move |(name, homes)| {
        let is_used = line.contains(&format!("{name}::"));
        let is_own = line.contains(&format!("::{name}::"));
        (is_used && !is_own && !homes.contains(&module))
            .then(|| format!("{module} uses the crate {name}"))
    });
    inner.chain(foreign)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
