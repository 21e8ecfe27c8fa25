//! Starts a scenario of the demo, where this is one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use super::overview::build;
use crate::view::Overview;
use crate::{ApiError, App, Principal, Role};

#[utoipa::path(post, operation_id = "start_scenario", path = "/api/v1/demo/{name}", tag = "demo", params(("name" = String, Path)),
    responses((status = 200, body = Overview)))]
pub async fn start(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(name): Path<String>,
) -> Result<Json<Overview>, ApiError> {
    who.require(Role::Approver, "Starting a scenario")?;
    let demo = app.demo.as_ref().ok_or_else(|| ApiError::NotFound("demo here".into()))?;
    demo.start(&name).await?;
    build(&app, &who).await.map(Json)
}
