//! Telling people: the log, a webhook, a chat, mail.
//!
//! Invariant: what lets one in (an address that is a capability, a token, a password, a key) is in no error, no reply and
//! no `Debug`. [`crate::hide::Hidden`] takes it out of what other systems answer.

mod email;
mod log;
mod open;
mod post;
mod slack;
mod webhook;

pub use log::LogNotifier;
pub use open::{open_notifiers, open_notifiers_with};
