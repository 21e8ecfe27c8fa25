//! The audit trail.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use selfheal_core::audit::bundle::{FORMAT, Header, Scope, VERSION, Writer};
use selfheal_core::{AuditId, Span, Timestamp};
use selfheal_engine::ports::Signer;
use selfheal_store::{AuditFilter, AuditRange};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::overview::parse_id;
use crate::extract::Params;
use crate::limit::limit;
use crate::long_work::long;
use crate::view::{AuditPage, ChainView, Verdict, audit_entry, chain_view};
use crate::{ApiError, App, Principal, Role};

const PAGE: i64 = 100;
const PAGE_LIMIT: i64 = 1_000;
/// Entries of one piece of an export, each read in a transaction of its own: a slow reader keeps nobody waiting, and what is
/// only ever appended to is the same in the next one.
const EXPORT_PAGE: i64 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    pub incident: Option<String>,
    /// The beginning of the event type, such as `action.` or `approval.granted`.
    pub event: Option<String>,
    pub actor: Option<String>,
    pub pattern: Option<String>,
    /// From this time on: RFC 3339, a date, or an age such as `90m`, `24h` or `7d`.
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
    pub limit: Option<i64>,
    /// Entries before this id; the latest where it is left out.
    pub before: Option<String>,
}

#[utoipa::path(get, operation_id = "list_audit", path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = AuditPage)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Principal,
    Params(query): Params<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let before = query.before.as_deref().map(str::parse).transpose().map_err(|error: selfheal_core::InvalidId| {
        ApiError::invalid("No such audit entry", error.to_string(), "Leave `before` out for the latest entries.")
    })?;
    let now = app.now();
    let filter = AuditFilter {
        incident: query.incident.as_deref().map(parse_id).transpose()?,
        event: query.event.unwrap_or_default(),
        actor: query.actor.unwrap_or_default(),
        pattern: query.pattern.unwrap_or_default(),
        since: query.since.as_deref().map(|text| moment(text, now)).transpose()?,
        until: query.until.as_deref().map(|text| moment(text, now)).transpose()?,
    };
    let limit = limit(query.limit, PAGE, 1, PAGE_LIMIT)?;
    let crate::audit::Looked { report, verdict, .. } = crate::audit::look(&app).await?;
    let verified_to = if verdict == Verdict::Verified { report.last } else { report.signed() };
    let mut tx = app.store().read().await?;
    let entries = tx.audit_entries(&filter, before, limit).await?;
    let total = tx.audit_count(&filter).await?;
    Ok(Json(AuditPage {
        entries: entries.into_iter().map(audit_entry).collect(),
        total,
        verified_to: verified_to.map(|id| id.to_string()),
    }))
}

/// Checks the whole chain, and every checkpoint.
#[utoipa::path(get, operation_id = "verify_audit", path = "/api/v1/audit/verify", tag = "audit", responses((status = 200, body = ChainView)))]
pub async fn verify(State(app): State<Arc<App>>, who: Principal) -> Result<Json<ChainView>, ApiError> {
    let asked = Arc::clone(&app);
    let checked = long(&app, &who, move |_| async move { crate::audit::check(&asked).await }).await?;
    Ok(Json(chain_view(&checked, crate::audit::own_key(&app).as_ref())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Only the entries of this incident.
    pub incident: Option<String>,
    /// Only entries from this time on: RFC 3339, a date, or an age such as `24h`.
    pub since: Option<String>,
}

/// The trail, or a part of it, as one file that can be verified without this home. The home's key signs it, and that is an
/// act: it needs the role approver.
#[utoipa::path(get, operation_id = "export_audit", path = "/api/v1/audit/export", tag = "audit", params(ExportQuery),
    responses((status = 200, content_type = "application/jsonl", body = String)))]
