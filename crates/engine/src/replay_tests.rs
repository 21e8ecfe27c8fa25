//! What is left out is proven: the shortened replay is held to the full one on thousands of made-up bases and edits.

use selfheal_core::config::parse;
use selfheal_core::knowledge::{PackEntry, PatternScope, Rule};
use selfheal_core::{ActionKind, Fingerprint, ProjectName, Severity, SignalKind, SourceName};

use super::*;

/// Small, and the same everywhere: a failing case can be made again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

const WORDS: [&str; 10] =
    ["pool", "disk", "timeout", "refused", "memory", "exhausted", "certificate", "expired", "queue", "leak"];
const SERVICES: [&str; 3] = ["web", "pay", "db"];

fn text(random: &mut Random, words: usize) -> String {
    (0..words).map(|_| random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn pattern(random: &mut Random, i: usize) -> Pattern {
    let entry = PackEntry {
        description: text(random, 4),
        rule: (!random.chance(3)).then(|| {
            Rule::regex(if random.chance(2) {
                random.pick(&WORDS).to_owned()
            } else {
                format!("{} {}", random.pick(&WORDS), random.pick(&WORDS))
            })
        }),
        must_not: if random.chance(6) { vec![random.pick(&WORDS).to_owned()] } else { vec![] },
        action: (!random.chance(4))
            .then(|| Action::new(if random.chance(2) { ActionKind::ServiceRestart } else { ActionKind::CacheClear })),
        scope: PatternScope {
            project: None,
            service: random.chance(5).then(|| ServiceName::new(random.pick(&SERVICES))),
        },
        confidence: BasisPoints::saturating(random.below(10_001) as u32),
        auto_healable: !random.chance(3),
        ..PackEntry::new(format!("P{i}"), text(random, 3))
    };
    let mut pattern = entry.into_pattern("test", Timestamp::EPOCH).expect("valid");
    if random.chance(10) {
        pattern.status = PatternStatus::Disabled;
    }
    pattern
}

fn signal(service: &str, text: &str) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("s"),
        service: ServiceName::new(service),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[service, text]),
        template: text.into(),
        text: text.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    }
}

fn incident(id: i64, signals: &[NewSignal]) -> PastIncident {
    let mut services: Vec<ServiceName> = signals.iter().map(|signal| signal.service.clone()).collect();
    services.dedup();
    PastIncident {
        id: IncidentId(id),
        project: ProjectName::new("shop"),
        service: services[0].clone(),
        title: "x".into(),
        opened_at: Timestamp::EPOCH,
        services,
        fingerprints: signals.iter().map(|signal| signal.fingerprint.clone()).collect(),
    }
}

fn config() -> Arc<Config> {
    let text = "services:\n  - { name: web, project: shop, depends_on: [pay] }\n  - { name: pay, project: shop, depends_on: [db] }\n  - { name: db, project: shop, infrastructure: true }\n";
    Arc::new(parse(text, "test").expect("valid"))
}

fn replayed(patterns: &[Pattern], edit: &Edit, config: &Arc<Config>) -> Replay {
    let (before, _) = KnowledgeBase::new(patterns.to_vec());
    let stored = patterns.iter().find(|pattern| pattern.id == *edit.pattern());
    Replay::new(Arc::new(before), stored, edit, Arc::clone(config)).expect("the rules compile")
}

#[test]
fn what_is_left_out_would_have_been_the_same() {
    let (mut random, config) = (Random(11), config());
    let (mut compared, mut spared, mut changed) = (0, 0, 0);
    for _ in 0..300 {
        let count = 3 + random.below(10);
        let patterns: Vec<Pattern> = (0..count).map(|i| pattern(&mut random, i)).collect();
        // One of them in another version, a new one, or one less.
        let of = random.below(count + 1);
        let edit = if random.chance(5) && of < count {
            Edit::Remove(patterns[of].id.clone())
        } else {
            Edit::Put(Box::new(pattern(&mut random, of)))
        };
        let replay = replayed(&patterns, &edit, &config);
        for id in 0..20 {
            let signals: Vec<NewSignal> = (0..=random.below(3))
                .map(|_| {
                    let words = 1 + random.below(5);
                    let service = random.pick(&SERVICES);
                    signal(service, &text(&mut random, words))
                })
                .collect();
            let said = if random.chance(4) {
                let evidence = Evidence { confirmed: 0, rejected: 1 + random.below(3) as u32 };
                vec![(patterns[random.below(count)].id.clone(), evidence)]
            } else {
                vec![]
            };
            let incident = incident(id, &signals);
            let (before, after, made) = replay.compare(&incident, &signals, &said);
            let full = replay.compare_in_full(&incident, &signals, &said);
            assert_eq!((before.clone(), after.clone()), full, "{edit:?} on {signals:?} with {said:?}");
            compared += 1;
            spared += usize::from(!made);
            changed += usize::from(before != after);
        }
    }
    // The cases are worth something: some are left out, some change.
    assert!(spared > compared / 20, "{spared} of {compared} are left out");
    assert!(changed > compared / 20, "{changed} of {compared} change");
}

