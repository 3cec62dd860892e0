//! r6_migration
