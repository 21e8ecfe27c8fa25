//! What the tests of several crates share: real counterparts that are started and stopped by a test, and waiting.
//!
//! A missing counterpart fails the test and says how to install it; it never skips one.

#![expect(clippy::disallowed_methods, reason = "real counterparts are started for tests")]

pub mod http;
pub mod port;
#[cfg(unix)]
pub mod postgres;
pub mod receiver;
#[cfg(unix)]
pub mod smtp;
#[cfg(unix)]
pub mod supervisord;
pub mod wait;
