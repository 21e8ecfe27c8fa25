//! Takes up a changed configuration file. A broken one is shown, and the last good one stays active.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_store::StoreError;

use crate::App;

const INTERVAL: Duration = Duration::from_secs(2);

pub async fn run(app: Arc<App>) {
    let mut seen = std::fs::read(&app.config_path).ok();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let found = tokio::fs::read(&app.config_path).await.ok();
        if found == seen {
            continue;
        }
        seen = found;
        match app.home.load_config(&app.config_path) {
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
