//! What an edit of a pattern would have changed, before it is saved.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::knowledge::draft::DRAFT_CONFIDENCE;
use selfheal_core::knowledge::{PackEntry, Pattern, PatternStatus};
use selfheal_core::{DecisionKind, PatternId, Span, Timestamp};
use selfheal_engine::{Change, Edit, Replay, ReplayVerdict, replay};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::patterns::{PutPattern, entry};
use crate::extract::Body;
use crate::limit::limit;
use crate::long_work::long;
use crate::{ApiError, App, Principal, Role};

/// Incidents that are judged where nothing else is said, and at most.
const LIMIT: u64 = 10_000;
const LIMIT_AT_MOST: u64 = 1_000_000;
/// The longest look back: a hundred years.
const MINUTES_AT_MOST: u64 = 100 * 366 * 24 * 60;
/// Bytes of an edited document.
const DOCUMENT_LIMIT: usize = 256 * 1024;

/// An edit that is not saved: exactly one of `document`, `change`, `disabled` and `removed`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayRequest {
    /// The pattern's id. One that is not there yet is added.
    pub pattern: String,
    /// The edited pattern as it stands in a pack, in YAML or JSON. A confidence that it does not name stays as it is.
    pub document: Option<String>,
    /// A change as it would be put.
    pub change: Option<PutPattern>,
    pub disabled: bool,
    pub removed: bool,
    /// Only incidents opened since then, RFC 3339.
    pub since: Option<String>,
    /// Only incidents of the last so many minutes; not together with `since`.
    pub within_minutes: Option<u64>,
    /// The latest incidents only: 10,000 where it is left out.
    pub limit: Option<u64>,
}

/// How one incident is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayJudgement {
    pub decision: DecisionKind,
    #[schema(required)]
    pub pattern: Option<String>,
    #[schema(required)]
    pub action: Option<String>,
    pub service: String,
    pub relevance: f64,
    pub decision_confidence: f64,
}

/// An incident that would be judged otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayChange {
    pub incident: String,
    pub title: String,
    pub opened_at: String,
    /// `newly_automatic`, `asks_now`, `escalates_now`, `suggests_now`, `other_match` or `other_score`.
    pub change: String,
    pub words: String,
    pub before: ReplayJudgement,
    pub after: ReplayJudgement,
}

/// How often one decision would become another, or stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayDecisions {
    pub from: String,
    pub to: String,
    pub incidents: u64,
}

/// What a replay found. Counts are exact, `changes` are the worst of them, worst first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayReply {
    pub pattern: String,
    /// The pattern is a draft, which matches nothing: it was judged as it would be once accepted, active with confidence 0.50
    /// and not auto-healable.
    pub as_accepted: bool,
    /// Incidents opened since the moment that was asked for.
    pub incidents: u64,
    pub examined: u64,
    /// Incidents whose signals have expired.
    pub without_signals: u64,
    /// There are more incidents than were asked for.
    pub more: bool,
    /// Incidents whose best match would newly be this pattern.
    pub gained: u64,
    /// Incidents whose best match would no longer be this pattern.
    pub lost: u64,
    pub decisions_changed: u64,
    /// Incidents on which something would newly run without asking.
    pub newly_automatic: u64,
    pub would_newly_act: bool,
    pub decisions: Vec<ReplayDecisions>,
    pub changes: Vec<ReplayChange>,
}

/// Judges past incidents anew under an edit, which is the work of those who tend the knowledge base: it needs the role approver.
#[utoipa::path(post, operation_id = "replay_pattern", path = "/api/v1/knowledge/replay", tag = "knowledge", request_body = ReplayRequest,
    responses((status = 200, body = ReplayReply)))]
