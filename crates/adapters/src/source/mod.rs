//! Where observations come from: sources that are read by polling.
//!
//! `lines -> records -> file`: bounded lines, the records they join to, and the file they stand in. `mark` is the
//! checkpoint, `rotation` finds what a rotation moved away.

mod file;
mod lines;
mod mark;
mod records;
mod rotation;

pub use file::FileSource;

/// Opens a configured source. `None` where the entry says nothing to read.
pub fn open_source(spec: &selfheal_core::config::SourceSpec) -> Option<Box<dyn selfheal_engine::ports::Source>> {
    match spec.kind()? {
        selfheal_core::config::SourceKind::File(file) => Some(Box::new(FileSource::new(spec.name.clone(), file))),
    }
}
