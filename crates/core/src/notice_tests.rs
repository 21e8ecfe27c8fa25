//! What a notice says to somebody who was asleep.

use super::*;
use crate::known::{Piece, Value};
use crate::{BasisPoints, Fingerprint, PatternId, ProjectName, SignalId, SignalSeen};

fn incident() -> Incident {
    let signal = SignalSeen {
        id: SignalId(1),
        service: ServiceName::new("web"),
        severity: Severity::Critical,
        fingerprint: Fingerprint("f".into()),
        template: "t".into(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    };
    let title = "Certificate has expired".to_owned();
    let (mut incident, _) = Incident::open(IncidentId(7), ProjectName::new("shop"), title, &signal, Timestamp::EPOCH);
    incident.state = State::Escalated { reason: "The pattern names no safe automatic fix.".into(), by_engine: true };
    incident
}

fn known() -> Known {
    let words = |text: &str| Piece::Words(text.to_owned());
    Known {
        pattern: PatternId::new("certificate-expired"),
        name: "Certificate expired".into(),
        by_rule: true,
        relevance: BasisPoints::ONE,
        rejected: 0,
        cause: vec![words("The renewal did not happen.")],
        by_hand: vec![words("Renew: "), Piece::Code("certbot renew".into()), words(", then reload.")],
        action: None,
        undo: vec![],
        checks: vec![vec![words("clients connect")]],
        values: vec![],
    }
}

#[test]
fn what_to_do_comes_before_why_nobody_did_it() {
    let notice = Notice::of(NoticeKind::Escalated, &incident(), &[known()], Timestamp::EPOCH, "1");
    assert_eq!(
        notice.body,
        "Certificate has expired\nTo do: Renew: `certbot renew`, then reload.\nCause: The renewal did not happen.\n\
         It is over when: clients connect\nThe pattern names no safe automatic fix."
    );
}

#[test]
fn of_what_nobody_knows_only_the_reason_is_told() {
    let notice = Notice::of(NoticeKind::Escalated, &incident(), &[], Timestamp::EPOCH, "1");
    assert_eq!(notice.body, "Certificate has expired\nThe pattern names no safe automatic fix.");
}

#[test]
fn two_causes_that_are_close_are_told_apart_by_name() {
    let other = Known { name: "Clock is wrong".into(), ..known() };
    let body = body("t", "why", &[Cause::from(&known()), Cause::from(&other)]);
    assert!(body.contains("To do, if it is “Certificate expired”: Renew"), "{body}");
    assert!(body.contains("Cause, if it is “Clock is wrong”: The renewal"), "{body}");
}

#[test]
fn what_stands_in_no_command_stands_beside_it() {
    let open = Value { name: "host".into(), value: "x; rm -rf /".into(), left_open: true };
    let body = body("t", "why", &[Cause::from(&Known { values: vec![open], ..known() })]);
    assert!(body.contains("\n<host>: “x; rm -rf /”\n"), "{body}");
}

#[test]
fn a_summary_keeps_to_what_happened_and_the_first_thing_to_do() {
    let notice = Notice::of(NoticeKind::Escalated, &incident(), &[known()], Timestamp::EPOCH, "1");
    let summary = Notice::summary(&[&notice], Timestamp::EPOCH);
    assert_eq!(summary.title, "1 notice from the quiet hours");
    assert_eq!(
        summary.body,
        "- web needs you (critical, incident 7): Certificate has expired; To do: Renew: `certbot renew`, then reload."
    );
}

#[test]
fn long_texts_are_cut_so_that_three_causes_fit() {
    let long = Known {
        cause: vec![Piece::Words("ä".repeat(5_000))],
        by_hand: vec![Piece::Words("ö".repeat(5_000))],
        checks: vec![vec![Piece::Words("ü".repeat(5_000))]],
        ..known()
    };
    let long = Cause::from(&long);
    let body = body("t", "why", &[long.clone(), long.clone(), long]);
    assert!(body.chars().count() < 4_000 && body.ends_with("\nwhy"), "{}", body.chars().count());
}

#[test]
fn what_was_tried_and_did_not_help_is_told_to_whom_it_is_left() {
    let mut incident = incident();
    let verdict = crate::Verdict {
        command_succeeded: true,
        symptom_cleared: false,
        stayed_clear: false,
        detail: "still failing after 2m: http: HTTP 503".into(),
        inconclusive: false,
    };
    incident.attempts.push(crate::Attempt {
        event: crate::EventId(1),
        pattern: PatternId::new("p"),
        action: crate::ActionKind::ServiceRestart,
        target: "web".into(),
        plan_hash: crate::PlanHash("h".into()),
        approved_by: None,
        started_at: Timestamp::EPOCH,
        finished_at: Some(Timestamp::EPOCH),
        outcome: Some(crate::Outcome::Succeeded { detail: "started (pid 7)".into() }),
        undo: None,
        verified: Some(crate::Verified { at: Timestamp::EPOCH, verdict, learned: None, taken_back: None }),
    });
    let notice = Notice::of(NoticeKind::Escalated, &incident, &[], Timestamp::EPOCH, "1");
    assert!(
        notice.body.ends_with(
            "\nTried: 1 attempt. The last, Restart web: Ran, but did not help: still failing after 2m: http: HTTP 503."
        ),
        "{}",
        notice.body
    );
}
