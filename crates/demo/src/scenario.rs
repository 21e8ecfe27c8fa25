//! Scenarios: what breaks, what is expected, and how it is watched to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use selfheal_api::view::{IncidentPage, IncidentView, PatternView, StateName};
use selfheal_api::{App, AppOptions, Client, Served, serve_socket};
use selfheal_core::{DecisionKind, Posture};
use serde_json::json;

use crate::report::{Report, Steps};
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    KillService,
    NeedsApproval,
    Unknown,
}

impl Scenario {
    pub const ALL: [Self; 3] = [Self::KillService, Self::NeedsApproval, Self::Unknown];

    pub const fn name(self) -> &'static str {
        match self {
            Self::KillService => "kill-service",
            Self::NeedsApproval => "needs-approval",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::KillService => "Kill a service",
            Self::NeedsApproval => "Half-known failure",
            Self::Unknown => "Unknown failure",
        }
    }

    pub const fn description(self) -> &'static str {
        match self {
            Self::KillService => "Kills demo-web with SIGKILL. Its fix is trusted: Selfheal heals it by itself.",
            Self::NeedsApproval => "Kills demo-api. Its fix is not proven yet: Selfheal asks you first.",
            Self::Unknown => {
                "demo-batch logs a failure nobody has seen before: Selfheal hands it to you and runs nothing."
            }
        }
    }

    /// The service that it breaks.
    pub const fn service(self) -> &'static str {
        match self {
            Self::KillService => "demo-web",
            Self::NeedsApproval => "demo-api",
            Self::Unknown => "demo-batch",
        }
    }

    const fn pattern(self) -> Option<&'static str> {
        match self {
            Self::KillService => Some("demo-web-service-is-down"),
            Self::NeedsApproval => Some("demo-api-is-down"),
            Self::Unknown => None,
        }
    }

    const fn decision(self) -> DecisionKind {
        match self {
            Self::KillService => DecisionKind::Auto,
            Self::NeedsApproval => DecisionKind::Suggest,
            Self::Unknown => DecisionKind::Escalate,
        }
    }

    /// Whether this is how it should end.
    fn expected(self, view: &IncidentView, approved: bool) -> bool {
        let decided = view.decision.as_ref().is_some_and(|decision| decision.kind == self.decision());
        let healed = || {
            matches!(view.incident.state, StateName::Resolved | StateName::Closed)
                && view.attempts.last().is_some_and(|attempt| attempt.status == "verified")
        };
        decided
            && match self {
                Self::KillService => healed(),
                Self::NeedsApproval if approved => healed(),
                Self::NeedsApproval => view.incident.state == StateName::AwaitingApproval && view.attempts.is_empty(),
                Self::Unknown => view.incident.state == StateName::Escalated && view.attempts.is_empty(),
            }
    }
}

/// How long a scenario may take to its end, and how often it is looked at.
const DEADLINE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Runs one scenario in a world of its own. `told` hears each new step as it happens.
pub async fn run(
    world: &World,
    scenario: Scenario,
    approve: bool,
    told: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Report> {
    let (app, _socket, tasks) = open(world).await?;
    let result = watch(world, &app, scenario, approve, told).await;
    for task in tasks {
        task.abort();
    }
    app.engine.stop().await;
    result
}

/// Opens the world's home and starts an engine on it, with automation on.
pub async fn open(world: &World) -> anyhow::Result<(Arc<App>, Served, Vec<tokio::task::JoinHandle<()>>)> {
    let app = App::open(AppOptions::new(world.home().clone())).await?;
    let (socket, tasks) = begin(world, &app).await?;
    Ok((app, socket, tasks))
}

/// Starts services and engine on an opened home.
pub async fn begin(world: &World, app: &Arc<App>) -> anyhow::Result<(Served, Vec<tokio::task::JoinHandle<()>>)> {
    // The demo answers for what it brings: it may act on the demo's own services.
    app.add_shipped("demo.yaml", crate::world::KNOWLEDGE).await?;
    app.add_knowledge().await?;
    app.set_posture(Posture::On, None, Some("the demo starts on".into()), "demo").await?;
    world.start().await?;
    Ok((serve_socket(app)?, app.start_engine()))
}

async fn watch(
    world: &World,
    app: &Arc<App>,
    scenario: Scenario,
    approve: bool,
    told: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Report> {
    let client = Client::in_process(app);
    let before = confidence(&client, scenario).await?;
    // What was there before is not what this scenario breaks.
    let earlier: IncidentPage = client.get("/api/v1/incidents").await?;
    let is_new = |id: &str| earlier.incidents.iter().all(|row| row.id != id);
    world.break_for(scenario).await?;
    told(&format!("{}: {}", scenario.service(), broken(scenario)));
    let began = Instant::now();
    let mut steps = Steps::default();
    let view = loop {
        anyhow::ensure!(began.elapsed() < DEADLINE, "the scenario did not reach its end within {DEADLINE:?}");
        tokio::time::sleep(LOOK).await;
        let page: IncidentPage = client.get("/api/v1/incidents").await?;
        let Some(row) = page.incidents.into_iter().find(|row| row.service == scenario.service() && is_new(&row.id))
        else {
            continue;
        };
        let view: IncidentView = client.get(&format!("/api/v1/incidents/{}", row.id)).await?;
        for step in steps.new_in(&view) {
            told(&step);
        }
        if view.incident.state == StateName::AwaitingApproval && approve && view.can.approve.allowed {
            let plan = view.plan.as_ref().context("an approval is asked for without a plan")?;
            let body = json!({ "plan_hash": plan.hash, "typed_target": plan.confirm_by_typing });
            let _: IncidentView = client.post(&format!("/api/v1/incidents/{}/approve", row.id), &body).await?;
            continue;
        }
        let ended = match view.incident.state {
            StateName::AwaitingApproval => !approve,
            StateName::Resolved | StateName::Closed | StateName::Escalated => true,
            _ => false,
        };
        if ended {
            break view;
        }
    };
    let after = confidence(&client, scenario).await?;
    let chain: selfheal_api::view::ChainView = client.get("/api/v1/audit/verify").await?;
    Ok(Report::new(scenario, &view, before, after, &chain, scenario.expected(&view, approve)))
}

async fn confidence(client: &Client, scenario: Scenario) -> anyhow::Result<Option<f64>> {
    let Some(pattern) = scenario.pattern() else { return Ok(None) };
    let pattern: PatternView = client.get(&format!("/api/v1/patterns/{pattern}")).await?;
    Ok(Some(pattern.confidence.value))
}

const fn broken(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::KillService | Scenario::NeedsApproval => "killed with SIGKILL",
        Scenario::Unknown => "logged a failure that nobody has seen before",
    }
}
