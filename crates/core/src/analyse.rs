//! Step 3, analyse: the root cause in words, filled with this incident's facts.

use crate::config::Config;
use crate::knowledge::Pattern;
use crate::{Incident, ServiceName};

/// The root cause that a known pattern names. `{service}` stands for the service that the fix
/// goes to, `{project}` and `{since}` for the incident's own.
pub fn root_cause(pattern: &Pattern, incident: &Incident, service: &ServiceName) -> String {
    pattern
        .root_cause
        .replace("{service}", service.as_str())
        .replace("{project}", incident.project.as_str())
        .replace("{since}", &incident.onset.to_rfc3339())
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
