//! `incident_keys`: finds the open incidents that a signal may belong to, and the watched ones that it may bring back.
//!
//! Kept in the transaction that changes the incident. What is closed takes no signals and is found by nothing.

use std::collections::BTreeSet;

use selfheal_core::{Fingerprint, Incident, IncidentId, Key, State, Wanted, Words, keys_of};
use sqlx::types::Json;

use crate::dispatch::Connection;
use crate::{Store, StoreError, Tx};

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(json)]
    body: Incident,
}

// `where true` tells SQLite's parser that `on` begins no join.
const PUT_SQLITE: &str = "
    insert into incident_keys (kind, value, incident_id)
    select key.value ->> 0, key.value ->> 1, $1 from json_each($2) as key where true
    on conflict do nothing";
const PUT_POSTGRES: &str = "
    insert into incident_keys (kind, value, incident_id)
    select key.value ->> 0, key.value ->> 1, $1 from jsonb_array_elements($2) as key
    on conflict do nothing";
const FORGET: &str = "delete from incident_keys where incident_id = $1";
const WITHOUT: &str = "select body from incidents where last_signal_at is null order by id limit $1";
const FACTS: &str = "select fact_count from incidents where id = $1";

// Of some words, those that find the fewest incidents.
const RAREST_SQLITE: &str = "
    select word.value from json_each($1) as word
    left join incident_keys on kind = 'word' and incident_keys.value = word.value
    group by word.value order by count(incident_id), word.value limit $2";
const RAREST_POSTGRES: &str = "
    select word.value from jsonb_array_elements_text($1) as word
    left join incident_keys on kind = 'word' and incident_keys.value = word.value
    group by word.value order by count(incident_id), word.value limit $2";
// The cross joins keep SQLite from beginning with the incidents.
const CANDIDATES_SQLITE: &str = "
    select body from incidents
    where project = $1 and state not in ('resolved', 'closed') and id in (
        select incident_id from incident_keys where kind = 'fingerprint' and value = $2
        union
        select incidents.id
        from json_each($3) as wanted
        cross join incident_keys on kind = wanted.value ->> 0 and incident_keys.value = wanted.value ->> 1
        cross join incidents on incidents.id = incident_id
        where last_signal_at >= $4 and onset >= $5 and onset <= $6
    )
    order by onset, id";
const CANDIDATES_POSTGRES: &str = "
    select body from incidents
    where project = $1 and state not in ('resolved', 'closed') and id in (
        select incident_id from incident_keys where kind = 'fingerprint' and value = $2
        union
        select incidents.id
        from jsonb_array_elements($3) as wanted
        join incident_keys on kind = wanted.value ->> 0 and incident_keys.value = wanted.value ->> 1
        join incidents on incidents.id = incident_id
        where last_signal_at >= $4 and onset >= $5 and onset <= $6
    )
    order by onset, id";
const IN_WINDOW: &str = "
    select body from incidents
    where project = $1 and state not in ('resolved', 'closed')
      and (id in (select incident_id from incident_keys where kind = 'fingerprint' and value = $2)
        or (last_signal_at >= $3 and onset >= $4 and onset <= $5))
    order by onset, id";
const KNOWING: &str = "
    select body from incidents
    where project = $1 and state not in ('resolved', 'closed')
      and id in (select incident_id from incident_keys where kind = 'fingerprint' and value = $2)
    order by onset, id";
const WATCHED: &str = "
    select body from incidents
    where project = $1 and state = 'resolved'
      and id in (select incident_id from incident_keys where kind = 'fingerprint' and value = $2)
    order by resolved_at desc, id desc";

/// Incidents from before there were keys that are given theirs in one transaction.
const BATCH: i64 = 200;

type Pairs<'a> = Json<Vec<(&'a str, &'a str)>>;

fn pairs<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Pairs<'a> {
    Json(keys.into_iter().map(|key| (key.kind, key.value.as_str())).collect())
}

