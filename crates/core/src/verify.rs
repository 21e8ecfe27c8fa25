//! Step 7, verify: did the command succeed, did the symptom clear, did it stay clear?
//!
//! The target is looked at, too. A service that answers although what the action started is dead has not been fixed by it.

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
    /// What ran at the first look after the action: it has to be the same until the end.
    #[serde(default)]
    pub instance: Option<String>,
    pub last: Option<Reading>,
}

/// What was seen at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub at: Timestamp,
    pub checks: Vec<CheckResult>,
    /// When the incident's error pattern was last seen.
    pub symptom_last_seen: Option<Timestamp>,
    /// `None` where there is nobody who could look.
    #[serde(default)]
    pub target: Option<TargetState>,
}

/// What an action's target is found to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TargetState {
    /// `instance` is another one after each start: a process id with its start time.
    Running {
        instance: String,
    },
    NotRunning {
        detail: String,
    },
    /// Nobody can tell.
    Unknown {
        detail: String,
    },
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
    /// It could not be measured whether the target is well. Neither a success nor a failure: nothing is learned from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inconclusive: bool,
}

impl Verdict {
    /// A fix counts as a success when the symptom cleared and stayed clear, even where the command's own outcome is
    /// unknown; a command that failed is a failure whatever happened next.
    pub const fn success(&self) -> bool {
        self.command_succeeded && self.symptom_cleared && self.stayed_clear
    }

    /// The three results in a few words.
    pub const fn words(&self) -> &'static str {
        if self.inconclusive {
            return "whether it helped is not known";
        }
        match (self.command_succeeded, self.symptom_cleared, self.stayed_clear) {
            (true, true, true) => "it helped",
            (true, true, false) => "the symptom cleared, but did not stay away",
            (true, false, _) => "it ran, but did not help",
            (false, _, _) => "it failed to run, so it did not help",
        }
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
        Self { since: finished, deadline: finished + settings.timeout(), clear_since: None, instance: None, last: None }
    }

    /// When the symptom will have stayed away long enough, if it stays away.
    pub fn stable_at(&self, settings: &Verification) -> Option<Timestamp> {
        self.clear_since.map(|since| since + settings.stabilisation())
    }

    /// Takes a reading. `outcome` is the command's own.
    pub fn read(mut self, reading: Reading, outcome: &Outcome, settings: &Verification) -> Progress {
        let mut failing: Vec<String> = reading
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        let answers = failing.is_empty();
        let target = self.target(reading.target.as_ref());
        let unseen = matches!(target, Target::Unseen(_));
        if let Target::Unseen(why) | Target::Dead(why) = &target {
            failing.push(why.clone());
        }
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
            inconclusive: false,
        };
        if let Outcome::Failed { detail } = outcome {
            let detail = format!("the action failed: {detail}");
            return Progress::Done(self, verdict(clear, false, detail));
        }
        // What was started is dead: whatever answers now was not started by the action, and waiting changes nothing. Where it is
        // not known what the action did, it may still come.
        if let (Target::Dead(why), Outcome::Succeeded { .. }) = (&target, outcome) {
            let but = if answers { ". The checks succeed, so something else answers them" } else { "" };
            return Progress::Done(self, verdict(answers, false, format!("{why}{but}")));
        }
        if self.stable_at(settings).is_some_and(|at| at <= now) {
            let detail = format!("clear for {}", settings.stabilisation());
            return Progress::Done(self, verdict(true, true, detail));
        }
        if !clear && now >= self.deadline {
            let what =
                if failing.is_empty() { "the error pattern is still seen".to_owned() } else { failing.join("; ") };
            let mut verdict = verdict(was_clear, false, format!("still failing after {}: {what}", settings.timeout()));
            if unseen && answers {
                verdict.inconclusive = true;
                verdict.detail = format!("the checks succeed, but after {} {what}", settings.timeout());
            }
            return Progress::Done(self, verdict);
        }
        Progress::Continue(self)
    }

    /// What a look at the target says.
    fn target(&mut self, seen: Option<&TargetState>) -> Target {
        match seen {
            None => Target::Well,
            Some(TargetState::Running { instance }) => {
                let first = self.instance.replace(instance.clone());
                match first {
                    Some(first) if first != *instance => {
                        Target::Dead(format!("what ran after the action ({first}) is gone; {instance} runs now"))
                    }
                    _ => Target::Well,
                }
            }
            Some(TargetState::NotRunning { detail }) => {
                Target::Dead(format!("what the action should have started does not run: {detail}"))
            }
            Some(TargetState::Unknown { detail }) => {
                Target::Unseen(format!("the target could not be looked at: {detail}"))
            }
        }
    }
}

