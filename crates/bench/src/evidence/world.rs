//! A world whose incidents have known causes: patterns differ in where, when, after what and in which order they fail.

use std::collections::BTreeMap;

use selfheal_core::matching::evidence::{
    Background, Baseline, ConfirmedCause, EvidenceItem, SeenChange, Sights, Statistics, hour_of_week, items, sequences,
    strength,
};
use selfheal_core::matching::{Evidence, EvidenceKind, PatternMatch, RuleOutcome};
use selfheal_core::{
    BasisPoints, Change, ChangeKind, DecisionConfidence, Fingerprint, IncidentId, NewSignal, PatternId, ProjectName,
    ServiceName, Severity, SignalKind, SourceName, Span, Timestamp,
};

use super::FEATURES;
use super::fit::Example;
use crate::corpus::Lcg;

const GROUPS: usize = 4;
const GROUP: usize = 3;
const SERVICES: usize = 5;
const HALF_LIFE: Span = Span::from_minutes(30);
/// 2026-01-05, a Monday.
const START: Timestamp = Timestamp::from_micros(1_767_571_200_000_000);
/// Between two incidents, on average.
const PAUSE_MINUTES: usize = 120;
/// How much the text tells: the right candidate's log-odds are higher by this, with a deviation of 1.
const TEXT: f64 = 1.0;

struct Pattern {
    /// How common it is on each service.
    common: [f64; SERVICES],
    /// How often a change precedes it.
    after_change: f64,
    /// How often the first template of its group comes first.
    in_order: f64,
    /// The hour of the day around which it comes, if it has one.
    hour: Option<u8>,
    /// Sights an hour without any failure, by service.
    usual: [f64; SERVICES],
}

pub struct World {
    random: Lcg,
    patterns: Vec<Pattern>,
    /// As seen from each service.
    learned: Vec<(Statistics, BTreeMap<PatternId, Statistics>)>,
    effects: bool,
}

