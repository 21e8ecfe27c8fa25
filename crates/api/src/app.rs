//! Builds store, adapters and engine once, for every host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use selfheal_adapters::{HomeSigner, KeptCheckpoints};
use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_core::{Posture, Timestamp};
use selfheal_engine::ports::Notifier;
use selfheal_engine::{Adapters, Engine};
use selfheal_store::{Automation, Store};
use tokio::task::JoinHandle;

use crate::access::Access;
use crate::high_water::MarkFile;
use crate::knowledge_snapshot::SnapshotFile;
use crate::long_work::LongWork;
use crate::view::DemoScenario;
use crate::{ApiError, Home, Secret};

/// What a host chooses.
pub struct AppOptions {
    pub home: Home,
    /// `sqlite:...` or `postgres://...`; the home's file by default.
    pub database: Option<String>,
    /// The home's file by default.
    pub config: Option<PathBuf>,
    /// Notifiers of this host, beside the log.
    pub notifiers: Vec<Arc<dyn Notifier>>,
    pub demo: Option<Arc<dyn DemoControl>>,
}

impl AppOptions {
    pub fn new(home: Home) -> Self {
        Self { home, database: None, config: None, notifiers: Vec::new(), demo: None }
    }
}

/// Lets a window start the demo's scenarios.
#[async_trait]
pub trait DemoControl: Send + Sync {
    fn scenarios(&self) -> Vec<DemoScenario>;
    async fn start(&self, name: &str) -> Result<(), ApiError>;
}

/// One opened home.
pub struct App {
    pub home: Home,
    pub config_path: PathBuf,
    pub engine: Arc<Engine>,
    pub(crate) demo: Option<Arc<dyn DemoControl>>,
    /// Who is let in over TCP.
    pub(crate) access: Arc<Access>,
    /// How far the audit chain was checked for the header of the window.
    pub(crate) trail: tokio::sync::Mutex<Option<crate::audit::Known>>,
    /// What this home keeps of the audit trail outside the database. No signer where its key cannot be used.
    pub(crate) signer: Option<Arc<HomeSigner>>,
    pub(crate) kept: KeptCheckpoints,
    /// The file that is active, and the one that waits.
    pub(crate) configuration: crate::configuration::Configuration,
    pub(crate) long_work: LongWork,
    /// The database for those who ask: with a share of its connections.
    requests: Store,
}

/// The database that these options mean.
pub fn database_url(home: &Home, chosen: Option<&str>) -> String {
    chosen.map_or_else(|| format!("sqlite:{}", home.database().display()), str::to_owned)
}

impl App {
    /// Opens a home: reads its configuration and its database. The engine is built and does not run yet.
    pub async fn open(options: AppOptions) -> anyhow::Result<Arc<Self>> {
        let config_path = options.config.unwrap_or_else(|| options.home.config());
        let found = crate::configuration::Found::read(&options.home, &config_path).await?;
        let config = found.active.config.clone();
        let store = Store::open(&database_url(&options.home, options.database.as_deref())).await?;
        // The home may be moved; another database is known by its address.
        let database = options.database.as_deref().map_or_else(|| "home".to_owned(), selfheal_store::shown_address);
        let marks = MarkFile::new(options.home.high_water(), database.clone());
        let snapshot = SnapshotFile::new(options.home.knowledge_snapshot(), database);
        let kept = options.home.audit_checkpoints(options.database.as_deref());
        let app = Self::assemble(options.home, config_path, config, store, kept, options.notifiers, options.demo)?;
        app.configuration.opened(&app, found).await;
        app.engine.remember_with(Arc::new(marks));
        app.engine.start_from(Arc::new(snapshot));
        // A database that cannot be written to now can still be looked at; `audit verify` says what is missing.
        if let Err(error) = crate::audit::mend_guards(&app).await {
            app.engine.problem("audit triggers", Some(error.to_string()));
        }
        Ok(app)
    }

