//! An incident as a state machine: `apply` is the one transition table of the product.

mod fact;
mod state;
mod told;
mod transition;
#[cfg(test)]
mod transition_tests;

pub use fact::{Cause, Chosen, Decided, Effect, Fact, RejectReason, SignalSeen};
pub use state::{Attempt, Group, Held, Incident, RECENT, ResolvedBy, State, Undo, Verified};
pub use transition::IllegalFact;
