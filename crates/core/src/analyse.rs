//! Step 3, analyse: the root cause in words, filled with this incident's facts.

use crate::ServiceName;
use crate::config::Config;
use crate::knowledge::Pattern;
use crate::known::{Scene, filled};

/// The root cause that a known pattern names, filled with what was seen. `{service}` stands for the service that the fix goes
/// to, `{project}` and `{since}` for the incident's own, and the named groups of its rule and the signals' fields for their values.
pub fn root_cause(pattern: &Pattern, scene: &Scene<'_>) -> String {
    filled(&pattern.root_cause, pattern, scene)
}

/// Who else suffers: the services downstream of this one.
pub fn impact(service: &ServiceName, config: &Config) -> String {
    let dependants = config.dependants(service);
    match dependants.as_slice() {
        [] => format!("Nothing that is listed depends on {service}."),
        [one] => format!("{one} depends on {service}."),
        many => {
            let names: Vec<&str> = many.iter().map(ServiceName::as_str).collect();
            format!("{} services depend on {service}: {}.", many.len(), names.join(", "))
        }
    }
}
