//! Takes up a changed configuration file. A broken one is shown, and the last good one stays active.

use std::sync::Arc;
use std::time::Duration;

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
                    app.engine.reconfigure(config);
                }
            }
            Err(error) => {
                app.engine.problem("configuration", Some(format!("{error}. The last good configuration stays active")));
            }
        }
    }
}
