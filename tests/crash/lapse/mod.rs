//! Two engines in a time lapse: hours in seconds, told by one clock that both compute alike.

pub mod child;
pub mod clock;
pub mod stage;
