//! `draft_clusters` and `draft_members`: incidents that nobody knew, gathered by what they say. The draft made of a cluster is a
//! row of `knowledge_patterns` in status draft.

use std::collections::HashSet;

use selfheal_core::knowledge::draft::{Member, digest};
use selfheal_core::knowledge::{Pattern, PatternStatus};
use selfheal_core::{IncidentId, PatternId, ProjectName, SignalKind, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// What became of a cluster's draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// A person has to look at it.
    Waiting,
    Accepted,
    /// The same is not drafted again.
    Rejected,
    /// There were too many; it is drafted again when it is seen again.
    Dropped,
}

impl ClusterStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Dropped => "dropped",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Accepted, Self::Rejected, Self::Dropped].into_iter().find(|one| one.as_str() == word)
    }
}

/// Incidents that nobody knew and that say the same.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftCluster {
    /// 0 before it is stored.
    pub id: i64,
    pub project: ProjectName,
    /// Of its first member, like kind, alert and template: what later ones are compared with.
    pub service: String,
    pub kind: SignalKind,
    pub alert: Option<String>,
    pub template: String,
    pub pattern: PatternId,
    pub status: ClusterStatus,
    /// Incidents so far.
    pub incidents: u32,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Digest of the draft as it was made.
    pub made: String,
    pub notes: Vec<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project: String,
    service: String,
    kind: String,
    alert: Option<String>,
    template: String,
    pattern_id: String,
    status: String,
    incidents: i64,
    first_seen: i64,
    last_seen: i64,
    made: String,
    #[sqlx(json)]
    notes: Vec<String>,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    reason: Option<String>,
    updated_at: i64,
}

impl TryFrom<Row> for DraftCluster {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown =
            |what: &str, word: &str| StoreError::Corrupt(format!("cluster {}: unknown {what} `{word}`", row.id));
        Ok(Self {
            id: row.id,
            kind: serde_json::from_value(serde_json::Value::String(row.kind.clone()))
                .map_err(|_| unknown("kind", &row.kind))?,
            status: ClusterStatus::parse(&row.status).ok_or_else(|| unknown("status", &row.status))?,
            project: row.project.into(),
            service: row.service,
            alert: row.alert,
            template: row.template,
            pattern: PatternId(row.pattern_id),
            incidents: row.incidents.max(0) as u32,
            first_seen: row.first_seen.into(),
            last_seen: row.last_seen.into(),
            made: row.made,
            notes: row.notes,
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(Timestamp::from),
            reason: row.reason,
            updated_at: row.updated_at.into(),
        })
    }
}

macro_rules! columns {
    () => {
        "id, project, service, kind, alert, template, pattern_id, status, incidents, first_seen, last_seen, made, notes,
         decided_by, decided_at, reason, updated_at"
    };
}

