//! The router and its OpenAPI document, from the same declarations.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use futures::FutureExt;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::routes::{
    advise, audit, automation, backup, case, changes, configuration, demo, doctor, documents, drafts, events,
    incidents, ingest, maintenance, matching, merging, notifications, overview, packs, patterns, people, queue, redact,
    replay, review, tokens,
};
use crate::view::LiveEventView;
use crate::{ApiError, App};

/// Bytes of one request. Longer input is sent in pieces.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Selfheal", description = "The application interface of Selfheal."),
    components(schemas(LiveEventView, crate::Problem))
)]
struct Document;

fn open_api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(overview::overview))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::show))
        .routes(routes!(people::approve))
        .routes(routes!(people::reject))
        .routes(routes!(people::acknowledge))
        .routes(routes!(people::snooze))
        .routes(routes!(people::wake))
        .routes(routes!(people::escalate))
        .routes(routes!(people::resolve))
        .routes(routes!(people::note))
        .routes(routes!(people::choose))
        .routes(routes!(people::edit))
        .routes(routes!(queue::show))
        .routes(routes!(configuration::show))
        .routes(routes!(configuration::accept))
        .routes(routes!(maintenance::list, maintenance::announce))
        .routes(routes!(maintenance::end))
        .routes(routes!(changes::record, changes::list))
        .routes(routes!(redact::redact))
        .routes(routes!(automation::show, automation::set))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(backup::make))
        .routes(routes!(backup::restore))
        .routes(routes!(audit::export))
        .routes(routes!(case::case))
        .routes(routes!(patterns::list))
        .routes(routes!(patterns::stats))
        .routes(routes!(patterns::show, patterns::put, documents::remove))
        .routes(routes!(patterns::set_status))
        .routes(routes!(documents::show, documents::put))
        .routes(routes!(packs::import))
        .routes(routes!(packs::export))
        .routes(routes!(drafts::list))
        .routes(routes!(drafts::accept))
        .routes(routes!(drafts::reject))
        .routes(routes!(review::show))
        .routes(routes!(review::evidence))
        .routes(routes!(merging::merge_patterns))
        .routes(routes!(merging::unmerge_patterns))
        .routes(routes!(matching::match_lines))
        .routes(routes!(matching::search))
        .routes(routes!(matching::test))
        .routes(routes!(replay::replay_pattern))
        .routes(routes!(advise::analyze))
        .routes(routes!(advise::recommend))
        .routes(routes!(ingest::ingest))
        .routes(routes!(tokens::list, tokens::add))
        .routes(routes!(tokens::remove))
        .routes(routes!(doctor::doctor))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::test))
        .routes(routes!(demo::start))
        .routes(routes!(events::events))
}

/// The router without a transport. A transport has to put a [`crate::Principal`] into each request.
pub fn router(app: Arc<App>) -> Router {
    open_api()
        .split_for_parts()
        .0
        .method_not_allowed_fallback(async || ApiError::NotFound("operation of that method here".into()))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(axum::middleware::from_fn(whole))
        .with_state(app)
}

/// An operation that breaks off is a fault of ours: it is logged with what was asked for, and whoever asked is told.
async fn whole(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = match std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let why = why.or_else(|| panic.downcast_ref::<String>().cloned());
            ApiError::Internal(why.unwrap_or_else(|| "it broke off".into())).into_response()
        }
    };
    if response.status().is_server_error() {
        tracing::error!(asked, status = response.status().as_u16(), "an operation failed");
    }
    response
}

/// The OpenAPI document, as JSON with a final line break.
pub fn document() -> String {
    let document = open_api().split_for_parts().1;
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
