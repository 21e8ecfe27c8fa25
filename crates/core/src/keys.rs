//! What an incident can be found by, so that a signal's incident is found without reading every open one.
//!
//! Invariant: whatever [`joins`](crate::correlate::joins) accepts shares a key that [`Wanted`] names, and lies in its window;
//! so the candidates are complete, and `joins` still decides. Similar text is found by words: two sets that are alike to a
//! degree t share at least t of each, so that every set alike to one of n words contains one of any n - ceil(t n) + 1 of
//! them (the prefix filter of Chaudhuri, Ganti and Kaushik, 2006). Whoever looks takes the rarest.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::detect::tokens;
use crate::{BasisPoints, Fingerprint, Incident, NewSignal, ServiceName, SignalKind, Timestamp};

/// One thing that an incident can be found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub kind: &'static str,
    pub value: String,
}

impl Key {
    pub fn fingerprint(fingerprint: &Fingerprint) -> Self {
        Self { kind: "fingerprint", value: fingerprint.0.clone() }
    }

    fn service(service: &ServiceName) -> Self {
        Self { kind: "service", value: service.as_str().to_owned() }
    }

    fn trace(id: &str) -> Self {
        Self { kind: "trace", value: id.to_owned() }
    }

    pub fn word(word: String) -> Self {
        Self { kind: "word", value: word }
    }
}

/// Everything that an incident can be found by.
pub fn keys_of(incident: &Incident) -> BTreeSet<Key> {
    let words = incident.templates.iter().flat_map(|template| tokens(template)).map(Key::word);
    (incident.fingerprints.iter().map(Key::fingerprint))
        .chain(incident.services.iter().map(Key::service))
        .chain(incident.trace_ids.iter().map(|id| Key::trace(id)))
        .chain(words)
        .collect()
}

/// Which open incidents a signal may belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Those that know this failure, whenever they began.
    pub fingerprint: Fingerprint,
    /// Those in the window that have one of these.
    pub keys: BTreeSet<Key>,
    /// Those in the window that have one of the words.
    pub words: Words,
    /// The window, on the incident's onset and last signal.
    pub onset_from: Timestamp,
    pub onset_to: Timestamp,
    pub last_signal_from: Timestamp,
}

/// The words by which a similar text is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// Any `enough` of these find whatever is alike.
    AnyOf { words: BTreeSet<String>, enough: usize },
    /// Every text counts as alike: all in the window.
    Everything,
}

impl Wanted {
    pub fn by(signal: &NewSignal, config: &Config) -> Self {
        let settings = &config.correlation;
        let mut keys: BTreeSet<Key> = on_its_paths(&signal.service, config).iter().map(Key::service).collect();
        keys.extend(signal.trace_id.as_deref().map(Key::trace));
        Self {
            fingerprint: signal.fingerprint.clone(),
            keys,
            words: Words::of(signal, settings.text_similarity),
            onset_from: signal.first_seen - settings.join_at_most(),
            onset_to: signal.last_seen + settings.join(),
            last_signal_from: signal.first_seen - settings.join(),
        }
    }
}

impl Words {
    fn of(signal: &NewSignal, similarity: BasisPoints) -> Self {
        // As in `joins`: a health check's text is our own and tells nothing.
        if signal.kind == SignalKind::Health {
            return Self::AnyOf { words: BTreeSet::new(), enough: 0 };
        }
        let (words, threshold) = (tokens(&signal.template), similarity.get() as usize);
        if threshold == 0 {
            return Self::Everything;
        }
        let shared = (threshold * words.len()).div_ceil(10_000);
        Self::AnyOf { enough: (words.len() + 1).saturating_sub(shared.max(1)), words }
    }
}

