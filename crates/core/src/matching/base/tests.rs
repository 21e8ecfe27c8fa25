use proptest::prelude::*;

use super::super::snapshot::{Bodies, Damaged, Label, open, save};
use super::*;
use crate::knowledge::{Condition, PackEntry, PatternScope, Rule};
use crate::matching::{Basis, contains_term};
use crate::{Action, ActionKind, Fingerprint, Severity, SignalKind, SourceName, Timestamp};

fn pattern(name: &str, rule: Option<&str>, action: Option<ActionKind>) -> PackEntry {
    PackEntry { rule: rule.map(Rule::regex), action: action.map(Action::new), ..PackEntry::new(name, "because") }
}

fn rank(entries: Vec<PackEntry>, text: &str) -> Vec<(String, u32, bool)> {
    let patterns = entries.into_iter().map(|entry| entry.into_pattern("test", Timestamp::EPOCH).expect("valid"));
    let (base, problems) = KnowledgeBase::new(patterns);
    assert!(problems.is_empty(), "{problems:?}");
    let signal = NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("s"),
        service: ServiceName::new("pay"),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[text]),
        template: text.into(),
        text: text.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    };
    let query = Query { project: &signal.project.clone(), service: &signal.service.clone(), signals: &[signal] };
    base.rank(&query, 5).into_iter().map(|m| (m.pattern.0, m.relevance.get(), m.rule.is_satisfied())).collect()
}

const RESTART: Option<ActionKind> = Some(ActionKind::ServiceRestart);
const CLEAR: Option<ActionKind> = Some(ActionKind::CacheClear);

#[test]
fn one_rule_that_holds_is_exactly_one() {
    let ranked = rank(
        vec![pattern("Pool exhausted", Some("pool exhausted"), RESTART), pattern("Disk", None, None)],
        "pool exhausted",
    );
    assert_eq!(ranked[0], ("pool-exhausted".into(), 10_000, true));
}

#[test]
fn a_must_not_term_rules_a_pattern_out() {
    let mut entry = pattern("OOM", Some("out of memory"), RESTART);
    entry.must_not = vec!["quota".into()];
    assert!(rank(vec![entry], "quota reached: out of memory").is_empty());
}

#[test]
fn text_alone_stays_below_one_and_never_satisfies() {
    let ranked = rank(vec![pattern("Connection pool exhausted", None, RESTART)], "connection pool exhausted");
    assert_eq!(ranked.len(), 1);
    assert!(ranked[0].1 < 10_000 && !ranked[0].2, "{ranked:?}");
}

#[test]
fn competing_rules_share_and_the_same_fix_does_not_compete() {
    let both = |second| {
        rank(
            vec![pattern("Alpha x", Some("timed out"), RESTART), pattern("Beta x", Some("timed out"), second)],
            "request timed out",
        )
    };
    assert!(both(RESTART).iter().all(|m| m.1 == 10_000));
    let shared = both(CLEAR);
    assert_eq!(shared.iter().map(|m| m.1).sum::<u32>(), 10_000);
    assert!(shared.iter().all(|m| m.1 < 10_000));
}

#[test]
fn the_more_specific_rule_wins_before_anything_is_shared() {
    let mut scoped = pattern("Scoped", Some("timed out"), CLEAR);
    scoped.scope = PatternScope { project: None, service: Some(ServiceName::new("pay")) };
    let ranked = rank(vec![pattern("Wide", Some("timed out"), RESTART), scoped], "request timed out");
    assert_eq!(ranked[0], ("scoped".into(), 10_000, true));
    let ranked = rank(
        vec![pattern("Short", Some("timed"), RESTART), pattern("Long", Some("request timed"), CLEAR)],
        "request timed out",
    );
    assert_eq!(ranked[0], ("long".into(), 10_000, true));
}

