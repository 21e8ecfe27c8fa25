//! Takes a text out of everything that is stored of one incident: its signals, its facts, its state, and what its actions
//! said. The same replacement everywhere, so that replaying the facts still gives the state.

use selfheal_core::redact::{Redaction, forget_places};
use selfheal_core::{AuditId, Fact, Incident, IncidentId, Plan, State, Timestamp};
use sqlx::types::Json;
use std::collections::BTreeMap;

use crate::dispatch::Pool;
use crate::redact_knowledge::RedactedKnowledge;
use crate::{Store, StoreError, Tx};

/// In how many places something was redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    pub signals: u64,
    pub facts: u64,
    /// The incident itself: title, templates, root cause and the like.
    pub incident: bool,
    /// What actions said, and what was learned from it.
    pub events: u64,
    /// What became knowledge of it.
    pub knowledge: RedactedKnowledge,
    /// Names of services and plans were redacted, too: the incident is over, and none of its actions counts any more.
    pub names: bool,
    /// Plans that are other ones now: the hash that the trail knows, and the new one.
    pub plans: BTreeMap<String, String>,
}

impl Redacted {
    pub const fn is_nothing(&self) -> bool {
        self.signals == 0 && self.facts == 0 && !self.incident && self.events == 0 && self.knowledge.rows() == 0
    }
}

#[derive(sqlx::FromRow)]
struct SignalText {
    id: i64,
    template: String,
    text: String,
    attributes: Json<serde_json::Value>,
    trace_id: Option<String>,
    source: String,
    service: String,
    project: String,
}

#[derive(sqlx::FromRow)]
struct FactBody {
    seq: i64,
    body: Json<serde_json::Value>,
}

const SIGNALS: &str = "
    select id, template, text, attributes, trace_id, source, service, project from signals where incident_id = $1 order by id";
const SIGNAL: &str = "
    update signals
    set template = $2, text = $3, attributes = $4, trace_id = $5, source = $6, service = $7, project = $8
    where id = $1";
const COUNTING: &str = "select count(*) from self_healing_events where incident_id = $1 and started_at > $2";
const PLANS: &str = "select id, target, plan_hash, plan from self_healing_events where incident_id = $1 order by id";
const PLAN: &str = "update self_healing_events set target = $2, plan_hash = $3, plan = $4 where id = $1";
const PROJECT: &str = "update incidents set project = $2 where id = $1";
const FACTS: &str = "select seq, body from incident_facts where incident_id = $1 order by seq";
const FACT: &str = "update incident_facts set body = $3 where incident_id = $1 and seq = $2";
const BODY: &str = "select body from incidents where id = $1";
const DETAILS: &str = "select id, detail from self_healing_events where incident_id = $1 and detail is not null";
const DETAIL: &str = "update self_healing_events set detail = $2 where id = $1";
const REASONS: &str = "
    select confidence_history.id, confidence_history.reason
    from confidence_history join self_healing_events on self_healing_events.id = confidence_history.event_id
    where self_healing_events.incident_id = $1";
const REASON: &str = "update confidence_history set reason = $2 where id = $1";
const WAITING: &str = "select id, effect, body, state from outbox where incident_id = $1";
const STATE: &str = "update outbox set state = $2, body = $3 where id = $1";
const TRAIL: &str = "select id, pattern_id, result, details from audit_trail where incident_id = $1 order by id";
// Entries of before held whole patterns, with lines of incidents as their examples.
const TRAIL_OF_PATTERNS: &str = "
    select id, pattern_id, result, details from audit_trail
    where incident_id is null
        and event_type in ('knowledge.added', 'knowledge.edited', 'knowledge.removed', 'knowledge.merged', 'knowledge.unmerged',
                           'learning.drafted', 'learning.draft_accepted', 'learning.draft_rejected', 'learning.draft_dropped')
        and id > $1
    order by id limit 1000";
const CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";

