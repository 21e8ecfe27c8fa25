//! A pattern as the document that a person writes, and taking a pattern away.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::{PackEntry, changed_fields, document_of, document_says, read_document, write_value};
use selfheal_core::{PatternId, same_name, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::patterns::id_taken;
use super::saving::{Edit, change_details};
use crate::extract::Body;
use crate::view::{DocumentReply, DocumentView, FieldChange, pattern_view};
use crate::{ApiError, App, Principal, Role};

/// The pattern's document, up to date with whatever changed the pattern.
#[utoipa::path(get, operation_id = "show_pattern_document", path = "/api/v1/patterns/{id}/document", tag = "knowledge",
    params(("id" = String, Path)), responses((status = 200, body = DocumentView)))]
pub async fn show(
    State(app): State<Arc<App>>,
    _who: Principal,
    Path(id): Path<String>,
) -> Result<Json<DocumentView>, ApiError> {
    let id = PatternId::from_name(&id);
    let kept = app.store().read().await?.kept_pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    let document = document_of(&PackEntry::from(&kept.pattern), kept.document.as_deref());
    Ok(Json(DocumentView { pattern: id.to_string(), document, kept: kept.document.is_some() }))
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PutDocument {
    /// One pattern as YAML, as in a pack.
    pub document: String,
    /// The document that was edited. With it only what differs from it is changed, so that what was learned meanwhile stays.
    pub base: Option<String>,
    /// Change nothing, and say what would change.
    pub dry_run: bool,
    /// It may act by itself from now on in a way in which it may not yet.
    pub may_act: bool,
}

/// Saves a document: the pattern becomes what it says.
#[utoipa::path(put, operation_id = "put_pattern_document", path = "/api/v1/patterns/{id}/document", tag = "knowledge",
    params(("id" = String, Path)), request_body = PutDocument,
    responses((status = 200, body = DocumentReply), (status = 409, body = crate::Problem), (status = 422, body = crate::Problem)))]
pub async fn put(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<PutDocument>,
) -> Result<Json<DocumentReply>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let id = PatternId::from_name(&id);
    let written = read(&body.document, &id)?;
    let base = body.base.as_deref().map(|base| read(base, &id)).transpose()?;
    let now = app.now();
    let mut tx = if body.dry_run { app.store().read().await? } else { app.store().write().await? };
    let kept = tx.kept_pattern(&id).await?;
    // Without a base, and with a name that makes this very id, it is a new one to whoever sends it.
    if let (Some(kept), None) = (&kept, &base)
        && PatternId::from_name(&written.name) == id
        && !same_name(&kept.pattern.name, &written.name)
    {
        return Err(id_taken(&kept.pattern, &written.name));
    }
    let before = kept.as_ref().map(|kept| PackEntry::from(&kept.pattern));
    let mut entry = match (&before, &base) {
        (Some(before), Some(base)) => over(before, base, &written)?,
        _ => written,
    };
    if let Some(before) = &before
        && !document_says(&body.document, "confidence")
    {
        // What outcomes have taught is not forgotten because a document does not mention it.
        entry.confidence = before.confidence;
    }
    refuse_unusable(&entry, &id)?;
    let origin = kept.as_ref().map_or("person", |kept| kept.pattern.provenance.origin.as_str());
    let mut pattern = entry.clone().into_pattern(origin, now).map_err(|why| bad("bad_document", why))?;
    if let Some(kept) = &kept {
        pattern.created_at = kept.pattern.created_at;
        pattern.use_count = kept.pattern.use_count;
        pattern.attempts = kept.pattern.attempts;
        pattern.status = kept.pattern.status;
    }
    let changes = changes(before.as_ref(), &entry);
    let edit = Edit {
        before: kept.as_ref().map(|kept| &kept.pattern),
        after: &pattern,
        may_act: body.may_act,
        by: &who.name,
        at: now,
    };
    let newly_acts = edit.newly_acts();
    let document = document_of(&entry, Some(&tidy(&body.document)));
    let saves = !body.dry_run;
    if saves {
        edit.save(&mut tx, Map::from_iter([("document_sha256".into(), Value::String(sha256_hex(&document)))])).await?;
        let imported = kept.as_ref().and_then(|kept| kept.imported_digest.as_deref());
        tx.put_document(&id, Some(&document), imported, now, &who.name).await?;
    }
    let shadow = tx.shadow_counts(&id).await?;
    if saves {
        tx.commit().await?;
    }
    Ok(Json(DocumentReply {
        saved: saves,
        is_new: kept.is_none(),
        changes,
        newly_acts,
        document,
        pattern: pattern_view(&pattern, shadow),
    }))
}

