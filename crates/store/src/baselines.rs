//! `template_baselines`: how often each template is usually seen. Written with the signal, which is one for many lines.

use std::collections::{BTreeMap, BTreeSet};

use selfheal_core::matching::evidence::{BURST_WINDOW, Baseline, RATE_WINDOW, Sights};
use selfheal_core::{Fingerprint, NewSignal, ProjectName, ServiceName, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// The row that stands for the service.
const SERVICE: &str = "";
const MINUTE: i64 = 60_000_000;

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: String,
    first_seen: i64,
    hour: i64,
    weighted: i64,
}

impl Row {
    fn baseline(&self) -> Baseline {
        Baseline { first_seen: self.first_seen.into(), hour: self.hour, weighted: self.weighted }
    }
}

const ONE: &str = "
    select fingerprint, first_seen, hour, weighted from template_baselines
    where project = $1 and service = $2 and fingerprint in ('', $3)";
const PUT: &str = "
    insert into template_baselines (project, service, fingerprint, first_seen, hour, weighted)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (project, service, fingerprint) do update set
        first_seen = excluded.first_seen, hour = excluded.hour, weighted = excluded.weighted";
const OF_SQLITE: &str = "
    select fingerprint, first_seen, hour, weighted from template_baselines
    where project = $1 and service = $2 and fingerprint in (select value from json_each($3))";
const OF_POSTGRES: &str = "
    select fingerprint, first_seen, hour, weighted from template_baselines
    where project = $1 and service = $2 and fingerprint in (select value from jsonb_array_elements_text($3) as value)";
// The cross joins keep SQLite from beginning with the counts.
const MINUTES_SQLITE: &str = "
    select fingerprint, minute, cast(sum(signal_counts.count) as bigint)
    from json_each($1) as wanted
    cross join signals on signals.fingerprint = wanted.value and last_seen >= $2
    cross join signal_counts on signal_counts.signal_id = signals.id and minute > $3
    group by fingerprint, minute";
const MINUTES_POSTGRES: &str = "
    select fingerprint, minute, cast(sum(signal_counts.count) as bigint)
    from jsonb_array_elements_text($1) as wanted
    join signals on signals.fingerprint = wanted and last_seen >= $2
    join signal_counts on signal_counts.signal_id = signals.id and minute > $3
    group by fingerprint, minute";
const EXPIRED: &str = "
    delete from template_baselines where (project, service, fingerprint) in (
        select project, service, fingerprint from template_baselines
        where hour <= $1 and fingerprint <> '' order by hour, project, service, fingerprint limit $2)";

impl Tx {
    /// Counts a signal's sights into its template's baseline. What claims to be later than `now` counts as now: a wrong
    /// clock must not make everything before it old.
    pub(crate) async fn count_baseline(&mut self, signal: &NewSignal, now: Timestamp) -> Result<(), StoreError> {
        let (project, service) = (signal.project.as_str(), signal.service.as_str());
        let (first, last) = (signal.first_seen.min(now), signal.last_seen.min(now));
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(ONE)
            .bind(project)
            .bind(service)
            .bind(&signal.fingerprint.0)
            .fetch_all(c));
        if !rows.iter().any(|row| row.fingerprint == SERVICE) {
            self.put_baseline(project, service, SERVICE, Baseline::first(0, first)).await?;
        }
        let before = rows.iter().find(|row| row.fingerprint == signal.fingerprint.0).map(Row::baseline);
        let baseline = before.unwrap_or_else(|| Baseline::first(0, first)).with(signal.count, last);
        self.put_baseline(project, service, &signal.fingerprint.0, baseline).await
    }

    async fn put_baseline(
        &mut self,
        project: &str,
        service: &str,
        fingerprint: &str,
        baseline: Baseline,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(PUT)
                .bind(project)
                .bind(service)
                .bind(fingerprint)
                .bind(baseline.first_seen.as_micros())
                .bind(baseline.hour)
                .bind(baseline.weighted)
        );
        Ok(())
    }

    /// What is known of the sights of some templates of one service, up to the last one of each. Two queries, however many.
    pub async fn sights(
        &mut self,
        project: &ProjectName,
        service: &ServiceName,
        last_seen: &BTreeMap<Fingerprint, Timestamp>,
    ) -> Result<BTreeMap<Fingerprint, Sights>, StoreError> {
        let Some(earliest) = last_seen.values().min().copied() else { return Ok(BTreeMap::new()) };
        let mut wanted: BTreeSet<&str> = last_seen.keys().map(|fingerprint| fingerprint.0.as_str()).collect();
        let minutes = self.dialect(MINUTES_SQLITE, MINUTES_POSTGRES);
        let since = earliest - RATE_WINDOW;
        let counts: Vec<(String, i64, i64)> = on!(self, c => sqlx::query_as(minutes)
            .bind(Json(&wanted))
            .bind(since.as_micros())
            .bind(minute(since))
            .fetch_all(c));
        wanted.insert(SERVICE);
        let of = self.dialect(OF_SQLITE, OF_POSTGRES);
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(of)
            .bind(project.as_str())
            .bind(service.as_str())
            .bind(Json(&wanted))
            .fetch_all(c));
        let baselines: BTreeMap<&str, Baseline> =
            rows.iter().map(|row| (row.fingerprint.as_str(), row.baseline())).collect();
        let service_since = baselines.get(SERVICE).map(|baseline| baseline.first_seen);
        let seen = |fingerprint: &Fingerprint, last: Timestamp, window| {
            let inside = |at: i64| minute(last - window) < at && at <= minute(last);
            let counts = counts.iter().filter(|(of, at, _)| *of == fingerprint.0 && inside(*at));
            counts.map(|(.., count)| (*count).max(0) as u64).sum()
        };
        let sights = last_seen.iter().map(|(fingerprint, last)| {
            let sights = Sights {
                last_seen: *last,
                last_hour: seen(fingerprint, *last, RATE_WINDOW),
                last_minutes: seen(fingerprint, *last, BURST_WINDOW),
                baseline: baselines.get(fingerprint.0.as_str()).copied(),
                service_since,
            };
            (fingerprint.clone(), sights)
        });
        Ok(sights.collect())
    }

    /// Removes up to `limit` baselines of templates that were not seen after a moment.
    pub async fn purge_baselines(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let hour = before.as_micros().div_euclid(60 * MINUTE);
        Ok(execute!(self, sqlx::query(EXPIRED).bind(hour).bind(limit)))
    }
}

const fn minute(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MINUTE)
}
