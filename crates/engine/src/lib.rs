//! The ports of Selfheal and the loop that drives the pipeline.
//!
//! `load -> step -> commit -> run effects -> their outcomes are facts again`. The engine decides nothing by itself: the
//! core's functions do, on values that the store gave it. It knows no adapter, only the traits in [`ports`].

pub mod ports;

mod breaker;
mod checkpoint;
mod decide;
mod engine;
mod execute;
mod intake;
mod knowledge;
mod live;
mod notify;
mod rehearse;
mod timers;
mod verify;
mod watch;

pub use decide::SIGNALS as EVIDENCE_LIMIT;
pub use engine::{Adapters, Engine, EngineError, EngineStatus, OpenSource, Role};
pub use intake::title_of;
pub use live::LiveEvent;
pub use watch::HealthWatch;
