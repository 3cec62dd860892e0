//! cli_text
