//! What every actuator that restarts a service promises, written once and run against each real target.

use std::time::Duration;

use async_trait::async_trait;
use selfheal_core::verify::TargetState;
use selfheal_core::{
    Action, ActionKind, IncidentId, Outcome, PatternId, Plan, Preflight, ServiceName, TargetSpec, Timestamp, WayBack,
};
use selfheal_engine::ports::Actuator;

/// A target that a test can look at and break from outside.
#[async_trait]
pub trait Bench: Send + Sync {
    fn actuator(&self) -> &dyn Actuator;
    fn target(&self) -> TargetSpec;
    /// The same with a program that does not exist.
    fn missing(&self) -> TargetSpec;
    /// The process id of the program while it runs, told without the actuator.
    fn pid(&self) -> Option<i32>;
    /// SIGKILLs the program, and waits until everybody has seen it.
    async fn crash(&self);
}

pub const RESTART: Action = Action::new(ActionKind::ServiceRestart);

pub async fn preview(bench: &dyn Bench, target: &TargetSpec) -> Preflight {
    bench.actuator().preview(&RESTART, target, Timestamp::from_micros(7)).await.expect("the target can be inspected")
}

pub fn plan(target: &TargetSpec, preflight: &Preflight) -> Plan {
    Plan {
        incident: IncidentId(1),
        pattern: PatternId::new("web-down"),
        attempt: 1,
        action: RESTART,
        service: ServiceName::new("web"),
        target: target.clone(),
        steps: preflight.steps.clone(),
        undo: preflight.undo.clone(),
        instances: preflight.instances,
        dependants: Vec::new(),
        checks: Vec::new(),
    }
}

/// Runs a plan as long as its steps succeed.
pub async fn run(actuator: &dyn Actuator, plan: &Plan) -> Outcome {
    let mut outcome = Outcome::Failed { detail: "a plan without steps".to_owned() };
    for index in 0..plan.steps.len() {
        outcome = actuator.run_step(plan, index).await;
        if !matches!(outcome, Outcome::Succeeded { .. }) {
            break;
        }
    }
    outcome
}

/// Which one of the target runs; `None` where none does.
pub async fn instance(bench: &dyn Bench) -> Option<String> {
    match bench.actuator().inspect(&RESTART, &bench.target()).await.expect("the target can be inspected") {
        TargetState::Running { instance } => Some(instance),
        TargetState::NotRunning { .. } => None,
        TargetState::Unknown { detail } => panic!("{detail}"),
    }
}

fn words(preflight: &Preflight) -> Vec<&str> {
    preflight.steps.iter().map(|step| step.detail.as_str()).collect()
}

/// The whole suite. The bench's program runs when it begins.
pub async fn holds(bench: &dyn Bench) {
    let (actuator, target) = (bench.actuator(), bench.target());
    assert!(actuator.handles(ActionKind::ServiceRestart, &target));
    assert!(!actuator.handles(ActionKind::CacheClear, &target));

    let first_pid = bench.pid().expect("the program runs");
    let running = preview(bench, &target).await;
    assert_eq!(words(&running), ["stop", "start"], "{}", running.state_now);
    assert!(running.state_now.contains(&format!("(pid {first_pid})")), "{}", running.state_now);
    assert_eq!((&running.undo, running.instances), (&WayBack::Nothing, 1));
    assert_eq!((running.at, running.blockers.as_slice()), (Timestamp::from_micros(7), &[][..]));
    assert!(!running.host.is_empty());

    assert_eq!(preview(bench, &target).await, running, "nothing moved between two previews");
    assert_eq!(bench.pid(), Some(first_pid), "a preview changes nothing");

    let first = instance(bench).await;
    assert!(first.is_some() && instance(bench).await == first, "a look changes nothing: {first:?}");

    let restart = plan(&target, &running);
    let outcome = run(actuator, &restart).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    let second_pid = bench.pid().expect("it was started again");
    assert_ne!(second_pid, first_pid);
    let second = instance(bench).await;
    assert!(second.is_some() && second != first, "after a restart it is another one: {second:?}");
    let again = preview(bench, &target).await;
    assert_eq!(plan(&target, &again).hash(), restart.hash(), "the plan does not depend on the process id");

    bench.crash().await;
    let dead = preview(bench, &target).await;
    assert_eq!(words(&dead), ["start"], "{}", dead.state_now);
    assert_eq!(dead.blockers, []);
    assert!(bench.pid().is_none(), "a preview starts nothing");
    assert_eq!(instance(bench).await, None, "what was started is dead");

    // A plan made while it still ran: what is stopped already is no failure.
    let outcome = run(actuator, &restart).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    let third_pid = bench.pid().expect("it was started again");

    // A plan made while it was dead, run when somebody else has started it.
    let outcome = run(actuator, &plan(&target, &dead)).await;
    assert!(matches!(&outcome, Outcome::Succeeded { detail } if detail.contains("already")), "{outcome:?}");
    assert_eq!(bench.pid(), Some(third_pid), "it was left alone");

    let mut foreign = restart.clone();
    foreign.steps[0].call.push('x');
    for index in [0, 7] {
        let outcome = actuator.run_step(&foreign, index).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "a step that is not the target's: {outcome:?}");
    }
    assert_eq!(bench.pid(), Some(third_pid), "a step that is not the target's does nothing");

    let missing = preview(bench, &bench.missing()).await;
    assert!(!missing.blockers.is_empty(), "a missing program is a blocker: {missing:?}");
    let outcome = run(actuator, &plan(&bench.missing(), &missing)).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

/// How long a test waits for what should come at once.
pub const SOON: Duration = Duration::from_secs(10);