    /// Puts an app together from parts that are open already.
    pub fn assemble(
        home: Home,
        config_path: PathBuf,
        config: Config,
        store: Store,
        kept: PathBuf,
        mut notifiers: Vec<Arc<dyn Notifier>>,
        demo: Option<Arc<dyn DemoControl>>,
    ) -> anyhow::Result<Arc<Self>> {
        let probe = selfheal_adapters::HttpProbe::new()?;
        notifiers.push(Arc::new(selfheal_adapters::LogNotifier));
        let configuration =
            crate::configuration::Configuration::new(home.accepted_config(&config_path), config.clone());
        let adapters = Adapters {
            clock: Arc::new(selfheal_adapters::SystemClock),
            brake: Arc::new(selfheal_adapters::PauseFile::new(home.pause())),
            probe: Arc::new(probe),
            actuators: selfheal_adapters::all_actuators().into_iter().map(Arc::from).collect(),
            host_notifiers: notifiers,
            open_notifiers: Box::new(selfheal_adapters::open_notifiers),
            open_source: Box::new(selfheal_adapters::open_source),
        };
        // Unique even where every container is called the same and every engine has process id 1.
        let nonce = crate::token::digest(&crate::token::random()?);
        let holder = format!("{}:{}:{}", selfheal_adapters::hostname(), std::process::id(), &nonce[..8]);
        // Without its key an engine still heals and says what it cannot do: signatures show a change afterwards, the chain
        // and the append-only tables are there all the same.
        let (signer, store, unusable) = match HomeSigner::open(home.audit_key(), kept.clone()) {
            Ok(signer) => {
                let signer = Arc::new(signer);
                (Some(Arc::clone(&signer)), store.sealed_with(signer), None)
            }
            Err(error) => (None, store, Some(error.to_string())),
        };
        // After the key: what people do is sealed as well.
        let requests = store.clone().for_requests();
        let engine = Engine::new(store, config, adapters, holder);
        engine.problem("audit key", unusable);
        if let Some(signer) = &signer {
            engine.sign_with(signer.clone());
        }
        Ok(Arc::new(Self {
            access: Arc::new(Access::new(home.serve_token())),
            home,
            config_path,
            engine,
            demo,
            trail: Default::default(),
            signer,
            kept: KeptCheckpoints::at(kept),
            configuration,
            long_work: LongWork::default(),
            requests,
        }))
    }

    /// Runs the engine and the reloading of the configuration until the tasks are stopped.
    pub fn start_engine(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let engine = Arc::clone(&self.engine);
        vec![tokio::spawn(async move { engine.run().await }), tokio::spawn(crate::reload::run(Arc::clone(self)))]
    }

    /// A token for this process's lifetime.
    pub fn session_token(&self, name: &str, role: crate::Role) -> Result<Secret, ApiError> {
        self.access.for_this_process(name, role).map_err(|error| ApiError::Internal(error.to_string()))
    }

    /// The token of whoever owns the home, and the file that keeps it: it outlives a restart, and so does a bookmark.
    pub fn kept_token(&self) -> anyhow::Result<(Secret, &Path)> {
        let file = self.access.kept_in();
        let token = self.access.kept_token().map_err(|error| {
            anyhow::anyhow!(
                "{} cannot be written: {error}. Check that the folder belongs to you and has room",
                file.display()
            )
        })?;
        Ok((token, file))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.now()
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.requests
    }

    /// Sets the automation switch, with its audit entry.
    pub async fn set_posture(
        &self,
        posture: Posture,
        until: Option<Timestamp>,
        reason: Option<String>,
        by: &str,
    ) -> Result<Automation, ApiError> {
        let now = self.now();
        // Who stops the healing does not stand in line behind those who send something.
        let mut tx = self.store().write_first().await?;
        let before = tx.automation(now).await?;
        let then = if until.is_some() { before.effective(now) } else { posture };
        // A pause within a pause goes back to what was before both.
        let then = if until.is_some() && before.until.is_some_and(|end| now < end) { before.then } else { then };
        let automation = Automation { posture, until, then, set_by: by.to_owned(), set_at: now, reason };
        tx.put_automation(&automation).await?;
        tx.audit(NewEntry {
            at: now,
            event_type: "automation.set",
            actor: by.to_owned(),
            incident_id: None,
            pattern_id: None,
            confidence: None,
            action: None,
            target: None,
            result: format!("{} to {}", before.effective(now).as_str(), posture.as_str()),
            details: serde_json::json!({ "until": until, "then": then }),
        })
        .await?;
        tx.commit().await?;
        let _ = self.engine.live().send(selfheal_engine::LiveEvent::AutomationChanged);
        self.engine.nudge();
        Ok(automation)
    }
}
