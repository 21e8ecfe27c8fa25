//! Structures that are few large arrays instead of many small allocations: quick to copy, to save and to load.

mod interner;
mod lists;

pub(super) use interner::Interner;
pub(super) use lists::Lists;