impl World {
    pub fn new(seed: u64, effects: bool) -> Self {
        let mut random = Lcg(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        for _ in 0..8 {
            random.next(2);
        }
        let patterns = (0..GROUPS * GROUP).map(|_| Pattern::draw(&mut random, effects)).collect();
        Self { random, patterns, learned: vec![Default::default(); SERVICES], effects }
    }

    /// Learns from the first half of the incidents; the second half are the examples.
    pub fn play(mut self, incidents: usize) -> Vec<Example> {
        let mut now = START + Span::from_minutes(60 * 24 * 28);
        let mut examples = Vec::new();
        for number in 0..incidents {
            now = now + Span::from_minutes(1 + self.random.next(2 * PAUSE_MINUTES) as u64);
            let incident = self.incident(number, now);
            if number >= incidents / 2 {
                examples.push(self.example(&incident));
            }
            if number < incidents / 2 {
                self.learn(&incident);
            }
        }
        examples
    }

    fn incident(&mut self, number: usize, now: Timestamp) -> Incident {
        let (service, group) = (self.random.next(SERVICES), self.random.next(GROUPS));
        let weights: Vec<f64> = (group * GROUP..(group + 1) * GROUP)
            .map(|p| self.patterns[p].common[service] * self.patterns[p].at(now))
            .collect();
        let right = pick(&mut self.random, &weights);
        let pattern = &self.patterns[group * GROUP + right];
        let change = chance(&mut self.random, pattern.after_change).then(|| {
            let minutes = self.random.next(25) as u64;
            Span::from_minutes(minutes)
        });
        let in_order = chance(&mut self.random, pattern.in_order);
        let mut signals = Vec::new();
        for (place, name) in ["first", "second"].iter().enumerate() {
            let late = (place == 0) != in_order;
            let at = now + Span::from_secs(if late { 30 } else { 0 });
            signals.push(signal(&format!("{group} {service} {name}"), service, at));
        }
        let mut sights = BTreeMap::new();
        let mut rests: Vec<Option<usize>> = Vec::new();
        // Rules that hold on one and the same line know nothing of each other's rates.
        let one_line = chance(&mut self.random, 0.5);
        for candidate in 0..GROUP {
            let cause = candidate == right;
            if one_line {
                rests.push(None);
                continue;
            }
            // What is no cause is seen too, as it always is or as a consequence: otherwise its rule would not compete.
            rests.push(Some(signals.len()));
            let seen = signal(&format!("{group} {service} own {candidate}"), service, now + Span::from_minutes(2));
            let usual = self.patterns[group * GROUP + candidate].usual[service];
            let known = self.sights(usual, cause && self.effects, seen.last_seen);
            sights.insert(seen.fingerprint.clone(), known);
            signals.push(seen);
        }
        let text = (0..GROUP).map(|c| normal(&mut self.random) + if c == right { TEXT } else { 0.0 }).collect();
        Incident { number, service, group, right, onset: now, change, signals, sights, rests, text }
    }

    fn sights(&mut self, usual: f64, cause: bool, last_seen: Timestamp) -> Sights {
        let random = &mut self.random;
        let new = chance(random, if cause { 0.15 } else { 0.04 });
        let raised = chance(random, if cause { 0.7 } else { 0.25 });
        let (more, burst) = if raised { (random.next(15) as u64, random.next(6) as u64) } else { (0, 0) };
        let background = if new { 0 } else { poisson(random, usual) };
        let in_burst = 1 + burst + if new { 0 } else { poisson(random, usual / 12.0) };
        let last_hour = in_burst + more + background;
        let first_seen = if new { last_seen - Span::from_minutes(2) } else { START };
        let days = last_seen.since(START).as_secs_f64() / 86_400.0;
        let watched = 168.0 / std::f64::consts::LN_2 * (1.0 - (-days / 7.0).exp2());
        let before = if new { 0 } else { poisson(random, usual * watched) };
        let baseline = Some(Baseline::first(0, first_seen).with(before + last_hour, last_seen));
        Sights { last_seen, last_hour, last_minutes: in_burst, baseline, service_since: Some(START) }
    }

    fn learn(&mut self, incident: &Incident) {
        let change = incident.change.map_or(BasisPoints::ZERO, |age| strength(age, HALF_LIFE));
        let cause = ConfirmedCause {
            incident: IncidentId(incident.number as i64),
            pattern: id(incident.group, incident.right),
            project: ProjectName::new("p"),
            service: service_name(incident.service),
            hour: hour_of_week(incident.onset),
            change,
            sequences: sequences(&incident.signals),
        };
        for (service, (all, patterns)) in self.learned.iter_mut().enumerate() {
            let seen_from = service_name(service);
            all.add(&cause, &cause.project, &seen_from);
            patterns.entry(cause.pattern.clone()).or_default().add(&cause, &cause.project, &seen_from);
        }
    }

    fn example(&self, incident: &Incident) -> Example {
        let (all, patterns) = self.learned[incident.service].clone();
        let background = Background {
            sights: incident.sights.clone(),
            change: incident.change.map(|age| seen_change(incident, age)),
            all,
            patterns,
            ..Background::none(service_name(incident.service), incident.onset)
        };
        let candidates: Vec<PatternMatch> = incident
            .rests
            .iter()
            .enumerate()
            .map(|(number, rests)| candidate(&id(incident.group, number), *rests))
            .collect();
        let found = items(&candidates, &incident.signals, &incident.signals, &background);
        let features = |number: usize| {
            let mut features = [0.0; FEATURES];
            features[0] = incident.text[number];
            for EvidenceItem { kind, log_likelihood_ratio, .. } in &found[&id(incident.group, number)] {
                let place = EvidenceKind::ALL.iter().position(|known| known == kind).unwrap_or_default();
                features[1 + place] = *log_likelihood_ratio;
            }
            features
        };
        Example { candidates: (0..GROUP).map(features).collect(), right: incident.right }
    }
}

struct Incident {
    number: usize,
    service: usize,
    group: usize,
    right: usize,
    onset: Timestamp,
    change: Option<Span>,
    signals: Vec<NewSignal>,
    sights: BTreeMap<Fingerprint, Sights>,
    /// The signal that each candidate rests on.
    rests: Vec<Option<usize>>,
    text: Vec<f64>,
}

impl Pattern {
    fn draw(random: &mut Lcg, effects: bool) -> Self {
        let mut one_of = |values: [f64; 3]| if effects { values[random.next(3)] } else { values[1] };
        let common = std::array::from_fn(|_| one_of([0.3, 1.0, 3.0]));
        let (after_change, in_order) = (one_of([0.1, 0.3, 0.8]), one_of([0.1, 0.5, 0.9]));
        let usual = std::array::from_fn(|_| one_of([0.02, 0.2, 2.0]));
        let hour = (effects && random.next(2) == 0).then(|| random.next(24) as u8);
        Self { common, after_change, in_order, hour, usual }
    }

