//! What a restore keeps of the database that it replaces: everything that a limit rests on, and who may write.

use selfheal_core::{
    Fact, Fingerprint, IncidentId, NewSignal, ProjectName, ServiceName, Severity, SignalKind, SignalSeen, SourceName,
    Span, Timestamp,
};

use crate::{StoreError, Tx};

/// What was read before the rows were replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    starts: Vec<Start>,
    knowledge_version: i64,
    latest: Option<Timestamp>,
}

/// A start that still counts.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
struct Start {
    id: i64,
    incident_id: i64,
    pattern_id: String,
    action: String,
    target: String,
    plan_hash: String,
    plan: sqlx::types::Json<serde_json::Value>,
    approved_by: Option<String>,
    decision_confidence: i64,
    started_at: i64,
    finished_at: Option<i64>,
}

const STARTS: &str = "
    select id, incident_id, pattern_id, action, target, plan_hash, plan, approved_by, decision_confidence, started_at,
           finished_at
    from self_healing_events where started_at > $1 order by id";
const SAME: &str = "select count(*) from self_healing_events where action = $1 and target = $2 and started_at = $3";
const INSERT: &str = "
    insert into self_healing_events
        (incident_id, pattern_id, action, target, plan_hash, plan, approved_by, decision_confidence, status, started_at,
         finished_at, detail)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'carried_over', $9, $10, $11)";
const IN_FLIGHT: &str = "select count(*) from self_healing_events where status in ('intended', 'running', 'undoing')";
const FENCE: &str = "update lease set token = token + 1, expires_at = 0";
const ROWS: &str = "
    select (select count(*) from audit_trail) + (select count(*) from incidents) + (select count(*) from signals)
         + (select count(*) from knowledge_patterns) + (select count(*) from api_tokens)";

impl Tx {
    /// Actions that were admitted and whose outcome is not known yet.
    pub async fn actions_in_flight(&mut self) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(IN_FLIGHT).fetch_one(c)))
    }

    /// Nothing is in this database that anybody could miss.
    pub async fn is_empty(&mut self) -> Result<bool, StoreError> {
        let rows: i64 = on!(self, c => sqlx::query_scalar(ROWS).fetch_one(c));
        Ok(rows == 0)
    }

    /// Reads what has to outlive a replacement: the starts after a moment, the clock, and the version of the knowledge base.
    pub async fn keep(&mut self, since: Timestamp) -> Result<Kept, StoreError> {
        let starts = on!(self, c => sqlx::query_as(STARTS).bind(since.as_micros()).fetch_all(c));
        let (knowledge_version, latest) = (self.knowledge_version().await?, self.latest_time().await?);
        Ok(Kept { starts, knowledge_version, latest })
    }

    /// Puts back what the backup lacks: starts count as before, on record under an incident of their own, and no copy of
    /// the knowledge base that was compiled before is taken for this one. Returns how many starts were carried over.
    pub async fn carry_over(&mut self, kept: &Kept, by: &str, now: Timestamp) -> Result<usize, StoreError> {
        let mut missing = Vec::new();
        for start in &kept.starts {
            let same: i64 = on!(self, c => sqlx::query_scalar(SAME)
                .bind(&start.action).bind(&start.target).bind(start.started_at).fetch_one(c));
            if same == 0 {
                missing.push(start);
            }
        }
        if !missing.is_empty() {
            let incident = self.record_of_starts(missing.len(), by, now).await?;
            for start in &missing {
                let detail = format!(
                    "started before the restore, as event {} of incident {} of the database that was replaced",
                    start.id, start.incident_id
                );
                execute!(
                    self,
                    sqlx::query(INSERT)
                        .bind(incident.0)
                        .bind(&start.pattern_id)
                        .bind(&start.action)
                        .bind(&start.target)
                        .bind(&start.plan_hash)
                        .bind(&start.plan)
                        .bind(&start.approved_by)
                        .bind(start.decision_confidence)
                        .bind(start.started_at)
                        .bind(start.finished_at)
                        .bind(&detail)
                );
            }
        }
        // The later of the two clocks: no start becomes younger than it is.
        self.observe_clock(kept.latest.unwrap_or(now).max(now)).await?;
        let version = self.knowledge_version().await?.max(kept.knowledge_version);
        self.replace_knowledge(version + 1, now).await?;
        Ok(missing.len())
    }

    /// The incident that carried starts belong to: healing events have one, and their own may not exist here.
    async fn record_of_starts(&mut self, count: usize, by: &str, now: Timestamp) -> Result<IncidentId, StoreError> {
        let words = format!(
            "Started before a backup was restored, and counted still: {}",
            selfheal_core::told::many(count, "action")
        );
        let (service, project) = (ServiceName::new("selfheal"), ProjectName::new("default"));
        let signal = NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("restore"),
            fingerprint: Fingerprint::of(&["restore", &now.to_string()]),
            service,
            project: project.clone(),
            severity: Severity::Info,
            template: words.clone(),
            text: words.clone(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: now,
            last_seen: now,
        };
        let (id, _) = self.put_signal(&signal, Span::from_secs(0), now).await?;
        let incident = self.open_incident(project, words, SignalSeen::of(id, &signal), now).await?.id;
        let resolved = Fact::ResolvedByPerson { by: by.to_owned(), comment: None, watch_until: now };
        for fact in [resolved, Fact::WatchEnded] {
            self.record(incident, &fact, now).await?;
        }
        Ok(incident)
    }

    /// Makes every engine take the lease anew: what one has in hand rests on rows that are gone, and fails when it is
    /// written.
    pub async fn fence_everyone(&mut self) -> Result<(), StoreError> {
        execute!(self, sqlx::query(FENCE));
        Ok(())
    }
}
