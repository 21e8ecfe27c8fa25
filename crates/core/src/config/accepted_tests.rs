use proptest::prelude::*;

use super::*;
use crate::config::{SHIPPED, parse};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A file with something in every part that can be loosened.
const FULL: &str = include_str!("fixtures/full.yaml");

fn accepted(text: &str) -> Accepted {
    Accepted { text: text.to_owned(), config: parse(text, "old").expect("parses"), at: NOW, by: "a test".into() }
}

/// What a replacement in the full file takes away.
fn changed(from: &str, to: &str) -> Vec<String> {
    assert_eq!(FULL.matches(from).count(), 1, "{from:?} stands once");
    let text = FULL.replacen(from, to, 1);
    let new = parse(&text, "new").unwrap_or_else(|errors| panic!("{from:?} to {to:?}: {errors}"));
    takes_away(&accepted(FULL), &text, &new, NOW).iter().map(ToString::to_string).collect()
}

#[test]
fn what_loosens_is_told_and_what_tightens_is_not() {
    let service = |name: &str| format!("service `{name}`");
    for (from, to, told) in [
        ("enabled: false", "enabled: true", "self_healing.enabled: false would become true"),
        (
            "confidence_threshold: 0.8",
            "confidence_threshold: 0.79",
            "auto_heal_confidence_threshold: 0.80 would become 0.79",
        ),
        ("confidence_threshold: 0.8", "confidence_threshold: 0.81", ""),
        ("suggest_fix_threshold: 0.4", "suggest_fix_threshold: 0.3", "suggest_fix_threshold: 0.40 would become 0.30"),
        ("suggest_fix_threshold: 0.4", "suggest_fix_threshold: 0.5", ""),
        ("max_actions_per_hour: 3", "max_actions_per_hour: 4", "max_actions_per_hour: 3 would become 4"),
        ("max_actions_per_hour: 3", "max_actions_per_hour: 2", ""),
        ("  max_actions_per_hour: 3\n", "", "max_actions_per_hour: 3 would become 5"),
        ("cooldown_minutes: 20", "cooldown_minutes: 19", "cooldown_minutes: 20 would become 19"),
        ("cooldown_minutes: 20", "cooldown_minutes: 21", ""),
        ("    - service.restart\n", "", "require_approval_for: with service.restart would become without"),
        ("    - service.restart\n", "    - service.restart\n    - cache.clear\n", ""),
        ("max_attempts: 2", "max_attempts: 3", "limits.max_attempts: 2 would become 3"),
        (
            "approval_expires_minutes: 20",
            "approval_expires_minutes: 30",
            "approval_expires_minutes: 20 would become 30",
        ),
        ("queue_expires_minutes: 50", "queue_expires_minutes: 60", "queue_expires_minutes: 50 would become 60"),
        ("preflight_max_age_seconds: 20", "preflight_max_age_seconds: 30", "preflight_max_age_seconds: 20 would"),
        ("action_timeout_seconds: 90", "action_timeout_seconds: 91", "action_timeout_seconds: 90 would become 91"),
        ("breaker_failures: 4", "breaker_failures: 5", "breaker_failures: 4 would become 5"),
        ("breaker_open_seconds: 90", "breaker_open_seconds: 60", "breaker_open_seconds: 90 would become 60"),
        (
            "second_approver_for: [database.failover]",
            "second_approver_for: []",
            "with database.failover would become without",
        ),
        ("irreversible: true", "irreversible: false", "second_approver_for_irreversible: true would become false"),
        ("success_step: 0.04", "success_step: 0.05", "learning.success_step: 0.04 would become 0.05"),
        ("failure_step: 0.2", "failure_step: 0.1", "learning.failure_step: 0.20 would become 0.10"),
        ("lower_bound: 0.5", "lower_bound: null", "automatic_from_lower_bound: 0.50 would become off"),
        ("lower_bound: 0.5", "lower_bound: 0.6", ""),
        ("    require_approval: true\n", "", &format!("{}, require_approval: true would become false", service("db"))),
        ("    second_approver: true\n", "", &format!("{}, second_approver: true would become false", service("db"))),
        ("    infrastructure: true\n", "", &format!("{}, infrastructure: true would become false", service("db"))),
        ("cron: \"0 2 * * sun\"", "cron: \"0 3 * * sun\"", "maintenance window `nightly`: its times"),
        ("minutes: 90\n", "minutes: 89\n", "maintenance window `nightly`: its times"),
        ("minutes: 90\n", "minutes: 91\n", ""),
        ("services: [db]\n", "services: [db, web]\n", ""),
        ("services: [db]\n", "services: [web]\n", "maintenance window `nightly`"),
        // What is over holds nothing any more.
        ("  - name: long ago\n    from: 2020-01-01T00:00:00Z\n    until: 2020-01-02T00:00:00Z\n", "", ""),
        ("  - name: to come\n    from: 2030-01-01T00:00:00Z\n    until: 2030-01-02T00:00:00Z\n", "", "`to come`: held"),
        ("name: pager", "name: other", "1 of 1 notifiers would be gone: pager"),
    ] {
        let found = changed(from, to);
        match told {
            "" => assert_eq!(found, Vec::<String>::new(), "{from:?} to {to:?}"),
            _ => assert!(found.len() == 1 && found[0].contains(told), "{from:?} to {to:?}: {found:?}"),
        }
    }
}

