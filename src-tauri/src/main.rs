//! The desktop app: window, tray and native notifications around the application interface.
//!
//! It knows nothing of the pipeline: what the window asks goes to the same router as everywhere, in-process.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod args;
mod bridge;
mod display;
#[cfg(target_os = "linux")]
mod freedesktop;
mod host;
mod native;
#[cfg(test)]
mod permissions;
mod tray;
mod window;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tauri::Manager;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Internal};
use bridge::Bridge;

fn main() -> ExitCode {
    let arguments = Arguments::parse().or_environment(std::env::var_os("SELFHEAL_HOME"));
    let filter = EnvFilter::try_from_env("SELFHEAL_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
    selfheal_api::raise_descriptors();
    if let Some(Internal::DemoService(service)) = arguments.internal.clone() {
        return finish(tauri::async_runtime::block_on(selfheal_demo::serve(service.into())));
    }
    finish(display::check().and_then(|()| open(arguments)))
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn open(arguments: Arguments) -> anyhow::Result<()> {
    let link = arguments.incident();
    let hidden = arguments.hidden;
    let bridge = Arc::new(Bridge::default());
    let builder = tauri::Builder::default();
    // On Linux the notification service is asked itself: the plugin takes a signal of anybody's for a click.
    #[cfg(not(target_os = "linux"))]
    let builder = builder.plugin(tauri_plugin_notification::init());
    let app = builder
        // First, so that a second start ends before it opens anything.
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .callback(|app, argv, _| {
                    let incident = Arguments::try_parse_from(argv).ok().and_then(|arguments| arguments.incident());
                    window::show(app, incident);
                })
                // One app per home: a demo must not bring production forward, nor the other way round.
                .dbus_id(arguments.instance())
                .build(),
        )
        .manage(Arc::clone(&bridge))
        .invoke_handler(tauri::generate_handler![bridge::api])
        .setup(move |app| {
            let handle = app.handle().clone();
            native::listen(&handle)?;
            tray::open(&handle);
            host::start(&handle, &arguments);
            quit_on_signal(&handle);
            if !hidden {
                window::show(&handle, link);
            }
            Ok(())
        })
        .on_window_event(window::keep_running)
        .build(tauri::generate_context!())?;
    app.run(|handle, event| match event {
        // The last window closed; the engine goes on until somebody quits.
        tauri::RunEvent::ExitRequested { api, code: None, .. } => api.prevent_exit(),
        tauri::RunEvent::Exit => handle.state::<Arc<Bridge>>().stop(),
        _ => {}
    });
    Ok(())
}

/// Ctrl-C and SIGTERM are the tray's "quit": what was started is stopped.
fn quit_on_signal(handle: &tauri::AppHandle) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        handle.exit(0);
    });
}
