//! What holds an action back now, and until when.
//!
//! The gates on record are those of the last look. Between two looks a person may pause automation or announce a maintenance,
//! and the end of a cooldown is then no promise any more: what is told is the latest of what is known, or that a person's
//! word is what it waits for.

use crate::{Gate, GateResult, Posture, Timestamp};

/// The gates as they stand now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    pub gates: Vec<GateResult>,
}

impl Waits {
    /// The gates of the last look, with those that a person may have moved since as they are now.
    pub fn of(recorded: &[GateResult], now_known: impl IntoIterator<Item = GateResult>) -> Self {
        let mut gates = recorded.to_vec();
        for known in now_known {
            match gates.iter_mut().find(|gate| gate.gate == known.gate) {
                Some(gate) => *gate = known,
                None => gates.push(known),
            }
        }
        gates.sort_by_key(|gate| gate.gate);
        Self { gates }
    }

    /// What still refuses, in order.
    pub fn refusals(&self, now: Timestamp) -> impl Iterator<Item = &GateResult> {
        self.gates.iter().filter(move |gate| !gate.passed && gate.until.is_none_or(|until| now < until))
    }

    /// What decides.
    pub fn first(&self, now: Timestamp) -> Option<&GateResult> {
        self.refusals(now).next()
    }

    /// When time alone has freed everything that holds it back: the latest of what is known. `None` where something that no
    /// time frees is among it, or nothing holds it back. A turn comes when it comes, and counts for nothing here.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut latest = None;
        for refusal in self.refusals(now).filter(|refusal| refusal.gate != Gate::OneAtATime) {
            latest = latest.max(Some(refusal.until?));
        }
        latest
    }

    /// Whether it waits for a person to resume automation. While Selfheal only observes, an approval is enough.
    pub fn until_resumed(&self, now: Timestamp) -> bool {
        let paused =
            |refusal: &GateResult| refusal.gate == Gate::Automation && refusal.reason == Posture::Paused.words();
        self.refusals(now).any(|refusal| paused(refusal) && refusal.until.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn gate(gate: Gate, passed: bool, minutes: Option<u64>) -> GateResult {
        let until = minutes.map(|minutes| NOW + Span::from_minutes(minutes));
        GateResult { gate, passed, reason: format!("{}.", gate.as_str()), until }
    }

    #[test]
    fn a_pause_and_a_maintenance_outlast_the_cooldown() {
        let recorded = [
            gate(Gate::Automation, true, None),
            gate(Gate::Maintenance, true, None),
            gate(Gate::Cooldown, false, Some(10)),
            gate(Gate::OneAtATime, false, None),
        ];
        let open = (gate(Gate::Automation, true, None), gate(Gate::Maintenance, true, None));
        let paused =
            |minutes| GateResult { reason: Posture::Paused.words().into(), ..gate(Gate::Automation, false, minutes) };
        let observed = || GateResult { reason: Posture::Observe.words().into(), ..gate(Gate::Automation, false, None) };
        let maintenance = |minutes| gate(Gate::Maintenance, false, Some(minutes));
        for (name, automation, window, first, until, resumed) in [
            ("the cooldown alone", open.0.clone(), open.1.clone(), Gate::Cooldown, Some(10), false),
            ("a longer maintenance", open.0.clone(), maintenance(45), Gate::Maintenance, Some(45), false),
            ("a shorter maintenance", open.0.clone(), maintenance(5), Gate::Maintenance, Some(10), false),
            ("a pause with an end, and both", paused(Some(60)), maintenance(45), Gate::Automation, Some(60), false),
            ("observe only, which an approval frees", observed(), open.1.clone(), Gate::Automation, None, false),
            ("a pause without an end", paused(None), maintenance(45), Gate::Automation, None, true),
        ] {
            let waits = Waits::of(&recorded, [automation, window]);
            assert_eq!(waits.first(NOW).map(|refusal| refusal.gate), Some(first), "{name}");
            let expected = until.map(|minutes| NOW + Span::from_minutes(minutes));
            assert_eq!((waits.until(NOW), waits.until_resumed(NOW)), (expected, resumed), "{name}");
        }
    }

    #[test]
    fn what_is_over_holds_nothing_back() {
        let waits = Waits::of(&[gate(Gate::Cooldown, false, Some(10))], []);
        let later = NOW + Span::from_minutes(10);
        assert_eq!((waits.first(later), waits.until(later)), (None, None));
        let turn = Waits::of(&[gate(Gate::OneAtATime, false, None)], []);
        assert_eq!((turn.first(NOW).is_some(), turn.until(NOW), turn.until_resumed(NOW)), (true, None, false));
    }
}
