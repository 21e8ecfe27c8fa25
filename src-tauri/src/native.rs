//! Native notifications: shown on escalation and when an approval is needed; a click opens the app on that incident.
//!
//! A click only shows. Whatever is done about it is done in the window, after a look at the plan. On Linux the clicks are
//! those that the notification service itself tells (`freedesktop.rs`).

use std::collections::HashMap;
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use selfheal_api::ports::{Clock, Notifier, NotifyError, Retry};
use selfheal_api::view::IncidentView;
use selfheal_api::{Client, SystemClock};
use selfheal_core::{About, IncidentId, Notice, NoticeKind, ServiceName, Timestamp, told};
use tauri::AppHandle;
#[cfg(target_os = "linux")]
use tauri::Manager;
#[cfg(not(target_os = "linux"))]
use tauri_plugin_notification::NotificationExt;

#[cfg(target_os = "linux")]
use crate::freedesktop::Notifications;
use crate::window;

#[cfg(not(target_os = "linux"))]
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
        match show(&self.app, notice).await {
            Ok(()) => {
                self.missing.store(false, Ordering::Relaxed);
                Ok("shown".into())
            }
            // Trying again would not help: nothing on this desktop listens. The window shows the incident all the same.
            Err(Unshown::NoService(why)) => {
                if !self.missing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        why,
                        "native notifications are not shown: start a notification service (dunst, mako or the desktop's own)"
                    );
                }
                Ok("not shown: there is no notification service".into())
            }
            Err(Unshown::Failed(why)) => Err(NotifyError {
                why: format!("the notification could not be shown: {why}"),
                next: "Check the desktop's notification settings".into(),
                retry: Retry::Later,
            }),
        }
    }
}

/// Why a notification is not seen.
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "here each failure is one of the service"))]
enum Unshown {
    NoService(String),
    Failed(String),
}

#[cfg(target_os = "linux")]
async fn show(app: &AppHandle, notice: &Notice) -> Result<(), Unshown> {
    let notifications = Arc::clone(&app.state::<Arc<Notifications>>());
    let (title, body, incident) = (notice.title.clone(), notice.body.clone(), notice.incident());
    tokio::task::spawn_blocking(move || notifications.show(&title, &body, incident))
        .await
        .map_err(|error| Unshown::NoService(error.to_string()))?
        .map_err(|missing| Unshown::NoService(missing.0))
}

#[cfg(not(target_os = "linux"))]
async fn show(app: &AppHandle, notice: &Notice) -> Result<(), Unshown> {
    let mut builder = app.notification().builder().title(&notice.title).body(&notice.body);
    if let Some(incident) = notice.incident() {
        builder = builder.extra(INCIDENT, incident);
    }
    builder.show().map_err(|error| Unshown::Failed(error.to_string()))
}

fn open(app: &AppHandle, incident: IncidentId) {
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || window::show(&handle, Some(incident)));
    if let Err(error) = shown {
        tracing::warn!(%error, "the notification's incident cannot be shown");
    }
}

/// Opens the incident of a clicked notification. To be called before the first one is shown.
#[cfg(target_os = "linux")]
pub fn listen(app: &AppHandle) -> std::io::Result<()> {
    let notifications = Arc::new(Notifications::default());
    app.manage(Arc::clone(&notifications));
    let app = app.clone();
    notifications.listen(move |incident| open(&app, incident))
}

#[cfg(not(target_os = "linux"))]
pub fn listen(app: &AppHandle) -> Result<(), tauri_plugin_notification::Error> {
    let handle = app.clone();
    app.notification().on_action(move |performed| {
        let incident = performed
            .notification()
            .and_then(|notification| notification.extra().get(INCIDENT))
            .and_then(|value| value.as_str())
            .and_then(|id| id.parse().ok());
        if let Some(incident) = incident {
            open(&handle, incident);
        }
    })
}
