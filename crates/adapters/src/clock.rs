//! The system's clock: the only place that asks for the time. Everything else is handed it.

use selfheal_core::Timestamp;
use selfheal_engine::ports::Clock;

/// The wall clock of this host, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks for the time")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }

    fn utc_offset(&self, at: Timestamp) -> i32 {
        use chrono::Offset;
        let at = chrono::DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
        at.with_timezone(&chrono::Local).offset().fix().local_minus_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_time_of_this_century() {
        assert!(Timestamp::parse("2026-01-01T00:00:00Z").is_some_and(|start| SystemClock.now() > start));
    }
}