pub async fn export(
    State(app): State<Arc<App>>,
    who: Principal,
    Params(query): Params<ExportQuery>,
) -> Result<Response, ApiError> {
    who.require(Role::Approver, "Exporting the audit trail")?;
    let now = app.now();
    let incident = query.incident.as_deref().map(parse_id).transpose()?;
    let since = query.since.as_deref().map(|text| moment(text, now)).transpose()?;
    let scope = match (incident, since) {
        (Some(incident), _) => Scope::Incident(incident),
        (None, Some(since)) => Scope::Since(since),
        (None, None) => Scope::Trail,
    };
    let mut tx = app.store().read().await?;
    if let Some(incident) = incident {
        tx.incident(incident).await?;
    }
    let range = tx.audit_range(incident, since).await?;
    let mut keys = tx.audit_keys().await?;
    drop(tx);
    let own = crate::audit::own_key(&app);
    keys.extend(own.clone().filter(|own| !keys.contains(own)));
    let header = Header {
        format: FORMAT.into(),
        version: VERSION,
        created_at: now,
        scope,
        first: range.map(|range| range.first),
        last: range.map(|range| range.last),
        keys,
        sealed_by: own.map(|key| key.id()),
    };
    let name = match scope {
        Scope::Incident(id) => format!("audit-incident-{id}.jsonl"),
        Scope::Trail | Scope::Since(_) => "audit.jsonl".to_owned(),
    };
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        if let Err(error) = write(&app, header, range, &sender).await {
            // A bundle without its end is known to be cut off; the reader is told at once as well.
            let _ = sender.send(Err(std::io::Error::other(error.to_string()))).await;
        }
    });
    let headers = [
        (CONTENT_TYPE, "application/jsonl".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Writes a bundle, a page at a time.
async fn write(
    app: &App,
    header: Header,
    range: Option<AuditRange>,
    to: &mpsc::Sender<std::io::Result<String>>,
) -> Result<(), ApiError> {
    let (mut writer, mut text) = Writer::begin(header);
    let mut after: Option<AuditId> = None;
    while let Some(range) = range.filter(|range| after.is_none_or(|after| after < range.last)) {
        let mut tx = app.store().read().await?;
        let entries = tx.audit_page(&range, after, EXPORT_PAGE).await?;
        let (Some(first), Some(last)) = (entries.first().map(|e| e.id), entries.last().map(|e| e.id)) else { break };
        let mut checkpoints = tx.audit_checkpoints_between(first, last).await?.into_iter().peekable();
        drop(tx);
        for entry in entries {
            let id = entry.id;
            text.push_str(&writer.entry(entry));
            while let Some(checkpoint) = checkpoints.next_if(|checkpoint| checkpoint.entry_id <= id) {
                // Of one incident's entries few were the last of a checkpoint.
                if checkpoint.entry_id == id {
                    text.push_str(&writer.checkpoint(checkpoint));
                }
            }
        }
        after = Some(last);
        if to.send(Ok(std::mem::take(&mut text))).await.is_err() {
            return Ok(());
        }
    }
    text.push_str(&writer.end(|message| app.signer.as_ref().map(|signer| signer.sign(message))));
    let _ = to.send(Ok(text)).await;
    Ok(())
}

/// A time as people write it: RFC 3339, a date (its beginning, in UTC), or how long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let text = text.trim();
    let dated = || Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    let ago = || {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        // A century at most: what is longer ago is before everything.
        let number = digits.parse::<u64>().ok()?.min(36_500 * 86_400 / seconds);
        Some(now - Span::from_secs(number * seconds))
    };
    dated().or_else(ago).ok_or_else(|| {
        ApiError::invalid(
            "The time cannot be read",
            format!("`{text}` is neither a time nor an age"),
            "Write it like 2026-03-01T12:00:00Z, 2026-03-01, 90m, 24h or 7d.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp::parse("2026-03-02T12:00:00Z").expect("a time");
        for (text, expected) in [
            ("2026-03-01T12:30:00Z", Some("2026-03-01T12:30:00Z")),
            ("2026-03-01T12:30:00+02:00", Some("2026-03-01T10:30:00Z")),
            ("2026-03-01", Some("2026-03-01T00:00:00Z")),
            ("90m", Some("2026-03-02T10:30:00Z")),
            (" 24h ", Some("2026-03-01T12:00:00Z")),
            ("7d", Some("2026-02-23T12:00:00Z")),
            ("yesterday", None),
            ("-1h", None),
            ("é", None),
            ("", None),
            ("h", None),
        ] {
            let read = moment(text, now).ok().map(Timestamp::to_rfc3339);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        assert!(moment("99999999999999999999d", now).is_err());
        assert!(moment("9999999999999999999d", now).expect("long ago") < now);
    }
}
