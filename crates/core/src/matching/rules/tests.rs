use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::knowledge::{AlertCondition, Condition, MetricCondition};
use crate::{Fingerprint, ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp};

fn signal(kind: SignalKind, text: &str, attributes: &[(String, String)]) -> NewSignal {
    NewSignal {
        kind,
        source: SourceName::new("s"),
        service: ServiceName::new("pay"),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[text]),
        template: text.into(),
        text: text.into(),
        attributes: attributes.iter().cloned().collect(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    }
}

/// Few letters, so that things meet; those that Unicode folds to ASCII among them.
fn word() -> impl Strategy<Value = String> {
    "[abkKsS\u{17f}\u{212a} ]{0,4}"
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => word(),
        1 => Just(r"\b".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(r"\w".to_owned()),
        1 => Just("[ab]".to_owned()),
        1 => Just("[Kk]".to_owned()),
        1 => Just("^".to_owned()),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            4 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner.clone(), "[*+?]|\\{2\\}|\\{1,3\\}").prop_map(|(part, times)| format!("(?:{part}){times}")),
            1 => inner.clone().prop_map(|part| format!("({part})")),
            1 => inner.clone().prop_map(|part| format!("(?i:{part})")),
            1 => inner.prop_map(|part| format!("(?i-u:{})", part.replace(['\u{17f}', '\u{212a}', '.'], "s"))),
        ]
    })
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map("[ab]", "[ab]{1,2}", 0..3)
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        8 => expression().prop_map(Condition::Regex),
        3 => word().prop_map(Condition::Literal),
        1 => word().prop_map(Condition::Template),
        1 => labels().prop_map(Condition::Attributes),
        1 => ("[ab]", labels()).prop_map(|(name, labels)| Condition::Alert(AlertCondition { name, labels })),
        1 => ("[ab]", labels()).prop_map(|(name, labels)| {
            Condition::Metric(MetricCondition { name, labels, above: Some(1.0), below: None })
        }),
    ]
}

fn seen() -> impl Strategy<Value = NewSignal> {
    let kind = prop_oneof![Just(SignalKind::Log), Just(SignalKind::Alert), Just(SignalKind::Metric)];
    let text = proptest::collection::vec(word(), 0..6).prop_map(|words| words.concat());
    (kind, text, labels(), "[ab]", "[02]").prop_map(|(kind, text, labels, name, value)| {
        let mut attributes: Vec<(String, String)> = labels.into_iter().collect();
        attributes
            .extend([("alertname", name.clone()), ("metric", name), ("value", value)].map(|(n, v)| (n.into(), v)));
        signal(kind, &text, &attributes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn finds_every_rule_that_holds(
        rules in proptest::collection::vec(proptest::collection::vec(condition(), 1..3), 1..12),
        gone in proptest::collection::vec(0usize..12, 0..6),
        signals in proptest::collection::vec(seen(), 1..8),
    ) {
        let rules: Vec<Rule> = rules.into_iter().map(|any| Rule { any }).filter(|rule| rule.compile().is_ok()).collect();
        let mut set = RuleSet::default();
        for (number, rule) in (0u32..).zip(&rules) {
            set.add(number, rule).expect("what compiles can be parsed");
        }
        for number in &gone {
            set.remove(*number as u32);
        }
        for signal in signals {
            let candidates = set.candidates(&signal);
            for (number, rule) in rules.iter().enumerate() {
                let found = candidates.contains(&(number as u32));
                if gone.contains(&number) {
                    prop_assert!(!found, "{rule:?} was taken out");
                } else if rule.compile().expect("compiled before").holds(&signal).is_some() {
                    prop_assert!(found, "{rule:?} holds for {signal:?}");
                }
            }
        }
    }
}

#[test]
fn a_text_without_the_literal_is_not_checked() {
    let mut set = RuleSet::default();
    for (number, expression) in (0u32..).zip(["(?i)pool exhausted", r"disk \w+ full", "x.*OutOfMemoryError", r"\d{3}"])
    {
        set.add(number, &Rule::regex(expression)).expect("parses");
    }
    let candidates = |text: &str| set.candidates(&signal(SignalKind::Log, text, &[]));
    assert_eq!(candidates("the POOL Exhausted"), [0, 3]);
    assert_eq!(candidates("disk is full"), [1, 3]);
    assert_eq!(candidates("outofmemoryerror"), [2, 3]);
    assert_eq!(candidates("all is well"), [3]);
}

#[test]
fn an_expression_that_cannot_be_parsed_says_why() {
    let mut set = RuleSet::default();
    let error = set.add(0, &Rule::regex("(unclosed")).expect_err("must be refused");
    assert!(error.to_string().contains("unclosed group"), "{error}");
    assert!(set.candidates(&signal(SignalKind::Log, "(unclosed", &[])).is_empty());
}
