//! An incident as a row of the inbox.

use selfheal_core::{Group, Incident, ResolvedBy, Severity, State, Timestamp};
use selfheal_store::MinuteCount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfidenceBand;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    Detected,
    Decided,
    AwaitingApproval,
    Queued,
    Healing,
    Verifying,
    Escalated,
    Snoozed,
    Resolved,
    Closed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentRow {
    pub id: String,
    pub title: String,
    pub service: String,
    pub project: String,
    pub severity: Severity,
    pub state: StateName,
    /// The state as people say it.
    pub state_words: String,
    pub group: Group,
    pub opened_at: String,
    pub updated_at: String,
    pub last_signal_at: String,
    #[schema(required)]
    pub resolved_at: Option<String>,
    #[schema(required)]
    pub resolved_by: Option<ResolvedBy>,
    pub signal_count: u64,
    #[schema(required)]
    pub acknowledged_by: Option<String>,
    #[schema(required)]
    pub confidence: Option<ConfidenceBand>,
    /// Signals from onset to now, in 20 equal parts.
    pub sparkline: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentPage {
    pub incidents: Vec<IncidentRow>,
    /// Pass as `after` for the next page; null on the last.
    #[schema(required)]
    pub next: Option<String>,
}

const PARTS: usize = 20;

pub fn incident_row(incident: &Incident, counts: &[MinuteCount], now: Timestamp) -> IncidentRow {
    let (resolved_at, resolved_by) = match &incident.state {
        State::Resolved { by, at, .. } | State::Closed { by, at } => (Some(at.to_rfc3339()), Some(*by)),
        _ => (None, None),
    };
    let end = match &incident.state {
        State::Resolved { at, .. } | State::Closed { at, .. } => *at,
        _ => now,
    };
    IncidentRow {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        service: incident.service.to_string(),
        project: incident.project.to_string(),
        severity: incident.severity,
        state: state_name(&incident.state),
        state_words: state_words(incident),
        group: incident.state.group(now),
        opened_at: incident.opened_at.to_rfc3339(),
        updated_at: incident.updated_at.to_rfc3339(),
        last_signal_at: incident.last_signal_at.to_rfc3339(),
        resolved_at,
        resolved_by,
        signal_count: counts.iter().map(|count| count.count as u64).sum::<u64>().max(incident.signal_count),
        acknowledged_by: incident.acknowledged_by.clone(),
        confidence: incident.decided.as_ref().and_then(|decided| {
            let best = decided.matches.first()?;
            Some(ConfidenceBand::of(decided.decision.confidence.shown(), best.outcomes))
        }),
        sparkline: sparkline(counts, incident.onset, end),
    }
}

pub const fn state_name(state: &State) -> StateName {
    match state {
        State::Detected => StateName::Detected,
        State::Decided { .. } => StateName::Decided,
        State::AwaitingApproval { .. } => StateName::AwaitingApproval,
        State::Queued { .. } => StateName::Queued,
        State::Healing { .. } => StateName::Healing,
        State::Verifying { .. } => StateName::Verifying,
        State::Escalated { .. } => StateName::Escalated,
        State::Snoozed { .. } => StateName::Snoozed,
        State::Resolved { .. } => StateName::Resolved,
        State::Closed { .. } => StateName::Closed,
    }
}

fn state_words(incident: &Incident) -> String {
    match &incident.state {
        State::Detected => "detected, looking for the cause".into(),
        State::Decided { held: None } => "deciding".into(),
        State::Decided { held: Some(_) } => "held by the automation switch".into(),
        State::AwaitingApproval { .. } if incident.approval.is_some() => "approved, starting".into(),
        State::AwaitingApproval { .. } => "waiting for your approval".into(),
        State::Queued { .. } => "queued".into(),
        State::Healing { .. } => "healing".into(),
        State::Verifying { .. } => "making sure it helped".into(),
        State::Escalated { .. } => "needs a person".into(),
        State::Snoozed { .. } => "snoozed".into(),
        State::Resolved { by, .. } | State::Closed { by, .. } => match by {
            ResolvedBy::AutomaticFix => "fixed by itself".into(),
            ResolvedBy::ApprovedFix => "fixed, with approval".into(),
            ResolvedBy::Person => "resolved by hand".into(),
            ResolvedBy::Itself => "went away".into(),
        },
    }
}

fn sparkline(counts: &[MinuteCount], onset: Timestamp, end: Timestamp) -> Vec<i64> {
    let minute = |at: Timestamp| at.as_micros().div_euclid(60_000_000);
    let (first, last) = (minute(onset), minute(end).max(minute(onset)));
    let mut parts = vec![0; PARTS];
    for count in counts {
        let at = (count.minute - first).clamp(0, last - first);
        let part = at as usize * PARTS / (last - first + 1) as usize;
        parts[part.min(PARTS - 1)] += count.count;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_keeps_every_signal() {
        let counts = [
            MinuteCount { minute: 0, count: 3 },
            MinuteCount { minute: 39, count: 2 },
            MinuteCount { minute: 90, count: 1 },
        ];
        let line = sparkline(&counts, Timestamp::EPOCH, Timestamp::from_micros(39 * 60_000_000));
        assert_eq!((line.len(), line[0], line[19], line.iter().sum::<i64>()), (20, 3, 3, 6));
    }
}
