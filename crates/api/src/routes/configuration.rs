//! The configuration file: what is active, what waits, and taking what waits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::configuration::ConfigurationView;
use crate::extract::Body;
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptConfiguration {
    /// Of the file that was looked at.
    pub digest: String,
}

#[utoipa::path(get, operation_id = "get_configuration", path = "/api/v1/configuration", tag = "configuration",
    responses((status = 200, body = ConfigurationView)))]
pub async fn show(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<ConfigurationView>, ApiError> {
    Ok(Json(app.configuration.view(&app).await))
}

/// Takes a file that takes services or safety away. Exactly the one that was shown.
#[utoipa::path(post, operation_id = "accept_configuration", path = "/api/v1/configuration/accept", tag = "configuration",
    request_body = AcceptConfiguration, responses((status = 200, body = ConfigurationView)))]
pub async fn accept(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<AcceptConfiguration>,
) -> Result<Json<ConfigurationView>, ApiError> {
    who.require(Role::Admin, "Accepting a configuration")?;
    app.configuration.accept(&app, &body.digest, &who).await?;
    Ok(Json(app.configuration.view(&app).await))
}
