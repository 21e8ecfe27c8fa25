//! Step 1, detect: from raw input to signals.

mod format;
mod health;
mod join;
mod logs;
mod template;

pub use format::parse_record;
pub use health::{HealthChange, HealthFinding, HealthState, HealthTracker, health_signal};
pub use join::Joiner;
pub use logs::reduce;
pub use template::{jaccard, template, tokens};
