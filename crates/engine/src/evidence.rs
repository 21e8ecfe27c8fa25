//! Evidence beside the text: gathered for the candidates of a decision, and learned from incidents whose cause is confirmed.

use std::collections::BTreeMap;

use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_core::matching::PatternMatch;
use selfheal_core::matching::evidence::{
    Background, ConfirmedCause, EvidenceItem, SeenChange, hour_of_week, items, nearest_change, rests_on, sequences,
};
use selfheal_core::{
    BasisPoints, Change, ChangeKind, EventId, Fingerprint, Incident, NewSignal, PatternId, Plan, ServiceName, Timestamp,
};
use selfheal_store::{StoreError, Tx};

use crate::decide::SIGNALS;

/// Services upstream whose changes are looked at, and changes of each.
const UPSTREAMS: usize = 20;
const CHANGES: i64 = 5;

/// The evidence for and against each candidate that was matched on a service. A fixed number of queries, whatever the number
/// of candidates; none where there are no candidates.
pub async fn gather(
    tx: &mut Tx,
    incident: &Incident,
    service: &ServiceName,
    signals: &[NewSignal],
    candidates: &[PatternMatch],
    config: &Config,
) -> Result<BTreeMap<PatternId, Vec<EvidenceItem>>, StoreError> {
    if candidates.is_empty() {
        return Ok(BTreeMap::new());
    }
    // As they were matched: the rules point into these.
    let own: Vec<NewSignal> = signals.iter().filter(|signal| signal.service == *service).cloned().collect();
    let mut last_seen: BTreeMap<Fingerprint, Timestamp> = BTreeMap::new();
    for signal in candidates.iter().filter_map(|found| rests_on(found, &own)) {
        let last = last_seen.entry(signal.fingerprint.clone()).or_insert(signal.last_seen);
        *last = signal.last_seen.max(*last);
    }
    let patterns: Vec<PatternId> = candidates.iter().map(|found| found.pattern.clone()).collect();
    let project = &incident.project;
    let sights = tx.sights(project, service, &last_seen).await?;
    let (all, statistics) = tx.cause_statistics(&patterns, project, service, &sequences(signals)).await?;
    let background = Background {
        service: service.clone(),
        onset: incident.onset,
        sights,
        change: change_before(tx, incident, service, config).await?,
        all,
        patterns: statistics,
    };
    Ok(items(candidates, &own, signals, &background))
}

/// Adds the evidence to each match. It changes no relevance here.
pub(crate) async fn attach(
    tx: &mut Tx,
    incident: &Incident,
    service: &ServiceName,
    signals: &[NewSignal],
    matches: &mut [PatternMatch],
    config: &Config,
) -> Result<(), StoreError> {
    let mut found = gather(tx, incident, service, signals, matches, config).await?;
    for candidate in matches {
        candidate.items = found.remove(&candidate.pattern).unwrap_or_default();
    }
    Ok(())
}

/// The change nearest before an onset, on a service or on what it depends on.
async fn change_before(
    tx: &mut Tx,
    incident: &Incident,
    service: &ServiceName,
    config: &Config,
) -> Result<Option<SeenChange>, StoreError> {
    let (half_life, reach) = (config.correlation.change_half_life(), config.correlation.change_reach());
    // What it depends on may be another project's.
    let upstream = config.upstreams(service).into_iter().take(UPSTREAMS);
    let upstream = upstream.map(|service| (config.project_of(&service), service));
    let services: Vec<_> = [(incident.project.clone(), service.clone())].into_iter().chain(upstream).collect();
    let onset = incident.onset;
    let mut changes = tx.changes_before(&services, onset - reach, onset, CHANGES).await?;
    // What was done about it cannot have caused it, whatever the hosts' clocks say.
    changes.retain(|change| change.event.is_none_or(|event| incident.attempt(event).is_none()));
    Ok(nearest_change(&changes, onset, half_life))
}

/// Remembers what an incident with a confirmed cause teaches: where, when, after what and in which order.
pub(crate) async fn remember(
    tx: &mut Tx,
    incident: &Incident,
    pattern: &PatternId,
    config: &Config,
    now: Timestamp,
) -> Result<(), StoreError> {
    // What a person chose by hand is no pattern.
    if *pattern == PatternId::by_hand() {
        return Ok(());
    }
    let service = incident.decided.as_ref().map_or(&incident.service, |decided| &decided.service).clone();
    let signals: Vec<NewSignal> =
        tx.signals_of(incident.id, SIGNALS).await?.into_iter().map(|signal| signal.seen).collect();
    let change = change_before(tx, incident, &service, config).await?;
    let cause = ConfirmedCause {
        incident: incident.id,
        pattern: pattern.clone(),
        project: incident.project.clone(),
        service,
        hour: hour_of_week(incident.onset),
        change: change.map_or(BasisPoints::ZERO, |seen| seen.strength),
        sequences: sequences(&signals),
    };
    tx.put_cause(&cause, now).await
}

/// The pattern that an incident was put down to: the plan's, otherwise the best match's.
pub(crate) fn blamed(incident: &Incident) -> Option<&PatternId> {
    let decided = incident.decided.as_ref()?;
    let planned = decided.plan.as_ref().map(|plan| &plan.pattern);
    planned.or_else(|| decided.matches.first().map(|best| &best.pattern))
}

/// An action of ours that ran is a change too: what fails after it may fail because of it.
pub(crate) async fn record_own(
    tx: &mut Tx,
    event: EventId,
    plan: &Plan,
    approved_by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(kind) = ChangeKind::of_action(plan.action.kind) else { return Ok(()) };
    let incident = tx.incident(plan.incident).await?;
    let change = Change {
        id: 0,
        at: now,
        project: incident.project,
        service: plan.service.clone(),
        kind,
        version: None,
        actor: approved_by.unwrap_or("engine").to_owned(),
        comment: None,
        event: Some(event),
    };
    tx.put_change(&change).await.map(drop)
}

/// An entry of the trail about what was learned of an incident's cause.
pub(crate) fn about_cause(
    event_type: &'static str,
    actor: &str,
    pattern: &PatternId,
    incident: &Incident,
    result: &str,
    now: Timestamp,
) -> NewEntry {
    NewEntry {
        at: now,
        event_type,
        actor: actor.to_owned(),
        incident_id: Some(incident.id),
        pattern_id: Some(pattern.clone()),
        confidence: None,
        action: None,
        target: None,
        result: result.to_owned(),
        details: serde_json::json!({}),
    }
}
