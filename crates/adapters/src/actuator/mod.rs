//! What inspects and changes targets.

#[cfg(unix)]
mod process;
#[cfg(feature = "supervisord")]
mod supervisord;

use selfheal_engine::ports::Actuator;

#[cfg(unix)]
pub use process::{ProcessActuator, run_foreground};
#[cfg(feature = "supervisord")]
pub use supervisord::SupervisordActuator;

/// Every actuator this build has.
pub fn all_actuators() -> Vec<Box<dyn Actuator>> {
    vec![
        #[cfg(unix)]
        Box::new(ProcessActuator),
        #[cfg(feature = "supervisord")]
        Box::new(SupervisordActuator),
    ]
}
