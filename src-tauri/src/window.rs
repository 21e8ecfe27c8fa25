//! The main window: opened, brought forward, and closed into the tray.

use selfheal_api::LiveEvent;
use selfheal_core::IncidentId;
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};

const MAIN: &str = "main";

/// Shows the window, and in it the incident where one is named.
pub fn show(app: &AppHandle, incident: Option<IncidentId>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        for result in [window.show(), window.unminimize(), window.set_focus()] {
            if let Err(error) = result {
                tracing::warn!(%error, "the window cannot be brought forward");
            }
        }
        if let Some(incident) = incident {
            let _ = app.emit("live", LiveEvent::OpenIncident { incident });
        }
        return;
    }
    let page = incident.map_or_else(|| "index.html".to_owned(), |id| format!("incident/{id}"));
    let built = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
        .title("Selfheal")
        .inner_size(1280.0, 800.0)
        .min_inner_size(720.0, 480.0)
        .build();
    if let Err(error) = built {
        tracing::error!(%error, "the window cannot be opened; the engine goes on");
    }
}

/// Closing the window hides it: the engine goes on in the tray, or until the next start shows the window again.
pub fn keep_running(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        if let Err(error) = window.hide() {
            tracing::warn!(%error, "the window cannot be hidden");
        }
    }
}
