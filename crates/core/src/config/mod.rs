//! `args/monitoring_config.yaml`: its types, and how it is read.
//!
//! Defaults stand in the shipped file and in the `Default` of each section, and a test holds the two together. Every
//! section refuses keys it does not know.

mod accepted;
mod check;
mod check_notifications;
mod error;
mod format;
mod healing;
mod maintenance;
mod notifications;
mod parse;
mod quiet;
mod retention;
mod section;
mod service;
mod shape;
mod source;
mod syntax;
mod tree;

pub use accepted::{Accepted, Reason, Settling, loosens, takes_away};
pub use error::{ConfigError, ConfigErrors, Excerpt};
pub use healing::{Learning, Limits, SelfHealing, Verification};
pub use maintenance::MaintenanceWindow;
pub use notifications::{
    EmailNotifier, Notifications, NotifierKind, NotifierSpec, SlackNotifier, SmtpSecurity, WebhookNotifier,
};
pub use parse::{parse, parse_bytes};
pub(crate) use parse::{read_yaml, read_yaml_within};
pub use quiet::{ClockTime, QuietHours, Zone};
pub use retention::Retention;
pub use section::{ApprovalPolicy, Config, Correlation, Server};
pub use service::{CheckKind, CheckSpec, HttpCheck, Service};
pub use source::{FileSource, SourceKind, SourceSpec};
pub use tree::LARGEST;

/// The file that `selfheal init` writes: every default with its comment.
pub const SHIPPED: &str = include_str!("../../../../args/monitoring_config.yaml");

/// The JSON Schema of the configuration file.
pub fn json_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap_or_default()
}

#[cfg(test)]
mod broken_tests;
