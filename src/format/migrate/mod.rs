//! Older forms of a session, each step a pure value → value function.

mod json;

pub(super) use json::is_older;
pub(super) use json::older_session;
