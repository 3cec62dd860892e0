//! What a line typed in the shell means: something said, or a slash command.
//!
//! Slash commands are the program's own commands under the names that people know from chat
//! programs; what stands behind them is taken as it is on the command line, quotes included.

/// A typed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Empty,
    /// Something said in the conversation.
    Say(String),
    /// Something for the shell itself.
    Own(OwnCommand),
    /// A command of the program: the words behind `annals`. [`CURRENT`] stands for the session
    /// that is being held.
    Program(Vec<String>),
}

/// What only the shell can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnCommand {
    /// Go on with a session; without one, choose it.
    Resume(Option<String>),
    /// Begin a new session.
    New,
    /// Commit what waits now.
    Save,
    /// Say what there is.
    Help,
    /// Leave.
    Quit,
}

/// The fields that sessions are filtered by.
pub const FIELDS: [&str; 8] = ["agent", "model", "in", "tag", "branch", "date", "since", "until"];

/// The word that stands for the session that is being held.
pub const CURRENT: &str = ".";

/// Why a line means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Quote,
    /// There is no such command.
    #[error("there is no command {0}; /help names them all")]
    Unknown(String),
    /// The command takes other words.
    #[error("{command} takes {takes}")]
    Words {
        /// The command.
        command: &'static str,
        /// What it takes.
        takes: &'static str,
    },
}

/// The commands, what follows them, and what they do, for help and completion.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("/resume", "[ID]", "go on with a session"),
    ("/new", "", "begin a new one"),
    ("/save", "", "commit what waits now"),
    ("/history", "", "what was said in this one"),
    ("/diff", "[REV]", "what the last save changed, or all since REV"),
    ("/rollback", "REV", "take this one back"),
    ("/sessions list", "[--tag TAG …]", "all sessions"),
    ("/sessions search", "QUERY", "find what was said"),
    ("/sessions filter", "FIELD:VALUE …", "sessions by agent, model, tag, date …"),
    ("/sessions show", "ID", "read one"),
    ("/sessions delete", "ID", "delete one"),
    ("/sessions export", "ID", "write one as a file"),
    ("/sessions share", "ID", "hand one on, without secrets"),
    ("/sessions rename", "ID TITLE", "give one a title"),
    ("/sessions tag", "ID TAG …", "tag one"),
    ("/config list", "", "the settings"),
    ("/config get", "KEY", "one of them"),
    ("/config set", "KEY VALUE", "change one"),
    ("/help", "", "this list"),
    ("/quit", "", "save and leave"),
];

impl Line {
    /// What a line means.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Empty);
        }
        // Two slashes say something that begins with one.
        if let Some(said) = text.strip_prefix("//") {
            return Ok(Self::Say(format!("/{said}")));
        }
        if !text.starts_with('/') {
            return Ok(Self::Say(text.to_owned()));
        }
        let words = shlex::split(text).ok_or(LineError::Quote)?;
        let (name, rest) =
            words.split_first().map_or(("/", &[][..]), |(name, rest)| (name.as_str(), rest));
        match name {
            "/sessions" => sessions(rest),
            "/config" => Ok(Self::program("config", rest, &["list"])),
            "/history" => Ok(Self::current("show", rest)),
            "/diff" => revision("/diff", "at most one revision", "diff", rest, true),
            "/rollback" => rollback(rest),
            _ => own(name, rest).map(Self::Own),
        }
    }

    /// A command of the program; `default`: the words when none were typed.
    fn program(command: &str, rest: &[String], default: &[&str]) -> Self {
        let rest: Vec<String> = if rest.is_empty() {
            default.iter().map(ToString::to_string).collect()
        } else {
            rest.to_vec()
        };
        Self::Program(std::iter::once(command.to_owned()).chain(rest).collect())
    }

    /// A command about the session that is being held.
    fn current(command: &str, rest: &[String]) -> Self {
        let words = [command, CURRENT].map(str::to_owned);
        Self::Program(words.into_iter().chain(rest.iter().cloned()).collect())
    }
}

fn own(name: &str, rest: &[String]) -> Result<OwnCommand, LineError> {
    let (command, takes) = match name {
        "/resume" => {
            return match rest {
                [] => Ok(OwnCommand::Resume(None)),
                [id] => Ok(OwnCommand::Resume(Some(id.clone()))),
                _ => Err(LineError::Words { command: "/resume", takes: "one session, or none" }),
            };
        }
        "/new" => (OwnCommand::New, "/new"),
        "/save" => (OwnCommand::Save, "/save"),
        "/help" => (OwnCommand::Help, "/help"),
        "/quit" | "/exit" => (OwnCommand::Quit, "/quit"),
        other => return Err(LineError::Unknown(other.to_owned())),
    };
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(LineError::Words { command: takes, takes: "nothing behind it" })
    }
}

