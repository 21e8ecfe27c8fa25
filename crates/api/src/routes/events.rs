//! Live events, as server-sent events. In the desktop they travel over its own channel.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use crate::{App, Principal};

#[utoipa::path(get, operation_id = "live_events", path = "/api/v1/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = crate::view::LiveEventView)))]
pub async fn events(
    State(app): State<Arc<App>>,
    _who: Principal,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // A reader too slow to keep up has missed events; the next one makes it ask again all the same.
    let stream = BroadcastStream::new(app.engine.live().subscribe())
        .filter_map(|event| async { event.ok().and_then(|event| Event::default().json_data(event).ok()).map(Ok) });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))
}
