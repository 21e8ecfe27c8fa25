//! Tables computed by hand, and what must hold for any history.

use proptest::prelude::*;

use super::*;
use crate::matching::{Evidence, TermScore};
use crate::{BasisPoints, Change, ChangeKind, IncidentId, ProjectName, Severity, SignalKind, SourceName, Span};

const HOUR: Span = Span::from_minutes(60);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

/// A Monday.
fn monday() -> Timestamp {
    at("2026-11-23T08:00:00Z")
}

fn web() -> ServiceName {
    ServiceName::new("web")
}

fn shop() -> ProjectName {
    ProjectName::new("shop")
}

fn signal(kind: SignalKind, template: &str, first_seen: Timestamp) -> NewSignal {
    NewSignal {
        kind,
        source: SourceName::new("s"),
        service: web(),
        project: shop(),
        severity: Severity::High,
        fingerprint: Fingerprint(template.into()),
        template: template.into(),
        text: template.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen,
        last_seen: first_seen,
    }
}

fn candidate(name: &str, rule: RuleOutcome) -> PatternMatch {
    PatternMatch {
        pattern: PatternId::new(name),
        name: name.into(),
        relevance: BasisPoints::ZERO,
        pattern_confidence: BasisPoints::ZERO,
        outcomes: 0,
        decision_confidence: crate::DecisionConfidence::ZERO,
        rule,
        terms: vec![TermScore { term: name.into(), field: "name".into(), score: 1.0 }],
        competitors: vec![],
        same_fix: Vec::new(),
        evidence: Evidence::default(),
        items: vec![],
        explanation: Default::default(),
    }
}

fn cause(pattern: &str, service: &str, hour: u8, change: u32, sequences: &[&str]) -> ConfirmedCause {
    ConfirmedCause {
        incident: IncidentId(1),
        pattern: PatternId::new(pattern),
        project: shop(),
        service: ServiceName::new(service),
        hour,
        change: BasisPoints::saturating(change),
        sequences: sequences.iter().map(|s| (*s).to_owned()).collect(),
    }
}

/// What confirmed causes add up to, of all and by pattern.
fn learned(causes: &[ConfirmedCause]) -> (Statistics, BTreeMap<PatternId, Statistics>) {
    let (mut all, mut patterns) = (Statistics::default(), BTreeMap::<PatternId, Statistics>::new());
    for cause in causes {
        all.add(cause, &shop(), &web());
        patterns.entry(cause.pattern.clone()).or_default().add(cause, &shop(), &web());
    }
    (all, patterns)
}

fn of(pattern: &str, causes: &[ConfirmedCause]) -> (Statistics, Statistics) {
    let (all, patterns) = learned(causes);
    (patterns.get(&PatternId::new(pattern)).cloned().unwrap_or_default(), all)
}

fn change_at(minutes: u64) -> Option<SeenChange> {
    let change = Change {
        id: 1,
        at: monday() - Span::from_minutes(minutes),
        project: shop(),
        service: web(),
        kind: ChangeKind::Deployment,
        version: Some("2.4.1".into()),
        actor: "ada".into(),
        comment: None,
        event: None,
    };
    nearest_change(&[change], monday(), Span::from_minutes(30))
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-4, "expected {expected}, found {found}");
}

#[test]
fn a_change_fades_by_half_per_half_life() {
    let half_life = Span::from_minutes(30);
    for (minutes, left) in [(0, 10_000), (30, 5_000), (60, 2_500), (239, 40), (240, 0), (9_999, 0)] {
        assert_eq!(strength(Span::from_minutes(minutes), half_life).get(), left, "{minutes}");
    }
    assert_eq!(strength(Span::ZERO, Span::ZERO).get(), 0, "without a half-life no change counts");
    assert_eq!(
        nearest_change(&[change_at(5).expect("near").change], monday() - HOUR, half_life),
        None,
        "after the onset"
    );
}

