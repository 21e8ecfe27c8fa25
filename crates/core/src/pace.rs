//! The pace of time: wall-clock time, held to a clock that only counts.
//!
//! A wall clock can be set. One that leaps ahead would free the slots of a limit early, one that is set back would hold
//! them for hours. Both are seen against a steady clock (time since the machine was started, sleep included): while the
//! two disagree, time goes on at the steady pace from where it was. A leap ahead is believed once nothing is counted that
//! it could free; that is the engine's to say ([`Pace::believe`]).
//!
//! The two may drift apart as far as clocks are slewed: 1 part in 1,000 (NTP slews by at most 1 in 2,000), and a
//! quarter of a second.

use serde::{Deserialize, Serialize};

use crate::{Span, Timestamp};

/// What a steady clock says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    /// Since the machine was started.
    pub since_boot: Span,
    /// Which start of the machine that is; without it nothing can be compared after a restart of the engine.
    pub boot: Option<String>,
}

/// A moment on both clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub at: Timestamp,
    pub steady: Steady,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    anchor: Option<Anchor>,
}

/// After this long an anchor is set anew, so that slewing does not add up.
const ANCHOR: Span = Span::from_minutes(10);
const TOLERANCE: Span = Span::from_millis(250);
const SLEW: i64 = 1_000;

/// How the wall clock stands to the steady one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    None,
    /// It was set ahead by this much.
    Ahead(Span),
    /// It was set back by this much.
    Behind(Span),
}

impl Pace {
    /// Goes on from an anchor that an engine left. One of another start of the machine says nothing.
    pub fn resume(&mut self, left: Anchor, now: Option<&Steady>) {
        let same = now.is_some_and(|now| {
            now.boot.is_some() && now.boot == left.steady.boot && now.since_boot >= left.steady.since_boot
        });
        if same {
            self.anchor = Some(left);
        }
    }

    /// The time, from what both clocks say; and how the wall clock stands.
    pub fn read(&mut self, wall: Timestamp, steady: Option<Steady>) -> (Timestamp, Drift) {
        let Some(steady) = steady else { return (wall, Drift::None) };
        let anchor = self.anchor.get_or_insert_with(|| Anchor { at: wall, steady: steady.clone() });
        let elapsed = Span::from_micros(steady.since_boot.as_micros() - anchor.steady.since_boot.as_micros());
        let expected = anchor.at + elapsed;
        let tolerance = Span::from_micros(elapsed.as_micros() / SLEW + TOLERANCE.as_micros());
        if wall > expected + tolerance {
            return (expected, Drift::Ahead(wall.since(expected)));
        }
        if wall + tolerance < expected {
            return (expected, Drift::Behind(expected.since(wall)));
        }
        if elapsed >= ANCHOR {
            self.anchor = Some(Anchor { at: wall, steady });
        }
        (wall, Drift::None)
    }

    /// Believes the wall clock from here on.
    pub fn believe(&mut self, wall: Timestamp, steady: Option<Steady>) {
        self.anchor = steady.map(|steady| Anchor { at: wall, steady });
    }

    /// What another engine can go on from.
    pub const fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wall(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Span::from_secs(1_000_000 + seconds)
    }

    fn steady(seconds: u64) -> Option<Steady> {
        Some(Steady { since_boot: Span::from_secs(seconds), boot: Some("b".into()) })
    }

    #[test]
    fn leaps_are_not_followed() {
        let mut pace = Pace::default();
        for (wall_seconds, steady_seconds, expected, drift) in [
            (0, 0, 0, Drift::None),
            (10, 10, 10, Drift::None),
            // Set ahead by an hour, and later set right.
            (3_620, 20, 20, Drift::Ahead(Span::from_secs(3_600))),
            (3_630, 30, 30, Drift::Ahead(Span::from_secs(3_600))),
            (40, 40, 40, Drift::None),
            // Set back.
            (0, 50, 50, Drift::Behind(Span::from_secs(50))),
            (60, 60, 60, Drift::None),
        ] {
            assert_eq!(pace.read(wall(wall_seconds), steady(steady_seconds)), (wall(expected), drift));
        }
        pace.believe(wall(3_660), steady(60));
        assert_eq!(pace.read(wall(3_670), steady(70)), (wall(3_670), Drift::None));
    }

    #[test]
    fn an_engine_goes_on_at_the_pace_of_the_one_before_it() {
        let mut before = Pace::default();
        before.read(wall(0), steady(0));
        let left = before.anchor().expect("set").clone();
        let mut same_boot = Pace::default();
        same_boot.resume(left.clone(), steady(30).as_ref());
        assert_eq!(same_boot.read(wall(7_200), steady(30)).0, wall(30), "the clock was set while no engine ran");
        let mut other_boot = Pace::default();
        let rebooted = Some(Steady { since_boot: Span::from_secs(30), boot: Some("c".into()) });
        other_boot.resume(left, rebooted.as_ref());
        assert_eq!(other_boot.read(wall(7_200), rebooted).0, wall(7_200));
    }

    #[test]
    fn without_a_steady_clock_the_wall_is_believed() {
        let mut pace = Pace::default();
        pace.read(wall(0), None);
        assert_eq!(pace.read(wall(7_200), None), (wall(7_200), Drift::None));
    }

    proptest! {
        /// Whatever the wall clock is set to, an hour of engine time takes an hour, but for what clocks are slewed.
        #[test]
        fn time_never_runs_ahead_of_the_steady_clock(walls in proptest::collection::vec(0u64..20_000, 1..200)) {
            let mut pace = Pace::default();
            pace.read(wall(0), steady(0));
            for (index, seconds) in walls.into_iter().enumerate() {
                let elapsed = (index as u64 + 1) * 60;
                let (now, _) = pace.read(wall(seconds), steady(elapsed));
                let ahead = now.since(wall(elapsed));
                let slew = Span::from_millis(250 * (elapsed / 600 + 1) + elapsed * 2);
                prop_assert!(ahead <= slew, "{ahead} ahead after {elapsed} s");
            }
        }
    }
}
