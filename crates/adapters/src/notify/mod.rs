//! Telling people.

mod log;

pub use log::LogNotifier;
