//! The window's files, compiled in.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/build"]
#[allow_missing = true]
struct Files;

/// What the window may load and reach: itself. Styles are set by its scripts, hence inline.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'none'";

pub async fn asset(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return crate::ApiError::NotFound(format!("address {}", uri.path())).into_response();
    }
    // Every page is the one page: the address says what it shows.
    let (file, name) = match Files::get(path) {
        Some(file) => (Some(file), path),
        None => (Files::get("index.html"), "index.html"),
    };
    let Some(file) = file else {
        return (StatusCode::NOT_FOUND, "This build carries no window: run `npm run build` in ui/ and build again.")
            .into_response();
    };
    let cache = if name.contains("/immutable/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    (
        [
            (header::CONTENT_TYPE, file.metadata.mimetype()),
            (header::CACHE_CONTROL, cache),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
        file.data,
    )
        .into_response()
}
