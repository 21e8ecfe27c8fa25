//! From signals to incidents: stored with the source's checkpoint in one transaction, so that nothing that was
//! acknowledged is lost and nothing is counted twice.

use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_core::correlate::{JoinReason, OpenIncident, joins};
use selfheal_core::{
    Fact, Fingerprint, Incident, IncidentId, NewSignal, ServiceName, SignalKind, SignalSeen, SourceName, Span, State,
    Timestamp, Wanted, learn,
};
use selfheal_store::{StoreError, Tx};

use crate::engine::{Engine, EngineError};
use crate::evidence::about_cause;
use crate::learning::learn_from_end;
use crate::ports::Checkpoint;

/// A repeat this soon after the last one only counts; it is no news to the incident.
const NEWS: Span = Span::from_secs(10);
/// Kinds of failures that one transaction takes: a second's work at most, since everybody else who writes waits for it.
pub(crate) const KINDS: usize = 100;
const TITLE_LIMIT: usize = 140;
/// How far the clocks of two hosts may be apart.
const CLOCKS: Span = Span::from_minutes(24 * 60);

impl Engine {
    /// Takes signals, and the checkpoint of the source that they came from. Returns the incidents they belong to.
    ///
    /// Signals without a checkpoint are taken some at a time, so that others write in between; where one of these
    /// transactions fails, those before it are kept. With a checkpoint they are one transaction, and whoever polls keeps them
    /// few.
    pub async fn take(
        &self,
        signals: &[NewSignal],
        checkpoint: Option<(&SourceName, &Checkpoint)>,
    ) -> Result<Vec<IncidentId>, EngineError> {
        if checkpoint.is_some() {
            return self.take_at_once(signals, checkpoint).await;
        }
        let mut taken = Vec::new();
        for some in signals.chunks(KINDS) {
            let more = self.take_at_once(some, None).await?;
            taken.retain(|id| !more.contains(id));
            taken.extend(more);
        }
        Ok(taken)
    }

    async fn take_at_once(
        &self,
        signals: &[NewSignal],
        checkpoint: Option<(&SourceName, &Checkpoint)>,
    ) -> Result<Vec<IncidentId>, EngineError> {
        if signals.is_empty() && checkpoint.is_none() {
            return Ok(Vec::new());
        }
        let (config, now) = (self.config(), self.now());
        // A source's place is its leader's to move: one that was suspended and comes back must not read again.
        let mut tx = match checkpoint {
            Some(_) => self.write_as_leader().await?,
            None => self.store.write().await?,
        };
        let mut touched: Vec<Incident> = Vec::new();
        for signal in signals {
            if let Some(incident) = take_one(&mut tx, signal, &config, now).await? {
                touched.retain(|other| other.id != incident.id);
                touched.push(incident);
            }
        }
        if let Some((source, Checkpoint(body))) = checkpoint {
            tx.put_checkpoint(source, body, now).await?;
        }
        tx.commit().await?;
        for incident in &touched {
            self.announce_incident(incident);
        }
        if !touched.is_empty() {
            self.nudge();
        }
        Ok(touched.into_iter().map(|incident| incident.id).collect())
    }

    /// A health check of this service succeeds: incidents that were about it resolve once their symptom has stayed away
    /// for the stabilisation window. Returns whether any still waits for that.
    pub(crate) async fn healthy(
        &self,
        project: &str,
        service: &ServiceName,
        findings: &[Fingerprint],
    ) -> Result<bool, EngineError> {
        let (config, now) = (self.config(), self.now());
        let mut tx = self.store.read().await?;
        let mut open: Vec<Incident> = Vec::new();
        for finding in findings {
            open.extend(tx.open_incidents_with(project, finding).await?);
        }
        open.sort_by_key(|incident| incident.id);
        open.dedup_by_key(|incident| incident.id);
        drop(tx);
        if open.is_empty() {
            return Ok(false);
        }
        let mut waiting = false;
        for incident in open {
            let mut tx = self.store.write().await?;
            let incident = tx.incident(incident.id).await?;
            let seen = tx.symptom_last_seen(incident.id).await?.unwrap_or(incident.last_signal_at);
            if !incident.state.is_open() || incident.is_acting() || now < seen + config.verification.stabilisation() {
                waiting |= incident.state.is_open();
                continue;
            }
            let fact = Fact::SymptomCleared {
                detail: format!("The health checks of {service} succeed and the symptom stayed away."),
                watch_until: now + config.verification.watch(),
            };
            let incident = tx.record(incident.id, &fact, now).await?;
            tx.audit(NewEntry {
                at: now,
                event_type: "incident.resolved",
                actor: "engine".into(),
                incident_id: Some(incident.id),
                pattern_id: None,
                confidence: None,
                action: None,
                target: None,
                result: "resolved by itself".into(),
                details: serde_json::json!({ "service": service }),
            })
            .await?;
            learn_from_end(&mut tx, &incident, None, &config, now).await?;
            tx.commit().await?;
            self.announce_incident(&incident);
        }
        Ok(waiting)
    }
}

