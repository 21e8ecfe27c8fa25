//! The one command of the window: method, path and body go to the router in-process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use selfheal_api::{Client, Problem, Reply};
use serde_json::{Value, json};
use tauri::State;
use tokio::sync::watch;

use crate::host::Host;

/// What stands behind the window.
#[derive(Clone)]
pub enum Backend {
    /// The home is being opened.
    Opening,
    Ready(Arc<Client>),
    /// The home cannot be opened: every question is answered with why.
    Failed(Problem),
}

pub struct Bridge {
    backend: watch::Sender<Backend>,
    host: Mutex<Option<Host>>,
}

/// How long a question waits for the home to be opened.
const OPENING: Duration = Duration::from_secs(20);

impl Default for Bridge {
    fn default() -> Self {
        Self { backend: watch::Sender::new(Backend::Opening), host: Mutex::default() }
    }
}

impl Bridge {
    pub fn ready(&self, client: Client, host: Host) {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
        self.backend.send_replace(Backend::Ready(Arc::new(client)));
    }

    /// The engine runs in another process.
    pub fn attached(&self, client: Arc<Client>) {
        self.backend.send_replace(Backend::Ready(client));
    }

    pub fn failed(&self, problem: Problem) {
        self.backend.send_replace(Backend::Failed(problem));
    }

    /// Stops the engine of this process, and everything that it started for a demo.
    pub fn stop(&self) {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(host) = host {
            host.stop();
        }
    }

    async fn client(&self) -> Result<Arc<Client>, Problem> {
        let mut backend = self.backend.subscribe();
        let opened = backend.wait_for(|backend| !matches!(backend, Backend::Opening));
        match tokio::time::timeout(OPENING, opened).await.ok().and_then(Result::ok).map(|backend| backend.clone()) {
            Some(Backend::Ready(client)) => Ok(client),
            Some(Backend::Failed(problem)) => Err(problem),
            _ => Err(Problem {
                code: "opening".into(),
                what: "Selfheal is still starting".into(),
                why: "the home is being opened, which takes longer than usual".into(),
                next: "Try again in a moment; the log says what it waits for.".into(),
            }),
        }
    }
}

#[tauri::command]
pub async fn api(
    bridge: State<'_, Arc<Bridge>>,
    method: String,
    path: String,
    body: Option<Value>,
) -> Result<Reply, ()> {
    let client = match bridge.client().await {
        Ok(client) => client,
        Err(problem) => return Ok(Reply { status: 503, body: json!(problem) }),
    };
    Ok(client.request(&method, &path, body.as_ref()).await.unwrap_or_else(|error| Reply {
        status: 502,
        body: json!(Problem {
            code: "engine_unreachable".into(),
            what: "The engine cannot be reached".into(),
            why: error.to_string(),
            next: "Start Selfheal again.".into(),
        }),
    }))
}
