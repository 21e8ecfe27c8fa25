//! `selfheal run` and `selfheal serve`: hosts of the engine.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use selfheal_api::{App, Secret, bind, serve_socket, serve_tcp};
use selfheal_core::Posture;

use crate::args::Place;
use crate::{connect, output};

/// How long the end waits for the database. What is committed is safe without that.
const CLOSING: Duration = Duration::from_secs(3);

pub async fn run(place: &Place, observe: bool) -> anyhow::Result<ExitCode> {
    connect::home(place)?.not_of_a_demo()?;
    let app = connect::open(place).await?;
    let socket = serve_socket(&app)?;
    if observe {
        // For as long as this process runs, and nothing that was set is changed.
        app.engine.limit_posture(Posture::Observe);
    }
    let tasks = app.start_engine();
    tracing::info!(home = %app.home.root().display(), "the engine runs; Ctrl-C stops it");
    until_asked_to_stop().await?;
    for task in tasks {
        task.abort();
    }
    app.engine.stop().await;
    drop(socket);
    close(&app).await;
    Ok(ExitCode::SUCCESS)
}

pub async fn serve(place: &Place, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    connect::home(place)?.not_of_a_demo()?;
    let app = connect::open(place).await?;
    let address = listen.unwrap_or_else(|| app.engine.config().server.listen);
    // The port first: when it is taken nothing has been started yet.
    let listener = bind(address).await?;
    let address = listener.local_addr()?;
    let socket = serve_socket(&app)?;
    let (token, kept) = app.kept_token()?;
    let http = serve_tcp(&app, listener);
    let tasks = app.start_engine();
    announce("Selfheal is at", address, &token, kept);
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "anybody who reaches this address can try tokens, and nothing is encrypted: put TLS in front of it");
    }
    until_asked_to_stop().await?;
    for task in tasks {
        task.abort();
    }
    app.engine.stop().await;
    drop((http, socket));
    close(&app).await;
    Ok(ExitCode::SUCCESS)
}

/// Says where the window is. The token, an admin's, is shown to a person at a terminal alone: whatever else reads this (a
/// journal, a file) keeps it for others to read.
pub fn announce(words: &str, address: SocketAddr, token: &Secret, kept: &Path) {
    if std::io::stdout().is_terminal() {
        output::line(format!("{words} http://{address}/#token={}", token.expose()));
        output::note!("The address stays good for a bookmark. `selfheal token remove serve` takes it back.");
    } else {
        output::line(format!("{words} http://{address}/"));
        output::note!("Sign in with the token in {}. `selfheal token remove serve` takes it back.", kept.display());
    }
}

/// SQLite then moves its log into the file, so that a copy of the file alone is whole.
async fn close(app: &App) {
    let _ = tokio::time::timeout(CLOSING, app.engine.store().close()).await;
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn until_asked_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
