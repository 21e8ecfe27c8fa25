//! The circuit breaker of a target's connection: 5 failed calls within a minute open it, a minute later it is half open
//! and lets one call through, whose outcome closes it or opens it again.
//!
//! A value like any other: the store keeps it, so that engines that share a database share it, and a restart forgets
//! nothing. Calls are those over the target's own connection (inspect, preview, run, and probes that go that way); a
//! health check that asks the service itself says nothing about the connection.

use serde::{Deserialize, Serialize};

use crate::config::Limits;
use crate::{Breaker, Span, Timestamp};

/// The time within which failures count together.
const WINDOW: Span = Span::from_minutes(1);

/// What is remembered of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionHealth {
    /// The failures of the last minute, earliest first.
    pub failures: Vec<Timestamp>,
    pub open_until: Option<Timestamp>,
}

impl ConnectionHealth {
    pub const fn breaker(&self) -> Breaker {
        match self.open_until {
            Some(until) => Breaker::Open { until },
            None => Breaker::Closed,
        }
    }

    /// Nothing to remember: the connection works.
    pub const fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.open_until.is_none()
    }

    /// After a failed call.
    #[must_use]
    pub fn failed(mut self, at: Timestamp, limits: &Limits) -> Self {
        // One failure while half open opens it again at once.
        let half_open = self.open_until.is_some();
        self.failures.retain(|failure| at < *failure + WINDOW);
        self.failures.push(at);
        if half_open || self.failures.len() >= limits.breaker_failures.max(1) as usize {
            self.open_until = Some(at + Span::from_secs(limits.breaker_open_seconds));
            self.failures.clear();
        }
        self
    }

    /// After a call that was answered. One that a half-open breaker let through closes it. While it is closed an answer takes no
    /// failure back: a target whose inspection works and whose runs fail shall rest too.
    #[must_use]
    pub fn answered(mut self, at: Timestamp) -> Self {
        if self.open_until.is_some() {
            return Self::default();
        }
        self.failures.retain(|failure| at < *failure + WINDOW);
        self
    }

    /// Nothing of it counts any more.
    pub fn is_quiet(&self, at: Timestamp) -> bool {
        self.recent(at) == 0 && self.open_until.is_none_or(|until| until <= at)
    }

    /// Failures that count at a moment.
    pub fn recent(&self, at: Timestamp) -> usize {
        self.failures.iter().filter(|failure| at < **failure + WINDOW).count()
    }

    /// Takes the one call that a half-open breaker lets through: everybody else waits for its outcome, at most as long as
    /// an open breaker waits. `None` where the breaker is open.
    pub fn trial(&self, at: Timestamp, limits: &Limits) -> Option<Self> {
        match self.open_until {
            None => Some(self.clone()),
            Some(until) if until <= at => {
                let until = at + Span::from_secs(limits.breaker_open_seconds);
                Some(Self { open_until: Some(until), ..self.clone() })
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Span::from_secs(seconds)
    }

    fn after(failures: &[u64]) -> ConnectionHealth {
        let limits = Limits::default();
        failures.iter().fold(ConnectionHealth::default(), |health, second| health.failed(at(*second), &limits))
    }

    #[test]
    fn five_failures_within_a_minute_open_it() {
        for (failures, breaker) in [
            (&[0, 10, 20, 30][..], Breaker::Closed),
            (&[0, 10, 20, 30, 59], Breaker::Open { until: at(119) }),
            // The first has left the window at exactly a minute.
            (&[0, 10, 20, 30, 60], Breaker::Closed),
            (&[0, 10, 20, 30, 60, 61], Breaker::Open { until: at(121) }),
            // Half open at 119: one failure opens it again.
            (&[0, 10, 20, 30, 59, 119], Breaker::Open { until: at(179) }),
        ] {
            assert_eq!(after(failures).breaker(), breaker, "{failures:?}");
        }
    }

    #[test]
    fn an_answer_closes_a_half_open_breaker_and_takes_no_failure_back() {
        let limits = Limits::default();
        let mut health = ConnectionHealth::default();
        for second in 0..4 {
            health = health.failed(at(second), &limits).answered(at(second));
        }
        assert_eq!((health.breaker(), health.recent(at(4))), (Breaker::Closed, 4));
        let open = health.failed(at(4), &limits);
        assert_eq!(open.breaker(), Breaker::Open { until: at(64) });
        assert!(open.trial(at(64), &limits).expect("half open").answered(at(65)).is_clean());
        // Old failures are forgotten.
        assert!(after(&[0]).answered(at(60)).is_clean());
    }

    #[test]
    fn half_open_lets_one_call_through() {
        let (open, limits) = (after(&[0, 1, 2, 3, 4]), Limits::default());
        assert_eq!(open.trial(at(63), &limits), None);
        let tried = open.trial(at(64), &limits).expect("half open");
        assert_eq!(tried.trial(at(64), &limits), None, "the second has to wait");
        assert_eq!(tried.failed(at(70), &limits).breaker(), Breaker::Open { until: at(130) });
        assert!(ConnectionHealth::default().trial(at(0), &limits).is_some());
    }
}
