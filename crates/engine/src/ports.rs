//! What the engine needs from the outside world, as traits. Adapters implement them; the engine knows none of them.

use async_trait::async_trait;
use selfheal_core::audit::{Checkpoint as AuditCheckpoint, PublicKey, Signature};
use selfheal_core::config::CheckSpec;
use selfheal_core::verify::CheckResult;
use selfheal_core::{
    Action, ActionKind, LogRecord, Notice, Outcome, Plan, Preflight, SourceName, TargetSpec, Timestamp,
};

/// Tells the time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Where a source stands, in its own words. Stored with what was read up to there, in one transaction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Checkpoint(pub serde_json::Value);

/// What one poll read.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<LogRecord>,
    /// Where to go on after `records` are stored; `None` when nothing moved.
    pub checkpoint: Option<Checkpoint>,
    /// There is more to read at once.
    pub more: bool,
}

/// A source of log records, read by polling.
#[async_trait]
pub trait Source: Send {
    fn name(&self) -> &SourceName;

    /// Reads on from a checkpoint (the last one that was stored, `None` the first time). Must not wait for input. Called
    /// again with the same checkpoint it reads the same again, so that a batch that could not be stored is not lost.
    async fn poll(&mut self, from: Option<&Checkpoint>, now: Timestamp) -> Result<Batch, SourceError>;
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not there (yet): shown, and tried again.
    #[error("{what} cannot be read: {why}. {next}")]
    Unreadable { what: String, why: String, next: String },
}

/// Runs health checks.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Never fails: a check that cannot be made is a failing check that says why.
    async fn check(&self, spec: &CheckSpec) -> CheckResult;
}

/// Inspects and changes a kind of target.
#[async_trait]
pub trait Actuator: Send + Sync {
    /// Whether this actuator can do this action on this kind of target.
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool;

    /// Inspects the target and says exactly what would run. Changes nothing.
    async fn preview(&self, action: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError>;

    /// Runs one step of a plan (index from 0), as the plan says and nothing else.
    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome;
}

#[derive(Debug, thiserror::Error)]
pub enum ActuatorError {
    /// The connection to the target failed. Counts for its circuit breaker.
    #[error("{what} cannot be reached: {why}. {next}")]
    Unreachable { what: String, why: String, next: String },
    /// The inventory's description of the target cannot be used.
    #[error("{0}")]
    Invalid(String),
}

/// Tells people.
#[async_trait]
pub trait Notifier: Send + Sync {
    fn name(&self) -> &'static str;

    /// Whether it shows notices on this desktop, which the configuration can switch off.
    fn is_native(&self) -> bool {
        false
    }

    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}

#[derive(Debug, thiserror::Error)]
#[error("{why}. {next}")]
pub struct NotifyError {
    pub why: String,
    pub next: String,
}

/// Signs checkpoints of the audit trail, and keeps a copy of each where whoever owns the database does not reach. The key
/// never leaves it.
pub trait Signer: Send + Sync {
    fn public_key(&self) -> PublicKey;

    fn sign(&self, message: &[u8]) -> Signature;

    /// Keeps a signed checkpoint outside the database. May wait for a disk.
    fn keep(&self, checkpoint: &AuditCheckpoint) -> Result<(), SignerError>;

    /// The last one that was kept.
    fn last_kept(&self) -> Result<Option<AuditCheckpoint>, SignerError>;
}

#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}. {next}")]
pub struct SignerError {
    pub what: String,
    pub why: String,
    pub next: String,
}
