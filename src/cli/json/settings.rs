//! What `annals config` prints.

use serde::Serialize;
use serde_json::Value;

use crate::cli::json::shown;
use crate::config::Key;
use crate::config::Layer;
use crate::config::Settings;

/// `annals.config/1`
#[derive(Debug, Serialize)]
pub(crate) struct ConfigView {
    kind: &'static str,
    file: String,
    settings: Vec<SettingView>,
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SettingView {
    key: &'static str,
    value: Value,
    origin: &'static str,
    line: Option<usize>,
    default: Value,
    range: String,
    about: &'static str,
}

impl ConfigView {
    /// The view of keys; `origin` says where a value came from.
    pub(crate) fn of(
        keys: &[&'static Key],
        settings: &Settings,
        origin: impl Fn(&Key) -> &'static str,
    ) -> Self {
        let view = |key: &&'static Key| SettingView {
            key: key.name,
            value: key.value(settings).0,
            origin: origin(key),
            line: settings.line_of(key).filter(|_| key.value(settings).1 == Layer::File),
            default: key.default(),
            range: key.kind.range(),
            about: key.about,
        };
        Self {
            kind: "annals.config/1",
            file: shown(&settings.path),
            settings: keys.iter().map(view).collect(),
            faults: settings.faults().map(ToString::to_string).collect(),
        }
    }
}