pub async fn replay_pattern(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(mut body): Body<ReplayRequest>,
) -> Result<Json<ReplayReply>, ApiError> {
    who.require(Role::Approver, "Replaying an edit")?;
    let since = match (body.since.as_deref(), body.within_minutes) {
        (Some(since), None) => moment(since)?,
        (None, Some(minutes)) => app.now() - Span::from_minutes(minutes.min(MINUTES_AT_MOST)),
        (None, None) => Timestamp::from_micros(0),
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "The edit cannot be replayed",
                "both `since` and `within_minutes` are given",
                "Give one of them.",
            ));
        }
    };
    let limit = limit(body.limit, LIMIT, 1, LIMIT_AT_MOST)?;
    let id = PatternId::from_name(&body.pattern);
    let asked = Arc::clone(&app);
    long(&app, &who, move |_| async move {
        let app = asked;
        // One view of the database for everything: what is compared is compared with the same incidents.
        let mut tx = app.store().read().await?;
        let stored = tx.pattern(&id).await?;
        let edit = edit(&mut body, &id, stored.as_ref(), app.now())?;
        let is_draft = stored.as_ref().is_some_and(|stored| stored.status == PatternStatus::Draft);
        let as_accepted = is_draft && matches!(&edit, Edit::Put(pattern) if pattern.status == PatternStatus::Active);
        let incidents = tx.count_opened(since).await? as u64;
        let before = app.engine.knowledge(&mut tx).await?.base();
        let config = app.engine.config();
        let made = Replay::new(before, stored.as_ref(), &edit, config);
        let edited = Arc::new(made.map_err(|error| {
            ApiError::invalid("The edit cannot be replayed", error.to_string(), "Mend the rule. Nothing was changed.")
        })?);
        let found = replay(&mut tx, &edited, since, limit).await?;
        Ok(ReplayReply {
            pattern: id.to_string(),
            as_accepted,
            incidents,
            examined: found.examined,
            without_signals: found.without_signals,
            more: incidents > limit,
            gained: found.gained,
            lost: found.lost,
            decisions_changed: found.decisions_changed,
            newly_automatic: found.newly_automatic,
            would_newly_act: found.newly_automatic > 0,
            decisions: found
                .decisions
                .iter()
                .map(|((from, to), incidents)| ReplayDecisions {
                    from: (*from).into(),
                    to: (*to).into(),
                    incidents: *incidents,
                })
                .collect(),
            changes: found.changes.iter().map(change_view).collect(),
        })
    })
    .await
    .map(Json)
}

fn moment(text: &str) -> Result<Timestamp, ApiError> {
    Timestamp::parse(text).ok_or_else(|| {
        ApiError::invalid(
            "The moment cannot be read",
            format!("`{text}` is no RFC 3339 time"),
            "Write it as 2026-02-28T14:00:00Z.",
        )
    })
}

/// The edit that a request means.
fn edit(body: &mut ReplayRequest, id: &PatternId, stored: Option<&Pattern>, now: Timestamp) -> Result<Edit, ApiError> {
    let invalid = |why: String, next: &str| ApiError::invalid("The edit cannot be replayed", why, next);
    match (&body.document, body.disabled, body.removed) {
        (None, false, false) if let Some(change) = body.change.take() => {
            let mut pattern = entry(change, stored)?
                .into_pattern("person", now)
                .map_err(|why| invalid(why, "Mend it and try again. Nothing was changed."))?;
            stand_in(&mut pattern, id, stored);
            Ok(Edit::Put(Box::new(pattern)))
        }
        _ if body.change.is_some() => {
            Err(invalid("it names a change and something else".into(), "Send exactly one of them."))
        }
        (Some(document), false, false) => Ok(Edit::Put(Box::new(edited(document, id, stored, now)?))),
        (None, true, false) => {
            let stored = stored.ok_or_else(|| ApiError::no_pattern(id))?;
            Ok(Edit::Put(Box::new(Pattern { status: PatternStatus::Disabled, ..stored.clone() })))
        }
        (None, false, true) => {
            stored.ok_or_else(|| ApiError::no_pattern(id))?;
            Ok(Edit::Remove(id.clone()))
        }
        _ => Err(invalid(
            "it names none, or more than one, of an edited document, a change, `disabled` and `removed`".into(),
            "Send exactly one of them.",
        )),
    }
}

