//! The demo world: real services on loopback, broken for real and healed for real.
//!
//! A world has a home of its own and small web services that really write logs and serve HTTP. Everything it starts it
//! stops, and a service whose world is gone ends by itself.

mod control;
mod port;
mod report;
mod scenario;
mod service;
mod world;

pub use control::Control;
pub use report::Report;
pub use scenario::{Scenario, begin, run};
pub use service::{SUBCOMMAND, ServiceArguments, serve};
pub use world::World;
