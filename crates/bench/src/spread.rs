//! Medians and their spread.

use std::time::Duration;

/// The median of some durations.
pub fn median(times: &mut [Duration]) -> Duration {
    share(times, 0.5)
}

/// The duration that this share of them, 0 to 1, does not exceed.
pub fn share(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let at = (times.len() as f64 * share) as usize;
    times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Lowest, middle and highest of the runs' medians, in microseconds.
pub struct Spread {
    pub low: f64,
    pub middle: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(mut medians: Vec<Duration>) -> Self {
        let middle = median(&mut medians);
        let micros = |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1e6;
        Self { low: micros(medians.first()), middle: middle.as_secs_f64() * 1e6, high: micros(medians.last()) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.1} us ({:.1} to {:.1})", self.middle, self.low, self.high))
    }
}