enum Target {
    Well,
    Dead(String),
    Unseen(String),
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
                target: None,
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

    /// Readings as (seconds after the action, checks succeed?, what the target does).
    fn look(readings: &[(u64, bool, TargetState)], outcome: &Outcome) -> Option<Verdict> {
        let settings = Verification::default();
        let mut watch = Watch::start(FINISHED, &settings);
        for (seconds, ok, target) in readings {
            let reading = Reading {
                at: at(*seconds),
                checks: vec![CheckResult { name: "http".into(), ok: *ok, detail: "refused".into() }],
                symptom_last_seen: None,
                target: Some(target.clone()),
            };
            // Kept between two readings as it is stored.
            let stored = serde_json::to_value(&watch).expect("written");
            match serde_json::from_value::<Watch>(stored).expect("read").read(reading, outcome, &settings) {
                Progress::Continue(next) => watch = next,
                Progress::Done(_, verdict) => return Some(verdict),
            }
        }
        None
    }

    #[test]
    fn what_answers_although_the_started_one_is_dead_was_not_fixed() {
        let runs = |instance: &str| TargetState::Running { instance: instance.into() };
        let dead = || TargetState::NotRunning { detail: "process 7 is gone".into() };
        let unseen = || TargetState::Unknown { detail: "no answer".into() };
        let done = Outcome::Succeeded { detail: String::new() };
        let unknown = Outcome::Unknown { detail: "lost".into() };
        for (name, readings, outcome, expected) in [
            ("the same until the end", &[(0, true, runs("7")), (60, true, runs("7"))][..], &done, Some((true, false))),
            ("dead, and something answers", &[(0, true, dead())], &done, Some((false, false))),
            ("died midway", &[(0, true, runs("7")), (30, true, dead())], &done, Some((false, false))),
            ("another one now", &[(0, true, runs("7")), (59, true, runs("8"))], &done, Some((false, false))),
            ("not seen for a moment", &[(0, true, runs("7")), (5, true, unseen()), (65, true, runs("7"))], &done, None),
            (
                "seen again for long enough",
                &[(0, true, unseen()), (10, true, runs("7")), (70, true, runs("7"))],
                &done,
                Some((true, false)),
            ),
            (
                "never seen",
                &[(0, true, unseen()), (60, true, unseen()), (120, true, unseen())],
                &done,
                Some((false, true)),
            ),
            ("never seen, and failing", &[(0, false, unseen()), (120, false, unseen())], &done, Some((false, false))),
            ("nobody knows whether it was started", &[(0, true, dead()), (60, true, dead())], &unknown, None),
            ("and it was not", &[(0, true, dead()), (120, true, dead())], &unknown, Some((false, false))),
            (
                "and it was, late",
                &[(0, true, dead()), (5, true, runs("7")), (65, true, runs("7"))],
                &unknown,
                Some((true, false)),
            ),
        ] {
            let verdict = look(readings, outcome);
            assert_eq!(verdict.as_ref().map(|v| (v.success(), v.inconclusive)), expected, "{name}: {verdict:?}");
        }
    }
}
