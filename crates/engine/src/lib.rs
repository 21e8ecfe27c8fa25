//! The ports of Selfheal and the loop that drives the pipeline.
//!
//! `load -> step -> commit -> run effects -> their outcomes are facts again`. The engine decides nothing by itself: the
//! core's functions do, on values that the store gave it. It knows no adapter, only the traits in [`ports`].

pub mod ports;

mod breaker;
mod burst;
mod channels;
mod checkpoint;
mod conclude;
mod decide;
mod deliver;
mod engine;
pub mod evidence;
mod execute;
mod high_water;
mod intake;
mod integrity;
mod judge;
mod knowledge;
mod learning;
mod live;
mod notify;
mod people;
mod plan;
mod rehearse;
mod replay;
mod retention;
mod standing;
mod timers;
mod undo;
mod verify;
mod watch;

pub use channels::{NotifierStatus, NotifierTest, Told};
pub use checkpoint::mended_entry;
pub use decide::SIGNALS as EVIDENCE_LIMIT;
pub use engine::{Adapters, Engine, EngineError, EngineStatus, OpenNotifiers, OpenSource, Role, StandingStill};
pub use high_water::{HighWater, Mark};
pub use intake::title_of;
pub use judge::{Judged, Subject, decision_on, judge, weigh};
pub use knowledge::{Knowledge, Snapshot, Snapshots};
pub use learning::AcceptedDraft;
pub use live::LiveEvent;
pub use notify::known_of;
pub use people::{Choice, PersonError, Refusal};
pub use rehearse::{Rehearsal, latest_kinds};
pub use replay::{Change, Edit, Outlook, Replay, Replayed, Verdict as ReplayVerdict, replay};
pub use watch::HealthWatch;