#[test]
fn wildcards_and_alternatives_make_no_rule_specific() {
    // Gaps and one word against words that stand there.
    let gaps = format!("connection {}", [r"[^ \t\n]{1,64}"; 7].join(" "));
    let line = "connection refused to postgres primary on host db1 today";
    let ranked = rank(
        vec![
            pattern("Anything", Some(&gaps), CLEAR),
            pattern("Refused", Some("connection refused to postgres primary"), RESTART),
        ],
        line,
    );
    assert_eq!(ranked[0], ("refused".into(), 10_000, true));
    assert!(ranked.iter().all(|(id, relevance, _)| id == "refused" || *relevance < 10_000), "{ranked:?}");
}

#[test]
fn the_condition_that_holds_counts_over_all_signals() {
    // A long condition that does not hold here says nothing.
    let conditions = ["timed out", "upstream timed out while reading the response header"];
    let mut wide = pattern("Wide", None, CLEAR);
    wide.rule = Some(Rule { any: conditions.map(|text| Condition::Regex(text.into())).to_vec() });
    let entries = || vec![wide.clone(), pattern("Request", Some("request timed out"), RESTART)];
    assert_eq!(rank(entries(), "request timed out")[0].0, "request");
    // It does hold on a later signal.
    let patterns = entries().into_iter().map(|entry| entry.into_pattern("test", Timestamp::EPOCH).expect("valid"));
    let (base, _) = KnowledgeBase::new(patterns);
    let signals = signals(&format!("request timed out|{}", conditions[1]));
    let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
    let best = base.rank(&query, 5).remove(0);
    assert_eq!((best.pattern.as_str(), best.relevance.get()), ("wide", 10_000));
    assert!(matches!(best.rule, RuleOutcome::Satisfied { signal: 1, .. }), "{:?}", best.rule);
}

