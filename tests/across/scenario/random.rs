//! Stories that nobody wrote: random services break and heal, people say random things at random times, engines die, clocks
//! are set. Whatever happens, the promises of [`World::check_promises`] hold after every story.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use selfheal_core::{ActionKind, Posture, RejectReason};

use super::script::{Act, Approve};
use super::world::{Behaviour, World};

/// Stories of one run. `STORIES=2000` tells more.
const STORIES: u32 = 60;

const CONFIG: &str = r#"
limits: { breaker_failures: 2 }
approval: { second_approver_for: [] }
services:
  - name: a
    project: shop
    managed: true
    target: { kind: process, pidfile: /fake/a, start: [fake] }
    health_checks: [{ name: http, http: { url: "http://fake/a" }, interval_seconds: 5 }]
  - name: b
    project: shop
    managed: true
    depends_on: [a]
    target: { kind: process, pidfile: /fake/b, start: [fake] }
    health_checks: [{ name: http, http: { url: "http://fake/b" }, interval_seconds: 5 }]
  - name: c
    project: other
    managed: true
    second_approver: true
    target: { kind: process, pidfile: /fake/c, start: [fake] }
    health_checks: [{ name: http, http: { url: "http://fake/c" }, interval_seconds: 5 }]
"#;

const PATTERNS: &str = r#"
- name: Down
  rule: { any: [{ regex: "connection refused" }] }
  root_cause: The process of {service} is gone.
  action: { kind: service.restart }
  confidence: 1.0
  auto_healable: true
- name: Pool
  rule: { any: [{ regex: "pool exhausted" }] }
  root_cause: Too few connections.
  action: { kind: service.restart }
  confidence: 0.6
"#;

fn act() -> impl Strategy<Value = Act> {
    let service = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let behaviour = prop::sample::select(vec![
        Behaviour::Works,
        Behaviour::Works,
        Behaviour::Works,
        Behaviour::DoesNothing,
        Behaviour::Fails,
        Behaviour::WorksUnseen,
        Behaviour::Unreachable,
        Behaviour::Blocked,
        Behaviour::Undoable,
        Behaviour::UndoFails,
    ]);
    let text = prop::sample::select(vec!["ERROR pool exhausted", "ERROR never seen"]).prop_map(str::to_owned);
    let posture = prop::sample::select(vec![Posture::On, Posture::On, Posture::Observe, Posture::Paused]);
    let person = || prop::sample::select(vec!["ada", "bob"]).prop_map(str::to_owned);
    let reason = prop::sample::select(vec![RejectReason::WrongFix, RejectReason::NotNow]);
    let incident = || 1i64..6;
    prop_oneof![
        8 => (1u64..900).prop_map(|seconds| Act::Pass(format!("{seconds}s"))),
        6 => service().prop_map(|name| Act::Break(vec![name])),
        3 => service().prop_map(|name| Act::Heal(vec![name])),
        3 => (service(), behaviour).prop_map(|(name, what)| Act::Restart([(name, what)].into())),
        3 => (service(), text, 1u64..50).prop_map(|(service, text, times)| Act::Log { service, text, times }),
        2 => posture.prop_map(Act::Automation),
        4 => (incident(), person()).prop_map(|(incident, by)| {
            Act::Approve(Approve::By { incident, by, refused: None })
        }),
        2 => (incident(), reason).prop_map(|(incident, reason)| Act::Reject { incident, reason }),
        2 => (incident(), person()).prop_map(|(incident, by)| Act::Choose {
            incident,
            by,
            action: Some(ActionKind::ServiceRestart),
            parameters: Default::default(),
        }),
        1 => incident().prop_map(|incident| Act::Resolve { incident, did_the_same: None, fixed_by: None, comment: None }),
        1 => any::<bool>().prop_map(Act::Brake),
        1 => (service(), 1u64..90).prop_map(|(service, minutes)| Act::Maintain { service, minutes }),
        1 => (1u64..180).prop_map(|minutes| Act::Leap(format!("{minutes}m"))),
        1 => (1u64..180).prop_map(|minutes| Act::JumpBack(format!("{minutes}m"))),
        2 => Just(Act::Crash),
    ]
}

/// Acts that a person cannot do now are refused, which is an answer, not a failure.
fn may_be_refused(act: &Act) -> bool {
    matches!(act, Act::Approve(_) | Act::Reject { .. } | Act::Choose { .. } | Act::Resolve { .. })
}

#[test]
fn no_story_breaks_a_promise() {
    let stories = std::env::var("STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(STORIES);
    let config = Config { cases: stories, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    // The same stories in every run, so that a failure can be looked at.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ran = std::cell::Cell::new(0);
    let told = runner.run(&prop::collection::vec(act(), 10..35), |acts| {
        let restarts = runtime.block_on(tell(acts)).map_err(TestCaseError::fail)?;
        ran.set(ran.get() + restarts);
        Ok(())
    });
    told.unwrap_or_else(|failure| panic!("{failure}"));
    let ran = ran.get();
    assert!(ran > stories as usize / 2, "the stories are too dull to prove anything: {ran} restarts");
}

async fn tell(acts: Vec<Act>) -> Result<usize, String> {
    let patterns = serde_yaml::from_str(PATTERNS).map_err(|error| error.to_string())?;
    let mut world = World::open(CONFIG, patterns, Posture::On).await?;
    for (number, act) in acts.into_iter().enumerate() {
        let (refusable, told) = (may_be_refused(&act), format!("{}: {act:?}", number + 1));
        match world.act(act).await {
            Ok(()) => {}
            Err(_) if refusable => {}
            Err(error) => return Err(format!("{told}: {error}")),
        }
    }
    world.check_promises().await?;
    Ok(world.see().await?.ran.values().sum())
}