impl Tx {
    /// Takes a text out of an incident, and out of what became knowledge. Of an incident that is closed, with no action that
    /// was started after `counting` (the limits count those), names of services and plans are redacted as well.
    pub async fn redact(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
        at: Timestamp,
        counting: Timestamp,
    ) -> Result<Redacted, StoreError> {
        let before = self.incident(id).await?;
        let started: i64 =
            on!(self, c => sqlx::query_scalar(COUNTING).bind(id.0).bind(counting.as_micros()).fetch_one(c));
        let names = matches!(before.state, State::Closed { .. }) && started == 0;
        let wide = redaction.with_names();
        let redaction = if names { &wide } else { redaction };
        let (plans, planned) = if names { self.redact_plans(id, redaction).await? } else { Default::default() };
        let signals = self.redact_signals(id, redaction).await?;
        // Highlights name places in texts that are other ones now.
        let moved = signals > 0;
        let (was, is, facts) = self.redact_facts(id, redaction, moved, &plans).await?;
        let project = names.then(|| redaction.apply(before.project.as_str())).flatten();
        let project = project.map_or_else(|| before.project.clone(), selfheal_core::ProjectName::new);
        let replay = |facts: &[(Timestamp, Fact)], project: &selfheal_core::ProjectName| {
            Incident::replay(id, project.clone(), facts.iter().map(|(at, fact)| (*at, fact))).ok().flatten()
        };
        let count = self.fact_count(id).await?;
        let after = if was.len() as i64 == count && replay(&was, &before.project).as_ref() == Some(&before) {
            replay(&is, &project).ok_or(StoreError::Unredactable)?
        } else {
            // The story has expired: the state is all there is.
            self.redact_body(id, redaction, moved, &plans).await?
        };
        // Only words may differ.
        if after.state.name() != before.state.name() || after.fingerprints != before.fingerprints {
            return Err(StoreError::Unredactable);
        }
        let incident = after != before;
        if incident {
            self.save_incident(&after, count).await?;
            if project != before.project {
                execute!(self, sqlx::query(PROJECT).bind(id.0).bind(project.as_str()));
            }
            // Words of a template are keys too.
            self.renew_keys(&after).await?;
        }
        self.redact_outbox(id, redaction).await?;
        let events = planned
            + self.redact_pairs(DETAILS, DETAIL, id, redaction).await?
            + self.redact_pairs(REASONS, REASON, id, redaction).await?;
        let knowledge = self.redact_knowledge(id, redaction, at).await?;
        Ok(Redacted { signals, facts, incident, events, knowledge, names, plans })
    }

    async fn redact_signals(&mut self, id: IncidentId, redaction: &Redaction) -> Result<u64, StoreError> {
        let rows: Vec<SignalText> = on!(self, c => sqlx::query_as(SIGNALS).bind(id.0).fetch_all(c));
        let mut changed = 0;
        for mut row in rows {
            let template = redaction.apply(&row.template);
            let text = redaction.apply(&row.text);
            let trace = row.trace_id.as_deref().and_then(|trace| redaction.apply(trace));
            // Names of attributes are ours; their values are the log's.
            let attributes = match &mut row.attributes.0 {
                serde_json::Value::Object(fields) => {
                    fields.values_mut().fold(false, |c, value| redaction.json(value) | c)
                }
                _ => false,
            };
            let name = |name: &mut String| match redaction.apply(name).filter(|_| redaction.takes_names()) {
                Some(redacted) => {
                    *name = redacted;
                    true
                }
                None => false,
            };
            let named = name(&mut row.source) | name(&mut row.service) | name(&mut row.project);
            if template.is_none() && text.is_none() && trace.is_none() && !attributes && !named {
                continue;
            }
            changed += execute!(
                self,
                sqlx::query(SIGNAL)
                    .bind(row.id)
                    .bind(template.as_ref().unwrap_or(&row.template))
                    .bind(text.as_ref().unwrap_or(&row.text))
                    .bind(&row.attributes)
                    .bind(trace.as_ref().or(row.trace_id.as_ref()))
                    .bind(&row.source)
                    .bind(&row.service)
                    .bind(&row.project)
            );
        }
        Ok(changed)
    }

