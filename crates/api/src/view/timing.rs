//! How long the stages took, told from the facts.
//!
//! An incident that came back has a second life: what it took the first time says nothing about it, and the hours between
//! are nobody's. Everything counts from when it last began.

use selfheal_core::{Fact, Incident, State, Timestamp};
use selfheal_store::StoredFact;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds that the stages took since it last began; null where a stage has not ended, or its record has expired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Timing {
    /// When it came back, where it was over before: everything counts from then.
    #[schema(required)]
    pub came_back_at: Option<String>,
    /// From onset to detection.
    #[schema(required)]
    pub detect: Option<f64>,
    /// From detection to the first decision.
    #[schema(required)]
    pub decide: Option<f64>,
    /// From its decision to the end of the last action.
    #[schema(required)]
    pub act: Option<f64>,
    /// From the last action's end to the verdict.
    #[schema(required)]
    pub verify: Option<f64>,
    /// From onset to the end.
    #[schema(required)]
    pub total: Option<f64>,
}

pub fn timing(incident: &Incident, facts: &[StoredFact]) -> Timing {
    let began = facts.iter().rposition(|fact| matches!(fact.body, Fact::Opened { .. } | Fact::Recurred { .. }));
    let Some(began) = began else { return Timing::default() };
    let (first, rest) = (&facts[began], &facts[began + 1..]);
    let (onset, came_back_at) = match &first.body {
        Fact::Recurred { signal, .. } => (signal.first_seen.min(first.at), Some(first.at.to_rfc3339())),
        // Signals that joined later may have been seen earlier.
        _ => (incident.onset.min(first.at), None),
    };
    let started = rest.iter().rposition(|fact| matches!(fact.body, Fact::Admitted { .. }));
    let (before, after) = rest.split_at(started.unwrap_or(rest.len()));
    let decision = |facts: &[StoredFact]| {
        facts
            .iter()
            .filter(|fact| matches!(fact.body, Fact::Decided(_) | Fact::Chosen { .. }))
            .map(|fact| fact.at)
            .next()
    };
    let last_decision = before.iter().rev().find(|fact| matches!(fact.body, Fact::Decided(_) | Fact::Chosen { .. }));
    let finished = after.iter().find(|fact| matches!(fact.body, Fact::ActionFinished { .. })).map(|fact| fact.at);
    let verified = after.iter().find(|fact| matches!(fact.body, Fact::Verified { .. })).map(|fact| fact.at);
    let end = match &incident.state {
        State::Resolved { at, .. } | State::Closed { at, .. } => Some(*at),
        _ => None,
    };
    Timing {
        came_back_at,
        detect: Some(seconds(onset, first.at)),
        decide: decision(rest).map(|at| seconds(first.at, at)),
        act: last_decision.zip(finished).map(|(decided, finished)| seconds(decided.at, finished)),
        verify: finished.zip(verified).map(|(finished, verified)| seconds(finished, verified)),
        total: end.map(|end| seconds(onset, end)),
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.since(from).as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use selfheal_core::{
        Decided, Decision, DecisionConfidence, DecisionKind, EventId, Fingerprint, IncidentId, Outcome, ProjectName,
        ResolvedBy, ServiceName, Severity, SignalId, SignalSeen, Span, Verdict,
    };

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Span::from_secs(seconds)
    }

    fn signal(first_seen: u64) -> SignalSeen {
        SignalSeen {
            id: SignalId(1),
            service: ServiceName::new("web"),
            severity: Severity::High,
            fingerprint: Fingerprint("f".into()),
            template: "t".into(),
            trace_id: None,
            count: 1,
            first_seen: at(first_seen),
            last_seen: at(first_seen),
        }
    }

    fn decided() -> Fact {
        Fact::Decided(Box::new(Decided {
            service: ServiceName::new("web"),
            matches: vec![],
            root_cause: None,
            decision: Decision {
                kind: DecisionKind::Auto,
                confidence: DecisionConfidence::ZERO,
                reasons: vec![],
                would_change: vec![],
            },
            plan: None,
            state_now: None,
            host: None,
            previewed_at: None,
        }))
    }

    fn attempt(start: u64) -> Vec<(u64, Fact)> {
        let event = EventId(7);
        let verdict = Verdict {
            command_succeeded: true,
            symptom_cleared: true,
            stayed_clear: true,
            detail: String::new(),
            inconclusive: false,
        };
        vec![
            (start, decided()),
            (start + 1, Fact::Admitted { gates: vec![], event, approved_by: None }),
            (start + 3, Fact::ActionFinished { event, outcome: Outcome::Succeeded { detail: String::new() } }),
            (start + 10, Fact::Verified { event, verdict, learned: None, watch_until: at(2_000) }),
        ]
    }

    fn stored(facts: Vec<(u64, Fact)>) -> Vec<StoredFact> {
        facts
            .into_iter()
            .enumerate()
            .map(|(i, (seconds, body))| StoredFact { seq: i as i64 + 1, at: at(seconds), body })
            .collect()
    }

    fn incident(state: State) -> Incident {
        let title = "t".to_owned();
        let (mut incident, _) = Incident::open(IncidentId(1), ProjectName::new("p"), title, &signal(0), at(2));
        incident.state = state;
        incident
    }

    #[test]
    fn a_recurrence_counts_from_when_it_came_back() {
        let mut facts = vec![(2, Fact::Opened { signal: signal(0), title: "t".into() })];
        facts.extend(attempt(5));
        facts.push((1_800, Fact::Recurred { signal: signal(1_799), taken_back: None }));
        let back = timing(&incident(State::Detected), &stored(facts.clone()));
        assert_eq!((back.detect, back.decide, back.act), (Some(1.0), None, None), "nothing of the first time");
        assert_eq!(back.came_back_at, Some(at(1_800).to_rfc3339()));
        facts.extend(attempt(1_804));
        let resolved = State::Resolved { by: ResolvedBy::AutomaticFix, at: at(1_814), watch_until: at(9_000) };
        let healed = timing(&incident(resolved), &stored(facts));
        let stages = (healed.detect, healed.decide, healed.act, healed.verify, healed.total);
        assert_eq!(stages, (Some(1.0), Some(4.0), Some(3.0), Some(7.0), Some(15.0)));
    }

    #[test]
    fn a_second_attempt_leaves_the_first_decision_where_it_was() {
        let mut facts = vec![(2, Fact::Opened { signal: signal(0), title: "t".into() })];
        facts.extend(attempt(5));
        facts.extend(attempt(100));
        // Decided once more, for a person: what the last action took stays.
        facts.push((111, decided()));
        let told = timing(&incident(State::Detected), &stored(facts));
        assert_eq!((told.detect, told.decide, told.act, told.verify), (Some(2.0), Some(3.0), Some(3.0), Some(7.0)));
    }

    #[test]
    fn what_has_expired_is_not_made_up() {
        assert_eq!(timing(&incident(State::Detected), &[]), Timing::default());
    }
}
