//! Tests across crates: scenarios with a fake clock, real components, and the rules of the architecture.

#![expect(clippy::disallowed_methods, reason = "cargo itself is asked for the dependencies")]

mod access;
mod architecture;
mod audit;
mod controls;
mod interface;
mod keeping;
mod leases;
mod notify;
mod packs;
mod rules;
mod scenario;
mod snapshot;
mod supervisord;
