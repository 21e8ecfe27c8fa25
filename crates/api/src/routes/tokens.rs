//! Named tokens of the HTTP API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::{Span, Timestamp};
use selfheal_store::ApiToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::KEPT;
use crate::extract::Body;
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub name: String,
    pub role: Role,
    /// Whose it is: where two people have to approve, all tokens of one person count once.
    pub person: String,
    pub created_at: String,
    /// Refused from then on; null where it has no end.
    #[schema(required)]
    pub expires_at: Option<String>,
    pub expired: bool,
    /// Who made it, where that is known.
    #[schema(required)]
    pub made_by: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenPage {
    pub tokens: Vec<TokenView>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    pub name: String,
    pub role: Role,
    /// Whose it is; the token's own name where it is left out.
    #[serde(default)]
    pub person: Option<String>,
    /// For how long, such as `90d` or `12h`; `never` for one without an end. 90 days where it is left out.
    #[serde(default)]
    pub expires: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    pub name: String,
    pub role: Role,
    pub person: String,
    #[schema(required)]
    pub expires_at: Option<String>,
    /// Shown this once.
    pub token: String,
}

/// For how long a token holds where nobody says.
const USUAL: &str = "90d";
const LONGEST_DAYS: u64 = 3_650;
/// Characters of a name.
const NAME_LIMIT: usize = 100;

#[utoipa::path(get, operation_id = "list_tokens", path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = TokenPage)))]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<TokenPage>, ApiError> {
    who.require(Role::Admin, "Looking at tokens")?;
    let mut tx = app.store().read().await?;
    let now = app.now();
    let view = |token: ApiToken| {
        Some(TokenView {
            role: Role::parse(&token.role)?,
            person: if token.person.is_empty() { token.name.clone() } else { token.person.clone() },
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires().map(Timestamp::to_rfc3339),
            expired: token.expires().is_some_and(|at| at <= now),
            made_by: token.made_by,
            name: token.name,
        })
    };
    let mut tokens: Vec<TokenView> = tx.tokens().await?.into_iter().filter_map(view).collect();
    if let Some(since) = app.access.kept_since() {
        let Principal { person, role, .. } = Principal::local();
        tokens.push(TokenView {
            name: KEPT.into(),
            role,
            person,
            created_at: since.to_rfc3339(),
            expires_at: None,
            expired: false,
            made_by: Some("selfheal serve".into()),
        });
    }
    Ok(Json(TokenPage { tokens }))
}

#[utoipa::path(post, operation_id = "add_token", path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 200, body = TokenMade)))]
pub async fn add(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<NewToken>,
) -> Result<Json<TokenMade>, ApiError> {
    who.require(Role::Admin, "Making a token")?;
    let name = plain(&body.name, "a name", "Name who will use it.")?;
    let person = match &body.person {
        Some(person) => plain(person, "a person's name", "Name the person as on their other tokens.")?,
        None => name.clone(),
    };
    if name == KEPT {
        return Err(ApiError::invalid(
            "The token cannot be made",
            format!("`{KEPT}` is the token that the home keeps for the address that `selfheal serve` prints"),
            "Choose another name.",
        ));
    }
    let secret = crate::token::random().map_err(|error| ApiError::Internal(error.to_string()))?;
    let now = app.now();
    let expires = expiry(body.expires.as_deref().unwrap_or(USUAL), now)?;
    let mut tx = app.store().write().await?;
    if tx.tokens().await?.iter().any(|token| token.name == name) {
        return Err(ApiError::Conflict {
            code: "token_exists",
            what: "The token was not made".into(),
            why: format!("there is a token `{name}` already, and somebody may be using it"),
            next: format!("Choose another name, or remove it first: selfheal token remove {name}"),
        });
    }
    let token = ApiToken {
        name: name.clone(),
        role: body.role.as_str().into(),
        digest: crate::token::digest(&secret),
        created_at: now,
        person: person.clone(),
        expires_at: expires.map(Timestamp::as_micros),
        made_by: Some(who.name.clone()),
    };
    tx.put_token(&token).await?;
    // Whoever may make tokens could make one in another's name, and be two approvers: that is on record.
    let ends = expires.map_or_else(|| "without an end".to_owned(), |at| format!("until {}", at.to_rfc3339()));
    let result = format!("{name}: {} for the person {person}, {ends}", body.role);
    tx.audit(entry("automation.token_added", &who, &result, now)).await?;
    tx.commit().await?;
    app.access.changed().await;
    let expires_at = expires.map(Timestamp::to_rfc3339);
    Ok(Json(TokenMade { name, role: body.role, person, expires_at, token: secret.expose().to_owned() }))
}

#[utoipa::path(delete, operation_id = "remove_token", path = "/api/v1/tokens/{name}", tag = "tokens", params(("name" = String, Path)),
    responses((status = 200, body = TokenPage)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(name): Path<String>,
) -> Result<Json<TokenPage>, ApiError> {
    who.require(Role::Admin, "Removing a token")?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let is_stored = tx.remove_token(&name).await?;
    let is_kept = !is_stored && name == KEPT && app.access.kept_since().is_some();
    if !is_stored && !is_kept {
        return Err(ApiError::NotFound(format!("token `{name}`")));
    }
    if is_kept {
        // First, so that it is gone whatever becomes of the record.
        app.access.forget_kept().map_err(|error| {
            ApiError::Internal(format!("{} cannot be removed: {error}", app.access.kept_in().display()))
        })?;
    }
    tx.audit(entry("automation.token_removed", &who, &name, now)).await?;
    tx.commit().await?;
    app.access.changed().await;
    list(State(app), who).await
}

fn plain(text: &str, what: &str, next: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if text.is_empty() || text.len() > NAME_LIMIT || !text.chars().all(plain) {
        let why = format!("expected {what} of 1 to {NAME_LIMIT} letters, digits, dots, hyphens, underscores, @ and +");
        return Err(ApiError::invalid("The token cannot be made", why, next));
    }
    Ok(text.to_owned())
}

/// `90d`, `12h` or `never`.
fn expiry(text: &str, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    if text == "never" {
        return Ok(None);
    }
    let unit = |end: char, hours: u64| {
        text.strip_suffix(end).and_then(|number| number.parse::<u64>().ok()?.checked_mul(hours))
    };
    match unit('d', 24).or_else(|| unit('h', 1)) {
        Some(hours @ 1..) if hours <= LONGEST_DAYS * 24 => Ok(Some(now + Span::from_minutes(hours * 60))),
        _ => Err(ApiError::invalid(
            "The token cannot be made",
            format!("`{text}`: expected for how long it holds, such as 90d or 12h, at most {LONGEST_DAYS}d, or never"),
            "Say for how long, or leave it out for 90 days.",
        )),
    }
}

fn entry(event_type: &'static str, who: &Principal, result: &str, at: Timestamp) -> NewEntry {
    NewEntry {
        at,
        event_type,
        actor: who.name.clone(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: result.to_owned(),
        details: serde_json::json!({}),
    }
}
