//! The properties.
