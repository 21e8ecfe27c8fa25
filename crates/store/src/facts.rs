//! `incident_facts`: what happened, in order. A fact, the state it leads to and the effects it asks for are one
//! transaction.

use selfheal_core::{Fact, Incident, IncidentId, ProjectName, SignalSeen, Timestamp};
use sqlx::types::Json;

use crate::observe::Did;
use crate::{StoreError, Tx};

/// A fact as it is stored.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct StoredFact {
    pub seq: i64,
    #[sqlx(try_from = "i64")]
    pub at: Timestamp,
    #[sqlx(json)]
    pub body: Fact,
}

const INSERT: &str = "insert into incident_facts (incident_id, seq, at, fact, body) values ($1, $2, $3, $4, $5)";
const ALL: &str = "select seq, at, body from incident_facts where incident_id = $1 order by seq";

impl Tx {
    /// Opens an incident with its first signal.
    pub async fn open_incident(
        &mut self,
        project: ProjectName,
        title: String,
        signal: SignalSeen,
        at: Timestamp,
    ) -> Result<Incident, StoreError> {
        let (mut incident, effects) = Incident::open(IncidentId(0), project, title.clone(), &signal, at);
        incident.id = self.reserve_incident(&incident).await?;
        self.join_signal(signal.id, incident.id).await?;
        self.put_fact(incident.id, 1, &Fact::Opened { signal, title }, at).await?;
        self.save_incident(&incident, 1).await?;
        self.put_keys(None, &incident).await?;
        for effect in &effects {
            self.put_effect(incident.id, effect, at).await?;
        }
        Ok(incident)
    }

    /// Records a fact: applies it to the incident as it is stored now, and stores fact, state and effects.
    pub async fn record(&mut self, id: IncidentId, fact: &Fact, at: Timestamp) -> Result<Incident, StoreError> {
        let before = self.incident(id).await?;
        let (next, effects) = before.apply(fact, at)?;
        let seq = self.fact_count(id).await? + 1;
        self.put_fact(id, seq, fact, at).await?;
        self.save_incident(&next, seq).await?;
        self.put_keys(Some(&before), &next).await?;
        for effect in &effects {
            self.put_effect(id, effect, at).await?;
        }
        Ok(next)
    }

    async fn put_fact(&mut self, id: IncidentId, seq: i64, fact: &Fact, at: Timestamp) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(INSERT).bind(id.0).bind(seq).bind(at.as_micros()).bind(fact.name()).bind(Json(fact))
        );
        self.did(Did::Fact(fact.name()));
        Ok(())
    }

    pub async fn facts(&mut self, id: IncidentId) -> Result<Vec<StoredFact>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(ALL).bind(id.0).fetch_all(c)))
    }
}