/// Stores one signal and finds its incident. `None` where the incident need not know.
pub(crate) async fn take_one(
    tx: &mut Tx,
    signal: &NewSignal,
    config: &Config,
    now: Timestamp,
) -> Result<Option<Incident>, StoreError> {
    let (id, new) = tx.put_signal(signal, config.correlation.repeat(), now).await?;
    let mut seen = SignalSeen::of(id, signal);
    if !new && let Some(incident) = tx.incident_of_signal(id).await? {
        let incident = tx.incident(incident).await?;
        if incident.state.is_open() {
            if seen.last_seen < incident.last_signal_at + NEWS && seen.severity <= incident.severity {
                return Ok(None);
            }
            let fact = Fact::SignalJoined { signal: seen, because: "repeat".into() };
            return tx.record(incident.id, &fact, now).await.map(Some);
        }
    }
    // The very failure that was just fixed is its recurrence, whatever else is open.
    let open = tx.candidates(signal.project.as_str(), &Wanted::by(signal, config)).await?;
    if !open.iter().any(|incident| incident.fingerprints.contains(&signal.fingerprint)) {
        for watched in &tx.watched_incidents_with(signal.project.as_str(), &signal.fingerprint).await? {
            let State::Resolved { at, watch_until, .. } = watched.state else { continue };
            // Hosts' clocks differ, by a zone at most; what is older was read late and is no news.
            let late = signal.last_seen + CLOCKS < at;
            if late || now < watch_until {
                seen.id = tx.attach_signal(id, watched.id, signal, now).await?;
            }
            if late {
                return Ok(None);
            }
            if now < watch_until {
                return recur(tx, watched, seen, config, now).await.map(Some);
            }
        }
    }
    for open in open {
        if let Some(reason) = joins(&as_open(&open), signal, config) {
            seen.id = tx.attach_signal(id, open.id, signal, now).await?;
            let fact = Fact::SignalJoined { signal: seen, because: words(reason).into() };
            return tx.record(open.id, &fact, now).await.map(Some);
        }
    }
    seen.id = tx.detach_signal(id, signal, now).await?;
    tx.open_incident(signal.project.clone(), title_of(signal), seen, now).await.map(Some)
}

/// The symptom came back: the credit of the last fix is taken back.
async fn recur(
    tx: &mut Tx,
    incident: &Incident,
    signal: SignalSeen,
    config: &Config,
    now: Timestamp,
) -> Result<Incident, StoreError> {
    let credited = incident.attempts.last().and_then(|attempt| {
        let verified = attempt.verified.as_ref()?;
        (verified.verdict.success() && verified.taken_back.is_none()).then_some((attempt, verified.learned?))
    });
    let mut taken_back = None;
    let cause = tx.take_back_cause(incident.id).await?;
    // One that was merged meanwhile gave its credit to the pattern that it is part of now.
    let holder = match credited {
        Some((attempt, learned)) => {
            let root = tx.root_of(&attempt.pattern).await?;
            tx.pattern(&root).await?.map(|pattern| (attempt, learned, pattern))
        }
        None => None,
    };
    if let Some((attempt, learned, pattern)) = holder {
        let back = learn::recurrence(pattern.confidence, &learned, &config.learning);
        tx.learn(&pattern.id, attempt.event, &back, "the symptom came back inside the watch window", now).await?;
        tx.audit(NewEntry {
            at: now,
            event_type: "learning.reversed",
            actor: "engine".into(),
            incident_id: Some(incident.id),
            pattern_id: Some(pattern.id.clone()),
            confidence: Some(back.after),
            action: Some(attempt.action.to_string()),
            target: Some(attempt.target.clone()),
            result: format!("{} to {}", back.before, back.after),
            details: serde_json::json!({ "event": attempt.event, "learned": back }),
        })
        .await?;
        taken_back = Some(back);
    } else if let Some(cause) = cause {
        // Confirmed by a person: there is no credit to take back, and what it taught is forgotten all the same.
        let why = "the symptom came back inside the watch window";
        tx.audit(about_cause("learning.cause_taken_back", "engine", &cause.pattern, incident, why, now)).await?;
    }
    tx.record(incident.id, &Fact::Recurred { signal, taken_back }, now).await
}

fn as_open(incident: &Incident) -> OpenIncident {
    OpenIncident {
        project: incident.project.clone(),
        services: incident.services.clone(),
        fingerprints: incident.fingerprints.clone(),
        templates: incident.templates.clone(),
        trace_ids: incident.trace_ids.iter().cloned().collect(),
        onset: incident.onset,
        last_signal_at: incident.last_signal_at,
    }
}

const fn words(reason: JoinReason) -> &'static str {
    match reason {
        JoinReason::SameFingerprint => "the same failure",
        JoinReason::SameService => "the same service",
        JoinReason::SameTrace => "the same trace",
        JoinReason::DependencyPath => "a service on the same dependency path",
        JoinReason::SimilarText => "similar text",
    }
}

/// A title in words: for a health check what it found, otherwise the first line of what was seen. The service stands
/// beside it wherever it is shown.
pub fn title_of(signal: &NewSignal) -> String {
    let line = signal.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Something failed");
    // Address and port are evidence, not news.
    let line = if signal.kind == SignalKind::Health { line.split(" (").next().unwrap_or(line) } else { line };
    let mut characters = line.chars();
    let mut title: String = characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect();
    if title.len() > TITLE_LIMIT {
        title.truncate(title.floor_char_boundary(TITLE_LIMIT));
        title.push('…');
    }
    title
}
