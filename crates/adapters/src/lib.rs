//! Everything of Selfheal that touches another system: the implementations of the engine's ports.
//!
//! Sources read, probes check, actuators inspect and change, notifiers tell. Nothing here decides: an adapter says what
//! it sees and does what a plan says. Its invariants are those of the ports: a poll from the same checkpoint reads the same
//! again, a preview changes nothing, and a step that may or may not have run says so.

mod actuator;
mod audit;
mod brake;
mod clock;
pub mod files;
mod hide;
mod host;
mod notify;
mod probe;
mod secret;
mod source;
mod tls;

#[cfg(feature = "supervisord")]
pub use actuator::SupervisordActuator;
pub use actuator::all_actuators;
#[cfg(unix)]
pub use actuator::{ProcessActuator, run_foreground};
pub use audit::{HomeSigner, KeptCheckpoints};
pub use brake::PauseFile;
pub use clock::SystemClock;
pub use host::hostname;
pub use notify::{LogNotifier, open_notifiers, open_notifiers_with};
pub use probe::HttpProbe;
pub use secret::{MissingSecret, Secret};
pub use source::{FileSource, open_source};
pub use tls::{http_client, http_client_over};
