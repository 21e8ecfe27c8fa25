//! Which controls of NIST SP 800-53 an event is evidence for. The table for people is docs/controls.md; a test holds the
//! two, and what the code writes, together.

/// The controls of an event type, by its kind: incident handling (IR-4), incident monitoring (IR-5), and, for what is
/// known of faults and threats, security alerts, advisories and directives (SI-5).
pub fn controls(event_type: &str) -> &'static str {
    match event_type.split('.').next().unwrap_or_default() {
        "knowledge" | "learning" => "SI-5",
        "automation" => "IR-4",
        "audit" | "backup" | "retention" => "IR-5",
        _ => "IR-4,IR-5",
    }
}
