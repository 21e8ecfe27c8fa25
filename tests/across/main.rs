//! Tests across crates: scenarios with a fake clock, real components, and the rules of the architecture.

mod architecture;
mod bad_input;
mod interface;
mod scenario;
mod supervisord;