impl Tx {
    /// Brings the keys up to date with what a change added.
    pub(crate) async fn put_keys(&mut self, before: Option<&Incident>, after: &Incident) -> Result<(), StoreError> {
        if matches!(after.state, State::Closed { .. }) {
            execute!(self, sqlx::query(FORGET).bind(after.id.0));
            return Ok(());
        }
        if before.is_some_and(|before| same_keys(before, after)) {
            return Ok(());
        }
        let known = before.map(keys_of).unwrap_or_default();
        let now: BTreeSet<Key> = keys_of(after);
        self.insert_keys(after.id, pairs(now.difference(&known))).await
    }

    /// Finds an incident by nothing but what it says now.
    pub(crate) async fn renew_keys(&mut self, incident: &Incident) -> Result<(), StoreError> {
        execute!(self, sqlx::query(FORGET).bind(incident.id.0));
        self.put_keys(None, incident).await
    }

    async fn insert_keys(&mut self, id: IncidentId, keys: Pairs<'_>) -> Result<(), StoreError> {
        let statement = self.dialect(PUT_SQLITE, PUT_POSTGRES);
        execute!(self, sqlx::query(statement).bind(id.0).bind(keys));
        Ok(())
    }

    /// Open incidents of a project that a signal may belong to, earliest first: complete, and not many more.
    pub async fn candidates(&mut self, project: &str, wanted: &Wanted) -> Result<Vec<Incident>, StoreError> {
        let (last, from, to) =
            (wanted.last_signal_from.as_micros(), wanted.onset_from.as_micros(), wanted.onset_to.as_micros());
        let fingerprint = &wanted.fingerprint.0;
        let Words::AnyOf { words, enough } = &wanted.words else {
            let rows: Vec<Row> = on!(self, c => sqlx::query_as(IN_WINDOW)
                .bind(project).bind(fingerprint).bind(last).bind(from).bind(to).fetch_all(c));
            return Ok(rows.into_iter().map(|row| row.body).collect());
        };
        let words: Vec<Key> = self.rarest(words, *enough).await?.into_iter().map(Key::word).collect();
        let keys = pairs(wanted.keys.iter().chain(&words));
        let statement = self.dialect(CANDIDATES_SQLITE, CANDIDATES_POSTGRES);
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(statement)
            .bind(project)
            .bind(fingerprint)
            .bind(keys)
            .bind(last)
            .bind(from)
            .bind(to)
            .fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }

    async fn rarest(&mut self, words: &BTreeSet<String>, enough: usize) -> Result<Vec<String>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.dialect(RAREST_SQLITE, RAREST_POSTGRES);
        Ok(on!(self, c => sqlx::query_scalar(statement).bind(Json(words)).bind(enough as i64).fetch_all(c)))
    }

    pub(crate) const fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.connection {
            Connection::Sqlite(_) => sqlite,
            Connection::Postgres(_) => postgres,
        }
    }

    /// Open incidents of a project that know this failure, earliest first.
    pub async fn open_incidents_with(
        &mut self,
        project: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(KNOWING).bind(project).bind(&fingerprint.0).fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }

    /// Resolved incidents whose watch window is not over and that know this failure, latest first.
    pub async fn watched_incidents_with(
        &mut self,
        project: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(WATCHED).bind(project).bind(&fingerprint.0).fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }
}

impl Store {
    /// Gives incidents from before there were keys theirs. Done whenever a database is opened.
    pub async fn put_missing_keys(&self) -> Result<(), StoreError> {
        loop {
            let mut tx = self.write().await?;
            let rows: Vec<Row> = on!(tx, c => sqlx::query_as(WITHOUT).bind(BATCH).fetch_all(c));
            if rows.is_empty() {
                return Ok(());
            }
            for Row { body } in rows {
                let facts: i64 = on!(tx, c => sqlx::query_scalar(FACTS).bind(body.id.0).fetch_one(c));
                tx.save_incident(&body, facts).await?;
                tx.put_keys(None, &body).await?;
            }
            tx.commit().await?;
        }
    }
}

/// Most facts add nothing to find an incident by.
fn same_keys(a: &Incident, b: &Incident) -> bool {
    a.fingerprints == b.fingerprints
        && a.services == b.services
        && a.templates == b.templates
        && a.trace_ids == b.trace_ids
        && !matches!(a.state, State::Closed { .. })
}
