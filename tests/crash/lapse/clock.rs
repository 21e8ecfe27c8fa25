//! Real time, times a factor, from a shared beginning: processes that are given the same numbers agree.

use std::time::Duration;

use selfheal_core::Timestamp;
use selfheal_engine::ports::Clock;

use crate::single::ports::now;

#[derive(Clone, Copy, Debug)]
pub struct Lapse {
    /// Microseconds since 1970, on both clocks.
    pub epoch: i64,
    pub factor: i64,
}

impl Lapse {
    pub fn real(self, seconds: u64) -> Duration {
        Duration::from_micros(seconds * 1_000_000 / self.factor.unsigned_abs())
    }
}

impl Clock for Lapse {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.epoch + (now() - self.epoch) * self.factor)
    }
}