#[test]
fn frequency_and_burst_by_hand() {
    let start = monday() - Span::from_minutes(60 * 24 * 70);
    // Ten a day in ten weeks, half of them per week counting half: 10 * 7 * (1 + 1/2 + 1/4 + ...) and a little.
    let mut baseline = Baseline::first(0, start);
    for hour in 0..70 * 24 - 1 {
        if hour % 12 == 0 {
            baseline = baseline.with(5, start + Span::from_minutes(60 * hour));
        }
    }
    for (last_hour, last_minutes) in [(0, 0), (1, 1), (20, 4)] {
        let known = Sights {
            last_seen: monday(),
            last_hour,
            last_minutes,
            baseline: Some(if last_hour == 0 { baseline } else { baseline.with(last_hour, monday()) }),
            service_since: Some(start),
        };
        let items = known.items(&web());
        let [frequency, burst] = items.as_slice() else { panic!("{items:?}") };
        // 10 a day are 0.417 an hour and 0.0347 in five minutes; the clock counts in whole hours.
        assert!((frequency.expected * 24.0 / 10.0 - 1.0).abs() < 0.04, "{frequency:?}");
        assert!((burst.expected * 288.0 / 10.0 - 1.0).abs() < 0.04, "{burst:?}");
        let by_hand = |seen: u64, expected: f64| ((seen as f64 + 0.5) / (expected + 0.5)).ln().clamp(-LIMIT, LIMIT);
        assert!((frequency.log_likelihood_ratio - by_hand(last_hour, frequency.expected)).abs() < 2e-4);
        assert!((burst.log_likelihood_ratio - by_hand(last_minutes, burst.expected)).abs() < 2e-4);
    }
}

#[test]
fn novelty_needs_a_service_that_is_known() {
    let days = |days: u64| Some(monday() - Span::from_minutes(60 * 24 * days));
    for (service_since, expected) in [
        (None, None),
        (Some(monday() - Span::from_minutes(59)), None),
        (days(1), Some(2_f64.ln())),
        (days(3), Some(4_f64.ln())),
        (days(300), Some(LIMIT)),
    ] {
        let baseline = Some(Baseline::first(3, monday()));
        let known = Sights { last_seen: monday(), last_hour: 3, last_minutes: 3, baseline, service_since };
        let items = known.items(&web());
        match expected {
            None => assert_eq!(items, [], "{service_since:?}"),
            Some(ratio) => {
                assert_eq!(items[0].kind, EvidenceKind::Novelty);
                near(items[0].log_likelihood_ratio, ratio);
            }
        }
    }
    let unknown = Sights { last_seen: monday(), last_hour: 0, last_minutes: 0, baseline: None, service_since: days(9) };
    assert_eq!(unknown.items(&web()), []);
}

#[test]
fn a_baseline_rounds_nothing_away_and_does_not_depend_on_order() {
    let mut baseline = Baseline::first(0, monday());
    for tenth in 0..36_000_u64 {
        baseline = baseline.with(1, monday() + Span::from_millis(tenth * 100));
    }
    near(baseline.sights(monday()), 36_000.0);
    near(baseline.sights(monday() + Span::from_minutes(60 * 168)), 18_000.0);
    let later = monday() + Span::from_minutes(60 * 168);
    let forwards = Baseline::first(8, monday()).with(1, later);
    let backwards = Baseline::first(1, later).with(8, monday());
    near(forwards.sights(later), 5.0);
    assert_eq!(forwards, backwards);
}

