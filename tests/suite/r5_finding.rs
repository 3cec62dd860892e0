//! r5_finding
