//! Takes up a changed configuration file. A broken one is shown, and the last good one stays active.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use selfheal_adapters::files::{self, Links};
use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_store::StoreError;

use crate::App;
use crate::home::{CONFIG_BYTES, HomeError};

const INTERVAL: Duration = Duration::from_secs(2);

pub async fn run(app: Arc<App>) {
    let mut seen = read(&app).await;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let found = read(&app).await;
        if found == seen {
            continue;
        }
        seen = found;
        match load(&app).await {
            Ok(config) => {
                app.engine.problem("configuration", None);
                if config != *app.engine.config() {
                    tracing::info!("the configuration changed");
                    match record(&app, &config).await {
                        Ok(()) => {
                            app.engine.reconfigure(config);
                            if let Err(error) = app.engine.maintenance_changed().await {
                                tracing::warn!(%error, "what waits for maintenance is looked at when it was to end");
                            }
                        }
                        // What cannot be put on record does not take effect; it is tried again.
                        Err(error) => {
                            app.engine
                                .problem("configuration", Some(format!("the change could not be recorded: {error}")));
                            seen = None;
                        }
                    }
                }
            }
            Err(error) => {
                app.engine.problem("configuration", Some(format!("{error}. The last good configuration stays active")));
            }
        }
    }
}

/// What stands there, or why it cannot be read. On a thread that may wait: a lost network disk does not answer at all.
async fn read(app: &Arc<App>) -> Option<Result<Vec<u8>, ErrorKind>> {
    let path = app.config_path.clone();
    let read = move || files::read(&path, Links::Follow, CONFIG_BYTES).map_err(|error| error.kind());
    tokio::task::spawn_blocking(read).await.ok()
}

async fn load(app: &Arc<App>) -> Result<Config, HomeError> {
    let (home, path) = (app.home.clone(), app.config_path.clone());
    let loaded = tokio::task::spawn_blocking(move || home.load_config(&path)).await;
    loaded.unwrap_or_else(|error| {
        let path = app.config_path.display().to_string();
        Err(HomeError::Io { path, verb: "read", why: std::io::Error::other(error.to_string()) })
    })
}

/// A changed configuration changes what Selfheal may do: that is on record before it takes effect.
async fn record(app: &App, config: &Config) -> Result<(), StoreError> {
    let digest = |config: &Config| selfheal_core::sha256_hex(serde_json::to_vec(config).unwrap_or_default());
    let now = app.now();
    let mut tx = app.store().write().await?;
    tx.audit(NewEntry {
        at: now,
        event_type: "automation.configured",
        actor: "configuration file".into(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: "changed".into(),
        details: serde_json::json!({
            "before": digest(&app.engine.config()),
            "after": digest(config),
            "self_healing": config.self_healing,
            "managed": config.services.iter().filter(|s| s.managed).map(|s| &s.name).collect::<Vec<_>>(),
        }),
    })
    .await?;
    tx.commit().await
}
