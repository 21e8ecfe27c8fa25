//! Step 7, verify: did the command succeed, did the symptom clear, did it stay clear?

use serde::{Deserialize, Serialize};

use crate::config::Verification;
use crate::{Outcome, Timestamp};

/// Where a verification stands between two readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// When the action finished: symptoms seen before that do not count.
    pub since: Timestamp,
    /// When the symptom must have cleared.
    pub deadline: Timestamp,
    /// Since when every reading was clear.
    pub clear_since: Option<Timestamp>,
    pub last: Option<Reading>,
}

/// What was seen at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub at: Timestamp,
    pub checks: Vec<CheckResult>,
    /// When the incident's error pattern was last seen.
    pub symptom_last_seen: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

/// The three results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub command_succeeded: bool,
    pub symptom_cleared: bool,
    pub stayed_clear: bool,
    pub detail: String,
}

impl Verdict {
    /// A fix counts as a success when the symptom cleared and stayed clear, even where the command's own outcome is
    /// unknown; a command that failed is a failure whatever happened next.
    pub const fn success(&self) -> bool {
        self.command_succeeded && self.symptom_cleared && self.stayed_clear
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Read again.
    Continue(Watch),
    Done(Watch, Verdict),
}

impl Watch {
    pub fn start(finished: Timestamp, settings: &Verification) -> Self {
        Self { since: finished, deadline: finished + settings.timeout(), clear_since: None, last: None }
    }

    /// When the symptom will have stayed away long enough, if it stays away.
    pub fn stable_at(&self, settings: &Verification) -> Option<Timestamp> {
        self.clear_since.map(|since| since + settings.stabilisation())
    }

    /// Takes a reading. `outcome` is the command's own.
    pub fn read(mut self, reading: Reading, outcome: &Outcome, settings: &Verification) -> Progress {
        let failing: Vec<String> = reading
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        // The symptom may be seen for a moment longer than the action takes: the window starts at its last sight.
        let seen = reading.symptom_last_seen.filter(|seen| *seen > self.since);
        let last_look = self.last.as_ref().map_or(self.since, |last| last.at);
        let clear = failing.is_empty() && seen.is_none_or(|seen| seen <= last_look);
        let was_clear = self.clear_since.is_some();
        let now = reading.at;
        let began = self.clear_since.unwrap_or(now);
        self.clear_since = failing.is_empty().then(|| seen.map_or(began, |seen| began.max(seen)));
        self.last = Some(reading);
        let verdict = |cleared: bool, stayed: bool, detail: String| Verdict {
            command_succeeded: !matches!(outcome, Outcome::Failed { .. }),
            symptom_cleared: cleared,
            stayed_clear: stayed,
            detail,
        };
        if let Outcome::Failed { detail } = outcome {
            let detail = format!("the action failed: {detail}");
            return Progress::Done(self, verdict(clear, false, detail));
        }
        if self.stable_at(settings).is_some_and(|at| at <= now) {
            let detail = format!("clear for {}", settings.stabilisation());
            return Progress::Done(self, verdict(true, true, detail));
        }
        if !clear && now >= self.deadline {
            let what =
                if failing.is_empty() { "the error pattern is still seen".to_owned() } else { failing.join("; ") };
            return Progress::Done(
                self,
                verdict(was_clear, false, format!("still failing after {}: {what}", settings.timeout())),
            );
        }
        Progress::Continue(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    const FINISHED: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn at(seconds: u64) -> Timestamp {
        FINISHED + Span::from_secs(seconds)
    }

    /// Readings as (seconds after the action, healthy?, symptom seen at).
    fn run(readings: &[(u64, bool, Option<u64>)], outcome: &Outcome) -> Option<(bool, bool, bool)> {
        let settings = Verification::default();
        let mut watch = Watch::start(FINISHED, &settings);
        for (seconds, ok, seen) in readings {
            let reading = Reading {
                at: at(*seconds),
                checks: vec![CheckResult { name: "http".into(), ok: *ok, detail: String::new() }],
                symptom_last_seen: seen.map(at),
            };
            match watch.read(reading, outcome, &settings) {
                Progress::Continue(next) => watch = next,
                Progress::Done(_, v) => return Some((v.command_succeeded, v.symptom_cleared, v.stayed_clear)),
            }
        }
        None
    }

    #[test]
    fn the_three_results() {
        let done = Outcome::Succeeded { detail: String::new() };
        let failed = Outcome::Failed { detail: "exit 1".into() };
        let unknown = Outcome::Unknown { detail: "lost".into() };
        for (name, readings, outcome, expected) in [
            (
                "clear for the whole window",
                &[(0, true, None), (59, true, None), (60, true, None)][..],
                &done,
                Some((true, true, true)),
            ),
            ("not yet", &[(0, true, None), (59, true, None)], &done, None),
            (
                "the window starts over",
                &[(0, true, None), (30, false, None), (31, true, None), (90, true, None)],
                &done,
                None,
            ),
            (
                "never clear",
                &[(0, false, None), (119, false, None), (120, false, None)],
                &done,
                Some((true, false, false)),
            ),
            ("clear, then back at the end", &[(119, true, None), (120, false, None)], &done, Some((true, true, false))),
            (
                "the old symptom does not count",
                &[(0, true, Some(0)), (60, true, Some(0))],
                &done,
                Some((true, true, true)),
            ),
            ("a new symptom does", &[(0, true, None), (60, true, Some(1))], &done, None),
            (
                "seen once more right after, then silent",
                &[(0, true, None), (2, true, Some(1)), (61, true, Some(1))],
                &done,
                Some((true, true, true)),
            ),
            (
                "healthy, but the errors go on",
                &[(0, true, None), (60, true, Some(59)), (119, true, Some(118)), (120, true, Some(120))],
                &done,
                Some((true, true, false)),
            ),
            ("failed to run", &[(0, true, None)], &failed, Some((false, true, false))),
            ("unknown, but clear", &[(0, true, None), (60, true, None)], &unknown, Some((true, true, true))),
        ] {
            assert_eq!(run(readings, outcome), expected, "{name}");
        }
    }
}
