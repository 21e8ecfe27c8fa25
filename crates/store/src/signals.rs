//! `signals` and `signal_counts`.

use std::collections::BTreeMap;

use selfheal_core::{Fingerprint, IncidentId, NewSignal, Severity, Signal, SignalId, SignalKind, Span, Timestamp};
use sqlx::types::Json;

use crate::observe::Did;
use crate::{StoreError, Tx};

#[derive(sqlx::FromRow)]
pub(crate) struct SignalRow {
    id: i64,
    kind: String,
    source: String,
    service: String,
    project: String,
    severity: String,
    fingerprint: String,
    template: String,
    text: String,
    #[sqlx(json)]
    attributes: BTreeMap<String, String>,
    trace_id: Option<String>,
    count: i64,
    first_seen: i64,
    last_seen: i64,
}

impl TryFrom<SignalRow> for Signal {
    type Error = StoreError;

    fn try_from(row: SignalRow) -> Result<Self, StoreError> {
        let unknown =
            |what: &str, word: &str| StoreError::Corrupt(format!("signal {}: unknown {what} `{word}`", row.id));
        Ok(Self {
            id: SignalId(row.id),
            seen: NewSignal {
                kind: serde_json::from_value::<SignalKind>(serde_json::Value::String(row.kind.clone()))
                    .map_err(|_| unknown("kind", &row.kind))?,
                source: row.source.into(),
                service: row.service.into(),
                project: row.project.into(),
                severity: Severity::parse(&row.severity).ok_or_else(|| unknown("severity", &row.severity))?,
                fingerprint: Fingerprint(row.fingerprint),
                template: row.template,
                text: row.text,
                attributes: row.attributes,
                trace_id: row.trace_id,
                count: row.count as u64,
                first_seen: row.first_seen.into(),
                last_seen: row.last_seen.into(),
            },
        })
    }
}

/// How often an incident's signals were seen in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MinuteCount {
    /// Minutes since 1970.
    pub minute: i64,
    pub count: i64,
}

/// The columns of a `SignalRow`.
macro_rules! signal_columns {
    () => {
        "id, kind, source, service, project, severity, fingerprint, template, text, attributes, trace_id, count, first_seen, last_seen"
    };
}

