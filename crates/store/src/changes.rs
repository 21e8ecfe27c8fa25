//! `changes`: deployments, configuration changes and restarts, told by people and pipelines or made by actions of ours.

use selfheal_core::{Change, ChangeKind, EventId, ProjectName, ServiceName, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    project: String,
    service: String,
    kind: String,
    version: Option<String>,
    actor: String,
    comment: Option<String>,
    event_id: Option<i64>,
}

impl TryFrom<Row> for Change {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = ChangeKind::parse(&row.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("change {}: unknown kind `{}`", row.id, row.kind)))?;
        Ok(Self {
            id: row.id,
            at: row.at.into(),
            project: ProjectName::new(row.project),
            service: ServiceName::new(row.service),
            kind,
            version: row.version,
            actor: row.actor,
            comment: row.comment,
            event: row.event_id.map(EventId),
        })
    }
}

macro_rules! columns {
    () => {
        "id, at, project, service, kind, version, actor, comment, event_id"
    };
}

const INSERT: &str = "
    insert into changes (at, project, service, kind, version, actor, details, comment, event_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id";
const LATEST: &str = concat!("select ", columns!(), " from changes order by at desc, id desc limit $1");
const LATEST_OF: &str =
    concat!("select ", columns!(), " from changes where service = $1 order by at desc, id desc limit $2");
// Each service by itself, so that one which changes all the time does not hide the others.
const BETWEEN: &str = concat!(
    "select ",
    columns!(),
    " from changes where service = $1 and project = $2 and at > $3 and at <= $4 order by at desc, id desc limit $5"
);
const EXPIRED: &str =
    "delete from changes where id in (select id from changes where at <= $1 order by at, id limit $2)";

impl Tx {
    /// Records a change; its `id` is given by the database and returned.
    pub async fn put_change(&mut self, change: &Change) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(INSERT)
            .bind(change.at.as_micros())
            .bind(change.project.as_str())
            .bind(change.service.as_str())
            .bind(change.kind.as_str())
            .bind(&change.version)
            .bind(&change.actor)
            .bind(Json(serde_json::json!({})))
            .bind(&change.comment)
            .bind(change.event.map(|event| event.0))
            .fetch_one(c)))
    }

    /// The latest changes, of one service or of all, latest first.
    pub async fn latest_changes(
        &mut self,
        service: Option<&ServiceName>,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        let rows: Vec<Row> = match service {
            Some(service) => {
                on!(self, c => sqlx::query_as(LATEST_OF).bind(service.as_str()).bind(limit).fetch_all(c))
            }
            None => on!(self, c => sqlx::query_as(LATEST).bind(limit).fetch_all(c)),
        };
        rows.into_iter().map(Change::try_from).collect()
    }

    /// Changes after `since` up to `until` on any of these services, each of its project, at most `limit` of each, latest first.
    pub async fn changes_before(
        &mut self,
        services: &[(ProjectName, ServiceName)],
        since: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        let mut changes: Vec<Change> = Vec::new();
        for (project, service) in services {
            let rows: Vec<Row> = on!(self, c => sqlx::query_as(BETWEEN)
                .bind(service.as_str())
                .bind(project.as_str())
                .bind(since.as_micros())
                .bind(until.as_micros())
                .bind(limit)
                .fetch_all(c));
            changes.extend(rows.into_iter().map(Change::try_from).collect::<Result<Vec<_>, _>>()?);
        }
        changes.sort_by_key(|change| std::cmp::Reverse((change.at, change.id)));
        Ok(changes)
    }

    /// Removes up to `limit` changes made at or before a moment.
    pub async fn purge_changes(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        Ok(execute!(self, sqlx::query(EXPIRED).bind(before.as_micros()).bind(limit)))
    }
}
