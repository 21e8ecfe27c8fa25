//! All SQL of Selfheal: SQLite and PostgreSQL behind one type.
//!
//! Every statement is written once, in the common subset, and runs on an enum of two transactions. Writing transactions
//! exclude each other on both databases (`begin immediate` here, an advisory lock there), so that counts that were read
//! are still true when what they allowed is written. Nothing here knows the outside world.

#[macro_use]
mod dispatch;
#[macro_use]
mod signals;
mod admission;
mod archive;
mod audit;
mod audit_checkpoints;
mod baselines;
mod causes;
mod changes;
mod checkpoints;
mod connections;
mod documents;
mod drafts;
mod error;
mod events;
mod evidence;
mod facts;
mod guards;
mod hits;
mod icdev;
mod incidents;
mod integrity;
mod keys;
mod knowledge_changes;
mod lease;
mod maintenance;
mod merges;
mod observe;
mod open;
mod outbox;
mod pattern_list;
mod patterns;
mod redact;
mod redact_knowledge;
mod removed;
mod replay;
mod retention;
mod settings;
mod shadow;
mod tokens;
mod turns;

pub use admission::Counts;
pub use archive::{About, ArchiveError, AuditHead, Contents, Kept, Manifest, TableSum, check_archive};
pub use audit::{AuditFilter, AuditRange};
pub use dispatch::{Connection, Store, Tx};
pub use documents::KeptPattern;
pub use drafts::{ClusterStatus, DraftCluster};
pub use error::StoreError;
pub use events::{HealingEvent, NewEvent};
pub use facts::StoredFact;
pub use guards::Guards;
pub use hits::{ConfirmedFix, Hits, Success};
pub use icdev::{ForeignDatabaseError, is_sqlite, read_icdev};
pub use incidents::IncidentFilter;
pub use knowledge_changes::KnowledgeChanges;
pub use lease::{Lease, LeaseMark};
pub use maintenance::Maintenance;
pub use merges::Merge;
pub use observe::CommitObserver;
pub use open::shown_address;
pub use outbox::PendingEffect;
pub use pattern_list::{PatternCursor, PatternFilter, PatternOrder};
pub use patterns::{ConfidenceStep, PatternCounts};
pub use redact::Redacted;
pub use redact_knowledge::RedactedKnowledge;
pub use replay::PastIncident;
pub use retention::Purged;
pub use settings::Automation;
pub use shadow::ShadowCounts;
pub use signals::MinuteCount;
pub use tokens::ApiToken;
