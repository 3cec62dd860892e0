//! r4_storage
