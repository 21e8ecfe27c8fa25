//! Health checks: 1 failure warns, 3 in a row are critical, 1 success clears; too many changes are flapping.

use std::collections::{BTreeMap, VecDeque};

use crate::config::CheckSpec;
use crate::{Fingerprint, HealthReading, NewSignal, ProjectName, Severity, SignalKind, SourceName, Span, Timestamp};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HealthState {
    #[default]
    Healthy,
    Warning,
    Critical,
}

/// What a signal of a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthFinding {
    /// It fails.
    Failed,
    /// It went down or came back more than 4 times in 10 minutes.
    Flapping,
}

/// What one reading changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    Warned,
    BecameCritical,
    /// Still critical: a repeat of the same signal.
    StillCritical,
    /// From critical back to healthy.
    Cleared,
}

const FLAPPING_CHANGES: usize = 4;
const FLAPPING_WINDOW: Span = Span::from_minutes(10);

/// The state of one health check.
#[derive(Debug, Default)]
pub struct HealthTracker {
    state: HealthState,
    failures: u32,
    failing_since: Option<Timestamp>,
    successes: u32,
    changes: VecDeque<Timestamp>,
    flapping: bool,
    newly_flapping: bool,
}

impl HealthTracker {
    pub const fn state(&self) -> HealthState {
        self.state
    }

    /// The first failure of those in a row: when the symptom began.
    pub const fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Whether the last reading was the one that makes it flap; told beside what else it changed.
    pub const fn newly_flapping(&self) -> bool {
        self.newly_flapping
    }

    /// Takes one reading.
    pub fn observe(&mut self, reading: &HealthReading, spec: &CheckSpec) -> Option<HealthChange> {
        let before = self.state;
        if reading.ok {
            self.failures = 0;
            self.failing_since = None;
            self.successes += 1;
            if self.successes >= spec.clear_after {
                self.state = HealthState::Healthy;
            }
        } else {
            self.successes = 0;
            self.failures += 1;
            self.failing_since.get_or_insert(reading.at);
            if self.failures >= spec.critical_after {
                self.state = HealthState::Critical;
            } else if self.failures >= spec.warn_after && self.state == HealthState::Healthy {
                self.state = HealthState::Warning;
            }
        }
        // A warning is no change that anybody would call flapping: down and up are.
        let critical = |state: HealthState| state == HealthState::Critical;
        self.newly_flapping = critical(self.state) != critical(before) && self.counts_as_change(reading.at);
        match (before, self.state) {
            (HealthState::Critical, HealthState::Healthy) => Some(HealthChange::Cleared),
            (HealthState::Critical, HealthState::Critical) if !reading.ok => Some(HealthChange::StillCritical),
            (_, HealthState::Critical) if before != HealthState::Critical => Some(HealthChange::BecameCritical),
            (HealthState::Healthy, HealthState::Warning) => Some(HealthChange::Warned),
            _ => None,
        }
    }

    /// Records a change of state; true when it is the one that makes the check flap.
    fn counts_as_change(&mut self, at: Timestamp) -> bool {
        self.changes.push_back(at);
        while self.changes.front().is_some_and(|first| *first + FLAPPING_WINDOW <= at) {
            self.changes.pop_front();
        }
        let flaps = self.changes.len() > FLAPPING_CHANGES;
        let newly = flaps && !self.flapping;
        self.flapping = flaps;
        newly
    }
}

/// The signal of a critical or flapping health check. Its text is what rules match; `since` is when the failures began.
pub fn health_signal(
    reading: &HealthReading,
    project: &ProjectName,
    finding: HealthFinding,
    since: Option<Timestamp>,
) -> NewSignal {
    let (check, service) = (reading.check.as_str(), reading.service.as_str());
    let (text, severity, kind) = match finding {
        HealthFinding::Flapping => {
            (format!("health check {check} is flapping: more than 4 changes in 10 minutes"), Severity::High, "flapping")
        }
        HealthFinding::Failed => {
            (format!("health check {check} failed: {}", reading.detail), Severity::Critical, "failed")
        }
    };
    NewSignal {
        kind: SignalKind::Health,
        source: SourceName::new(format!("health:{service}/{check}")),
        service: reading.service.clone(),
        project: project.clone(),
        severity,
        fingerprint: Fingerprint::of(&["health", project.as_str(), service, check, kind]),
        template: super::template(&text),
        text,
        attributes: BTreeMap::from([("check".into(), check.into()), ("health".into(), kind.into())]),
        trace_id: None,
        count: 1,
        first_seen: since.unwrap_or(reading.at),
        last_seen: reading.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceName;

    fn spec() -> CheckSpec {
        serde_json::from_str(r#"{"name":"http","http":{"url":"http://x"}}"#).expect("a check")
    }

    /// Readings one second apart: `-` fails, `+` succeeds.
    fn run(readings: &str) -> Vec<Option<HealthChange>> {
        let (mut tracker, spec) = (HealthTracker::default(), spec());
        readings
            .chars()
            .enumerate()
            .map(|(i, c)| {
                let reading = HealthReading {
                    at: Timestamp::from_micros(i as i64 * 1_000_000),
                    service: ServiceName::new("pay"),
                    check: "http".into(),
                    ok: c == '+',
                    detail: "connection refused".into(),
                };
                tracker.observe(&reading, &spec)
            })
            .collect()
    }

    #[test]
    fn one_failure_warns_three_are_critical_one_success_clears() {
        use HealthChange::{BecameCritical, Cleared, StillCritical, Warned};
        assert_eq!(run("+++"), [None, None, None]);
        assert_eq!(run("-+"), [Some(Warned), None]);
        assert_eq!(run("--+"), [Some(Warned), None, None]);
        assert_eq!(run("----+"), [Some(Warned), None, Some(BecameCritical), Some(StillCritical), Some(Cleared)]);
    }

    #[test]
    fn the_symptom_began_with_the_first_failure_in_a_row() {
        let (mut tracker, spec) = (HealthTracker::default(), spec());
        let mut since = Vec::new();
        for (second, ok) in [(0, false), (1, true), (2, false), (3, false), (4, false)] {
            let reading = HealthReading {
                at: Timestamp::from_micros(second * 1_000_000),
                service: ServiceName::new("pay"),
                check: "http".into(),
                ok,
                detail: String::new(),
            };
            tracker.observe(&reading, &spec);
            since.push(tracker.failing_since().map(|at| at.as_micros() / 1_000_000));
        }
        assert_eq!(since, [Some(0), None, Some(2), Some(2), Some(2)]);
    }

    #[test]
    fn the_fifth_time_down_or_up_in_ten_minutes_is_flapping_once() {
        let (mut tracker, spec) = (HealthTracker::default(), spec());
        let mut flapping = Vec::new();
        // Down after three failures, up after one success: the third time down is the fifth change.
        for (second, c) in "---+---+---+---+".chars().enumerate() {
            let reading = HealthReading {
                at: Timestamp::from_micros(second as i64 * 1_000_000),
                service: ServiceName::new("pay"),
                check: "http".into(),
                ok: c == '+',
                detail: String::new(),
            };
            let change = tracker.observe(&reading, &spec);
            if tracker.newly_flapping() {
                flapping.push((second, change));
            }
        }
        assert_eq!(flapping, [(10, Some(HealthChange::BecameCritical))], "told beside the failure, not instead of it");
    }
}
