//! The system's clocks: the only place that asks for the time. Everything else is handed it.

use selfheal_core::Timestamp;
use selfheal_core::pace::Steady;
use selfheal_engine::ports::Clock;

/// The wall clock of this host, in UTC, and the time since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks for the time")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }

    #[cfg(unix)]
    fn steady(&self) -> Option<Steady> {
        use nix::time::{ClockId, clock_gettime};

        /// Goes on while the machine sleeps, as the limits do.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const SINCE_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const SINCE_BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

        let time = std::time::Duration::from(clock_gettime(SINCE_BOOT).ok()?);
        let since_boot = selfheal_core::Span::from_micros(i64::try_from(time.as_micros()).ok()?);
        Some(Steady { since_boot, boot: boot() })
    }

    fn utc_offset(&self, at: Timestamp) -> i32 {
        use chrono::Offset;
        let at = chrono::DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
        at.with_timezone(&chrono::Local).offset().fix().local_minus_utc()
    }
}

/// Which start of the machine this is, where the system says so.
#[cfg(unix)]
fn boot() -> Option<String> {
    use std::sync::OnceLock;
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned());
    BOOT.get_or_init(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_time_of_this_century() {
        assert!(Timestamp::parse("2026-01-01T00:00:00Z").is_some_and(|start| SystemClock.now() > start));
    }

    #[test]
    fn the_steady_clock_counts_on() {
        let first = SystemClock.steady().expect("there is one");
        let second = SystemClock.steady().expect("there is one");
        assert!(second.since_boot >= first.since_boot && second.boot == first.boot);
    }
}