const INSERT: &str = "
    insert into draft_clusters
        (project, service, kind, alert, template, pattern_id, status, incidents, first_seen, last_seen, made, notes,
         decided_by, decided_at, reason, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    returning id";
const UPDATE: &str = "
    update draft_clusters
    set template = $2, pattern_id = $3, status = $4, incidents = $5, first_seen = $6, last_seen = $7, made = $8, notes = $9,
        decided_by = $10, decided_at = $11, reason = $12, updated_at = $13
    where id = $1";
const OF_PROJECT: &str = concat!(
    "select ",
    columns!(),
    " from draft_clusters where project = $1 and kind = $2 order by last_seen desc, id desc limit $3"
);
// The index has the beginnings only: a template may be longer than a key can be.
const BY_TEMPLATE: &str = concat!(
    "select ",
    columns!(),
    " from draft_clusters
      where project = $1 and kind = $2 and substr(template, 1, 64) = substr(cast($3 as text), 1, 64) and template = $3
          and alert is null and (cast($4 as text) = '' or service = $4)
      order by id limit 1"
);
const BY_ALERT: &str = concat!(
    "select ",
    columns!(),
    " from draft_clusters
      where project = $1 and kind = $2 and substr(alert, 1, 64) = substr(cast($3 as text), 1, 64) and alert = $3
      order by id limit 1"
);
const BY_PATTERN: &str =
    concat!("select ", columns!(), " from draft_clusters where pattern_id = $1 order by id desc limit 1");
const WITH_STATUS: &str = concat!(
    "select ",
    columns!(),
    " from draft_clusters where status = $1 order by incidents desc, last_seen desc, id limit $2"
);
const ONE: &str = concat!("select ", columns!(), " from draft_clusters where id = $1");
const WEAKEST: &str = concat!(
    "select ",
    columns!(),
    " from draft_clusters where status = 'waiting' and id <> $1 order by incidents, last_seen, id limit $2"
);
const AFTER: &str = concat!("select ", columns!(), " from draft_clusters where id > $1 order by id limit $2");
const COUNT: &str = "select count(*) from draft_clusters where status = $1";
const CLUSTER_OF: &str = "select cluster_id from draft_members where incident_id = $1";
const PUT_MEMBER: &str = "
    insert into draft_members (incident_id, cluster_id, body) values ($1, $2, $3)
    on conflict (incident_id) do update set body = excluded.body";
const MEMBERS: &str =
    "select body from draft_members where cluster_id = $1 and body <> 'null' order by incident_id desc limit $2";
const OTHER_MEMBERS: &str =
    "select body from draft_members where cluster_id <> $1 and body <> 'null' order by incident_id desc limit $2";
// A few at a time, so that what one incident costs does not depend on how many came before.
const PRUNE: &str = "
    update draft_members set body = 'null'
    where body <> 'null' and incident_id in
        (select incident_id from draft_members where cluster_id = $1 order by incident_id desc limit 64 offset $2)";
const REMOVE: &str = "delete from knowledge_patterns where id = $1 and status = 'draft'";
const REMOVE_DOCUMENT: &str = "
    delete from pattern_documents
    where pattern_id = (select id from knowledge_patterns where id = $1 and status = 'draft')";
const MOVE_DOCUMENT: &str = "update pattern_documents set pattern_id = $2 where pattern_id = $1";
const KNOWN_TEXTS: &str = "
    select signals.text, hits.pattern_id
    from (select pattern_id, incident_id from pattern_hits order by incident_id desc, pattern_id limit $1) hits
        join signals on signals.incident_id = hits.incident_id
    order by signals.id desc, hits.pattern_id limit $2";

/// Clusters that are looked at for one that may go: more never wait, but for those that people have edited.
const LOOKED_AT: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct MemberRow {
    #[sqlx(json)]
    body: Member,
}

fn word(kind: SignalKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn clusters(rows: Vec<Row>) -> Result<Vec<DraftCluster>, StoreError> {
    rows.into_iter().map(DraftCluster::try_from).collect()
}

impl Tx {
    /// The oldest cluster that an incident belongs to without a doubt: one of the same alert, or else of the same template,
    /// for a health check on the same service.
    pub async fn draft_cluster_of_same(
        &mut self,
        project: &ProjectName,
        member: &Member,
    ) -> Result<Option<DraftCluster>, StoreError> {
        let kind = word(member.kind);
        let row: Option<Row> = match &member.alert {
            Some(alert) => on!(self, c => sqlx::query_as(BY_ALERT)
                .bind(project.as_str())
                .bind(&kind)
                .bind(alert)
                .fetch_optional(c)),
            None => {
                let service = if member.kind == SignalKind::Health { member.service.as_str() } else { "" };
                on!(self, c => sqlx::query_as(BY_TEMPLATE)
                    .bind(project.as_str())
                    .bind(&kind)
                    .bind(&member.template)
                    .bind(service)
                    .fetch_optional(c))
            }
        };
        row.map(DraftCluster::try_from).transpose()
    }

    /// The clusters of a project whose first signal was of a kind, those seen last first.
    pub async fn draft_clusters_of(
        &mut self,
        project: &ProjectName,
        kind: SignalKind,
        limit: i64,
    ) -> Result<Vec<DraftCluster>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(OF_PROJECT)
            .bind(project.as_str())
            .bind(word(kind))
            .bind(limit)
            .fetch_all(c));
        clusters(rows)
    }

    /// Clusters with a status, those of most incidents first.
    pub async fn draft_clusters(&mut self, status: ClusterStatus, limit: i64) -> Result<Vec<DraftCluster>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(WITH_STATUS).bind(status.as_str()).bind(limit).fetch_all(c));
        clusters(rows)
    }

    /// Clusters of every status in the order of their ids, page by page.
    pub(crate) async fn draft_clusters_after(&mut self, id: i64, limit: i64) -> Result<Vec<DraftCluster>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c));
        clusters(rows)
    }

    pub async fn count_clusters(&mut self, status: ClusterStatus) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(COUNT).bind(status.as_str()).fetch_one(c)))
    }

    /// The latest cluster whose draft has, or had, this id.
    pub async fn cluster_of_pattern(&mut self, pattern: &PatternId) -> Result<Option<DraftCluster>, StoreError> {
        let row: Option<Row> = on!(self, c => sqlx::query_as(BY_PATTERN).bind(pattern.as_str()).fetch_optional(c));
        row.map(DraftCluster::try_from).transpose()
    }

    /// The cluster that an incident is a member of.
    pub async fn cluster_of_incident(&mut self, incident: IncidentId) -> Result<Option<DraftCluster>, StoreError> {
        let id: Option<i64> = on!(self, c => sqlx::query_scalar(CLUSTER_OF).bind(incident.0).fetch_optional(c));
        let Some(id) = id else { return Ok(None) };
        let row: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(id).fetch_optional(c));
        row.map(DraftCluster::try_from).transpose()
    }

    /// The waiting cluster of fewest incidents, the one longest not seen where several are; never the one given, and never one
    /// whose draft a person has edited.
    pub async fn weakest_cluster(&mut self, but: i64) -> Result<Option<DraftCluster>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(WEAKEST).bind(but).bind(LOOKED_AT).fetch_all(c));
        for cluster in clusters(rows)? {
            let draft = self.pattern(&cluster.pattern).await?;
            if draft.is_none_or(|draft| digest(&draft) == cluster.made) {
                return Ok(Some(cluster));
            }
        }
        Ok(None)
    }

    /// Adds a cluster, or stores what has changed of it. Gives its id.
    pub async fn put_cluster(&mut self, cluster: &DraftCluster) -> Result<i64, StoreError> {
        if cluster.id != 0 {
            execute!(
                self,
                sqlx::query(UPDATE)
                    .bind(cluster.id)
                    .bind(&cluster.template)
                    .bind(cluster.pattern.as_str())
                    .bind(cluster.status.as_str())
                    .bind(i64::from(cluster.incidents))
                    .bind(cluster.first_seen.as_micros())
                    .bind(cluster.last_seen.as_micros())
                    .bind(&cluster.made)
                    .bind(Json(&cluster.notes))
                    .bind(&cluster.decided_by)
                    .bind(cluster.decided_at.map(Timestamp::as_micros))
                    .bind(&cluster.reason)
                    .bind(cluster.updated_at.as_micros())
            );
            return Ok(cluster.id);
        }
        Ok(on!(self, c => sqlx::query_scalar(INSERT)
            .bind(cluster.project.as_str())
            .bind(&cluster.service)
            .bind(word(cluster.kind))
            .bind(&cluster.alert)
            .bind(&cluster.template)
            .bind(cluster.pattern.as_str())
            .bind(cluster.status.as_str())
            .bind(i64::from(cluster.incidents))
            .bind(cluster.first_seen.as_micros())
            .bind(cluster.last_seen.as_micros())
            .bind(&cluster.made)
            .bind(Json(&cluster.notes))
            .bind(&cluster.decided_by)
            .bind(cluster.decided_at.map(Timestamp::as_micros))
            .bind(&cluster.reason)
            .bind(cluster.updated_at.as_micros())
            .fetch_one(c)))
    }

    /// Makes an incident a member of a cluster. One that is a member already stays where it is and is described anew.
    pub async fn put_draft_member(&mut self, cluster: i64, member: &Member) -> Result<(), StoreError> {
        execute!(self, sqlx::query(PUT_MEMBER).bind(member.incident.0).bind(cluster).bind(Json(member)));
        Ok(())
    }

    /// A cluster's latest members, earliest first.
    pub async fn draft_members(&mut self, cluster: i64, limit: i64) -> Result<Vec<Member>, StoreError> {
        let rows: Vec<MemberRow> = on!(self, c => sqlx::query_as(MEMBERS).bind(cluster).bind(limit).fetch_all(c));
        Ok(rows.into_iter().rev().map(|row| row.body).collect())
    }

    /// The latest members of all other clusters.
    pub async fn other_draft_members(&mut self, cluster: i64, limit: i64) -> Result<Vec<Member>, StoreError> {
        let rows: Vec<MemberRow> = on!(self, c => sqlx::query_as(OTHER_MEMBERS).bind(cluster).bind(limit).fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }

    /// What signals said of the latest incidents in which some pattern's rule held, latest first, each text once with a pattern.
    pub async fn texts_of_known(&mut self, hits: i64, limit: i64) -> Result<Vec<(String, PatternId)>, StoreError> {
        let mut rows: Vec<(String, String)> =
            on!(self, c => sqlx::query_as(KNOWN_TEXTS).bind(hits).bind(limit).fetch_all(c));
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.clone()));
        Ok(rows.into_iter().map(|(text, pattern)| (text, PatternId(pattern))).collect())
    }

    /// Keeps of a cluster's members only what the latest say. The others stay members: an incident counts once, however often
    /// it ends.
    pub async fn prune_draft_members(&mut self, cluster: i64, latest: i64) -> Result<u64, StoreError> {
        Ok(execute!(self, sqlx::query(PRUNE).bind(cluster).bind(latest)))
    }

    /// An id for a pattern of a name that is not taken: the name's own, or one with a number behind it.
    pub async fn free_pattern_id(&mut self, name: &str) -> Result<PatternId, StoreError> {
        let mut id = PatternId::from_name(name);
        let mut number = 2u32;
        while self.pattern(&id).await?.is_some() {
            id = PatternId::from_name(&format!("{name} {number}"));
            number += 1;
        }
        Ok(id)
    }

    /// Every draft, also those that people have written.
    pub async fn drafts(&mut self) -> Result<Vec<Pattern>, StoreError> {
        self.patterns_with(PatternStatus::Draft).await
    }

    /// Adds a draft, or replaces it. No match sees it, so that nothing is matched anew.
    pub async fn put_draft(&mut self, draft: &Pattern) -> Result<(), StoreError> {
        if draft.status != PatternStatus::Draft {
            return Err(StoreError::Corrupt(format!("pattern `{}` is no draft", draft.id)));
        }
        self.write_pattern(draft).await
    }

    /// Removes a draft and its document from the knowledge base. What is not a draft stays.
    pub async fn remove_draft(&mut self, pattern: &PatternId) -> Result<bool, StoreError> {
        execute!(self, sqlx::query(REMOVE_DOCUMENT).bind(pattern.as_str()));
        Ok(execute!(self, sqlx::query(REMOVE).bind(pattern.as_str())) > 0)
    }

    /// Puts a draft of another id, which must be free, in place of a draft. The document goes with it.
    pub async fn rename_draft(&mut self, from: &PatternId, renamed: &Pattern) -> Result<(), StoreError> {
        self.put_draft(renamed).await?;
        execute!(self, sqlx::query(MOVE_DOCUMENT).bind(from.as_str()).bind(renamed.id.as_str()));
        self.remove_draft(from).await?;
        Ok(())
    }
}
