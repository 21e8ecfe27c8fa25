//! Named tokens of the HTTP API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::Timestamp;
use selfheal_core::audit::NewEntry;
use selfheal_store::ApiToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Body;
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub name: String,
    pub role: Role,
    pub created_at: String,
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
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    pub name: String,
    pub role: Role,
    /// Shown this once.
    pub token: String,
}

#[utoipa::path(get, operation_id = "list_tokens", path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = TokenPage)))]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<TokenPage>, ApiError> {
    who.require(Role::Admin, "Looking at tokens")?;
    let mut tx = app.store().read().await?;
    let tokens = tx
        .tokens()
        .await?
        .into_iter()
        .filter_map(|token| {
            Some(TokenView {
                role: Role::parse(&token.role)?,
                name: token.name,
                created_at: token.created_at.to_rfc3339(),
            })
        })
        .collect();
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
    let name = body.name.trim().to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
        return Err(ApiError::invalid(
            "The token cannot be made",
            "expected a name of 1 to 100 letters, digits, dots, hyphens and underscores",
            "Name who will use it.",
        ));
    }
    let secret = crate::token::random().map_err(|error| ApiError::Internal(error.to_string()))?;
    let now = app.now();
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
    };
    tx.put_token(&token).await?;
    tx.audit(entry("automation.token_added", &who, &format!("{name}: {}", body.role), now)).await?;
    tx.commit().await?;
    Ok(Json(TokenMade { name, role: body.role, token: secret.expose().to_owned() }))
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
    if !tx.remove_token(&name).await? {
        return Err(ApiError::NotFound(format!("token `{name}`")));
    }
    tx.audit(entry("automation.token_removed", &who, &name, now)).await?;
    tx.commit().await?;
    list(State(app), who).await
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
