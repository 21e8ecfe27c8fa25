//! The operations, by what they are about.

pub mod advise;
pub mod audit;
pub mod automation;
pub mod backup;
pub mod case;
pub mod changes;
pub mod demo;
pub mod doctor;
pub mod documents;
pub mod drafts;
pub mod events;
pub mod incidents;
pub mod ingest;
pub mod maintenance;
pub mod matching;
pub mod merging;
pub mod notifications;
pub mod overview;
pub mod packs;
pub mod patterns;
pub mod people;
pub mod queue;
pub mod redact;
pub mod replay;
pub mod review;
mod saving;
pub mod tokens;
