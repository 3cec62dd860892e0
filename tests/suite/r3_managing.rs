//! r3_managing
