//! Circuit breakers of target connections: 5 failed calls in a minute open one, a minute later one call may try again.
//!
//! Kept in memory: a new leader starts with closed breakers and learns within a minute.

use std::collections::{HashMap, VecDeque};

use selfheal_core::config::Limits;
use selfheal_core::{Breaker, Span, Timestamp};

const WINDOW: Span = Span::from_minutes(1);

#[derive(Debug, Default)]
pub struct Breakers {
    connections: HashMap<String, Connection>,
}

#[derive(Debug, Default)]
struct Connection {
    failures: VecDeque<Timestamp>,
    open_until: Option<Timestamp>,
}

impl Breakers {
    pub fn state(&self, connection: &str) -> Breaker {
        match self.connections.get(connection).and_then(|found| found.open_until) {
            Some(until) => Breaker::Open { until },
            None => Breaker::Closed,
        }
    }

    pub fn succeeded(&mut self, connection: &str) {
        self.connections.remove(connection);
    }

    pub fn failed(&mut self, connection: &str, at: Timestamp, limits: &Limits) {
        let found = self.connections.entry(connection.to_owned()).or_default();
        found.failures.push_back(at);
        while found.failures.front().is_some_and(|first| *first + WINDOW <= at) {
            found.failures.pop_front();
        }
        // A failure while half open opens it again at once.
        let half_open = found.open_until.is_some_and(|until| until <= at);
        if half_open || found.failures.len() >= limits.breaker_failures as usize {
            found.open_until = Some(at + Span::from_secs(limits.breaker_open_seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Span::from_secs(seconds)
    }

    #[test]
    fn five_failures_in_a_minute_open_it_and_a_success_closes_it() {
        let (limits, mut breakers) = (Limits::default(), Breakers::default());
        for second in [0, 10, 20, 30] {
            breakers.failed("db", at(second), &limits);
        }
        assert_eq!(breakers.state("db"), Breaker::Closed);
        // The first failure has left the window: still four.
        breakers.failed("db", at(60), &limits);
        assert_eq!(breakers.state("db"), Breaker::Closed);
        breakers.failed("db", at(61), &limits);
        assert_eq!(breakers.state("db"), Breaker::Open { until: at(121) });
        assert_eq!(breakers.state("other"), Breaker::Closed);
        breakers.failed("db", at(125), &limits);
        assert_eq!(breakers.state("db"), Breaker::Open { until: at(185) }, "one failure while half open");
        breakers.succeeded("db");
        assert_eq!(breakers.state("db"), Breaker::Closed);
    }
}
