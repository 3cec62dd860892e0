//! The redactor for texts that are not stored: what `annals redact` is.

use crate::error::Result;
use crate::redact::Redactor;
use crate::redact::Rules;

/// Redacts texts, each judged by itself.
#[derive(Debug)]
pub struct TextFilter {
    rules: Rules,
}

impl TextFilter {
    /// A filter with the rules that come with annals.
    pub fn builtin() -> Result<Self> {
        Ok(Self { rules: Rules::builtin()? })
    }

    /// The text without its secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut redactor = Redactor::new(&self.rules);
        redactor.text("text", text.to_owned()).into_inner()
    }
}
