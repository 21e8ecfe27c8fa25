//! Native notifications: shown on escalation and when an approval is needed; a click opens the app on that incident.
//!
//! A click only shows. Whatever is done about it is done in the window, after a look at the plan, because any program on
//! the session bus can pretend that a notification was clicked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use selfheal_api::ports::{Clock, Notifier, NotifyError, Retry};
use selfheal_api::view::IncidentView;
use selfheal_api::{Client, SystemClock};
use selfheal_core::{About, IncidentId, Notice, NoticeKind, ServiceName, Timestamp, told};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;

use crate::window;

const INCIDENT: &str = "incident";

pub struct Native {
    app: AppHandle,
    /// What was last shown of an incident whose engine runs elsewhere.
    shown: Mutex<HashMap<IncidentId, String>>,
    /// There is no notification service: said once, not with every notice.
    missing: AtomicBool,
}

impl Native {
    pub fn new(app: AppHandle) -> Self {
        Self { app, shown: Mutex::new(HashMap::new()), missing: AtomicBool::new(false) }
    }

    /// Shows what an engine in another process would have shown here: once per change to a state that needs a person.
    pub async fn notify_of(&self, client: &Client, incident: IncidentId, state: &str) {
        let kind = match state {
            "escalated" => NoticeKind::Escalated,
            "awaiting_approval" => NoticeKind::ApprovalNeeded,
            _ => {
                self.shown().remove(&incident);
                return;
            }
        };
        if self.shown().insert(incident, state.to_owned()).as_deref() == Some(state) {
            return;
        }
        let Ok(view) = client.get::<IncidentView>(&format!("/api/v1/incidents/{incident}")).await else { return };
        let title = match kind {
            NoticeKind::ApprovalNeeded => format!("{}: approve a fix?", view.incident.service),
            _ => format!("{} needs you", view.incident.service),
        };
        let body = view.what_to_do.notice(&view.incident.title);
        let row = view.incident;
        let notice = Notice {
            id: format!("{incident}-{state}"),
            at: Timestamp::EPOCH,
            severity: row.severity,
            title,
            body: told::spoken(&body, |at| told::local(at, SystemClock.now(), SystemClock.utc_offset(at))),
            about: About::Incident {
                kind,
                incident,
                service: ServiceName::new(row.service),
                state: state.to_owned(),
                opened_at: Timestamp::EPOCH,
            },
        };
        if let Err(error) = self.notify(&notice).await {
            tracing::warn!(%error, "the notification is not shown");
        }
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<IncidentId, String>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for Native {
    fn name(&self) -> &str {
        "desktop"
    }

    fn is_native(&self) -> bool {
        true
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        // Queued is for operations; a desktop is told when a person is needed.
        if matches!(notice.about, About::Incident { kind: NoticeKind::Queued, .. }) {
            return Ok("not shown: it waits, and nobody is needed".into());
        }
        if let Err(why) = service().await {
            // Trying again would not help: nothing on this desktop listens. The window shows the incident all the same.
            if !self.missing.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    why,
                    "native notifications are not shown: start a notification service (dunst, mako or the desktop's own)"
                );
            }
            return Ok("not shown: there is no notification service".into());
        }
        self.missing.store(false, Ordering::Relaxed);
        let mut builder = self.app.notification().builder().title(&notice.title).body(&notice.body);
        if let Some(incident) = notice.incident() {
            builder = builder.extra(INCIDENT, incident);
        }
        builder.show().map(|()| "shown".into()).map_err(|error| NotifyError {
            why: format!("the notification could not be shown: {error}"),
            next: "Check the desktop's notification settings".into(),
            retry: Retry::Later,
        })
    }
}

/// Whether a notification service answers.
#[cfg(target_os = "linux")]
async fn service() -> Result<(), String> {
    tokio::task::spawn_blocking(|| notify_rust::get_server_information().map(|_| ()).map_err(|error| error.to_string()))
        .await
        .map_err(|error| error.to_string())?
}

#[cfg(not(target_os = "linux"))]
async fn service() -> Result<(), String> {
    Ok(())
}

/// Opens the incident of a clicked notification. To be called before the first one is shown.
pub fn listen(app: &AppHandle) -> Result<(), tauri_plugin_notification::Error> {
    let handle = app.clone();
    app.notification().on_action(move |performed| {
        let incident = performed
            .notification()
            .and_then(|notification| notification.extra().get(INCIDENT))
            .and_then(|value| value.as_str())
            .and_then(|id| id.parse().ok());
        let Some(incident) = incident else { return };
        let app = handle.clone();
        let shown = handle.run_on_main_thread(move || window::show(&app, Some(incident)));
        if let Err(error) = shown {
            tracing::warn!(%error, "the notification's incident cannot be shown");
        }
    })
}
