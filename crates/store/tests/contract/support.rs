//! Opened stores and small values.

use selfheal_core::knowledge::{PackEntry, Pattern, Rule};
use selfheal_core::{
    Action, ActionKind, Fingerprint, IncidentId, NewSignal, PatternId, Plan, ProjectName, ServiceName, Severity,
    SignalKind, SignalSeen, SourceName, Span, Step, TargetSpec, Timestamp,
};
use selfheal_store::{Store, Tx};
use selfheal_tests::postgres::Postgres;

pub const START: Timestamp = Timestamp::from_micros(1_772_000_000_000_000);

pub fn at(seconds: u64) -> Timestamp {
    START + Span::from_secs(seconds)
}

/// A file, because that is what is used; the folder lives as long as the process.
pub async fn sqlite() -> Store {
    let folder = tempfile::tempdir().expect("a folder").keep();
    Store::open(&format!("sqlite:{}", folder.join("icdev.db").display())).await.expect("opens")
}

pub async fn postgres() -> Store {
    Store::open(&Postgres::server().database()).await.expect("opens")
}

pub fn pattern(name: &str) -> Pattern {
    PackEntry {
        rule: Some(Rule::regex("pool exhausted")),
        must_not: vec!["quota".into()],
        action: Some(Action::new(ActionKind::ServiceRestart)),
        ..PackEntry::new(name, "too few connections for {service}")
    }
    .into_pattern("test", START)
    .expect("a valid pattern")
}

pub fn signal(service: &str, text: &str, seconds: u64) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("log"),
        service: ServiceName::new(service),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[service, text]),
        template: text.into(),
        text: text.into(),
        attributes: [("zone".to_owned(), "é\"'\\".to_owned())].into(),
        trace_id: None,
        count: 1,
        first_seen: at(seconds),
        last_seen: at(seconds),
    }
}

/// Opens an incident of this severity with a signal of its own.
pub async fn incident(tx: &mut Tx, service: &str, severity: Severity, seconds: u64) -> IncidentId {
    let mut new = signal(service, &format!("{service} failed"), seconds);
    new.severity = severity;
    let (id, _) = tx.put_signal(&new, Span::from_secs(120), at(seconds)).await.expect("stored");
    let seen = SignalSeen::of(id, &new);
    tx.open_incident(new.project.clone(), format!("{service} failed"), seen, at(seconds)).await.expect("opened").id
}

pub fn plan(incident: IncidentId, pidfile: &str) -> Plan {
    Plan {
        incident,
        pattern: PatternId::new("pool-exhausted"),
        attempt: 1,
        action: Action::new(ActionKind::ServiceRestart),
        service: ServiceName::new("pay"),
        target: TargetSpec::Process {
            pidfile: pidfile.into(),
            start: vec!["/bin/true".into()],
            stop: vec![],
            daemonizes: false,
            stop_timeout_seconds: 10,
            working_directory: None,
            output: None,
        },
        steps: vec![Step { call: "start".into(), detail: "start".into() }],
        undo: selfheal_core::WayBack::Nothing,
        instances: 1,
        dependants: vec![],
        checks: vec![],
    }
}