/// A service, those that it depends on and those that depend on it, directly or through others.
fn on_its_paths(service: &ServiceName, config: &Config) -> BTreeSet<ServiceName> {
    let others = config.dependants(service).into_iter().chain(config.upstreams(service));
    std::iter::once(service.clone()).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::correlate::{OpenIncident, joins};
    use crate::{IncidentId, ProjectName, Severity, SignalId, SignalSeen, SourceName, Span};
    use proptest::prelude::*;

    const SERVICES: [&str; 5] = ["db", "api", "web", "mail", "unlisted"];
    const WORDS: [&str; 8] = ["connection", "lost", "to", "database", "pool", "timeout", "after", "retry"];

    fn config(similarity: u32) -> Config {
        let services =
            "services: [{name: db}, {name: api, depends_on: [db]}, {name: web, depends_on: [api]}, {name: mail}]";
        let mut config = parse(services, "x").expect("parses");
        config.correlation.text_similarity = crate::BasisPoints::saturating(similarity);
        config
    }

    prop_compose! {
        fn signal()(
            service in 0..SERVICES.len(),
            words in proptest::collection::vec(0..WORDS.len(), 0..7),
            trace in proptest::option::of(0..3u8),
            health in proptest::bool::weighted(0.2),
            at in 0..3_000u64,
        ) -> NewSignal {
            let template = words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ");
            let at = Timestamp::from_micros(1_772_000_000_000_000) + Span::from_secs(at);
            NewSignal {
                kind: if health { SignalKind::Health } else { SignalKind::Log },
                source: SourceName::new("s"),
                service: ServiceName::new(SERVICES[service]),
                project: ProjectName::new("default"),
                severity: Severity::High,
                fingerprint: Fingerprint::of(&[SERVICES[service], &template]),
                text: template.clone(),
                template,
                attributes: Default::default(),
                trace_id: trace.map(|id| id.to_string()),
                count: 1,
                first_seen: at,
                last_seen: at,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_joins_is_found(first in signal(), second in signal(), similarity in 0..=10_000u32) {
            let config = config(similarity);
            let seen = SignalSeen::of(SignalId(1), &first);
            let (incident, _) =
                Incident::open(IncidentId(1), first.project.clone(), "x".into(), &seen, first.first_seen);
            let open = OpenIncident {
                project: incident.project.clone(),
                services: incident.services.clone(),
                fingerprints: incident.fingerprints.clone(),
                templates: incident.templates.clone(),
                trace_ids: incident.trace_ids.iter().cloned().collect(),
                onset: incident.onset,
                last_signal_at: incident.last_signal_at,
            };
            if joins(&open, &second, &config).is_some() {
                let (keys, wanted) = (keys_of(&incident), Wanted::by(&second, &config));
                let known = keys.contains(&Key::fingerprint(&wanted.fingerprint));
                let window = wanted.last_signal_from <= incident.last_signal_at
                    && wanted.onset_from <= incident.onset
                    && incident.onset <= wanted.onset_to;
                // Whichever words are taken: fewer than enough of them are unknown to the incident.
                let alike = match &wanted.words {
                    Words::Everything => true,
                    Words::AnyOf { words, enough } => {
                        words.iter().filter(|word| !keys.contains(&Key::word((*word).clone()))).count() < *enough
                    }
                };
                let shares = alike || !wanted.keys.is_disjoint(&keys);
                prop_assert!(known || (window && shares), "{incident:?} {second:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn a_text_is_looked_for_by_a_few_of_its_words() {
        let mut signal = signal_of("connection to database lost");
        let enough = |signal: &NewSignal, similarity| match Wanted::by(signal, &config(similarity)).words {
            Words::AnyOf { words, enough } => Some((words.len(), enough)),
            Words::Everything => None,
        };
        // Of four words, whatever is alike to 0.6 shares three: any two find it.
        for (similarity, expected) in
            [(6_000, Some((4, 2))), (10_000, Some((4, 1))), (1, Some((4, 4))), (2_501, Some((4, 3))), (0, None)]
        {
            assert_eq!(enough(&signal, similarity), expected, "{similarity}");
        }
        signal.template = String::new();
        assert_eq!(enough(&signal, 6_000), Some((0, 0)));
        signal.kind = SignalKind::Health;
        assert_eq!(enough(&signal, 0), Some((0, 0)));
    }

    fn signal_of(template: &str) -> NewSignal {
        NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new("mail"),
            project: ProjectName::new("default"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[template]),
            template: template.into(),
            text: template.into(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        }
    }
}
