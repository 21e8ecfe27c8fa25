//! Live events, as server-sent events. In the desktop they travel over its own channel.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use selfheal_engine::LiveEvent;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::watch;

use crate::access::Seat;
use crate::{ApiError, App, Principal};

/// How often it is looked whether the reader may still listen while nothing happens. With each event it is looked, too.
const LOOK: Duration = Duration::from_secs(1);

#[utoipa::path(get, operation_id = "live_events", path = "/api/v1/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = crate::view::LiveEventView),
        (status = 429, body = crate::Problem)))]
pub async fn events(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let seat = app.access.seat(&who).ok_or(ApiError::TooManyStreams)?;
    let listener = Listener {
        events: app.engine.live().subscribe(),
        changed: app.access.watch(),
        look: tokio::time::interval(LOOK),
        app,
        who,
        _seat: seat,
    };
    let stream = futures::stream::unfold(listener, Listener::next);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))))
}

struct Listener {
    events: Receiver<LiveEvent>,
    changed: watch::Receiver<()>,
    look: tokio::time::Interval,
    app: Arc<App>,
    who: Principal,
    _seat: Seat,
}

impl Listener {
    /// The next event, or the end: nothing is told to a token that was removed, has expired or has another role.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            let heard = tokio::select! {
                event = self.events.recv() => match event {
                    Ok(event) => Some(event),
                    // A reader too slow to keep up has missed events; the next one makes it ask again all the same.
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return None,
                },
                changed = self.changed.changed() => match changed {
                    Ok(()) => None,
                    Err(_) => return None,
                },
                _ = self.look.tick() => None,
            };
            if !self.app.access.still(&self.who, self.app.store(), self.app.now()).await {
                return None;
            }
            if let Some(event) = heard.and_then(|event| Event::default().json_data(event).ok()) {
                return Some((Ok(event), self));
            }
        }
    }
}
