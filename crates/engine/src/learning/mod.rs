//! What use teaches beside confidences: drafts of what nobody knew, and fixes that people confirmed.
//!
//! An incident that ends without a satisfied rule becomes a member of a cluster in the transaction that ends it, and the
//! cluster's draft is made or made again. Once for each incident, however often it ends; bounded in number; a draft that a
//! person has edited is left as it is.

mod drafts;
mod people;

pub use people::AcceptedDraft;
pub(crate) use people::confirm;

use std::cmp::Reverse;

use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_core::knowledge::draft::{ClusterHead, Member, Resolution};
use selfheal_core::{Incident, PatternId, ServiceName, State, Timestamp};
use selfheal_store::{ClusterStatus, DraftCluster, StoreError, Tx};

use crate::decide::SIGNALS;

/// Clusters of one project and kind of signal that an incident is compared with, those seen last. One that says exactly the same is
/// found whatever its age.
const CLUSTERS: i64 = 2_000;

/// Takes note of an incident that has ended. Does nothing where a pattern's rule held in it, and where it has not ended.
pub(crate) async fn learn_from_end(
    tx: &mut Tx,
    incident: &Incident,
    comment: Option<&str>,
    config: &Config,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !matches!(incident.state, State::Resolved { .. }) || is_known(tx, incident).await? {
        return Ok(());
    }
    let signals = tx.signals_of(incident.id, SIGNALS).await?;
    let resolution = resolution(tx, incident, comment).await?;
    let Some(member) = Member::of(incident.id, incident.severity, &signals, Some(resolution)) else { return Ok(()) };
    let raw: Vec<String> = signals
        .iter()
        .filter(|signal| selfheal_core::knowledge::draft::scrub(&signal.seen.text) == member.texts[0])
        .map(|signal| signal.seen.text.clone())
        .take(1)
        .collect();
    let (mut cluster, again) = match tx.cluster_of_incident(incident.id).await? {
        Some(cluster) => (cluster, true),
        None => (cluster_for(tx, incident, &member, config, now).await?, false),
    };
    cluster.incidents += u32::from(!again);
    cluster.first_seen = cluster.first_seen.min(member.first_seen);
    cluster.last_seen = cluster.last_seen.max(member.last_seen);
    cluster.updated_at = now;
    cluster.id = tx.put_cluster(&cluster).await?;
    let before = tx.draft_members(cluster.id, drafts::MEMBERS).await?;
    tx.put_draft_member(cluster.id, &member).await?;
    tx.prune_draft_members(cluster.id, drafts::MEMBERS).await?;
    // What a person has decided stays decided; it is only counted.
    if matches!(cluster.status, ClusterStatus::Waiting | ClusterStatus::Dropped) {
        drafts::make(tx, cluster, &before, &member, &raw, config, now).await?;
    }
    Ok(())
}

/// Whether some pattern's rule held, or a pattern's fix was verified: the incident's lesson is that pattern's.
async fn is_known(tx: &mut Tx, incident: &Incident) -> Result<bool, StoreError> {
    let Some(decided) = &incident.decided else { return Ok(true) };
    let healed = |attempt: &selfheal_core::Attempt| {
        attempt.pattern != PatternId::by_hand()
            && attempt.verified.as_ref().is_some_and(|verified| verified.verdict.success())
    };
    Ok(decided.matches.iter().any(|found| found.rule.is_satisfied())
        || incident.attempts.iter().any(healed)
        || tx.was_hit(incident.id).await?)
}

/// What fixed it: an action of a person that ran here and was verified, else what a person said.
async fn resolution(tx: &mut Tx, incident: &Incident, comment: Option<&str>) -> Result<Resolution, StoreError> {
    let comment = comment.map(str::to_owned);
    let helped = |attempt: &&selfheal_core::Attempt| {
        attempt.verified.as_ref().is_some_and(|verified| verified.verdict.success() && verified.taken_back.is_none())
    };
    let ran = match incident.attempts.iter().rev().find(helped) {
        Some(attempt) => tx.event(attempt.event).await?.map(|event| event.plan.action),
        None => None,
    };
    if let Some(action) = ran {
        return Ok(Resolution { comment, action: Some(action), verified: true });
    }
    let said = tx.confirmed_fix(incident.id).await?.map(|fix| fix.action);
    Ok(Resolution { comment, action: said, verified: false })
}

