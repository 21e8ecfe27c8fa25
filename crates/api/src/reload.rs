//! Looks at the configuration file again and again, and has it taken up when it was written whole.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::config::Settling;
use selfheal_core::{Span, Timestamp};

use crate::App;

/// Two looks at the same content are needed.
const INTERVAL: Duration = Duration::from_secs(1);
/// Looks between two tries to tell operations what waits.
const TELL_EVERY: u32 = 30;

pub async fn run(app: Arc<App>) {
    tokio::join!(look(&app), tell(&app));
}

async fn look(app: &App) {
    // Only counts, so that no clock that is set makes a file older than it is.
    let began = tokio::time::Instant::now();
    let elapsed =
        || Timestamp::EPOCH + Span::from_micros(i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX));
    let mut settling = Settling::default();
    loop {
        // What an engine starts with is on record and kept before a change to it is looked at.
        let started = app.configuration.started(app).await;
        let is_kept = started.is_ok();
        app.engine.problem("accepted configuration", started.err());
        tokio::time::sleep(INTERVAL).await;
        if is_kept {
            app.configuration.look(app, &mut settling, elapsed()).await;
        }
    }
}

/// Beside it: a notifier that does not answer holds up no look.
async fn tell(app: &App) {
    let mut looks = 0_u32;
    loop {
        if looks.is_multiple_of(TELL_EVERY) || app.configuration.is_untold().await {
            app.configuration.tell(app).await;
        }
        looks = looks.wrapping_add(1);
        tokio::time::sleep(INTERVAL).await;
    }
}
