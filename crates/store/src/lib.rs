//! All SQL of Selfheal: SQLite and PostgreSQL behind one type.
//!
//! Every statement is written once, in the common subset, and runs on an enum of two transactions. Writing transactions
//! exclude each other on both databases (`begin immediate` here, an advisory lock there), so that counts that were read
//! are still true when what they allowed is written. Nothing here knows the outside world.

#[macro_use]
mod dispatch;
mod admission;
mod audit;
mod audit_checkpoints;
mod checkpoints;
mod error;
mod events;
mod facts;
mod incidents;
mod lease;
mod open;
mod outbox;
mod patterns;
mod settings;
mod signals;
mod tokens;

pub use admission::Counts;
pub use audit::{AuditFilter, AuditRange};
pub use dispatch::{Store, Tx};
pub use error::StoreError;
pub use events::{HealingEvent, NewEvent};
pub use facts::StoredFact;
pub use incidents::IncidentFilter;
pub use lease::Lease;
pub use outbox::PendingEffect;
pub use patterns::{ConfidenceStep, PatternCounts};
pub use settings::Automation;
pub use signals::MinuteCount;
pub use tokens::ApiToken;