/// The cluster that it is most like, or a new one.
async fn cluster_for(
    tx: &mut Tx,
    incident: &Incident,
    member: &Member,
    config: &Config,
    now: Timestamp,
) -> Result<DraftCluster, StoreError> {
    // Also one that is older than those looked at below, so that what was rejected is not drafted again.
    if let Some(same) = tx.draft_cluster_of_same(&incident.project, member).await? {
        return Ok(same);
    }
    let known = tx.draft_clusters_of(&incident.project, member.kind, CLUSTERS).await?;
    let alike = |cluster: &DraftCluster| {
        let service = ServiceName::new(&cluster.service);
        let head = ClusterHead {
            kind: cluster.kind,
            service: &service,
            alert: cluster.alert.as_deref(),
            template: &cluster.template,
        };
        member.is_like(&head, config.correlation.text_similarity)
    };
    // The most alike, the oldest among equals.
    let mut best: Option<(u32, DraftCluster)> = None;
    for cluster in known {
        if let Some(alike) = alike(&cluster)
            && best.as_ref().is_none_or(|(most, of)| (alike, Reverse(cluster.id)) > (*most, Reverse(of.id)))
        {
            best = Some((alike, cluster));
        }
    }
    Ok(best.map_or_else(
        || DraftCluster {
            id: 0,
            project: incident.project.clone(),
            service: member.service.to_string(),
            kind: member.kind,
            alert: member.alert.clone(),
            template: member.template.clone(),
            pattern: PatternId::new(""),
            status: ClusterStatus::Waiting,
            incidents: 0,
            first_seen: member.first_seen,
            last_seen: member.last_seen,
            made: String::new(),
            notes: Vec::new(),
            decided_by: None,
            decided_at: None,
            reason: None,
            updated_at: now,
        },
        |(_, cluster)| cluster,
    ))
}

/// An audit entry about a draft. Never with lines or people's words: those can be redacted, the trail cannot.
fn entry(event_type: &'static str, actor: &str, cluster: &DraftCluster, result: String, now: Timestamp) -> NewEntry {
    NewEntry {
        at: now,
        event_type,
        actor: actor.to_owned(),
        incident_id: None,
        pattern_id: Some(cluster.pattern.clone()),
        confidence: None,
        action: None,
        target: None,
        result,
        details: serde_json::json!({ "cluster": cluster.id, "incidents": cluster.incidents }),
    }
}

#[cfg(test)]
mod tests {
    use selfheal_core::{Fingerprint, NewSignal, ProjectName, Severity, SignalKind, SignalSeen, SourceName, Span};
    use selfheal_store::Store;

    use super::*;

    async fn incident(tx: &mut Tx, text: &str) -> (Incident, Member) {
        let now = Timestamp::EPOCH;
        let new = NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("log"),
            service: ServiceName::new("pay"),
            project: ProjectName::new("shop"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[text]),
            template: text.into(),
            text: text.into(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: now,
            last_seen: now,
        };
        let (id, _) = tx.put_signal(&new, Span::from_secs(120), now).await.expect("stored");
        let seen = SignalSeen::of(id, &new);
        let incident = tx.open_incident(new.project.clone(), text.into(), seen, now).await.expect("opened");
        let signals = tx.signals_of(incident.id, 9).await.expect("read");
        let member = Member::of(incident.id, Severity::High, &signals, None).expect("a signal");
        (incident, member)
    }

    #[tokio::test]
    async fn what_was_rejected_long_ago_is_not_drafted_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("icdev.db").display());
        let mut tx = Store::open(&url).await.expect("opens").write().await.expect("writes");
        let config = selfheal_core::config::parse("", "test").expect("valid");
        let (now, later) = (Timestamp::EPOCH, Timestamp::EPOCH + Span::from_minutes(9));
        let (one, member) = incident(&mut tx, "vault sealed while rotating keys").await;
        let mut rejected = cluster_for(&mut tx, &one, &member, &config, now).await.expect("made");
        assert_eq!((rejected.id, rejected.incidents), (0, 0), "a new one");
        rejected.status = ClusterStatus::Rejected;
        rejected.id = tx.put_cluster(&rejected).await.expect("stored");
        for number in 0..=CLUSTERS {
            let other = DraftCluster { id: 0, template: format!("failure of kind x{number}"), ..rejected.clone() };
            tx.put_cluster(&DraftCluster { last_seen: later, ..other }).await.expect("stored");
        }
        let (again, member) = incident(&mut tx, "vault sealed while rotating keys").await;
        assert_eq!(cluster_for(&mut tx, &again, &member, &config, later).await.expect("found"), rejected);
        // One that is only alike is looked for among the latest; all of them are equally alike, and the oldest of these wins.
        let (like, member) = incident(&mut tx, "failure of kind x7 now").await;
        let found = cluster_for(&mut tx, &like, &member, &config, later).await.expect("found");
        assert_eq!(found.template, "failure of kind x1");
    }
}
