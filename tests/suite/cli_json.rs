//! cli_json