#[test]
fn among_the_same_fix_the_careful_and_the_less_trusted_count() {
    let find = |entries: Vec<PackEntry>| {
        let patterns = entries.into_iter().map(|entry| entry.into_pattern("test", Timestamp::EPOCH).expect("valid"));
        let (base, _) = KnowledgeBase::new(patterns);
        let signals = signals("request timed out");
        let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
        base.rank(&query, 5)
    };
    let with = |name: &str, change: &dyn Fn(&mut PackEntry)| {
        let mut entry = pattern(name, Some("timed out"), RESTART);
        (entry.auto_healable, entry.confidence) = (true, BasisPoints::saturating(9_000));
        change(&mut entry);
        entry
    };
    // Parameters make no other fix.
    let late = |entry: &mut PackEntry| {
        let action = entry.action.as_mut().expect("an action");
        action.parameters.insert("stop_timeout_seconds".into(), "30".into());
        entry.require_approval = true;
    };
    let found = find(vec![with("A", &|_| ()), with("Z", &late)]);
    assert_eq!(found.iter().map(|one| one.pattern.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    assert!(found.iter().all(|one| one.relevance.get() == 10_000 && one.same_fix.len() == 1), "{found:?}");
    let unproven = |entry: &mut PackEntry| entry.confidence = BasisPoints::saturating(4_000);
    let found = find(vec![with("A", &|_| ()), with("Z", &unproven)]);
    assert_eq!(found[0].pattern.as_str(), "z");
    assert!(found.iter().all(|one| one.pattern_confidence.get() == 4_000), "{found:?}");
    assert!(found.iter().all(|one| one.decision_confidence.reaches(BasisPoints::saturating(4_000))), "{found:?}");
    assert!(!found[0].decision_confidence.reaches(BasisPoints::saturating(4_001)), "{found:?}");
    // A runbook step is what its parameters say.
    let step = |name: &str, command: &str| {
        let mut entry = pattern(name, Some("timed out"), Some(ActionKind::CommandRun));
        entry.action.as_mut().expect("an action").parameters.insert("command".into(), command.into());
        entry
    };
    let found = find(vec![step("A", "flush"), step("Z", "drain")]);
    assert!(found.iter().all(|one| one.relevance.get() < 10_000 && one.competitors.len() == 1), "{found:?}");
}

#[test]
fn an_explanation_adds_up_to_the_relevance() {
    let entries = || {
        vec![
            pattern("Connection pool exhausted", None, RESTART),
            pattern("Disk full on node", Some("no space left"), RESTART),
            pattern("Cache full", Some("cache full"), CLEAR),
            pattern("Cache is full again", Some("cache full"), RESTART),
        ]
    };
    let patterns = entries().into_iter().map(|entry| entry.into_pattern("test", Timestamp::EPOCH).expect("valid"));
    let (base, _) = KnowledgeBase::new(patterns);
    let mut seen = 0;
    for line in ["connection pool exhausted after 30 s", "cache full", "disk of node-7 is full", "pool", "full"] {
        let signals = signals(line);
        let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
        for found in base.rank(&query, 10) {
            let explanation = &found.explanation;
            if matches!(explanation.basis, Basis::Rule | Basis::RuledOut) {
                continue;
            }
            seen += 1;
            let sum: f64 = explanation.items.iter().map(|item| item.log_odds).sum();
            assert!((sum - explanation.log_odds).abs() < 1e-9, "{line}: {found:?}");
            let by_hand = 1.0 / (1.0 + (-sum).exp());
            assert!((found.relevance.as_decimal() - by_hand).abs() <= 1.01e-4, "{line}: {found:?}");
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn another_services_pattern_is_not_asked() {
    let mut other = pattern("Other", Some("timed out"), RESTART);
    other.scope = PatternScope { project: None, service: Some(ServiceName::new("mail")) };
    assert!(rank(vec![other], "request timed out").is_empty());
}

fn signals(text: &str) -> Vec<NewSignal> {
    text.split('|')
        .map(|line| NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new("pay"),
            project: ProjectName::new("shop"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[line]),
            template: line.into(),
            text: line.into(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        })
        .collect()
}

fn words(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "disk", "quota", "pool", "refused", "memory", "oom", "timeout", "node", "cache", "lock",
    ]);
    proptest::collection::vec(word, count).prop_map(|words| words.join(" "))
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let rule = prop_oneof![
        2 => Just(None),
        2 => words(1..3).prop_map(|text| Some(Rule::regex(format!("(?i){text}")))),
        1 => words(1..2).prop_map(|text| Some(Rule::regex(format!(r"{text}\s+\w+")))),
    ];
    let service = prop_oneof![3 => Just(None), 1 => Just(Some("pay")), 1 => Just(Some("mail"))];
    let status = prop_oneof![6 => Just(PatternStatus::Active), 1 => Just(PatternStatus::Draft)];
    (0u32..40, words(1..4), words(0..8), rule, service, status, 0u32..10_000).prop_map(
        |(id, name, description, rule, service, status, confidence)| {
            let entry = PackEntry {
                id: Some(format!("p{id}")),
                description,
                rule,
                must_not: if id % 7 == 0 { vec!["oom".into()] } else { Vec::new() },
                scope: PatternScope { project: None, service: service.map(ServiceName::new) },
                confidence: BasisPoints::saturating(confidence),
                ..PackEntry::new(name, "because")
            };
            Pattern { status, ..entry.into_pattern("test", Timestamp::EPOCH).expect("valid") }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_edited_base_ranks_as_one_made_anew(
        start in proptest::collection::vec(any_pattern(), 0..40),
        edits in proptest::collection::vec(prop_oneof![any_pattern().prop_map(Ok), (0u32..40).prop_map(Err)], 0..30),
        queries in proptest::collection::vec(words(1..8), 4),
    ) {
        let mut patterns: BTreeMap<PatternId, Pattern> = start.into_iter().map(|p| (p.id.clone(), p)).collect();
        let (mut edited, _) = KnowledgeBase::new(patterns.values().cloned());
        for edit in edits {
            match edit {
                Ok(pattern) => {
                    edited.insert(pattern.clone()).expect("usable");
                    patterns.insert(pattern.id.clone(), pattern);
                }
                Err(id) => {
                    let id = PatternId(format!("p{id}"));
                    let was = patterns.remove(&id).is_some_and(|pattern| pattern.status == PatternStatus::Active);
                    prop_assert_eq!(edited.remove(&id), was);
                }
            }
        }
        let (anew, _) = KnowledgeBase::new(patterns.values().cloned());
        prop_assert_eq!(edited.len(), anew.len());
        let (_, loaded) = stored(&edited).expect("a snapshot");
        for text in queries {
            let signals = signals(&text.replacen(' ', "|", 1));
            let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
            let ranked = edited.rank(&query, 20);
            prop_assert_eq!(&ranked, &anew.rank(&query, 20));
            prop_assert_eq!(&ranked, &loaded.rank(&query, 20));
            // Rules that hold are found whatever the text says of them.
            for pattern in patterns.values().filter(|pattern| pattern.status == PatternStatus::Active) {
                let holds = pattern.scope.holds(query.project, query.service)
                    && !pattern.must_not.iter().any(|term| contains_term(&text, term))
                    && pattern.rule.as_ref().is_some_and(|rule| {
                        let rule = rule.compile().expect("compiles");
                        signals.iter().any(|signal| rule.holds(signal).is_some())
                    });
                let found = edited.holding(&query).keys().any(|number| {
                    edited.entries[*number as usize].as_ref().is_some_and(|entry| entry.pattern.get().is_some_and(|own| own.id == pattern.id))
                });
                prop_assert!(found || !holds, "{} holds", pattern.id);
            }
        }
    }
}

/// A file in memory.
#[derive(Debug)]
struct InMemory(Vec<u8>);

impl Bodies for InMemory {
    fn read(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let end = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        buffer.copy_from_slice(self.0.get(at as usize..at as usize + buffer.len()).ok_or(end)?);
        Ok(())
    }
}

fn label() -> Label {
    Label { database: "home".into(), version: 7, audit_id: 9, audit_hash: "hash".into() }
}

fn written(base: &KnowledgeBase) -> Vec<u8> {
    let mut file = Vec::new();
    save(base, &label(), &mut file).expect("written");
    file
}

fn opened(file: Vec<u8>) -> Result<(Label, KnowledgeBase), Damaged> {
    open(std::io::Cursor::new(file.clone()), Arc::new(InMemory(file)))
}

fn stored(base: &KnowledgeBase) -> Result<(Label, KnowledgeBase), Damaged> {
    opened(written(base))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_loaded_base_is_edited_and_stored_like_one_made_anew(
        start in proptest::collection::vec(any_pattern(), 0..40),
        edits in proptest::collection::vec(prop_oneof![any_pattern().prop_map(Ok), (0u32..40).prop_map(Err)], 0..30),
        text in words(1..8),
    ) {
        let (made, _) = KnowledgeBase::new(start);
        let (of, mut loaded) = stored(&made).expect("a snapshot");
        prop_assert_eq!(of, label());
        let mut made = made;
        for edit in edits {
            match edit {
                Ok(pattern) => {
                    made.insert(pattern.clone()).expect("usable");
                    loaded.insert(pattern).expect("usable");
                }
                Err(id) => {
                    let id = PatternId(format!("p{id}"));
                    prop_assert_eq!(made.remove(&id), loaded.remove(&id));
                }
            }
        }
        let signals = signals(&text.replacen(' ', "|", 1));
        let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
        let expected = made.rank(&query, 20);
        prop_assert_eq!(&loaded.rank(&query, 20), &expected);
        // Some patterns were never read from the first snapshot.
        prop_assert_eq!(&stored(&loaded).expect("a snapshot").1.rank(&query, 20), &expected);
        prop_assert!(!loaded.is_unreadable());
    }

    #[test]
    fn a_damaged_snapshot_is_refused_or_says_that_it_is_unreadable(
        start in proptest::collection::vec(any_pattern(), 1..20),
        at in any::<proptest::sample::Index>(),
        flip in 1u8..,
        cut in any::<bool>(),
    ) {
        let (base, _) = KnowledgeBase::new(start);
        let mut file = written(&base);
        let at = at.index(file.len());
        if cut {
            file.truncate(at);
        } else {
            file[at] ^= flip;
        }
        if let Ok((_, loaded)) = opened(file) {
            // Only in a pattern itself: the checksum of the rest is looked at first.
            let all: Vec<_> = (0..40).map(|i| loaded.pattern(&PatternId(format!("p{i}"))).cloned()).collect();
            let right: Vec<_> = (0..40).map(|i| base.pattern(&PatternId(format!("p{i}"))).cloned()).collect();
            prop_assert!(loaded.is_unreadable() || at < 8);
            prop_assert!(all.iter().zip(&right).all(|(read, right)| read.is_none() || read == right));
        }
    }
}

#[test]
fn a_snapshot_of_another_version_is_not_used() {
    let (base, _) = KnowledgeBase::new([]);
    let file = written(&base);
    // After the magic and the length of the dialect comes the dialect.
    let mut other = file.clone();
    other[8 + 8] ^= 1;
    assert!(matches!(opened(other), Err(Damaged::OtherDialect)));
    assert!(matches!(opened(b"patterns: []".to_vec()), Err(Damaged::Foreign)));
    assert!(matches!(opened(file[..file.len() - 1].to_vec()), Err(Damaged::Foreign)));
}

#[test]
fn scope_is_asked_inside_the_search() {
    let scoped = |i: usize, service: &str| PackEntry {
        scope: PatternScope { project: None, service: Some(ServiceName::new(service)) },
        ..pattern(&format!("disk full {i}"), None, RESTART)
    };
    // Better fits of another service must not take the place of the only one in scope.
    let mut entries: Vec<PackEntry> = (0..60).map(|i| scoped(i, "mail")).collect();
    entries.push(PackEntry { description: "and much more to say about it".into(), ..scoped(60, "pay") });
    assert_eq!(rank(entries, "disk full").into_iter().map(|m| m.0).collect::<Vec<_>>(), ["disk-full-60"]);
}

#[test]
fn a_rule_that_cannot_be_parsed_is_left_out_and_named() {
    let mut bad = pattern("Bad", Some("fine"), None).into_pattern("test", Timestamp::EPOCH).expect("valid");
    bad.rule = Some(Rule::regex("(unclosed"));
    let (mut base, problems) = KnowledgeBase::new([bad.clone()]);
    assert!(base.is_empty() && problems.len() == 1 && problems[0].contains("`Bad` is left out"), "{problems:?}");
    assert!(base.insert(bad).is_err() && base.is_empty());
}

#[test]
fn many_edits_leave_no_gaps_behind() {
    let (mut base, _) = KnowledgeBase::new([]);
    for round in 0..40 {
        for i in 0..100 {
            let mut entry = pattern(&format!("name {i}"), Some(&format!("literal{i} \\d+")), RESTART);
            entry.description = format!("round {round}");
            base.insert(entry.into_pattern("test", Timestamp::EPOCH).expect("valid")).expect("usable");
        }
    }
    assert_eq!(base.len(), 100);
    assert!(base.index().slots() < 2_000, "{}", base.index().slots());
    let found = base.search(tokenise("name 42 round 39"), 1);
    assert_eq!(found[0].0.id.as_str(), "name-42");
    let signals = signals("literal42 7");
    let query = Query { project: &ProjectName::new("shop"), service: &ServiceName::new("pay"), signals: &signals };
    assert_eq!(base.rank(&query, 1)[0].pattern.as_str(), "name-42");
}