const INSERT: &str = "
    insert into signals
        (kind, source, service, project, severity, fingerprint, template, text, attributes, trace_id, count, first_seen, last_seen,
         received_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    returning id";
const REPEAT: &str = concat!(
    "select ",
    signal_columns!(),
    " from signals
     where fingerprint = $1 and project = $2 and last_seen >= $3 and first_seen <= $4
     order by last_seen desc, id desc limit 1"
);
const REPEATED: &str = "
    update signals
    set count = count + $2,
        first_seen = case when first_seen < $3 then first_seen else $3 end,
        last_seen = case when last_seen > $4 then last_seen else $4 end,
        received_at = $5
    where id = $1";
const TAKEN_OFF: &str = "update signals set count = count - $2 where id = $1";
const ATTACH: &str = "update signals set incident_id = $2 where id = $1";
const INCIDENT_OF: &str = "select incident_id from signals where id = $1";
const OF_INCIDENT: &str = concat!(
    "select ",
    signal_columns!(),
    " from signals where incident_id = $1 order by last_seen desc, id desc limit $2"
);
const COUNT: &str = "
    insert into signal_counts (signal_id, minute, count) values ($1, $2, $3)
    on conflict (signal_id, minute) do update set count = signal_counts.count + excluded.count";
const COUNTS: &str = "
    select minute, cast(sum(signal_counts.count) as bigint) as count
    from signal_counts join signals on signals.id = signal_counts.signal_id
    where signals.incident_id = $1
    group by minute order by minute";
const LAST_SEEN: &str = "select max(received_at) from signals where incident_id = $1";
const SINCE: &str = "select cast(coalesce(sum(count), 0) as bigint) from signals where last_seen >= $1";
const LATEST: &str = "select max(last_seen) from signals";

impl Tx {
    /// Stores a signal: as a repeat of the same fingerprint seen within `repeat` of its last sight, otherwise new. Returns
    /// its id and whether it is new.
    pub async fn put_signal(
        &mut self,
        signal: &NewSignal,
        repeat: Span,
        now: Timestamp,
    ) -> Result<(SignalId, bool), StoreError> {
        let earliest = signal.first_seen - repeat;
        let same: Option<SignalRow> = on!(self, c => sqlx::query_as(REPEAT)
            .bind(&signal.fingerprint.0)
            .bind(signal.project.as_str())
            .bind(earliest.as_micros())
            .bind((signal.last_seen + repeat).as_micros())
            .fetch_optional(c));
        let (id, new) = match same {
            Some(row) => {
                execute!(
                    self,
                    sqlx::query(REPEATED)
                        .bind(row.id)
                        .bind(signal.count as i64)
                        .bind(signal.first_seen.as_micros())
                        .bind(signal.last_seen.as_micros())
                        .bind(now.as_micros())
                );
                (row.id, false)
            }
            None => (self.insert_signal(signal, now).await?.0, true),
        };
        let minute = signal.last_seen.as_micros().div_euclid(60_000_000);
        execute!(self, sqlx::query(COUNT).bind(id).bind(minute).bind(signal.count as i64));
        self.count_baseline(signal, now).await?;
        self.did(Did::Row("signal counted"));
        Ok((SignalId(id), new))
    }

    async fn insert_signal(&mut self, signal: &NewSignal, now: Timestamp) -> Result<SignalId, StoreError> {
        let id: i64 = on!(self, c => sqlx::query_scalar(INSERT)
            .bind(kind(signal.kind))
            .bind(signal.source.as_str())
            .bind(signal.service.as_str())
            .bind(signal.project.as_str())
            .bind(signal.severity.as_str())
            .bind(&signal.fingerprint.0)
            .bind(&signal.template)
            .bind(&signal.text)
            .bind(Json(&signal.attributes))
            .bind(&signal.trace_id)
            .bind(signal.count as i64)
            .bind(signal.first_seen.as_micros())
            .bind(signal.last_seen.as_micros())
            .bind(now.as_micros())
            .fetch_one(c));
        Ok(SignalId(id))
    }

    /// Makes a signal a member of an incident. One that is another incident's evidence stays there: this sight of it becomes
    /// a signal of its own. Returns the signal that is the member.
    pub async fn attach_signal(
        &mut self,
        id: SignalId,
        incident: IncidentId,
        signal: &NewSignal,
        now: Timestamp,
    ) -> Result<SignalId, StoreError> {
        let member = match self.incident_of_signal(id).await? {
            Some(other) if other != incident => self.detach_signal(id, signal, now).await?,
            _ => id,
        };
        self.join_signal(member, incident).await?;
        Ok(member)
    }

    pub(crate) async fn join_signal(&mut self, id: SignalId, incident: IncidentId) -> Result<(), StoreError> {
        execute!(self, sqlx::query(ATTACH).bind(id.0).bind(incident.0));
        Ok(())
    }

    /// A signal for an incident that is about to be opened: the same, if it is nobody's evidence yet.
    pub async fn detach_signal(
        &mut self,
        id: SignalId,
        signal: &NewSignal,
        now: Timestamp,
    ) -> Result<SignalId, StoreError> {
        if self.incident_of_signal(id).await?.is_none() {
            return Ok(id);
        }
        execute!(self, sqlx::query(TAKEN_OFF).bind(id.0).bind(signal.count as i64));
        self.insert_signal(signal, now).await
    }

    pub async fn incident_of_signal(&mut self, signal: SignalId) -> Result<Option<IncidentId>, StoreError> {
        let id: Option<i64> = on!(self, c => sqlx::query_scalar(INCIDENT_OF).bind(signal.0).fetch_one(c));
        Ok(id.map(IncidentId))
    }

    /// An incident's latest signals, earliest first.
    pub async fn signals_of(&mut self, incident: IncidentId, limit: i64) -> Result<Vec<Signal>, StoreError> {
        let rows: Vec<SignalRow> =
            on!(self, c => sqlx::query_as(OF_INCIDENT).bind(incident.0).bind(limit).fetch_all(c));
        let mut signals: Vec<Signal> = rows.into_iter().map(Signal::try_from).collect::<Result<_, _>>()?;
        signals.sort_by_key(|signal| (signal.seen.first_seen, signal.id));
        Ok(signals)
    }

    pub async fn signal_counts(&mut self, incident: IncidentId) -> Result<Vec<MinuteCount>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(COUNTS).bind(incident.0).fetch_all(c)))
    }

    /// When the error pattern of an incident was last taken in, by the engine's clock: hosts' own clocks differ.
    pub async fn symptom_last_seen(&mut self, incident: IncidentId) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = on!(self, c => sqlx::query_scalar(LAST_SEEN).bind(incident.0).fetch_one(c));
        Ok(at.map(Timestamp::from))
    }

    /// Sights of signals since a moment.
    pub async fn signals_since(&mut self, since: Timestamp) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(SINCE).bind(since.as_micros()).fetch_one(c)))
    }

    pub async fn latest_signal(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = on!(self, c => sqlx::query_scalar(LATEST).fetch_one(c));
        Ok(at.map(Timestamp::from))
    }
}

const fn kind(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Log => "log",
        SignalKind::Health => "health",
        SignalKind::Metric => "metric",
        SignalKind::Alert => "alert",
        SignalKind::Ci => "ci",
    }
}
