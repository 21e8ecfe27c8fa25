//! Lets the window start scenarios in a world that stays open.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use selfheal_api::view::{DemoScenario, IncidentPage, StateName};
use selfheal_api::{ApiError, App, Client, DemoControl};

use crate::scenario::Scenario;
use crate::world::World;

/// How long the demo is quiet before its first scenario.
const PEACE: std::time::Duration = std::time::Duration::from_secs(5);

/// The buttons of the demo.
pub struct Control {
    world: Arc<World>,
    app: OnceLock<Weak<App>>,
    /// Services whose scenario has not come to its end.
    busy: std::sync::Mutex<Vec<&'static str>>,
}

impl Control {
    pub fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, app: OnceLock::new(), busy: std::sync::Mutex::default() })
    }

    /// Watches the incidents of an opened home, so that a scenario that runs cannot be started twice.
    pub fn attach(self: &Arc<Self>, app: &Arc<App>) {
        if self.app.set(Arc::downgrade(app)).is_err() {
            return;
        }
        let (control, app) = (Arc::downgrade(self), Arc::downgrade(app));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                let (Some(control), Some(app)) = (control.upgrade(), app.upgrade()) else { return };
                control.refresh(&app).await;
            }
        });
    }

    /// Starts the first scenario when whoever opened the demo has had a moment to look at it in peace.
    pub fn play(self: &Arc<Self>) {
        let control = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(PEACE).await;
            let Some(control) = control.upgrade() else { return };
            if let Err(error) = control.start(Scenario::KillService.name()).await {
                tracing::warn!(%error, "the demo could not begin");
            }
        });
    }

    async fn refresh(&self, app: &Arc<App>) {
        let Ok(page) = Client::in_process(app).get::<IncidentPage>("/api/v1/incidents").await else { return };
        let mut over = self.busy();
        let before = over.clone();
        // A watched incident would take a second run for a recurrence, and rightly so.
        over.retain(|service| {
            page.incidents.iter().find(|row| row.service == *service).is_none_or(|row| row.state != StateName::Closed)
        });
        let unresolved =
            page.incidents.iter().any(|row| row.state == StateName::Escalated && row.service == "demo-batch");
        if !unresolved {
            return drop_announcing(before != *over, app);
        }
        // Nobody heals the unknown failure: it can be shown again while the first is open, and joins it.
        over.retain(|service| *service != "demo-batch");
        drop_announcing(before != *over, app);
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn drop_announcing(changed: bool, app: &App) {
    if changed {
        let _ = app.engine.live().send(selfheal_api::LiveEvent::EngineChanged);
    }
}

#[async_trait]
impl DemoControl for Control {
    fn scenarios(&self) -> Vec<DemoScenario> {
        let busy = self.busy();
        Scenario::ALL
            .into_iter()
            .map(|scenario| DemoScenario {
                name: scenario.name().into(),
                title: scenario.title().into(),
                description: scenario.description().into(),
                running: busy.contains(&scenario.service()),
            })
            .collect()
    }

    async fn start(&self, name: &str) -> Result<(), ApiError> {
        let scenario = Scenario::parse(name).ok_or_else(|| ApiError::NotFound(format!("scenario `{name}`")))?;
        if self.busy().contains(&scenario.service()) {
            return Err(ApiError::Conflict {
                code: "scenario_runs",
                what: "Not started".into(),
                why: format!("the incident of the last run on {} is not closed yet", scenario.service()),
                next: "Wait about a minute after it is fixed: until then a failure counts as its recurrence.".into(),
            });
        }
        self.world.break_for(scenario).await.map_err(|error| ApiError::Internal(format!("{error:#}")))?;
        self.busy().push(scenario.service());
        Ok(())
    }
}