    /// How much likelier it is at a moment.
    fn at(&self, now: Timestamp) -> f64 {
        let Some(hour) = self.hour else { return 1.0 };
        let apart = (i32::from(hour_of_week(now) % 24) - i32::from(hour)).rem_euclid(24);
        if apart.min(24 - apart) <= 3 { 3.0 } else { 0.5 }
    }
}

fn candidate(pattern: &PatternId, rests: Option<usize>) -> PatternMatch {
    let satisfied = |signal| RuleOutcome::Satisfied { condition: String::new(), signal, span: None };
    PatternMatch {
        pattern: pattern.clone(),
        name: pattern.to_string(),
        relevance: BasisPoints::ZERO,
        pattern_confidence: BasisPoints::ZERO,
        outcomes: 0,
        decision_confidence: DecisionConfidence::ZERO,
        rule: rests.map_or(RuleOutcome::None, satisfied),
        terms: vec![],
        competitors: vec![],
        same_fix: Vec::new(),
        evidence: Evidence::default(),
        items: vec![],
        explanation: Default::default(),
    }
}

fn seen_change(incident: &Incident, age: Span) -> SeenChange {
    let change = Change {
        id: 0,
        at: incident.onset - age,
        project: ProjectName::new("p"),
        service: service_name(incident.service),
        kind: ChangeKind::Deployment,
        version: None,
        actor: "bench".into(),
        comment: None,
        event: None,
    };
    SeenChange { change, strength: strength(age, HALF_LIFE) }
}

pub fn signal(template: &str, service: usize, at: Timestamp) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("bench"),
        service: service_name(service),
        project: ProjectName::new("p"),
        severity: Severity::High,
        fingerprint: Fingerprint(template.into()),
        template: template.into(),
        text: template.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: at,
        last_seen: at,
    }
}

fn id(group: usize, number: usize) -> PatternId {
    PatternId(format!("pattern-{group}-{number}"))
}

pub fn service_name(number: usize) -> ServiceName {
    ServiceName::new(format!("service-{number}"))
}

fn uniform(random: &mut Lcg) -> f64 {
    random.next(1 << 24) as f64 / f64::from(1 << 24)
}

fn chance(random: &mut Lcg, share: f64) -> bool {
    uniform(random) < share
}

/// The sum of twelve uniform numbers is close enough to normal.
fn normal(random: &mut Lcg) -> f64 {
    (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
}

/// Knuth's method; a normal number where the mean is large.
fn poisson(random: &mut Lcg, mean: f64) -> u64 {
    if mean > 30.0 {
        return (mean + mean.sqrt() * normal(random)).max(0.0).round() as u64;
    }
    let (limit, mut product, mut count) = ((-mean).exp(), uniform(random), 0);
    while product > limit {
        product *= uniform(random);
        count += 1;
    }
    count
}

fn pick(random: &mut Lcg, weights: &[f64]) -> usize {
    let mut left = uniform(random) * weights.iter().sum::<f64>();
    for (number, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return number;
        }
    }
    weights.len() - 1
}
