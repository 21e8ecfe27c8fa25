//! The operations, by what they are about.

pub mod audit;
pub mod automation;
pub mod case;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod incidents;
pub mod ingest;
pub mod overview;
pub mod patterns;
pub mod people;
pub mod tokens;