fn pool(confidence: u32, auto_healable: bool) -> Pattern {
    let entry = PackEntry {
        rule: Some(Rule::regex("pool exhausted")),
        action: Some(Action::new(ActionKind::ServiceRestart)),
        confidence: BasisPoints::saturating(confidence),
        auto_healable,
        ..PackEntry::new("Pool", "too few connections")
    };
    entry.into_pattern("test", Timestamp::EPOCH).expect("valid")
}

fn outlook_of(before: &Pattern, edit: &Edit) -> Replayed {
    let replay = replayed(std::slice::from_ref(before), edit, &config());
    let mut found = Replayed::default();
    for id in 1..=60 {
        let signals = [signal("pay", if id % 3 == 0 { "disk full" } else { "pool exhausted" })];
        let incident = incident(id, &signals);
        found.add(&replay, &incident, replay.compare(&incident, &signals, &[]));
    }
    found.keep_worst();
    found
}

#[test]
fn a_change_is_called_by_what_it_does() {
    let put = |pattern: Pattern| Edit::Put(Box::new(pattern));
    let disabled = |mut pattern: Pattern| {
        pattern.status = PatternStatus::Disabled;
        pattern
    };
    for (before, edit, outlook, automatic, lost) in [
        (pool(7_000, false), put(pool(7_000, true)), Outlook::NewlyAutomatic, 40, 0),
        (pool(6_999, true), put(pool(7_000, true)), Outlook::NewlyAutomatic, 40, 0),
        (pool(7_000, true), put(pool(6_999, true)), Outlook::AsksNow, 0, 0),
        (pool(7_000, true), put(pool(2_999, true)), Outlook::EscalatesNow, 0, 0),
        (pool(7_000, true), Edit::Remove(PatternId::new("pool")), Outlook::EscalatesNow, 0, 40),
        (pool(7_000, true), put(disabled(pool(7_000, true))), Outlook::EscalatesNow, 0, 40),
        (pool(2_999, true), put(pool(3_000, true)), Outlook::SuggestsNow, 0, 0),
        (pool(4_000, true), put(pool(5_000, true)), Outlook::OtherScore, 0, 0),
    ] {
        let found = outlook_of(&before, &edit);
        assert!(found.changes.iter().all(|change| change.outlook == outlook), "{outlook:?}: {:?}", found.changes[0]);
        assert_eq!((found.examined, found.newly_automatic, found.lost), (60, automatic, lost), "{outlook:?}");
        let decided = if outlook == Outlook::OtherScore { 0 } else { 40 };
        assert_eq!((found.decisions_changed, found.changes.len()), (decided, 40), "{outlook:?}");
        assert_eq!(found.changes[0].incident, IncidentId(59), "the latest first");
        assert_eq!(found.decisions.values().sum::<u64>(), 60, "every incident is counted once");
    }
}

#[test]
fn another_automatic_fix_is_newly_automatic_too() {
    let mut other = pool(8_000, true);
    other.action = Some(Action::new(ActionKind::CacheClear));
    let found = outlook_of(&pool(8_000, true), &Edit::Put(Box::new(other)));
    assert_eq!((found.newly_automatic, found.decisions_changed), (40, 40));
    assert_eq!(found.decisions.get(&("auto", "auto")), Some(&40));
}

#[test]
fn counts_stay_exact_where_examples_are_cut() {
    let replay = replayed(&[pool(7_000, false)], &Edit::Put(Box::new(pool(7_000, true))), &config());
    let mut total = Replayed::default();
    for page in 0..5 {
        let mut found = Replayed::default();
        for id in 1..=40 {
            let signals = [signal("pay", "pool exhausted")];
            let incident = incident(page * 40 + id, &signals);
            found.add(&replay, &incident, replay.compare(&incident, &signals, &[]));
        }
        total.merge(found);
    }
    assert_eq!((total.newly_automatic, total.changes.len()), (200, EXAMPLES));
    assert_eq!(total.changes[0].incident, IncidentId(200));
}
