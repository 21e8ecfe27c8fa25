//! Who is told, and whether that works.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::NotifierName;

use crate::view::{NotifierList, NotifierTestView, notifier_view};
use crate::{ApiError, App, Principal, Role};

#[utoipa::path(get, operation_id = "list_notifiers", path = "/api/v1/notifiers", tag = "notifiers",
    responses((status = 200, body = NotifierList)))]
pub async fn list(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<NotifierList>, ApiError> {
    let notifiers = app.engine.notifiers().into_iter().map(notifier_view).collect();
    Ok(Json(NotifierList { notifiers, quiet_until: app.engine.quiet_until().map(|until| until.to_rfc3339()) }))
}

/// Sends a notice that is marked as a test, also in quiet hours, and waits for what is answered. That it did not arrive is
/// an answer, not an error.
#[utoipa::path(post, operation_id = "test_notifier", path = "/api/v1/notifiers/{name}/test", tag = "notifiers",
    params(("name" = String, Path)), responses((status = 200, body = NotifierTestView)))]
pub async fn test(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(name): Path<String>,
) -> Result<Json<NotifierTestView>, ApiError> {
    who.require(Role::Approver, "Testing a notifier")?;
    let tested = app.engine.test_notifier(&NotifierName::new(&name)).await;
    let tested = tested.ok_or_else(|| ApiError::NotFound(format!("notifier `{name}`")))?;
    let (ok, what, next) = match tested.result {
        Ok(answer) => (true, answer, String::new()),
        Err(error) => (false, error.why, format!("{}.", error.next)),
    };
    let milliseconds = u64::try_from(tested.took.as_millis()).unwrap_or(u64::MAX);
    Ok(Json(NotifierTestView { name, ok, what, next, milliseconds }))
}
