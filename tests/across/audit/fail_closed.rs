//! What cannot be put on record does not happen: on both databases the audit insert is made to fail, and a decision, an
//! approval, an intent and a start are all undone.

use selfheal_api::ClientError;
use selfheal_api::view::{IncidentView, StateName};
use selfheal_core::{EventId, IncidentId};
use serde_json::json;

use super::Place;

/// Makes two tests: on a file of SQLite, and on a PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::Place::open(None).await).await })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                let database = selfheal_tests::postgres::Postgres::server().database();
                super::$name(super::Place::open(Some(database)).await).await
            })+
        }
    };
}

on_both!(
    a_decision_that_is_not_on_record_is_not_made,
    an_intent_that_is_not_on_record_starts_nothing,
    a_start_that_is_not_on_record_does_not_happen,
    an_approval_that_is_not_on_record_is_none,
);

/// From now on no entry of this kind can be written.
async fn refuse(place: &Place, event: &str) {
    let sql = match place.app.engine.store().kind() {
        "SQLite" => format!(
            "create trigger broken before insert on audit_trail when new.event_type = '{event}'
             begin select raise(abort, 'no room on the disk'); end"
        ),
        _ => format!(
            "create function broken() returns trigger language plpgsql as
             $$ begin if new.event_type = '{event}' then raise exception 'no room on the disk'; end if; return new; end $$;
             create trigger broken before insert on audit_trail for each row execute function broken()"
        ),
    };
    place.intrude(Box::leak(sql.into_boxed_str())).await;
}

async fn mend(place: &Place) {
    match place.app.engine.store().kind() {
        "SQLite" => place.intrude("drop trigger broken").await,
        _ => place.intrude("drop trigger broken on audit_trail").await,
    }
}

async fn view(place: &Place) -> IncidentView {
    place.client.get("/api/v1/incidents/1").await.expect("shown")
}

/// The effects that wait for incident 1, and how many facts it has.
async fn waiting(place: &Place) -> (Vec<String>, usize) {
    let mut tx = place.app.engine.store().read().await.expect("reads");
    let effects = tx.effects_of(IncidentId(1)).await.expect("read");
    let facts = tx.facts(IncidentId(1)).await.expect("read").len();
    (effects.iter().map(|effect| effect.body.name().to_owned()).collect(), facts)
}

fn says_so(place: &Place) {
    let problems = place.app.engine.status().problems;
    assert!(problems.get("incident 1").is_some_and(|problem| problem.contains("no room on the disk")), "{problems:?}");
}

async fn a_decision_that_is_not_on_record_is_not_made(place: Place) {
    place.switch_on().await;
    refuse(&place, "self_heal.auto").await;
    place.ingest("ERROR pool exhausted").await;
    let before = waiting(&place).await;
    place.tick().await;
    says_so(&place);
    let shown = view(&place).await;
    assert_eq!(
        (shown.incident.state, shown.decision.is_none(), shown.plan.is_none()),
        (StateName::Detected, true, true)
    );
    assert_eq!(waiting(&place).await, before, "what was to be decided still is");
    assert!(!place.folder.path().join("pay.pid").exists());
}

async fn an_intent_that_is_not_on_record_starts_nothing(place: Place) {
    place.switch_on().await;
    refuse(&place, "action.intended").await;
    place.ingest("ERROR pool exhausted").await;
    place.tick().await;
    says_so(&place);
    let mut tx = place.app.engine.store().read().await.expect("reads");
    assert!(tx.latest_events(10).await.expect("read").is_empty(), "no intent, and no slot of a limit used");
    drop(tx);
    let shown = view(&place).await;
    assert_eq!(
        (shown.incident.state, shown.decision.is_none()),
        (StateName::Detected, true),
        "the decision went with it"
    );
}

async fn a_start_that_is_not_on_record_does_not_happen(place: Place) {
    place.switch_on().await;
    refuse(&place, "action.started").await;
    place.ingest("ERROR pool exhausted").await;
    // Decided and admitted; then it would start.
    place.tick().await;
    place.tick().await;
    says_so(&place);
    let mut tx = place.app.engine.store().read().await.expect("reads");
    let event = tx.event(EventId(1)).await.expect("read").expect("the intent");
    let effects = tx.effects_of(IncidentId(1)).await.expect("read");
    drop(tx);
    assert_eq!(event.status, "intended");
    assert!(effects.iter().any(|effect| effect.body.name() == "execute" && effect.started_at.is_none()), "{effects:?}");
    assert!(!place.folder.path().join("pay.pid").exists(), "nothing was started");
}

async fn an_approval_that_is_not_on_record_is_none(place: Place) {
    // Observe only: the fix waits for a person.
    place.ingest("ERROR pool exhausted").await;
    place.tick().await;
    let shown = view(&place).await;
    let plan = shown.plan.expect("a plan waits").hash;
    let before = waiting(&place).await;
    refuse(&place, "approval.granted").await;
    let approve = json!({ "plan_hash": plan, "typed_target": null });
    let error = place.client.post::<IncidentView>("/api/v1/incidents/1/approve", &approve).await.expect_err("refused");
    let ClientError::Problem(problem) = error else { panic!("expected a problem, found {error}") };
    assert_eq!(problem.code, "database_unavailable");
    assert!(problem.why.contains("no room on the disk"), "{problem}");
    let after = view(&place).await;
    assert!(after.approval.is_none_or(|approval| approval.approved_by.is_none()));
    assert_eq!((after.incident.state, waiting(&place).await), (shown.incident.state, before));
    // Mended, the same approval counts.
    mend(&place).await;
    let after: IncidentView = place.client.post("/api/v1/incidents/1/approve", &approve).await.expect("approved");
    assert!(after.approval.is_some_and(|approval| approval.approved_by.is_some()));
}
