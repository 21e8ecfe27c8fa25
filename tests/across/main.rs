//! Tests across crates: scenarios with a fake clock, real components, and the rules of the architecture.

mod architecture;
mod interface;
mod scenario;
mod supervisord;
