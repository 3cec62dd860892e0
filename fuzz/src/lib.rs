//! What the fuzz targets share: the doors that annals' own tests knock at. `docs/testing.md` says
//! how the targets are run.

#[path = "../../tests/suite/doors/mod.rs"]
mod doors;
#[path = "../../tests/suite/support/forge.rs"]
#[allow(dead_code, reason = "the tests make more of it than the doors")]
mod forge;

/// The doors find it where the tests have it.
mod support {
    pub(crate) use crate::forge;
}

/// Lets bytes in at the door of that name. Panics where a promise is broken.
pub fn knock(name: &str, bytes: &[u8]) {
    doors::knock(name, bytes);
}
