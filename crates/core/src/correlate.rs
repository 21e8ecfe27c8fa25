//! Which signals belong to one incident.

use crate::config::{Config, Correlation};
use crate::detect::{jaccard, tokens};
use crate::{Fingerprint, NewSignal, ProjectName, ServiceName, SignalKind, Timestamp};

/// What correlation needs to know of an open incident.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIncident {
    pub project: ProjectName,
    pub services: Vec<ServiceName>,
    pub fingerprints: Vec<Fingerprint>,
    pub templates: Vec<String>,
    pub trace_ids: Vec<String>,
    pub onset: Timestamp,
    pub last_signal_at: Timestamp,
}

/// Why a signal joins an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinReason {
    SameFingerprint,
    SameService,
    SameTrace,
    DependencyPath,
    SimilarText,
}

/// Whether a signal belongs to an open incident. The window counts in the signals' own time.
pub fn joins(incident: &OpenIncident, signal: &NewSignal, config: &Config) -> Option<JoinReason> {
    let settings = &config.correlation;
    if incident.project != signal.project {
        return None;
    }
    // The same failure going on is the same incident for as long as that one is open.
    if incident.fingerprints.contains(&signal.fingerprint) {
        return Some(JoinReason::SameFingerprint);
    }
    if !in_window(incident, signal, settings) {
        return None;
    }
    if incident.services.contains(&signal.service) {
        return Some(JoinReason::SameService);
    }
    if signal.trace_id.as_ref().is_some_and(|id| incident.trace_ids.contains(id)) {
        return Some(JoinReason::SameTrace);
    }
    if incident.services.iter().any(|service| on_one_path(config, service, &signal.service)) {
        return Some(JoinReason::DependencyPath);
    }
    // A health check's text is our own and the same for every service: it says nothing about a common cause.
    if signal.kind == SignalKind::Health {
        return None;
    }
    let words = tokens(&signal.template);
    let alike = |template: &String| jaccard(&tokens(template), &words) >= settings.text_similarity.get();
    incident.templates.iter().any(alike).then_some(JoinReason::SimilarText)
}

fn in_window(incident: &OpenIncident, signal: &NewSignal, settings: &Correlation) -> bool {
    signal.first_seen <= incident.last_signal_at + settings.join()
        && signal.first_seen <= incident.onset + settings.join_at_most()
        && incident.onset <= signal.last_seen + settings.join()
}

fn on_one_path(config: &Config, a: &ServiceName, b: &ServiceName) -> bool {
    config.dependants(a).contains(b) || config.dependants(b).contains(a)
}

/// The most upstream of some services: the one that the others depend on; the earliest named where several are.
pub fn most_upstream<'a>(services: &'a [ServiceName], config: &Config) -> Option<&'a ServiceName> {
    services
        .iter()
        .find(|candidate| {
            let dependants = config.dependants(candidate);
            !services.iter().any(|other| config.dependants(other).contains(candidate) && !dependants.contains(other))
        })
        .or(services.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::{Severity, SourceName, Span};

    fn config() -> Config {
        parse(
            "services: [{name: db}, {name: api, depends_on: [db]}, {name: web, depends_on: [api]}, {name: mail}]",
            "x",
        )
        .expect("parses")
    }

    fn signal(service: &str, template: &str, at: Timestamp) -> NewSignal {
        NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new(service),
            project: ProjectName::new("default"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[service, template]),
            template: template.into(),
            text: template.into(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: at,
            last_seen: at,
        }
    }

    fn incident() -> OpenIncident {
        let first = signal("api", "connection to database lost", Timestamp::EPOCH);
        OpenIncident {
            project: first.project,
            services: vec![first.service],
            fingerprints: vec![first.fingerprint],
            templates: vec![first.template],
            trace_ids: vec![],
            onset: Timestamp::EPOCH,
            last_signal_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn what_joins_and_why() {
        let at = |seconds| Timestamp::EPOCH + Span::from_secs(seconds);
        for (signal, reason) in [
            (signal("api", "connection to database lost", at(10_000)), Some(JoinReason::SameFingerprint)),
            (signal("api", "other", at(300)), Some(JoinReason::SameService)),
            (signal("api", "other", at(301)), None),
            (signal("db", "other", at(10)), Some(JoinReason::DependencyPath)),
            (signal("web", "other", at(10)), Some(JoinReason::DependencyPath)),
            (signal("mail", "other", at(10)), None),
            (signal("mail", "connection to database gone", at(10)), Some(JoinReason::SimilarText)),
        ] {
            assert_eq!(joins(&incident(), &signal, &config()), reason, "{signal:?}");
        }
    }

    #[test]
    fn another_project_never_joins() {
        let mut foreign = signal("api", "connection to database lost", Timestamp::EPOCH);
        foreign.project = ProjectName::new("elsewhere");
        assert_eq!(joins(&incident(), &foreign, &config()), None);
    }

    #[test]
    fn two_services_that_are_down_are_two_incidents() {
        let mut down = signal("mail", "connection to database lost", Timestamp::EPOCH);
        down.kind = SignalKind::Health;
        assert_eq!(joins(&incident(), &down, &config()), None);
    }

    #[test]
    fn no_signal_joins_later_than_half_an_hour_after_onset() {
        let mut incident = incident();
        incident.last_signal_at = Timestamp::EPOCH + Span::from_minutes(29);
        let late = |minutes| signal("api", "other", Timestamp::EPOCH + Span::from_minutes(minutes));
        assert!(joins(&incident, &late(30), &config()).is_some());
        assert_eq!(joins(&incident, &late(31), &config()), None);
    }

    #[test]
    fn the_root_is_the_most_upstream() {
        let names = |list: &[&str]| list.iter().map(|n| ServiceName::new(*n)).collect::<Vec<_>>();
        for (services, root) in [(&["web", "api", "db"][..], "db"), (&["web", "mail"], "web"), (&["api"], "api")] {
            assert_eq!(most_upstream(&names(services), &config()).map(ServiceName::as_str), Some(root));
        }
    }
}
