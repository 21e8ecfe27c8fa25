//! The audit trail across crates: signed, verified, exported, told, and in the way of everything that it cannot record.

mod case;
mod fail_closed;
mod tampering;
mod tries;

use std::path::Path;
use std::sync::Arc;

use selfheal_api::view::PatternView;
use selfheal_api::{App, AppOptions, Client, Home};
use selfheal_core::Posture;
use selfheal_store::Connection;
use serde_json::{Value, json};

/// A home with one service that can be restarted for real, and a pattern that restarts it.
pub struct Place {
    pub app: Arc<App>,
    pub client: Client,
    pub folder: Arc<Folder>,
    database: Option<String>,
}

impl Place {
    /// On the home's own database, or on another one.
    pub async fn open(database: Option<String>) -> Self {
        let folder = Arc::new(Folder(tempfile::tempdir().expect("a folder")));
        let home = Home::new(folder.path());
        home.init().expect("made");
        let config = format!(
            "services:\n- name: pay\n  managed: true\n  project: shop\n  \
             target: {{ kind: process, pidfile: {}/pay.pid, start: [/bin/sleep, '60'] }}\n",
            folder.path().display()
        );
        std::fs::write(home.config(), config).expect("written");
        let app = app(&folder, database.as_deref()).await;
        let client = Client::in_process(&app);
        let this = Self { app, client, folder, database };
        let pattern = json!({ "name": "Pool exhausted", "root_cause": "{service} ran out of connections", "rule": "pool exhausted",
            "action": "service.restart", "confidence": 0.8, "auto_healable": true, "may_act": true });
        let _: PatternView = this.client.put("/api/v1/patterns/pool-exhausted", &pattern).await.expect("added");
        this
    }

    /// The home opened anew, as after a restart.
    pub async fn reopen(self) -> Self {
        self.app.engine.stop().await;
        self.reopen_killed().await
    }

    /// The same after a kill: nothing was signed at the end.
    pub async fn reopen_killed(self) -> Self {
        // As if its lease had run out.
        self.intrude("update lease set token = token + 1, expires_at = 0").await;
        let Self { app: old, client, folder, database } = self;
        drop((old, client));
        let app = app(&folder, database.as_deref()).await;
        Self { client: Client::in_process(&app), app, folder, database }
    }

    pub async fn switch_on(&self) {
        self.app.set_posture(Posture::On, None, None, "test").await.expect("set");
    }

    pub async fn ingest(&self, text: &str) {
        let body = json!({ "text": text, "source": "test", "service": "pay", "project": null, "dry_run": false });
        let _: Value = self.client.post("/api/v1/ingest", &body).await.expect("taken");
    }

    /// One round of the engine, to its end.
    pub async fn tick(&self) {
        for task in self.app.engine.tick().await.expect("ticks") {
            task.await.expect("ran");
        }
    }

    /// Runs a statement as whoever owns the database could.
    pub async fn intrude(&self, statement: &'static str) {
        match self.app.engine.store().write().await.expect("writes").connection {
            Connection::Sqlite(mut tx) => {
                sqlx::raw_sql(statement).execute(&mut *tx).await.expect("ran");
                tx.commit().await.expect("committed");
            }
            Connection::Postgres(mut tx) => {
                sqlx::raw_sql(statement).execute(&mut *tx).await.expect("ran");
                tx.commit().await.expect("committed");
            }
        }
    }
}

async fn app(folder: &Folder, database: Option<&str>) -> Arc<App> {
    let mut options = AppOptions::new(Home::new(folder.path()));
    options.database = database.map(str::to_owned);
    App::open(options).await.expect("opens")
}

/// A home's folder; the service that may have been started in it ends with it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.path().join("pay.pid"));
        if let Some(pid) = pid.ok().and_then(|pid| pid.trim().parse().ok()) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}
