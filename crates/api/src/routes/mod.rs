//! The operations, by what they are about.

pub mod advise;
pub mod audit;
pub mod automation;
pub mod backup;
pub mod case;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod incidents;
pub mod ingest;
pub mod maintenance;
pub mod matching;
pub mod notifications;
pub mod overview;
pub mod patterns;
pub mod people;
pub mod queue;
pub mod redact;
pub mod replay;
pub mod tokens;
