//! The small web service that the demo breaks: it serves HTTP on loopback and writes a log.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chrono::{SecondsFormat, Utc};

/// The hidden subcommand that hosts offer for it.
pub const SUBCOMMAND: &str = "demo-service";

#[derive(Clone, Debug)]
pub struct ServiceArguments {
    pub name: String,
    pub port: u16,
    pub log: PathBuf,
    /// The process without which the service has no reason to live.
    pub owner: u32,
}

impl ServiceArguments {
    /// As the command line that starts it.
    pub fn to_argv(&self, program: &Path) -> Vec<String> {
        vec![
            program.display().to_string(),
            SUBCOMMAND.to_owned(),
            "--name".into(),
            self.name.clone(),
            "--port".into(),
            self.port.to_string(),
            "--log".into(),
            self.log.display().to_string(),
            "--owner".into(),
            self.owner.to_string(),
        ]
    }
}

/// Serves until it is killed or its owner is gone.
pub async fn serve(arguments: ServiceArguments) -> anyhow::Result<()> {
    let log = Arc::new(Log { path: arguments.log.clone(), name: arguments.name.clone() });
    let listener = match tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], arguments.port))).await {
        Ok(listener) => listener,
        Err(error) => {
            log.write(
                "ERROR",
                &format!("listen EADDRINUSE: address already in use 127.0.0.1:{}: {error}", arguments.port),
            );
            anyhow::bail!("port {}: {error}", arguments.port);
        }
    };
    log.write("INFO", &format!("listening on 127.0.0.1:{}", arguments.port));
    let service = Router::new()
        .route("/", get(async || "Hello from the demo.\n"))
        .route("/health", get(async || "ok\n"))
        .route("/fail", post(fail))
        .with_state(Arc::clone(&log));
    let heartbeat = async {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut served = 0u64;
        loop {
            ticks.tick().await;
            if !is_alive(arguments.owner) {
                log.write("INFO", "the demo is over");
                return;
            }
            served += 1;
            if served.is_multiple_of(5) {
                log.write("INFO", &format!("served {served} requests, all well"));
            }
        }
    };
    tokio::select! {
        result = async { axum::serve(listener, service).await } => result?,
        () = heartbeat => {}
    }
    Ok(())
}

/// Writes what it is told as an error: a failure that nobody has seen before.
async fn fail(State(log): State<Arc<Log>>, text: String) -> &'static str {
    log.write("ERROR", text.trim());
    "written\n"
}

struct Log {
    path: PathBuf,
    name: String,
}

impl Log {
    fn write(&self, level: &str, message: &str) {
        #[expect(
            clippy::disallowed_methods,
            reason = "the demo service is a program of its own and writes its own times"
        )]
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let opened = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
        let written = opened.and_then(|mut file| writeln!(file, "{at} {level} {message}"));
        if let Err(error) = written {
            eprintln!("{}: the log cannot be written: {error}", self.name);
        }
    }
}

/// Whether a process exists. One that only waits to be reaped counts as gone to nobody but its parent, which is enough.
pub fn is_alive(pid: u32) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), None).is_ok()
}
