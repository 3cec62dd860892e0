//! Settings in layers (default, file, environment, flag), validated, each value knowing where it
//! came from.
//!
//! `config.toml` lies in annals' folder below `$XDG_CONFIG_HOME`; it is only read here. A file with
//! a key that is not known, or a value that cannot be, is refused whole, with line and key: a
//! setting that is silently not heeded is worse than none.
//!
//! ```toml
//! [store]
//! path = "~/sessions.git"      # where the store lies
//!
//! [output]
//! pager = "less -FRX"          # what shows long texts; "" for none
//! color = "auto"               # auto, always or never
//! ```

use std::io;
use std::path::Path;
use std::path::PathBuf;

use toml_edit::Document;
use toml_edit::Item;
use toml_edit::TableLike;
use toml_edit::Value;

/// The file's place below the folder of configurations.
const FILE: &str = "annals/config.toml";

/// Where a value came from; a later layer outranks an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Nobody set it.
    Default,
    /// `config.toml`.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

/// A value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub layer: Layer,
}

impl<T> Setting<T> {
    /// A value that nobody set.
    pub fn default(value: T) -> Self {
        Self { value, layer: Layer::Default }
    }

    /// The same, with the value of `layer` in its place if there is one and nothing higher holds.
    #[must_use]
    pub fn over(self, layer: Layer, value: Option<T>) -> Self {
        match value {
            Some(value) if layer >= self.layer => Self { value, layer },
            _ => self,
        }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// On a terminal that has them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `store.path`: where the store lies; none: in the data folder.
    pub store_path: Setting<Option<PathBuf>>,
    /// `output.pager`: what shows long texts; empty: nothing.
    pub pager: Setting<String>,
    /// `output.color`
    pub color: Setting<Color>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store_path: Setting::default(None),
            pager: Setting::default("less -FRX".to_owned()),
            color: Setting::default(Color::Auto),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there and cannot be read.
    #[error("the configuration {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration {}, line {line}: {cause}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
    /// A key that is not known, or whose value cannot be.
    #[error("the configuration {}, line {line}: `{key}` {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl Settings {
    /// The defaults, and over them what the file says if there is one. `folder`: the folder of
    /// configurations; `home`: what `~/` stands for.
    pub fn load(folder: &Path, home: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path, home),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// The defaults, and over them what `text` says, which stands in the file `path`.
    pub fn parse(text: &str, path: &Path, home: &Path) -> Result<Self, Error> {
        let document = Document::parse(text).map_err(|error| Error::Syntax {
            path: path.to_owned(),
            line: line_at(text, error.span().map(|span| span.start)),
            cause: error.message().trim().to_owned(),
        })?;
        let mut settings = Self::default();
        for (section, item) in document.iter() {
            let refuse = |key: &str, item: &Item, cause: String| Error::Key {
                path: path.to_owned(),
                line: line_at(text, item.span().map(|span| span.start)),
                key: key.to_owned(),
                cause,
            };
            let table = match (section, item.as_table_like()) {
                ("store" | "output", Some(table)) => table,
                ("store" | "output", None) => {
                    return Err(refuse(section, item, "must be a section".to_owned()));
                }
                _ => return Err(refuse(section, item, unknown())),
            };
            settings
                .take(section, table, home)
                .map_err(|(key, item, cause)| refuse(&key, item, cause))?;
        }
        Ok(settings)
    }

    fn take<'a>(
        &mut self,
        section: &str,
        table: &'a dyn TableLike,
        home: &Path,
    ) -> Result<(), (String, &'a Item, String)> {
        for (name, item) in table.iter() {
            let key = format!("{section}.{name}");
            let text = item.as_value().and_then(Value::as_str);
            let result = match (key.as_str(), text) {
                ("store.path" | "output.pager" | "output.color", None) => {
                    Err("must be a text in quotes".to_owned())
                }
                ("store.path", Some(text)) => {
                    store_path(text, home).map(|path| self.store_path = from_file(Some(path)))
                }
                ("output.pager", Some(text)) => {
                    self.pager = from_file(text.to_owned());
                    Ok(())
                }
                ("output.color", Some(text)) => {
                    color(text).map(|color| self.color = from_file(color))
                }
                _ => Err(unknown()),
            };
            result.map_err(|cause| (key, item, cause))?;
        }
        Ok(())
    }
}

fn from_file<T>(value: T) -> Setting<T> {
    Setting { value, layer: Layer::File }
}

fn store_path(text: &str, home: &Path) -> Result<PathBuf, String> {
    let path = match text.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => PathBuf::from(text),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("must be an absolute path, or begin with ~/".to_owned())
    }
}

fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        other => Err(format!("is {other:?}; it must be auto, always or never")),
    }
}

fn unknown() -> String {
    "is no key that annals knows: those are store.path, output.pager and output.color".to_owned()
}

fn line_at(text: &str, offset: Option<usize>) -> usize {
    let before = text.get(..offset.unwrap_or(0)).unwrap_or_default();
    before.split('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("/c.toml"), Path::new("/home/dev"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(parse(""), Ok(Settings::default()));
        let missing = Settings::load(Path::new("/nowhere"), Path::new("/home/dev"));
        assert_eq!(missing.expect("no file is no error"), Settings::default());
    }

    #[test]
    fn values_know_where_they_came_from() {
        let settings =
            parse("[store]\npath = \"~/s.git\"\n[output]\ncolor = 'never'\npager = ''\n");
        let settings = settings.expect("settings");
        let path = settings.store_path;
        assert_eq!(path.value, Some(PathBuf::from("/home/dev/s.git")));
        assert_eq!(path.layer, Layer::File);
        assert_eq!(settings.color.value, Color::Never);
        assert_eq!(settings.pager.value, "");
        let pager = settings.pager.over(Layer::Environment, Some("more".to_owned()));
        assert_eq!((pager.value.as_str(), pager.layer), ("more", Layer::Environment));
        let color = settings.color.over(Layer::Flag, None);
        assert_eq!(color.layer, Layer::File);
        let flag = Setting { value: 1, layer: Layer::Flag };
        assert_eq!(flag.over(Layer::File, Some(2)).value, 1);
    }

    #[test]
    fn a_broken_file_is_refused_with_line_and_key() {
        let cases = [
            ("[store]\npath = 3\n", "line 2: `store.path` must be a text"),
            ("[store]\npath = 'x'\n", "line 2: `store.path` must be an absolute"),
            ("\n[output]\n\ncolor = 'red'\n", "line 4: `output.color` is \"red\""),
            ("[output]\nwidth = 3\n", "line 2: `output.width` is no key"),
            ("\n[shop]\n", "line 2: `shop` is no key"),
            ("store = 1\n", "line 1: `store` must be a section"),
            ("[store]\npath = \n", "line 2:"),
            ("[store\n", "line 1:"),
        ];
        for (text, expected) in cases {
            let refusal = parse(text).expect_err(text);
            assert!(refusal.starts_with("the configuration /c.toml, "), "{refusal}");
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
