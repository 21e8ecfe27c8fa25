use super::*;
use crate::knowledge::{Condition, MetricCondition};
use crate::{Action, ActionKind};

fn row(number: u64, values: &[(&str, ForeignValue)]) -> ForeignRow {
    ForeignRow { number, values: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect() }
}

fn text(text: &str) -> ForeignValue {
    ForeignValue::Text(text.into())
}

fn one(values: &[(&str, ForeignValue)]) -> ForeignEntry {
    entries_of(&[row(1, values)]).remove(0)
}

fn entry(values: &[(&str, ForeignValue)]) -> PackEntry {
    one(values).entry.expect("usable")
}

#[test]
fn both_generations_and_a_mix_are_read() {
    let new = one(&[
        ("id", ForeignValue::Integer(12)),
        ("pattern_type", text("memory_leak")),
        ("pattern_signature", text(r"OutOfMemory(Error|Exception)")),
        ("description", text("The heap is full.")),
        ("root_cause", text("objects are kept")),
        (
            "remediation",
            text(r#"{"action": "restart_service", "params": {"service": "pay", "stop_timeout_seconds": 20}}"#),
        ),
        ("confidence", ForeignValue::Real(0.92)),
        ("occurrence_count", ForeignValue::Integer(31)),
        ("last_occurrence", text("2025-01-02 03:04:05")),
        ("auto_healable", ForeignValue::Integer(1)),
    ]);
    let entry = new.entry.expect("usable");
    assert_eq!((entry.name.as_str(), entry.confidence.get(), entry.auto_healable), ("Memory leak", 6_000, false));
    assert_eq!(entry.rule.expect("a rule").any, [Condition::Regex("OutOfMemory(Error|Exception)".into())]);
    let mut restart = Action::new(ActionKind::ServiceRestart);
    restart.parameters.insert("stop_timeout_seconds".into(), "20".into());
    assert_eq!(entry.action, Some(restart));
    assert_eq!(
        entry.sources[0].name,
        "ICDEV, knowledge_patterns row 12 (seen 31 times, last 2025-01-02 03:04:05, confidence there 0.92)"
    );
    assert!(new.lowered && new.notes.iter().any(|note| note.contains("service")), "{:?}", new.notes);

    let old = self::entry(&[
        ("name", text("Disk full")),
        ("detection_rule", text("no space left on device (")),
        ("solution", text("Delete old logs by hand.")),
        ("use_count", ForeignValue::Integer(4)),
    ]);
    assert_eq!(old.rule.expect("a rule").any, [Condition::Literal("no space left on device (".into())]);
    assert_eq!((old.action, old.no_safe_fix.as_str()), (None, "Delete old logs by hand."));
    assert!(old.sources[0].name.contains("row 1 (seen 4 times"), "{:?}", old.sources);

    let mixed =
        self::entry(&[("name", text("X")), ("pattern_signature", text("boom")), ("solution", text("rollback"))]);
    assert_eq!(mixed.action, Some(Action::new(ActionKind::DeploymentRollback)));
}

#[test]
fn confidence_of_any_form_is_a_share_of_at_most_six_tenths() {
    for (value, points) in [
        (ForeignValue::Real(0.31), 3_100),
        (ForeignValue::Integer(45), 4_500),
        (ForeignValue::Integer(1), 6_000),
        (ForeignValue::Integer(0), 0),
        (ForeignValue::Real(99.5), 6_000),
        (text("0.2"), 2_000),
        (text(" 25 % "), 2_500),
        (text("0,4"), 4_000),
        (text("low"), 3_000),
        (text("HIGH"), 6_000),
        (text("sure"), 5_000),
        (ForeignValue::Null, 5_000),
        (ForeignValue::Real(f64::NAN), 5_000),
        (ForeignValue::Real(f64::INFINITY), 5_000),
        (text("nan"), 5_000),
        (ForeignValue::Integer(-3), 5_000),
        (ForeignValue::Integer(i64::MAX), 5_000),
        (ForeignValue::Blob(9), 5_000),
    ] {
        let found = one(&[("name", text("X")), ("confidence", value.clone())]);
        let entry = found.entry.expect("usable");
        assert_eq!((entry.confidence.get(), entry.auto_healable), (points, false), "{value:?}");
    }
}

#[test]
fn a_signature_becomes_what_it_certainly_means() {
    let metric = |above, below| {
        Condition::Metric(MetricCondition { name: "memory".into(), labels: Default::default(), above, below })
    };
    for (signature, expected) in [
        (r#"{"regex": "leak+ed"}"#, vec![Condition::Regex("leak+ed".into())]),
        (
            r#"{"keywords": ["leaked", "starved"], "colour": "red"}"#,
            vec![Condition::Literal("leaked".into()), Condition::Literal("starved".into())],
        ),
        (
            r#"["leaked y", {"contains": "starved"}]"#,
            vec![Condition::Regex("leaked y".into()), Condition::Literal("starved".into())],
        ),
        (r#"{"metric": "memory", "threshold": 90}"#, vec![metric(Some(90.0), None)]),
        (r#"{"metric": "memory", "threshold": "5", "operator": "<"}"#, vec![metric(None, Some(5.0))]),
        (r#""quoted""#, vec![Condition::Regex("quoted".into())]),
        (r"(?<=x)yes", vec![Condition::Literal("(?<=x)yes".into())]),
        (".*", vec![]),
        // What would hold for nearly any text is left out, and said.
        (r"\d", vec![]),
        ("", vec![]),
        (r#"{"nothing": 1}"#, vec![]),
        ("4242", vec![Condition::Regex("4242".into())]),
    ] {
        let entry = entry(&[("name", text("X")), ("pattern_signature", text(signature))]);
        assert_eq!(entry.rule.map(|rule| rule.any).unwrap_or_default(), expected, "{signature}");
    }
}

#[test]
fn only_a_known_name_is_an_action() {
    for (remedy, kind) in [
        ("restart", Some(ActionKind::ServiceRestart)),
        (r#"{"type": "clear-cache"}"#, Some(ActionKind::CacheClear)),
        (r#"[{"action": "scale", "replicas": 3}]"#, Some(ActionKind::InfrastructureScale)),
        (r#"{"action": "service.restart"}"#, Some(ActionKind::ServiceRestart)),
        ("Restart the service and look", None),
        (r#"{"action": "run", "command": "rm -rf /"}"#, None),
        (r#"{"action": "command.run"}"#, None),
        (r#"[{"action": "restart"}, {"action": "scale"}]"#, None),
        ("{broken", None),
    ] {
        let entry = entry(&[("name", text("X")), ("remediation", text(remedy))]);
        assert_eq!(entry.action.as_ref().map(|action| action.kind), kind, "{remedy}");
        assert_eq!(entry.no_safe_fix.is_empty(), kind.is_some(), "{remedy}");
    }
    let scaled = entry(&[("name", text("X")), ("solution", text(r#"{"action": "scale", "replicas": 3}"#))]);
    assert_eq!(scaled.action.map(|action| action.parameters.get("replicas").cloned()), Some(Some("3".to_owned())));
}

#[test]
fn names_are_unique_and_can_be_read() {
    let rows: Vec<ForeignRow> = [
        vec![("pattern_type", text("error")), ("description", text("The pool is empty. More."))],
        vec![("pattern_type", text("error")), ("description", text("The pool is empty. Again."))],
        vec![("pattern_type", text("error")), ("pattern_signature", text("boom"))],
        vec![("pattern_type", text("dns"))],
        vec![("name", text("!!!"))],
        vec![("description", text(&"word ".repeat(100)))],
        vec![],
        vec![("name", text(&"n".repeat(500)))],
    ]
    .iter()
    .zip(1..)
    .map(|(values, number)| row(number, values))
    .collect();
    let names: Vec<_> =
        entries_of(&rows).into_iter().map(|found| found.entry.map(|entry| entry.name).unwrap_or_default()).collect();
    assert_eq!(names[..4], ["Error: The pool is empty", "Error: The pool is empty (row 2)", "Error: boom", "Dns"]);
    assert_eq!((names[4].as_str(), names[6].as_str()), ("!!! (row 5)", ""));
    assert!(names[5].len() <= 60 && names[7].chars().count() <= 200, "{names:?}");
    assert_eq!(entries_of(&rows)[3].entry.as_ref().map(|entry| entry.family.as_str()), Ok("dns"));
}

#[test]
fn what_is_too_large_or_of_the_wrong_type_is_told() {
    let huge = "y".repeat(20_000);
    let found = one(&[
        ("name", ForeignValue::Integer(7)),
        ("description", text(&huge)),
        ("pattern_signature", text(&huge)),
        ("remediation", ForeignValue::Blob(3)),
        ("root_cause", ForeignValue::Real(1.5)),
    ]);
    let entry = found.entry.expect("usable");
    assert_eq!((entry.name.as_str(), entry.description.chars().count()), ("7", 10_000));
    assert_eq!((entry.rule, entry.root_cause.as_str()), (None, "1.5"));
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
}