#[test]
fn shares_by_hand() {
    let table = |causes: &[(&str, &str)]| -> Vec<(String, f64)> {
        let causes: Vec<ConfirmedCause> = causes.iter().map(|(p, s)| cause(p, s, 0, 0, &[])).collect();
        let (_, known) = learned(&causes);
        let candidates = ["disk", "pool"].map(|name| {
            let id = PatternId::new(name);
            (id.clone(), known.get(&id).cloned().unwrap_or_default())
        });
        let found = shares(&candidates.into(), &web());
        found.into_iter().map(|(id, item)| (id.0, item.log_likelihood_ratio)).collect()
    };
    assert_eq!(table(&[]), []);
    assert_eq!(table(&[("other", "web")]), [], "of others nothing is learned");
    // Everywhere (3 + 1) / (4 + 2) = 2/3; in the project (3 + 2 * 2/3) / (4 + 2) = 13/18; on web (3 + 2 * 13/18) / 6 = 20/27.
    let found = table(&[("disk", "web"), ("disk", "web"), ("disk", "web"), ("pool", "web")]);
    near(found[0].1, (20.0_f64 / 27.0 * 2.0).ln());
    near(found[1].1, (7.0_f64 / 27.0 * 2.0).ln());
    // Elsewhere counts less: nothing on web, so the project's share stands.
    let found = table(&[("disk", "db"), ("disk", "db"), ("disk", "db"), ("pool", "db")]);
    near(found[0].1, (13.0_f64 / 18.0 * 2.0).ln());
}

#[test]
fn changes_by_hand() {
    // Deployments break `bad`; `other` never follows one. Of 4 incidents 2 follow a change: q = 1/2.
    let history = [
        cause("bad", "web", 0, 10_000, &[]),
        cause("bad", "web", 0, 10_000, &[]),
        cause("other", "web", 0, 0, &[]),
        cause("other", "web", 0, 0, &[]),
    ];
    let (bad, all) = of("bad", &history);
    let (other, _) = of("other", &history);
    let ratio = |minutes: u64, own: &Statistics| {
        let seen = change_at(minutes);
        change::item(seen.as_ref(), monday(), own, &all).map(|item| item.log_likelihood_ratio)
    };
    // (2 + 2 * 1/2)/(2 + 2) = 3/4 against 1/2, and the other way round.
    near(ratio(0, &bad).expect("known"), 1.5_f64.ln());
    near(ratio(0, &other).expect("known"), 0.5_f64.ln());
    near(ratio(600, &bad).expect("known"), 0.5_f64.ln());
    // Half a change is half of each.
    near(ratio(30, &bad).expect("known"), 0.5 * (1.5_f64.ln() + 0.5_f64.ln()));
    assert_eq!(ratio(0, &Statistics::default()), None);
    let (never, nowhere) = of("other", &history[2..]);
    assert_eq!(change::item(None, monday(), &never, &nowhere), None, "nobody records changes here");
    let seen = change_at(4);
    let item = change::item(seen.as_ref(), monday(), &bad, &all).expect("known");
    assert_eq!(
        item.sentence,
        "Deployment of web 2.4.1 4 minutes before it began, which counts 0.91; of its 2 confirmed incidents, 2.0 followed a change, 1.0 would as over all incidents"
    );
}

