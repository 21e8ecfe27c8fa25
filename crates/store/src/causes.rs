//! `confirmed_causes`, and the counts that they add up to: how often, where, when, after what change and in which order of
//! signals a pattern was the cause.

use std::collections::BTreeMap;

use selfheal_core::matching::evidence::{ConfirmedCause, PAIRS, Statistics};
use selfheal_core::{BasisPoints, IncidentId, PatternId, ProjectName, ServiceName, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// The rows that are the sums over all patterns, all projects or all services.
const ALL: &str = "";

#[derive(sqlx::FromRow)]
struct Row {
    incident_id: i64,
    pattern_id: String,
    project: String,
    service: String,
    hour: i64,
    change: i64,
    #[sqlx(json)]
    sequences: Vec<String>,
}

impl From<Row> for ConfirmedCause {
    fn from(row: Row) -> Self {
        Self {
            incident: IncidentId(row.incident_id),
            pattern: PatternId(row.pattern_id),
            project: ProjectName::new(row.project),
            service: ServiceName::new(row.service),
            hour: row.hour as u8,
            change: BasisPoints::saturating(row.change as u32),
            sequences: row.sequences,
        }
    }
}

const INSERT: &str = "
    insert into confirmed_causes (incident_id, pattern_id, project, service, hour, change, sequences, at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const REMOVE: &str = "
    delete from confirmed_causes where incident_id = $1
    returning incident_id, pattern_id, project, service, hour, change, sequences";
const AFTER: &str = "
    select incident_id, pattern_id, project, service, hour, change, sequences from confirmed_causes
    where incident_id > $1 order by incident_id limit $2";

const COUNT: &str = "
    insert into cause_counts (pattern_id, project, service, count) values ($1, $2, $3, $4)
    on conflict (pattern_id, project, service) do update set count = cause_counts.count + excluded.count";
const CHANGE: &str = "
    insert into cause_changes (pattern_id, strength) values ($1, $2)
    on conflict (pattern_id) do update set strength = cause_changes.strength + excluded.strength";
const SEQUENCE: &str = "
    insert into cause_sequences (pattern_id, sequence, count) values ($1, $2, $3)
    on conflict (pattern_id, sequence) do update set count = cause_sequences.count + excluded.count";
const HOUR: &str = "
    insert into cause_hours (pattern_id, hour, count) values ($1, $2, $3)
    on conflict (pattern_id, hour) do update set count = cause_hours.count + excluded.count";
/// Incidents are many and their templates more: what was taken back leaves nothing behind.
const EMPTY: &str = "delete from cause_sequences where pattern_id = $1 and sequence = $2 and count <= 0";
const CLEAR: [&str; 4] =
    ["delete from cause_counts", "delete from cause_changes", "delete from cause_sequences", "delete from cause_hours"];

const COUNTS_SQLITE: &str = "
    select pattern_id, project, service, count from cause_counts
    where pattern_id in (select value from json_each($1))
      and project in ('', $2) and service in ('', $3)";
const COUNTS_POSTGRES: &str = "
    select pattern_id, project, service, count from cause_counts
    where pattern_id in (select value from jsonb_array_elements_text($1) as value)
      and project in ('', $2) and service in ('', $3)";
const CHANGES_SQLITE: &str = "
    select pattern_id, strength from cause_changes where pattern_id in (select value from json_each($1))";
const CHANGES_POSTGRES: &str = "
    select pattern_id, strength from cause_changes
    where pattern_id in (select value from jsonb_array_elements_text($1) as value)";
const SEQUENCES_SQLITE: &str = "
    select pattern_id, sequence, count from cause_sequences
    where pattern_id in (select value from json_each($1)) and sequence in (select value from json_each($2))";
const SEQUENCES_POSTGRES: &str = "
    select pattern_id, sequence, count from cause_sequences
    where pattern_id in (select value from jsonb_array_elements_text($1) as value)
      and sequence in (select value from jsonb_array_elements_text($2) as value)";
const HOURS_SQLITE: &str = "
    select pattern_id, hour, count from cause_hours where pattern_id in (select value from json_each($1))";
const HOURS_POSTGRES: &str = "
    select pattern_id, hour, count from cause_hours
    where pattern_id in (select value from jsonb_array_elements_text($1) as value)";

const MERGED_SQLITE: &str =
    "select pattern_id, root from pattern_roots where root in (select value from json_each($1))";
const MERGED_POSTGRES: &str = "
    select pattern_id, root from pattern_roots
    where root in (select value from jsonb_array_elements_text($1) as value)";

/// Rows of one page when the counts are built anew.
const PAGE: i64 = 500;

impl Tx {
    /// Remembers the confirmed cause of an incident. An incident has one: another that was remembered is taken back first.
    pub async fn put_cause(&mut self, cause: &ConfirmedCause, at: Timestamp) -> Result<(), StoreError> {
        self.take_back_cause(cause.incident).await?;
        execute!(
            self,
            sqlx::query(INSERT)
                .bind(cause.incident.0)
                .bind(cause.pattern.as_str())
                .bind(cause.project.as_str())
                .bind(cause.service.as_str())
                .bind(i64::from(cause.hour))
                .bind(i64::from(cause.change.get()))
                .bind(Json(&cause.sequences))
                .bind(at.as_micros())
        );
        self.count_cause(cause, 1).await
    }

    /// Forgets the cause of an incident, and takes exactly what it added off every count. `None` where there was none.
    pub async fn take_back_cause(&mut self, incident: IncidentId) -> Result<Option<ConfirmedCause>, StoreError> {
        let row: Option<Row> = on!(self, c => sqlx::query_as(REMOVE).bind(incident.0).fetch_optional(c));
        let Some(cause) = row.map(ConfirmedCause::from) else { return Ok(None) };
        self.count_cause(&cause, -1).await?;
        Ok(Some(cause))
    }

    async fn count_cause(&mut self, cause: &ConfirmedCause, sign: i64) -> Result<(), StoreError> {
        let (own, project, service) = (cause.pattern.as_str(), cause.project.as_str(), cause.service.as_str());
        let mut places = vec![(ALL, ALL, ALL), (own, ALL, ALL)];
        places.extend((!project.is_empty()).then_some((own, project, ALL)));
        places.extend((!project.is_empty() && !service.is_empty()).then_some((own, project, service)));
        for (pattern, project, service) in places {
            execute!(self, sqlx::query(COUNT).bind(pattern).bind(project).bind(service).bind(sign));
        }
        for pattern in [ALL, own] {
            let strength = sign * i64::from(cause.change.get());
            execute!(self, sqlx::query(CHANGE).bind(pattern).bind(strength));
            execute!(self, sqlx::query(HOUR).bind(pattern).bind(i64::from(cause.hour)).bind(sign));
            for sequence in &cause.sequences {
                execute!(self, sqlx::query(SEQUENCE).bind(pattern).bind(sequence).bind(sign));
                if sign < 0 {
                    execute!(self, sqlx::query(EMPTY).bind(pattern).bind(sequence));
                }
            }
        }
        Ok(())
    }

    /// Builds all counts anew from the confirmed causes. Returns how many there are.
    pub async fn recount_causes(&mut self) -> Result<u64, StoreError> {
        for statement in CLEAR {
            execute!(self, sqlx::query(statement));
        }
        let (mut after, mut counted) = (i64::MIN, 0);
        loop {
            let rows: Vec<Row> = on!(self, c => sqlx::query_as(AFTER).bind(after).bind(PAGE).fetch_all(c));
            let Some(last) = rows.last() else { return Ok(counted) };
            after = last.incident_id;
            for cause in rows.into_iter().map(ConfirmedCause::from) {
                self.count_cause(&cause, 1).await?;
                counted += 1;
            }
        }
    }

    /// What confirmed causes taught of all patterns together, and of each of these with those merged into it: as seen from a
    /// service of a project, with the counts of the sequences that are asked for. Five queries, however many patterns.
    pub async fn cause_statistics(
        &mut self,
        patterns: &[PatternId],
        project: &ProjectName,
        service: &ServiceName,
        sequences: &[String],
    ) -> Result<(Statistics, BTreeMap<PatternId, Statistics>), StoreError> {
        let mut found: BTreeMap<String, Statistics> = BTreeMap::new();
        let asked: Vec<&str> = patterns.iter().map(|pattern| pattern.as_str()).collect();
        let statement = self.dialect(MERGED_SQLITE, MERGED_POSTGRES);
        let merged: BTreeMap<String, String> =
            on!(self, c => sqlx::query_as(statement).bind(Json(&asked)).fetch_all(c)).into_iter().collect();
        let part_of = |pattern: String| merged.get(&pattern).cloned().unwrap_or(pattern);
        let wanted: Vec<&str> =
            [ALL].into_iter().chain(asked.iter().copied()).chain(merged.keys().map(String::as_str)).collect();
        let statement = self.dialect(COUNTS_SQLITE, COUNTS_POSTGRES);
        let rows: Vec<(String, String, String, i64)> = on!(self, c => sqlx::query_as(statement)
            .bind(Json(&wanted))
            .bind(project.as_str())
            .bind(service.as_str())
            .fetch_all(c));
        for (pattern, project, service, count) in rows {
            let statistics = found.entry(part_of(pattern)).or_default();
            let count = count.max(0) as u64;
            match (project.as_str(), service.as_str()) {
                (ALL, _) => statistics.incidents += count,
                (_, ALL) => statistics.in_project += count,
                _ => statistics.on_service += count,
            }
        }
        let statement = self.dialect(CHANGES_SQLITE, CHANGES_POSTGRES);
        let rows: Vec<(String, i64)> = on!(self, c => sqlx::query_as(statement).bind(Json(&wanted)).fetch_all(c));
        for (pattern, change) in rows {
            found.entry(part_of(pattern)).or_default().change += change.max(0) as u64;
        }
        let statement = self.dialect(SEQUENCES_SQLITE, SEQUENCES_POSTGRES);
        let keys: Vec<&str> = sequences.iter().map(String::as_str).chain([PAIRS]).collect();
        let rows: Vec<(String, String, i64)> =
            on!(self, c => sqlx::query_as(statement).bind(Json(&wanted)).bind(Json(&keys)).fetch_all(c));
        for (pattern, sequence, count) in rows.into_iter().filter(|(.., count)| *count > 0) {
            *found.entry(part_of(pattern)).or_default().sequences.entry(sequence).or_default() += count as u64;
        }
        let statement = self.dialect(HOURS_SQLITE, HOURS_POSTGRES);
        let rows: Vec<(String, i64, i64)> = on!(self, c => sqlx::query_as(statement).bind(Json(&wanted)).fetch_all(c));
        for (pattern, hour, count) in rows.into_iter().filter(|(.., count)| *count > 0) {
            *found.entry(part_of(pattern)).or_default().hours.entry(hour as u8).or_default() += count as u64;
        }
        let all = found.remove(ALL).unwrap_or_default();
        Ok((all, found.into_iter().map(|(pattern, statistics)| (PatternId(pattern), statistics)).collect()))
    }
}