fn sessions(rest: &[String]) -> Result<Line, LineError> {
    let Some((verb, rest)) = rest.split_first() else {
        return Ok(Line::program("list", &[], &[]));
    };
    match verb.as_str() {
        "list" | "search" | "show" | "delete" | "export" | "share" | "rename" | "tag" => {
            Ok(Line::program(verb, rest, &[]))
        }
        "filter" => filter(rest),
        other => Err(LineError::Unknown(format!("/sessions {other}"))),
    }
}

/// `tag:bug agent:claude` as the flags of `annals list`.
fn filter(rest: &[String]) -> Result<Line, LineError> {
    let mut words = vec!["list".to_owned()];
    for word in rest {
        let typed = word.split_once(':').filter(|(_, value)| !value.is_empty());
        let Some((field, value)) = typed.filter(|(field, _)| FIELDS.contains(field)) else {
            let takes = "a value behind agent:, model:, in:, tag:, branch:, date:, since: or \
                         until:, such as tag:bug";
            return Err(LineError::Words { command: "/sessions filter", takes });
        };
        let field = if field == "in" { "workspace" } else { field };
        words.push(format!("--{field}={value}"));
    }
    Ok(Line::Program(words))
}

fn rollback(rest: &[String]) -> Result<Line, LineError> {
    match rest {
        [_] => Ok(Line::current("rollback", rest)),
        _ => Err(LineError::Words { command: "/rollback", takes: "one revision, such as ~1" }),
    }
}

/// A command about a revision of the session that is being held.
fn revision(
    name: &'static str,
    takes: &'static str,
    command: &str,
    rest: &[String],
    is_optional: bool,
) -> Result<Line, LineError> {
    match rest {
        [] if is_optional => Ok(Line::current(command, &[])),
        [revision] => {
            let words = [command.to_owned(), format!("{CURRENT}@{revision}"), CURRENT.to_owned()];
            Ok(Line::Program(words.to_vec()))
        }
        _ => Err(LineError::Words { command: name, takes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Vec<String> {
        match Line::parse(text) {
            Ok(Line::Program(words)) => words,
            other => panic!("{text} is a command of the program: {other:?}"),
        }
    }

    #[test]
    fn what_does_not_begin_with_a_slash_is_said() {
        let said = |text: &str| Line::Say(text.to_owned());
        assert_eq!(Line::parse("  why? \n"), Ok(said("why?")));
        assert_eq!(Line::parse("//etc/hosts is broken"), Ok(said("/etc/hosts is broken")));
        assert_eq!(Line::parse("it's \"open"), Ok(said("it's \"open")));
        assert_eq!(Line::parse(" "), Ok(Line::Empty));
    }

    #[test]
    fn slash_commands_are_the_programs_own() {
        for (typed, words) in [
            ("/sessions", &["list"][..]),
            ("/sessions list --here -n 5", &["list", "--here", "-n", "5"]),
            ("/sessions search \"last line\" -x", &["search", "last line", "-x"]),
            ("/sessions filter tag:bug in:~/x", &["list", "--tag=bug", "--workspace=~/x"]),
            ("/sessions rename 3f2a 'A title'", &["rename", "3f2a", "A title"]),
            ("/history --tools", &["show", ".", "--tools"]),
            ("/diff", &["diff", "."]),
            ("/diff ~2", &["diff", ".@~2", "."]),
            ("/rollback ~1", &["rollback", ".", "~1"]),
            ("/config", &["config", "list"]),
            ("/config set save.interval 9", &["config", "set", "save.interval", "9"]),
        ] {
            assert_eq!(program(typed), words, "{typed}");
        }
    }

    #[test]
    fn the_shells_own_commands_are_told_from_them() {
        for (typed, command) in [
            ("/resume", OwnCommand::Resume(None)),
            ("/resume 3f2a", OwnCommand::Resume(Some("3f2a".to_owned()))),
            ("/new", OwnCommand::New),
            ("/save", OwnCommand::Save),
            ("/help", OwnCommand::Help),
            ("/exit", OwnCommand::Quit),
        ] {
            assert_eq!(Line::parse(typed), Ok(Line::Own(command)), "{typed}");
        }
    }

    #[test]
    fn what_means_nothing_says_why() {
        for (typed, why) in [
            ("/nonsense", "there is no command /nonsense; /help names them all"),
            ("/sessions eat", "there is no command /sessions eat; /help names them all"),
            ("/sessions show \"3f2a", "a quote is not closed"),
            ("/rollback", "/rollback takes one revision, such as ~1"),
            (
                "/sessions filter bug",
                "/sessions filter takes a value behind agent:, model:, in:, tag:, branch:, date:, \
                 since: or until:, such as tag:bug",
            ),
            (
                "/sessions filter tag:bug agnt:x",
                "/sessions filter takes a value behind agent:, model:, in:, tag:, branch:, date:, \
                 since: or until:, such as tag:bug",
            ),
            ("/new now", "/new takes nothing behind it"),
        ] {
            let error = Line::parse(typed).expect_err("it means nothing");
            assert_eq!(error.to_string(), why);
        }
    }
}