#[test]
fn order_by_hand_and_by_kind_where_templates_are_unknown() {
    let (first, second) = (signal(SignalKind::Log, "a", monday()), signal(SignalKind::Health, "b", monday() + HOUR));
    let both = sequences(&[second.clone(), first.clone()]);
    assert_eq!(both, ["t:a>b", "t:a", "k:log>health", "k:log", PAIRS]);
    assert_eq!(sequences(&[first.clone(), first.clone()]), ["t:a", "k:log"], "a repeat is no second signal");
    assert_eq!(sequences(&[]), Vec::<String>::new());
    let names: Vec<&str> = both.iter().map(String::as_str).collect();
    let reversed = ["t:b>a", "t:b", "k:health>log", "k:health", PAIRS];
    let history = [
        cause("pool", "web", 0, 0, &names),
        cause("pool", "web", 0, 0, &names),
        cause("disk", "web", 0, 0, &reversed),
        cause("disk", "web", 0, 0, &reversed),
    ];
    let (pool, all) = of("pool", &history);
    let signals = [first.clone(), second.clone()];
    let item = order::item(&both, &signals, &pool, &all).expect("known");
    // (2 + 2 * 1/2)/(2 + 2) = 3/4 against 1/2.
    near(item.log_likelihood_ratio, 1.5_f64.ln());
    assert_eq!(
        item.sentence,
        "`a` came first, then `b`: so in 2 of its 2 confirmed incidents, 1.0 would be as over all incidents"
    );
    // Other templates of the same kinds: another service profits.
    let elsewhere = [signal(SignalKind::Log, "x", monday()), signal(SignalKind::Health, "y", monday() + HOUR)];
    let item = order::item(&sequences(&elsewhere), &elsewhere, &pool, &all).expect("known");
    near(item.log_likelihood_ratio, 1.5_f64.ln());
    assert!(item.sentence.starts_with("a log signal came first, then a health signal"), "{}", item.sentence);
    let alone = [signal(SignalKind::Ci, "z", monday())];
    assert_eq!(order::item(&sequences(&alone), &alone, &pool, &all), None, "never seen");
}

#[test]
fn a_nightly_failure_is_likelier_at_night_on_any_day() {
    let night: Vec<ConfirmedCause> = (0..7).map(|day| cause("backup", "web", day * 24 + 2, 0, &[])).collect();
    let day: Vec<ConfirmedCause> = (0..7).map(|day| cause("load", "web", day * 24 + 14, 0, &[])).collect();
    let (backup, all) = of("backup", &[night.clone(), day].concat());
    let ratio = |time: &str| hours::item(at(time), &backup, &all).expect("known").log_likelihood_ratio;
    assert!(ratio("2026-11-25T02:30:00Z") > 0.2 && ratio("2026-11-25T14:30:00Z") < -0.2);
    assert_eq!(
        hours::item(at("2026-11-25T08:00:00Z"), &backup, &all),
        None,
        "far from both: the kernel does not reach"
    );
}

#[test]
fn the_signal_that_a_match_rests_on() {
    let signals = [signal(SignalKind::Log, "noise", monday()), signal(SignalKind::Log, "pool exhausted", monday())];
    let by_rule = RuleOutcome::Satisfied { condition: String::new(), signal: 0, span: None };
    let template = |found: Option<&NewSignal>| found.map(|signal| signal.template.clone());
    assert_eq!(template(rests_on(&candidate("pool", by_rule), &signals)).as_deref(), Some("noise"));
    assert_eq!(template(rests_on(&candidate("pool", RuleOutcome::None), &signals)).as_deref(), Some("pool exhausted"));
    assert_eq!(template(rests_on(&candidate("disk", RuleOutcome::None), &signals)), None);
}

fn any_cause() -> impl Strategy<Value = ConfirmedCause> {
    let names = prop::sample::select(vec!["disk", "pool", "heap"]);
    let services = prop::sample::select(vec!["web", "db"]);
    (names, services, 0..WEEK, 0..=10_000_u32, any::<bool>()).prop_map(|(pattern, service, hour, change, paired)| {
        let sequences: &[&str] =
            if paired { &["t:a>b", "t:a", "k:log>log", "k:log", PAIRS] } else { &["t:b", "k:log"] };
        cause(pattern, service, hour, change, sequences)
    })
}

fn any_sights() -> impl Strategy<Value = Sights> {
    (0..5_000_u64, 0..3_000_u64, 0..100_000_u64, 0..200_000_u64).prop_map(|(hour, minutes, before, known)| {
        let first = monday() - Span::from_minutes(known);
        Sights {
            last_seen: monday(),
            last_hour: hour,
            last_minutes: minutes.min(hour),
            baseline: Some(Baseline::first(before, first).with(hour, monday())),
            service_since: Some(first - Span::from_minutes(known)),
        }
    })
}