#[test]
fn more_than_half_of_the_services_is_too_many() {
    let file = |names: &[&str]| {
        let services: String = names.iter().map(|name| format!("  - name: {name}\n")).collect();
        if names.is_empty() { "services: []\n".to_owned() } else { format!("services:\n{services}") }
    };
    for (before, after, gone) in [
        (&["a", "b", "c", "d"][..], &["c", "d"][..], None),
        (&["a", "b", "c", "d"], &["d"], Some("3 of 4 services would be gone: a, b, c")),
        (&["a", "b", "c"], &["b", "c"], None),
        (&["a"], &["b"], Some("1 of 1 services would be gone: a")),
        (&[], &["a"], None),
    ] {
        let (old, new) = (accepted(&file(before)), file(after));
        let config = parse(&new, "new").expect("parses");
        let found: Vec<String> = takes_away(&old, &new, &config, NOW).iter().map(ToString::to_string).collect();
        match gone {
            None => assert_eq!(found, Vec::<String>::new(), "{before:?} to {after:?}"),
            Some(words) => assert!(found.contains(&words.to_owned()), "{before:?} to {after:?}: {found:?}"),
        }
    }
}

#[test]
fn an_empty_file_and_a_beginning_wait_and_what_means_the_same_does_not() {
    let old = accepted(FULL);
    for text in ["", "\n\n", "# gone\n", "{}", "---\n", "\u{feff}"] {
        let config = parse(text, "new").expect("parses");
        assert_eq!(takes_away(&old, text, &config, NOW), [Reason::Empty], "{text:?}");
    }
    for text in
        [FULL.trim_end().to_owned(), format!("# said again\n{FULL}"), FULL.replace("  enabled", "  # why\n  enabled")]
    {
        let config = parse(&text, "new").expect("parses");
        assert_eq!(takes_away(&old, &text, &config, NOW), [], "{text:?}");
    }
    // Only what is told in the last lines is gone: nothing is looser, and yet it may not have been meant.
    let end = FULL.find("retention:").expect("the last section");
    let config = parse(&FULL[..end], "new").expect("parses");
    let found = takes_away(&old, &FULL[..end], &config, NOW);
    assert!(matches!(found[..], [Reason::Cut { .. }]), "{found:?}");
}

/// The heart of it: wherever a file is cut, it is refused, or waits, or means the same.
#[test]
fn no_cut_of_a_file_takes_anything_away_in_silence() {
    // The shipped file is mostly comments: within them a cut changes nothing.
    let bare: String =
        SHIPPED.lines().filter(|line| !line.trim_start().starts_with('#')).map(|l| format!("{l}\n")).collect();
    for file in [bare.as_str(), FULL] {
        let old = accepted(file);
        for end in (0..file.len()).filter(|end| file.is_char_boundary(*end)) {
            let cut = &file[..end];
            if let Ok(config) = parse(cut, "cut") {
                let taken = config != old.config && takes_away(&old, cut, &config, NOW).is_empty();
                assert!(!taken, "cut after {end} bytes:\n{}", cut.lines().last().unwrap_or_default());
            }
        }
    }
}

#[test]
fn a_file_is_whole_when_it_was_the_same_twice() {
    let mut settling = Settling::default();
    let at = |millis: u64| NOW + Span::from_millis(millis);
    for (digest, when, whole) in [
        ("a", 0, false),
        ("a", 799, false),
        ("a", 800, true),
        ("b", 1_000, false),
        ("c", 1_700, false),
        ("b", 1_800, false),
        ("b", 2_599, false),
        ("b", 2_600, true),
        ("b", 2_700, true),
    ] {
        assert_eq!(settling.is_whole(digest, at(when)), whole, "{digest} at {when}");
    }
    // The clock was set back.
    assert!(!settling.is_whole("b", at(0)) && !settling.is_whole("b", at(799)) && settling.is_whole("b", at(800)));
}

/// How much a configuration lets happen, told from its values alone and not from `loosens`.
fn freedom(config: &Config) -> Vec<i64> {
    let healing = &config.self_healing;
    let listed = |kinds: &[ActionKind], kind| i64::from(!kinds.contains(&kind));
    let mut freedom = vec![
        i64::from(healing.enabled),
        -i64::from(healing.auto_heal_confidence_threshold.get()),
        i64::from(healing.max_actions_per_hour),
        -(healing.cooldown_minutes as i64),
        i64::from(!config.approval.second_approver_for_irreversible),
        i64::from(config.limits.max_attempts),
    ];
    for kind in ActionKind::ALL {
        freedom.push(listed(&healing.require_approval_for, kind));
        freedom.push(listed(&config.approval.second_approver_for, kind));
    }
    for service in ["db", "web"] {
        let found = config.services.iter().find(|other| other.name.as_str() == service);
        freedom.push(found.map_or(0, |found| i64::from(!found.require_approval)));
        freedom.push(found.map_or(0, |found| i64::from(!found.second_approver)));
    }
    freedom
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A byte that was changed, lost or doubled is refused, waits, or lets nothing more happen.
    #[test]
    fn no_damaged_byte_loosens_in_silence(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
        let mut bytes = FULL.as_bytes().to_vec();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, byte),
        }
        let old = accepted(FULL);
        if let Ok(config) = crate::config::parse_bytes(&bytes, "damaged") {
            let text = String::from_utf8(bytes).expect("text");
            if takes_away(&old, &text, &config, NOW).is_empty() {
                for (now, before) in freedom(&config).into_iter().zip(freedom(&old.config)) {
                    prop_assert!(now <= before, "looser in silence:\n{}", text);
                }
            }
        }
    }
}
