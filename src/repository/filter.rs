//! The redactor for texts that are not stored: what `annals redact` is.

use std::path::Path;

use crate::error::Result;
use crate::platform;
use crate::platform::Environment;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::rules::load_rules;

pub use crate::redact::Profile;
pub use crate::redact::Sharing;
pub use crate::redact::Spot;

/// Redacts texts, each judged by itself.
#[derive(Debug)]
pub struct TextFilter {
    rules: Rules,
}

impl TextFilter {
    /// A filter with the rules that come with annals, as the user's settings have them.
    ///
    /// # Errors
    /// `Invalid`: a setting cannot be used.
    pub fn load(environment: &Environment) -> Result<Self> {
        Ok(Self { rules: load_rules(environment)? })
    }

    /// The text without its secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut redactor = Redactor::new(&self.rules);
        redactor.text("text", text.to_owned()).into_inner()
    }

    /// Where the secrets of the text stand, and why they are taken for secrets; never what they
    /// read.
    pub fn spots(&self, text: &str) -> Vec<Spot> {
        Redactor::new(&self.rules).spots("text", text)
    }

    /// What takes the traces of a user and his machine out of texts.
    ///
    /// # Errors
    /// `Invalid`: no pattern can be made of the profile.
    pub fn sharing(&self, profile: &Profile) -> Result<Sharing> {
        Ok(Sharing::new(profile, &[])?)
    }
}

/// A text that is to be told, such as an error's, without secrets: whoever typed one, or has it in
/// the name of a file, will copy what he is told. By the rules that come with annals: what is wrong
/// may be the settings.
pub fn told_without_secrets(text: &str) -> String {
    match Rules::builtin() {
        Ok(rules) => Redactor::new(&rules).text("", text.to_owned()).into_inner(),
        Err(error) => error.to_string(),
    }
}

/// The user of this machine: his folders, the names of both, and what git knows of him.
pub fn profile_of(environment: &Environment) -> Profile {
    let home = environment.home.to_string_lossy().into_owned();
    let folder = environment.home.file_name().map(|name| name.to_string_lossy().into_owned());
    let user = platform::variable("USER").or_else(|| platform::variable("USERNAME"));
    let (mut name, mut email) = (String::new(), String::new());
    for file in [environment.config.join("git/config"), environment.home.join(".gitconfig")] {
        read_git_identity(&file, &mut name, &mut email);
    }
    let user = user.or(folder).unwrap_or_default();
    Profile { home, user, host: platform::host_name().unwrap_or_default(), name, email }
}

/// The most bytes of a configuration of git that are looked at.
const GIT_CONFIG_LIMIT: u64 = 1 << 20;

/// Takes `user.name` and `user.email` from a configuration of git, where they stand there plainly.
fn read_git_identity(file: &Path, name: &mut String, email: &mut String) {
    let text = platform::read_text_within(file, GIT_CONFIG_LIMIT).unwrap_or_default();
    let mut is_user = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_user = line.eq_ignore_ascii_case("[user]");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_user) {
            let value = value.trim().trim_matches('"').to_owned();
            match key.trim() {
                "name" => *name = value,
                "email" => *email = value,
                _ => {}
            }
        }
    }
}