fn background(causes: &[ConfirmedCause], sights: Option<Sights>, minutes: Option<u64>, onset: Timestamp) -> Background {
    let (all, patterns) = learned(causes);
    Background {
        sights: sights.map(|sights| (Fingerprint("disk".into()), sights)).into_iter().collect(),
        change: minutes.and_then(change_at),
        all,
        patterns,
        ..Background::none(web(), onset)
    }
}

fn candidates() -> Vec<PatternMatch> {
    let rule = |signal| RuleOutcome::Satisfied { condition: String::new(), signal, span: None };
    vec![candidate("disk", rule(0)), candidate("pool", rule(1)), candidate("heap", RuleOutcome::None)]
}

fn signals() -> Vec<NewSignal> {
    vec![
        signal(SignalKind::Log, "disk", monday()),
        signal(SignalKind::Log, "a", monday() - HOUR),
        signal(SignalKind::Log, "b", monday()),
    ]
}

proptest! {
    #[test]
    fn without_history_there_is_nothing(minutes in prop::option::of(0..500_u64)) {
        let found = items(&candidates(), &signals(), &signals(), &background(&[], None, minutes, monday()));
        prop_assert!(found.values().all(Vec::is_empty), "{found:?}");
    }

    #[test]
    fn a_pattern_that_is_all_there_was_gets_nothing_from_what_it_taught(
        causes in prop::collection::vec(any_cause(), 1..30), minutes in 0..500_u64,
    ) {
        let own: Vec<ConfirmedCause> =
            causes.into_iter().map(|cause| ConfirmedCause { pattern: PatternId::new("disk"), ..cause }).collect();
        let found = items(&candidates()[..1], &signals(), &signals(), &background(&own, None, Some(minutes), monday()));
        prop_assert!(found[&PatternId::new("disk")].iter().all(|item| item.log_likelihood_ratio == 0.0), "{found:?}");
    }

    #[test]
    fn everything_is_bounded_and_finite(
        causes in prop::collection::vec(any_cause(), 0..60), sights in any_sights(), minutes in prop::option::of(0..500_u64),
    ) {
        let found = items(&candidates(), &signals(), &signals(), &background(&causes, Some(sights), minutes, monday()));
        for item in found.values().flatten() {
            prop_assert!(item.log_likelihood_ratio.abs() <= LIMIT, "{item:?}");
            prop_assert!(item.observed.is_finite() && item.expected.is_finite(), "{item:?}");
            let text = serde_json::to_string(item).expect("json");
            prop_assert_eq!(&serde_json::from_str::<EvidenceItem>(&text).expect("read"), item);
        }
    }

    #[test]
    fn shuffling_changes_nothing(
        causes in prop::collection::vec(any_cause(), 0..40).prop_shuffle(),
        sights in any_sights(), minutes in 0..300_u64, order in Just(vec![0, 1, 2]).prop_shuffle(),
    ) {
        let usual = items(&candidates(), &signals(), &signals(), &background(&causes, Some(sights), Some(minutes), monday()));
        let shuffled: Vec<PatternMatch> = order.iter().map(|i| candidates()[*i].clone()).collect();
        let reversed: Vec<ConfirmedCause> = causes.iter().rev().cloned().collect();
        let mut signals_turned = signals();
        signals_turned.reverse();
        let turned =
            items(&shuffled, &signals(), &signals_turned, &background(&reversed, Some(sights), Some(minutes), monday()));
        prop_assert_eq!(usual, turned);
    }

    #[test]
    fn patterns_that_exchange_their_histories_exchange_their_evidence(
        causes in prop::collection::vec(any_cause(), 0..40), minutes in 0..300_u64,
    ) {
        let exchanged = |id: &PatternId| match id.as_str() {
            "disk" => PatternId::new("pool"),
            "pool" => PatternId::new("disk"),
            _ => id.clone(),
        };
        let turned: Vec<ConfirmedCause> =
            causes.iter().map(|cause| ConfirmedCause { pattern: exchanged(&cause.pattern), ..cause.clone() }).collect();
        let of = |causes: &[ConfirmedCause]| {
            items(&candidates(), &signals(), &signals(), &background(causes, None, Some(minutes), monday()))
        };
        let (usual, turned) = (of(&causes), of(&turned));
        for (id, items) in &usual {
            prop_assert_eq!(items, &turned[&exchanged(id)]);
        }
    }

    #[test]
    fn the_ratio_rises_with_the_patterns_own_hits(hits in 0..50_u32, misses in 1..50_u32, all in (50..90_u32, 1..90_u32)) {
        let counted = |hits: u32, misses: u32| ratio::Counted { hits: f64::from(hits), of: f64::from(hits + misses) };
        let all = counted(all.0, all.1);
        let (fewer, more) = (counted(hits, misses), counted(hits + 1, misses - 1));
        prop_assert!(ratio::log_ratio(more, all, 2.0) > ratio::log_ratio(fewer, all, 2.0));
    }

    #[test]
    fn more_sights_never_say_less(sights in any_sights(), more in 1..500_u64) {
        let baseline = sights.baseline.map(|baseline| baseline.with(more, monday()));
        let louder = Sights { last_hour: sights.last_hour + more, last_minutes: sights.last_minutes + more, baseline, ..sights };
        for (before, after) in sights.items(&web()).iter().zip(louder.items(&web())) {
            // The baseline keeps whole millionths.
            prop_assert!(after.log_likelihood_ratio >= before.log_likelihood_ratio - 1e-4, "{before:?} {after:?}");
        }
    }

    #[test]
    fn another_confirmation_never_says_less(
        causes in prop::collection::vec(any_cause(), 0..30), hour in 0..WEEK,
    ) {
        let one = cause("disk", "web", hour, 10_000, &["t:a>b", "t:a", "k:log>log", "k:log", PAIRS]);
        let share = |causes: &[ConfirmedCause]| {
            let (_, known) = learned(causes);
            let of = |found: &PatternMatch| {
                (found.pattern.clone(), known.get(&found.pattern).cloned().unwrap_or_default())
            };
            let found = shares(&candidates().iter().map(of).collect(), &web());
            found.get(&PatternId::new("disk")).map_or(0.0, |item| item.log_likelihood_ratio)
        };
        let more = [causes.clone(), vec![one]].concat();
        prop_assert!(share(&more) >= share(&causes));
    }

    #[test]
    fn whole_weeks_change_no_hour(
        causes in prop::collection::vec(any_cause(), 1..40), minutes in 0..10_080_u64, weeks in 1..500_u64,
    ) {
        let (disk, all) = of("disk", &causes);
        let onset = monday() + Span::from_minutes(minutes);
        let later = onset + Span::from_minutes(weeks * 7 * 24 * 60);
        prop_assert_eq!(hours::item(onset, &disk, &all), hours::item(later, &disk, &all));
    }

    #[test]
    fn one_more_at_this_hour_never_says_less(causes in prop::collection::vec(any_cause(), 0..30), hour in 0..WEEK) {
        let onset = monday() + Span::from_minutes(u64::from(hour) * 60 - u64::from(hour.min(8)) * 60);
        let there = cause("disk", "web", hour_of_week(onset), 0, &[]);
        // Against the same incidents of others.
        let ratio = |own: &[ConfirmedCause]| {
            let (disk, _) = of("disk", own);
            let (_, all) = of("disk", &causes);
            hours::item(onset, &disk, &all).map_or(f64::NEG_INFINITY, |item| item.log_likelihood_ratio)
        };
        let more = [causes.clone(), vec![there]].concat();
        prop_assume!(causes.iter().any(|cause| cause.pattern == PatternId::new("disk")));
        prop_assert!(ratio(&more) >= ratio(&causes));
    }
}
