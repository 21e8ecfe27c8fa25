//! Bursts: when a notifier is told one by one, and when many are one summary.
//!
//! Five notices within a minute are told as they come. What is more than that waits until the minute is over and is told as one,
//! again after each further minute in which more came, and a last time when none did. Nothing of it is only in memory but how
//! many were told within the last minute: what is held waits in the outbox, and the row of one notice carries the burst on
//! from summary to summary, so that a restart takes it up where it was.

use std::collections::{BTreeMap, VecDeque};

use selfheal_core::{Notice, NotifierName, Span, Timestamp};
use selfheal_store::{PendingEffect, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::{Engine, EngineError, lock};

/// Notices within [`WINDOW`] that are told one by one.
const SINGLY: usize = 5;
pub(crate) const WINDOW: Span = Span::from_minutes(1);

/// How fast a notifier was told things.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    told: VecDeque<Timestamp>,
    /// A burst goes on: what comes now is told then.
    until: Option<Timestamp>,
    /// What the outbox says of it was read.
    read: bool,
}

pub(crate) type Paces = BTreeMap<NotifierName, Pace>;

impl Pace {
    /// How many may still be told one by one.
    fn free(&mut self, now: Timestamp) -> usize {
        // A clock that was set back holds nothing up for longer than a window.
        self.told.retain(|at| *at <= now && now < *at + WINDOW);
        SINGLY.saturating_sub(self.told.len())
    }
}

/// What the row that carries a burst on keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub since: Timestamp,
    pub count: u64,
}

impl Carried {
    pub fn of(row: &PendingEffect) -> Option<Self> {
        row.state.get("burst_carried").and_then(|state| serde_json::from_value(state.clone()).ok())
    }

    pub fn state(self) -> Value {
        json!({ "burst_carried": self })
    }
}

pub(crate) fn is_held(row: &PendingEffect) -> bool {
    row.state["burst"] == true
}

/// What is to become of notices that are due and were not looked at before.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub singly: Vec<(PendingEffect, Notice)>,
    pub held: Vec<PendingEffect>,
    pub until: Option<Timestamp>,
}

impl Engine {
    /// Whether a burst goes on for a notifier, as the outbox has it. Read once.
    pub(crate) async fn take_up_burst(
        &self,
        name: &NotifierName,
        now: Timestamp,
        tx: &mut Tx,
    ) -> Result<(), EngineError> {
        if lock(&self.channels.paces).entry(name.clone()).or_default().read {
            return Ok(());
        }
        let waiting = tx.deliveries_after(now).await?;
        let mine = waiting.iter().filter(|(row, _)| is_held(row) || Carried::of(row).is_some()).filter(
            |(row, _)| matches!(&row.body, selfheal_core::Effect::Deliver { notifier, .. } if notifier == name),
        );
        let until = mine.map(|(_, due)| *due).min();
        let mut paces = lock(&self.channels.paces);
        let pace = paces.entry(name.clone()).or_default();
        (pace.until, pace.read) = (until, true);
        Ok(())
    }

    /// Which of these are told by themselves, worst first, and which wait for a summary.
    pub(crate) fn sort_by_pace(
        &self,
        name: &NotifierName,
        mut fresh: Vec<(PendingEffect, Notice)>,
        now: Timestamp,
    ) -> Sorted {
        let mut paces = lock(&self.channels.paces);
        let pace = paces.entry(name.clone()).or_default();
        let going_on = pace.until.filter(|until| now < *until && *until <= now + WINDOW);
        let free = if going_on.is_some() { 0 } else { pace.free(now) };
        fresh.sort_by_key(|(_, notice)| std::cmp::Reverse(notice.severity));
        let held: Vec<PendingEffect> = if fresh.len() > free {
            fresh.split_off(free).into_iter().map(|(row, _)| row).collect()
        } else {
            Vec::new()
        };
        if !held.is_empty() {
            pace.until = Some(going_on.unwrap_or(now + WINDOW));
        }
        Sorted { singly: fresh, held, until: pace.until }
    }

    pub(crate) fn told_singly(&self, name: &NotifierName, now: Timestamp) {
        lock(&self.channels.paces).entry(name.clone()).or_default().told.push_back(now);
    }

    pub(crate) fn burst_goes_on(&self, name: &NotifierName, until: Option<Timestamp>) {
        lock(&self.channels.paces).entry(name.clone()).or_default().until = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_minute_are_told_one_by_one() {
        let second = |s| Timestamp::EPOCH + Span::from_secs(s);
        let mut pace = Pace::default();
        for s in 0..5 {
            assert_eq!(pace.free(second(s)), 5 - s as usize);
            pace.told.push_back(second(s));
        }
        assert_eq!((pace.free(second(59)), pace.free(second(60)), pace.free(second(64))), (0, 1, 5));
    }
}
