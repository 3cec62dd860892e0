//! The shapes of what `--json` prints.