/// Takes a pattern out of the base. What it did stays on record, with its incidents and in the audit trail.
#[utoipa::path(delete, operation_id = "remove_pattern", path = "/api/v1/patterns/{id}", tag = "knowledge",
    params(("id" = String, Path)), responses((status = 200, body = DocumentView), (status = 404, body = crate::Problem)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<DocumentView>, ApiError> {
    who.require(Role::Admin, "Removing a pattern")?;
    let id = PatternId::from_name(&id);
    let now = app.now();
    let mut tx = app.store().write().await?;
    let kept = tx.kept_pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    let document = document_of(&PackEntry::from(&kept.pattern), kept.document.as_deref());
    tx.remove_pattern(&id, now).await?;
    let mut details = change_details(Some(&kept.pattern), None);
    details.insert("document_sha256".into(), sha256_hex(&document).into());
    tx.audit(NewEntry {
        at: now,
        event_type: "knowledge.removed",
        actor: who.name.clone(),
        incident_id: None,
        pattern_id: Some(id.clone()),
        confidence: Some(kept.pattern.confidence),
        action: kept.pattern.action.as_ref().map(|action| action.kind.to_string()),
        target: None,
        result: format!("{} uses, {} outcomes", kept.pattern.use_count, kept.pattern.attempts),
        details: details.into(),
    })
    .await?;
    tx.commit().await?;
    Ok(Json(DocumentView { pattern: id.to_string(), document, kept: kept.document.is_some() }))
}

fn bad(code: &'static str, why: String) -> ApiError {
    let next = "Mend it and try again. Nothing was changed.".into();
    ApiError::Refused { code, what: "The document cannot be used".into(), why, next }
}

/// Reads a document of the pattern with this id. A name may change; the id stays.
fn read(document: &str, id: &PatternId) -> Result<PackEntry, ApiError> {
    let mut entry = read_document(&tidy(document), "document").map_err(|error| {
        let place =
            if error.line == 0 { String::new() } else { format!("line {}, column {}: ", error.line, error.column) };
        bad("bad_document", format!("{place}{}", error.message))
    })?;
    if entry.id.is_none() && entry.pattern_id() != *id {
        entry.id = Some(id.to_string());
    }
    if entry.pattern_id() != *id {
        return Err(bad(
            "bad_document",
            format!("it is of the pattern `{}`, and not of `{id}`: an id does not change", entry.pattern_id()),
        ));
    }
    Ok(entry)
}

fn refuse_unusable(entry: &PackEntry, id: &PatternId) -> Result<(), ApiError> {
    let problems = entry.problems();
    let Some(first) = problems.first() else { return Ok(()) };
    let code = if problems.iter().any(|problem| problem.is_example) { "examples_fail" } else { "bad_document" };
    let why = problems.iter().map(|problem| problem.why.as_str()).collect::<Vec<_>>().join("; ");
    Err(ApiError::Refused {
        code,
        what: format!("The pattern `{id}` cannot be used"),
        why,
        next: format!("{} Nothing was changed.", first.next),
    })
}

/// What was edited, over what the pattern says now.
fn over(now: &PackEntry, base: &PackEntry, written: &PackEntry) -> Result<PackEntry, ApiError> {
    let (mut result, source) = (object(now), object(written));
    let moved = changed_fields(base, now);
    for field in changed_fields(base, written) {
        let value = source.get(&field).cloned().unwrap_or(Value::Null);
        if moved.contains(&field) && result.get(&field) != Some(&value) {
            return Err(ApiError::Conflict {
                code: "edited_meanwhile",
                what: "The document was not saved".into(),
                why: format!("`{field}` was changed by somebody else meanwhile"),
                next: "Open the document again and make your change there.".into(),
            });
        }
        result.insert(field, value);
    }
    serde_json::from_value(Value::Object(result)).map_err(|error| ApiError::Internal(error.to_string()))
}

fn object(entry: &PackEntry) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn changes(before: Option<&PackEntry>, after: &PackEntry) -> Vec<FieldChange> {
    let nothing = PackEntry::new("", "");
    let before = before.unwrap_or(&nothing);
    let (old, new) = (object(before), object(after));
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => write_value(value).trim_end().to_owned(),
    };
    changed_fields(before, after)
        .into_iter()
        .map(|field| FieldChange { before: shown(old.get(&field)), after: shown(new.get(&field)), field })
        .collect()
}

/// Line ends as everywhere, one at the end, and no mark of a document's start.
fn tidy(document: &str) -> String {
    let text = document.strip_prefix('\u{feff}').unwrap_or(document).replace("\r\n", "\n");
    let text = text.strip_prefix("---\n").unwrap_or(&text);
    format!("{}\n", text.trim_matches('\n'))
}
