//! The tray: what state Selfheal is in, the pause, the window, and the way out.

use std::path::PathBuf;

use selfheal_api::Client;
use selfheal_api::view::Overview;
use selfheal_core::Posture;
use serde_json::json;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager};

use crate::bridge;
use crate::window;

const TRAY: &str = "main";

/// Opens the tray where the system has one. Without it the app works all the same: a second start shows the window.
pub fn open(app: &AppHandle) {
    if let Err(missing) = library() {
        tracing::warn!(
            missing,
            "no tray: install libayatana-appindicator3-1. Closing the window keeps the engine running; start Selfheal again to see it"
        );
        return;
    }
    if let Err(error) = build(app) {
        tracing::warn!(%error, "no tray: closing the window keeps the engine running; start Selfheal again to see it");
    }
}

/// The tray library is loaded when the tray is built, and that panics where it is missing: look for the file first.
fn library() -> Result<(), String> {
    const NAMES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
    if !cfg!(target_os = "linux")
        || library_folders().iter().any(|folder| NAMES.iter().any(|name| folder.join(name).exists()))
    {
        return Ok(());
    }
    Err(format!("neither {} is installed", NAMES.join(" nor ")))
}

/// Where the dynamic linker looks on the usual distributions.
fn library_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("LD_LIBRARY_PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default();
    for root in ["/usr/lib", "/lib", "/usr/lib64", "/lib64", "/usr/local/lib"] {
        folders.push(root.into());
        // Debian keeps libraries in a folder for each architecture.
        let entries = std::fs::read_dir(root).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
        folders.extend(entries.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")));
    }
    folders
}

fn build(app: &AppHandle) -> tauri::Result<()> {
    let menu = Menu::with_items(
        app,
        &[
            &MenuItem::with_id(app, "open", "Open Selfheal", true, None::<&str>)?,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "pause-15", "Pause for 15 minutes", true, None::<&str>)?,
            &MenuItem::with_id(app, "pause-60", "Pause for 1 hour", true, None::<&str>)?,
            &MenuItem::with_id(app, "observe", "Observe only", true, None::<&str>)?,
            &MenuItem::with_id(app, "on", "Heal by itself", true, None::<&str>)?,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "quit", "Quit: stop the engine", true, None::<&str>)?,
        ],
    )?;
    let mut tray =
        TrayIconBuilder::with_id(TRAY).menu(&menu).tooltip("Selfheal").on_menu_event(|app, event| {
            match event.id().as_ref() {
                "open" => window::show(app, None),
                "quit" => app.exit(0),
                "pause-15" => set(app, Posture::Paused, Some(15)),
                "pause-60" => set(app, Posture::Paused, Some(60)),
                "observe" => set(app, Posture::Observe, None),
                "on" => set(app, Posture::On, None),
                _ => {}
            }
        });
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    Ok(())
}

/// Sets the automation switch through the same interface as the window.
fn set(app: &AppHandle, posture: Posture, minutes: Option<u64>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let body = json!({ "posture": posture, "minutes": minutes, "reason": "from the tray" });
        let bridge = app.state::<std::sync::Arc<bridge::Bridge>>();
        let reply = bridge::api(bridge, "PUT".into(), "/api/v1/automation".into(), Some(body)).await;
        if let Ok(reply) = reply
            && reply.status != 200
        {
            tracing::error!(body = %reply.body, "the automation switch could not be set");
        }
    });
}

/// Says in words what state Selfheal is in.
pub async fn refresh(app: &AppHandle, client: &Client) {
    let Some(tray) = app.tray_by_id(TRAY) else { return };
    let Ok(overview) = client.get::<Overview>("/api/v1/overview").await else { return };
    let waiting = overview.counts.needs_you;
    let text = match (overview.automation.effective, waiting) {
        (Posture::Paused, _) => "Selfheal: paused".to_owned(),
        (_, 0) if overview.counts.in_progress > 0 => "Selfheal: working".to_owned(),
        (_, 0) => "Selfheal: quiet".to_owned(),
        (_, 1) => "Selfheal: 1 incident needs you".to_owned(),
        (_, n) => format!("Selfheal: {n} incidents need you"),
    };
    // On Linux the tooltip is not shown; the title is.
    let _ = tray.set_tooltip(Some(&text));
    let _ = tray.set_title((waiting > 0).then(|| waiting.to_string()));
}
