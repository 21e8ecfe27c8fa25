//! What a replay reads: stored incidents page by page, their signals, and what people said of patterns for such incidents.
//!
//! Each of these reads a whole page at once: ten thousand incidents are a few dozen statements.

use std::collections::HashMap;

use selfheal_core::matching::Evidence;
use selfheal_core::{Fingerprint, IncidentId, NewSignal, PatternId, ProjectName, ServiceName, Signal, Timestamp};
use serde::Deserialize;
use sqlx::types::Json;

use crate::signals::SignalRow;
use crate::{StoreError, Tx};

/// An incident as far as matching looks at it. The rest of what is stored of it is skipped while it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastIncident {
    pub id: IncidentId,
    pub project: ProjectName,
    pub service: ServiceName,
    pub title: String,
    pub opened_at: Timestamp,
    pub services: Vec<ServiceName>,
    pub fingerprints: Vec<Fingerprint>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project: String,
    service: String,
    title: String,
    opened_at: i64,
    #[sqlx(json)]
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    services: Vec<ServiceName>,
    fingerprints: Vec<Fingerprint>,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    incident_id: i64,
    #[sqlx(flatten)]
    signal: SignalRow,
}

const PAGE: &str = "
    select id, project, service, title, opened_at, body from incidents
    where id < $1 and opened_at >= $2 order by id desc limit $3";
const COUNT: &str = "select count(*) from incidents where opened_at >= $1";
// The latest signals of each, as `signals_of` takes them.
const SIGNALS: &str = concat!(
    "select incident_id, ",
    signal_columns!(),
    " from (
        select signals.*, row_number() over (partition by incident_id order by last_seen desc, id desc) as place
        from signals where incident_id >= $1 and incident_id <= $2
    ) as latest where place <= $3 order by incident_id, first_seen, id"
);
const EVIDENCE_SQLITE: &str = "
    select coalesce(roots.root, said.pattern_id), said.fingerprint,
           cast(sum(said.confirmed) as bigint), cast(sum(said.rejected) as bigint)
    from relevance_evidence said left join pattern_roots roots on roots.pattern_id = said.pattern_id
    where said.fingerprint in (select value from json_each($1)) group by 1, 2 order by 1, 2";
const EVIDENCE_POSTGRES: &str = "
    select coalesce(roots.root, said.pattern_id), said.fingerprint,
           cast(sum(said.confirmed) as bigint), cast(sum(said.rejected) as bigint)
    from relevance_evidence said left join pattern_roots roots on roots.pattern_id = said.pattern_id
    where said.fingerprint in (select jsonb_array_elements_text($1)) group by 1, 2 order by 1, 2";

impl Tx {
    /// Incidents opened since a moment, latest first, continuing below `before`.
    pub async fn past_incidents(
        &mut self,
        since: Timestamp,
        before: Option<IncidentId>,
        limit: i64,
    ) -> Result<Vec<PastIncident>, StoreError> {
        let before = before.map_or(i64::MAX, |id| id.0);
        let rows: Vec<Row> =
            on!(self, c => sqlx::query_as(PAGE).bind(before).bind(since.as_micros()).bind(limit).fetch_all(c));
        let read = |row: Row| PastIncident {
            id: IncidentId(row.id),
            project: row.project.into(),
            service: row.service.into(),
            title: row.title,
            opened_at: row.opened_at.into(),
            services: row.body.services,
            fingerprints: row.body.fingerprints,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// How many incidents were opened since a moment.
    pub async fn count_opened(&mut self, since: Timestamp) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(COUNT).bind(since.as_micros()).fetch_one(c)))
    }

    /// The latest signals of the incidents of a range of ids (both ends included), at most `each` of one, earliest first.
    pub async fn signals_between(
        &mut self,
        lowest: IncidentId,
        highest: IncidentId,
        each: i64,
    ) -> Result<HashMap<IncidentId, Vec<NewSignal>>, StoreError> {
        let rows: Vec<MemberRow> =
            on!(self, c => sqlx::query_as(SIGNALS).bind(lowest.0).bind(highest.0).bind(each).fetch_all(c));
        let mut signals: HashMap<IncidentId, Vec<NewSignal>> = HashMap::new();
        for row in rows {
            let member = Signal::try_from(row.signal)?;
            signals.entry(IncidentId(row.incident_id)).or_default().push(member.seen);
        }
        Ok(signals)
    }

    /// What is known of patterns for each of some kinds of incidents; of merged ones under the pattern that they are part
    /// of now.
    pub async fn evidence_by_fingerprint(
        &mut self,
        fingerprints: &[&Fingerprint],
    ) -> Result<HashMap<Fingerprint, Vec<(PatternId, Evidence)>>, StoreError> {
        let statement = self.dialect(EVIDENCE_SQLITE, EVIDENCE_POSTGRES);
        let rows: Vec<(String, String, i64, i64)> =
            on!(self, c => sqlx::query_as(statement).bind(Json(fingerprints)).fetch_all(c));
        let mut found: HashMap<Fingerprint, Vec<(PatternId, Evidence)>> = HashMap::new();
        for (pattern, fingerprint, confirmed, rejected) in rows {
            let evidence = Evidence { confirmed: confirmed as u32, rejected: rejected as u32 };
            found.entry(Fingerprint(fingerprint)).or_default().push((PatternId(pattern), evidence));
        }
        Ok(found)
    }
}