/// The edited version of a pattern, out of a document that holds it alone or as one of a pack.
fn edited(document: &str, id: &PatternId, stored: Option<&Pattern>, now: Timestamp) -> Result<Pattern, ApiError> {
    let invalid = |why: String, next: &str| ApiError::invalid("The edited pattern cannot be used", why, next);
    if document.len() > DOCUMENT_LIMIT {
        return Err(invalid(
            format!("it has {} bytes, at most {DOCUMENT_LIMIT} are read", document.len()),
            "Shorten it.",
        ));
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        invalid(
            error.to_string(),
            "Write it as it stands in a pack: `selfheal knowledge show --json` names the fields.",
        )
    };
    let whole: Value = serde_yaml::from_str(document).map_err(|error| unreadable(&error))?;
    let one = match whole.get("patterns").and_then(Value::as_array) {
        None => whole,
        Some(patterns) => patterns
            .iter()
            .find(|entry| id_of(entry).as_ref() == Some(id))
            .or_else(|| patterns.first().filter(|_| patterns.len() == 1))
            .cloned()
            .ok_or_else(|| invalid(format!("the pack holds no pattern `{id}`"), "Name one that it holds."))?,
    };
    let names_confidence = one.get("confidence").is_some();
    let entry: PackEntry = serde_json::from_value(one).map_err(|error| unreadable(&error))?;
    let mut pattern =
        entry.into_pattern("person", now).map_err(|why| invalid(why, "Mend it and try again. Nothing was changed."))?;
    if let Some(stored) = stored.filter(|_| !names_confidence) {
        pattern.confidence = stored.confidence;
    }
    stand_in(&mut pattern, id, stored);
    Ok(pattern)
}

/// Has an edited pattern stand where the stored one does: what was learned of that one is not edited.
fn stand_in(pattern: &mut Pattern, id: &PatternId, stored: Option<&Pattern>) {
    // Another name is still the same pattern that is edited.
    pattern.id = id.clone();
    let Some(stored) = stored else { return };
    (pattern.use_count, pattern.attempts, pattern.status) = (stored.use_count, stored.attempts, stored.status);
    if stored.status == PatternStatus::Draft {
        // A draft matches nothing; what a person wants to know is what it would do once accepted.
        pattern.status = PatternStatus::Active;
        pattern.confidence = DRAFT_CONFIDENCE;
        pattern.auto_healable = false;
    }
}

fn id_of(entry: &Value) -> Option<PatternId> {
    let name = entry.get("id").filter(|id| !id.is_null()).or_else(|| entry.get("name"))?;
    name.as_str().map(PatternId::from_name)
}

fn change_view(change: &Change) -> ReplayChange {
    use selfheal_engine::Outlook;
    let (name, words) = match change.outlook {
        Outlook::NewlyAutomatic => ("newly_automatic", "would newly run by itself"),
        Outlook::AsksNow => ("asks_now", "healed by itself and would ask first"),
        Outlook::EscalatesNow => ("escalates_now", "had a fix and would go to a person without one"),
        Outlook::SuggestsNow => ("suggests_now", "had no fix and would have one suggested"),
        Outlook::OtherMatch => ("other_match", "the same decision, on another pattern or fix"),
        Outlook::OtherScore => ("other_score", "the same decision, more or less surely"),
    };
    ReplayChange {
        incident: change.incident.to_string(),
        title: change.title.clone(),
        opened_at: change.opened_at.to_rfc3339(),
        change: name.into(),
        words: words.into(),
        before: judgement(&change.before),
        after: judgement(&change.after),
    }
}

fn judgement(verdict: &ReplayVerdict) -> ReplayJudgement {
    ReplayJudgement {
        decision: verdict.decision,
        pattern: verdict.pattern.as_ref().map(ToString::to_string),
        action: verdict.action.as_ref().map(|action| action.kind.to_string()),
        service: verdict.service.to_string(),
        relevance: verdict.relevance.as_decimal(),
        decision_confidence: verdict.confidence.shown().as_decimal(),
    }
}
