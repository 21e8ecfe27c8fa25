//! What the engine needs from the outside world, as traits. Adapters implement them; the engine knows none of them.

use std::sync::Arc;

use async_trait::async_trait;
use selfheal_core::audit::{Checkpoint as AuditCheckpoint, PublicKey, Signature};
use selfheal_core::config::{CheckSpec, NotifierSpec};
use selfheal_core::pace::Steady;
use selfheal_core::verify::{CheckResult, TargetState};
use selfheal_core::{
    Action, ActionKind, LogRecord, Notice, Outcome, Plan, Preflight, SourceName, Span, TargetSpec, Timestamp,
};

/// Tells the time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// A clock that only counts and that nobody can set; `None` where there is none.
    fn steady(&self) -> Option<Steady> {
        None
    }

    /// How far the host's time zone is ahead of UTC at a moment, in seconds.
    fn utc_offset(&self, _at: Timestamp) -> i32 {
        0
    }
}

/// The emergency brake beside the stored automation switch: it works whatever state the database is in, and is looked at
/// before every step.
pub trait Brake: Send + Sync {
    /// Why nothing may run; `None` where it is off. What cannot be found out is a reason.
    fn engaged(&self) -> Option<String>;
}

/// A host without a brake.
pub struct NoBrake;

impl Brake for NoBrake {
    fn engaged(&self) -> Option<String> {
        None
    }
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

    /// From now on a poll hands out at most so many records, where it can stop in between.
    fn at_most(&mut self, _records: usize) {}
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

    /// Looks at the target after an action: whether it runs, and which one it is that does. Changes nothing.
    async fn inspect(&self, action: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError>;

    /// Takes back what a plan did, as its preflight report said that it would. Asked only of plans that have an undo.
    async fn undo(&self, plan: &Plan) -> Outcome {
        Outcome::Failed { detail: format!("{} cannot be undone", plan.action.kind) }
    }
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
    fn name(&self) -> &str;

    /// Whether it shows notices on this desktop, which the configuration can switch off.
    fn is_native(&self) -> bool {
        false
    }

    /// Whether it calls somebody, and so has to be still in quiet hours.
    fn disturbs(&self) -> bool {
        true
    }

    /// Tells once. What was answered, in words: `HTTP 200`. Called again with the same notice where it was not known to have
    /// arrived. No error may carry a secret.
    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError>;
}

/// Why somebody could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}. {next}")]
pub struct NotifyError {
    pub why: String,
    pub next: String,
    pub retry: Retry,
}

/// Whether another try may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// What was said would be refused again.
    Never,
    Later,
    /// The other side said when.
    After(Span),
}

/// A notifier of the configuration, opened or not: one that lacks a secret is listed all the same.
pub struct OpenedNotifier {
    pub spec: NotifierSpec,
    pub notifier: Result<Arc<dyn Notifier>, NotifyError>,
}

/// Signs checkpoints of the audit trail, and keeps a copy of each where whoever owns the database does not reach. The key
/// never leaves it.
pub trait Signer: Send + Sync {
    fn public_key(&self) -> PublicKey;

    fn sign(&self, message: &[u8]) -> Signature;

    /// Keeps a signed checkpoint outside the database. May wait for a disk.
    fn keep(&self, checkpoint: &AuditCheckpoint) -> Result<(), SignerError>;

    /// Every one that was kept.
    fn kept(&self) -> Result<Vec<AuditCheckpoint>, SignerError>;
}

#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}. {next}")]
pub struct SignerError {
    pub what: String,
    pub why: String,
    pub next: String,
}