    /// The plans of its actions, and the hashes of those that are other ones now; and of how many actions.
    async fn redact_plans(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
    ) -> Result<(BTreeMap<String, String>, u64), StoreError> {
        type Row = (i64, String, String, Json<serde_json::Value>);
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(PLANS).bind(id.0).fetch_all(c));
        let (mut plans, mut changed) = (BTreeMap::new(), 0);
        for (row, target, hash, mut body) in rows {
            let other = redaction.json(&mut body.0);
            let named = redaction.apply(&target);
            if !other && named.is_none() {
                continue;
            }
            let plan: Plan = serde_json::from_value(body.0.clone()).map_err(|_| StoreError::Unredactable)?;
            // Of a plan of before, whose hash was made otherwise, the hash stays what it is where nothing changed.
            let now = if other { plan.hash().0 } else { hash.clone() };
            let target = named.unwrap_or(target);
            changed += execute!(self, sqlx::query(PLAN).bind(row).bind(&target).bind(&now).bind(&body));
            if now != hash {
                plans.insert(hash, now);
            }
        }
        for fact in self.facts(id).await? {
            let Fact::Decided(decided) = fact.body else { continue };
            let Some(plan) = decided.plan else { continue };
            let (hash, mut body) = (plan.hash().0, serde_json::to_value(&plan).unwrap_or_default());
            if redaction.json(&mut body) {
                let plan: Plan = serde_json::from_value(body).map_err(|_| StoreError::Unredactable)?;
                plans.insert(hash, plan.hash().0);
            }
        }
        Ok((plans, changed))
    }

    /// The facts as they were and as they are now, and how many changed.
    async fn redact_facts(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
        moved: bool,
        plans: &BTreeMap<String, String>,
    ) -> Result<(Vec<(Timestamp, Fact)>, Vec<(Timestamp, Fact)>, u64), StoreError> {
        let was = self.facts(id).await?;
        let rows: Vec<FactBody> = on!(self, c => sqlx::query_as(FACTS).bind(id.0).fetch_all(c));
        let (mut is, mut changed) = (Vec::with_capacity(was.len()), 0);
        for (mut row, fact) in rows.into_iter().zip(&was) {
            let before = row.body.0.clone();
            redaction.json(&mut row.body.0);
            rename(&mut row.body.0, plans);
            if moved {
                forget_places(&mut row.body.0);
            }
            let body: Fact = serde_json::from_value(row.body.0.clone()).map_err(|_| StoreError::Unredactable)?;
            if body.name() != fact.body.name() {
                return Err(StoreError::Unredactable);
            }
            if row.body.0 != before {
                changed += execute!(self, sqlx::query(FACT).bind(id.0).bind(row.seq).bind(&row.body));
            }
            is.push((fact.at, body));
        }
        Ok((was.into_iter().map(|fact| (fact.at, fact.body)).collect(), is, changed))
    }

    async fn redact_body(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
        moved: bool,
        plans: &BTreeMap<String, String>,
    ) -> Result<Incident, StoreError> {
        let mut body: Json<serde_json::Value> = on!(self, c => sqlx::query_scalar(BODY).bind(id.0).fetch_one(c));
        redaction.json(&mut body.0);
        rename(&mut body.0, plans);
        if moved {
            forget_places(&mut body.0);
        }
        serde_json::from_value(body.0).map_err(|_| StoreError::Unredactable)
    }

    /// Texts of rows that are changed one by one: `select id, text` and `update ... set text = $2 where id = $1`.
    async fn redact_pairs(
        &mut self,
        select: &'static str,
        update: &'static str,
        id: IncidentId,
        redaction: &Redaction,
    ) -> Result<u64, StoreError> {
        let rows: Vec<(i64, String)> = on!(self, c => sqlx::query_as(select).bind(id.0).fetch_all(c));
        let mut changed = 0;
        for (row, text) in rows {
            if let Some(redacted) = redaction.apply(&text) {
                changed += execute!(self, sqlx::query(update).bind(row).bind(&redacted));
            }
        }
        Ok(changed)
    }

    /// What a verification under way keeps of the checks' words.
    async fn redact_outbox(&mut self, id: IncidentId, redaction: &Redaction) -> Result<(), StoreError> {
        type Waiting = (i64, String, Json<serde_json::Value>, Json<serde_json::Value>);
        let rows: Vec<Waiting> = on!(self, c => sqlx::query_as(WAITING).bind(id.0).fetch_all(c));
        for (row, effect, mut body, mut state) in rows {
            // A notice that waits, for the end of quiet hours for example, would tell it all the same.
            let mut told = false;
            for place in ["/notice/title", "/notice/body"] {
                let text = body.0.pointer_mut(place).filter(|_| effect == "deliver");
                told |= text.is_some_and(|text| redaction.json(text));
            }
            if redaction.json(&mut state.0) || told {
                execute!(self, sqlx::query(STATE).bind(row).bind(&state).bind(&body));
            }
        }
        Ok(())
    }

    /// Entries of the audit trail about an incident, or about patterns and drafts, that hold the text. They cannot be changed.
    pub async fn audit_entries_with(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
    ) -> Result<Vec<AuditId>, StoreError> {
        type Entry = (i64, Option<String>, String, String);
        let holds = |(_, pattern, result, details): &Entry| {
            pattern.as_deref().is_some_and(|id| redaction.finds_in_slug(id))
                || redaction.finds(result)
                || redaction.finds(details)
        };
        let rows: Vec<Entry> = on!(self, c => sqlx::query_as(TRAIL).bind(id.0).fetch_all(c));
        let mut found: Vec<i64> = rows.iter().filter(|row| holds(row)).map(|row| row.0).collect();
        let mut after = 0;
        loop {
            let rows: Vec<Entry> = on!(self, c => sqlx::query_as(TRAIL_OF_PATTERNS).bind(after).fetch_all(c));
            let Some(last) = rows.last() else { break };
            after = last.0;
            found.extend(rows.iter().filter(|row| holds(row)).map(|row| row.0));
        }
        found.sort_unstable();
        Ok(found.into_iter().map(AuditId).collect())
    }
}

/// Has everything refer to the plans that are there now.
fn rename(value: &mut serde_json::Value, plans: &BTreeMap<String, String>) {
    match value {
        serde_json::Value::String(text) => {
            if let Some(now) = plans.get(text) {
                text.clone_from(now);
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| rename(value, plans)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, plans)),
        _ => {}
    }
}

impl Store {
    /// Lets nothing of what was overwritten stay in the files: pages in SQLite's log are moved into the database and the log
    /// is emptied. PostgreSQL does that by itself when it vacuums.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        if let Pool::Sqlite(pool) = &self.writer {
            // It waits for whoever writes; in its turn there is nobody.
            let _turn = self.turns.write().await?;
            sqlx::query(CHECKPOINT).execute(pool).await?;
        }
        Ok(())
    }
}
