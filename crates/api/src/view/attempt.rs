//! One attempt: what ran, and whether it helped. Three results, never one: the command ran, the symptom cleared, it stayed
//! clear.

use selfheal_core::{Attempt, Outcome, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The three results; null while one is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    /// The command succeeded.
    #[schema(required)]
    pub ran: Option<bool>,
    #[schema(required)]
    pub symptom_cleared: Option<bool>,
    #[schema(required)]
    pub stayed_clear: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    pub event: String,
    pub pattern: String,
    pub action: String,
    /// The action as people say it, e.g. `Restart`.
    pub action_words: String,
    pub target: String,
    pub status: String,
    /// What came of it, in a sentence.
    pub told: String,
    pub results: Results,
    #[schema(required)]
    pub outcome: Option<String>,
    #[schema(required)]
    pub verdict: Option<String>,
    pub started_at: String,
    #[schema(required)]
    pub finished_at: Option<String>,
    #[schema(required)]
    pub verified_at: Option<String>,
    #[schema(required)]
    pub confidence_before: Option<f64>,
    #[schema(required)]
    pub confidence_after: Option<f64>,
}

pub fn attempt_view(attempt: &Attempt) -> AttemptView {
    let verified = attempt.verified.as_ref();
    let learned = verified.and_then(|verified| verified.taken_back.or(verified.learned));
    AttemptView {
        event: attempt.event.to_string(),
        pattern: attempt.pattern.to_string(),
        action: attempt.action.to_string(),
        action_words: attempt.action.verb().to_owned(),
        target: attempt.target.clone(),
        status: status(attempt).into(),
        told: attempt.told(),
        results: results(attempt),
        outcome: attempt.outcome.as_ref().map(|outcome| format!("{}: {}", outcome.as_str(), outcome.detail())),
        verdict: verified.map(|verified| verified.verdict.detail.clone()),
        started_at: attempt.started_at.to_rfc3339(),
        finished_at: attempt.finished_at.map(Timestamp::to_rfc3339),
        verified_at: verified.map(|verified| verified.at.to_rfc3339()),
        confidence_before: learned.map(|learned| learned.before.as_decimal()),
        confidence_after: learned.map(|learned| learned.after.as_decimal()),
    }
}

fn status(attempt: &Attempt) -> &'static str {
    let verified = attempt.verified.as_ref();
    match (&attempt.outcome, verified) {
        (None, _) => "running",
        (Some(_), None) if attempt.undo.is_some() => "being undone",
        (Some(_), None) => "verifying",
        _ if attempt.undo.is_some() => "undone",
        (Some(_), Some(verified)) if verified.taken_back.is_some() => "came back",
        (Some(_), Some(verified)) if verified.verdict.success() => "verified",
        (Some(_), Some(verified)) if verified.verdict.inconclusive => "not known",
        (Some(Outcome::Succeeded { .. }), _) => "did not help",
        _ => "failed",
    }
}

fn results(attempt: &Attempt) -> Results {
    let ran = match attempt.outcome.as_ref() {
        Some(Outcome::Succeeded { .. }) => Some(true),
        Some(Outcome::Failed { .. } | Outcome::Stopped { .. }) => Some(false),
        Some(Outcome::Unknown { .. }) | None => None,
    };
    let verified = attempt.verified.as_ref();
    let verdict = verified.map(|verified| &verified.verdict).or(attempt.undo.as_ref().map(|undo| &undo.verdict));
    let came_back = verified.is_some_and(|verified| verified.taken_back.is_some());
    Results {
        ran,
        symptom_cleared: verdict.filter(|verdict| !verdict.inconclusive).map(|verdict| verdict.symptom_cleared),
        stayed_clear: verdict.filter(|verdict| !verdict.inconclusive).map(|verdict| verdict.stayed_clear && !came_back),
    }
}

#[cfg(test)]
mod tests {
    use selfheal_core::{ActionKind, EventId, PatternId, PlanHash, Undo, Verdict, Verified};

    use super::*;

    fn attempt(outcome: Option<Outcome>, verdict: Option<(bool, bool)>) -> Attempt {
        let verdict = verdict.map(|(symptom_cleared, stayed_clear)| Verdict {
            command_succeeded: !matches!(outcome, Some(Outcome::Failed { .. })),
            symptom_cleared,
            stayed_clear,
            detail: "still failing after 2m: web: HTTP 503".into(),
            inconclusive: false,
        });
        Attempt {
            event: EventId(1),
            pattern: PatternId::new("p"),
            action: ActionKind::ServiceRestart,
            target: "web".into(),
            plan_hash: PlanHash("h".into()),
            approved_by: None,
            started_at: Timestamp::EPOCH,
            finished_at: Some(Timestamp::EPOCH),
            outcome,
            undo: None,
            verified: verdict.map(|verdict| Verified {
                at: Timestamp::EPOCH,
                verdict,
                learned: None,
                taken_back: None,
            }),
        }
    }

    #[test]
    fn what_ran_and_did_not_help_is_no_success() {
        let ran = || Some(Outcome::Succeeded { detail: "started".into() });
        for (attempt, status, told) in [
            (attempt(None, None), "running", "It is running."),
            (attempt(ran(), None), "verifying", "Ran: started. Whether it helped is being checked."),
            (
                attempt(ran(), Some((false, false))),
                "did not help",
                "Ran, but did not help: still failing after 2m: web: HTTP 503.",
            ),
            (
                attempt(ran(), Some((true, false))),
                "did not help",
                "Ran; the symptom cleared, but did not stay away: still failing after 2m: web: HTTP 503.",
            ),
            (
                attempt(Some(Outcome::Failed { detail: "exit 1".into() }), Some((false, false))),
                "failed",
                "Failed to run: exit 1.",
            ),
            (
                attempt(Some(Outcome::Unknown { detail: "lost".into() }), Some((false, false))),
                "failed",
                "It is not known what it did, and the symptom stays: still failing after 2m: web: HTTP 503.",
            ),
        ] {
            let view = attempt_view(&attempt);
            assert_eq!((view.status.as_str(), view.told.as_str()), (status, told));
        }
    }

    #[test]
    fn the_three_results_are_three() {
        let ran = || Some(Outcome::Succeeded { detail: "started".into() });
        let results = |attempt: &Attempt| {
            let Results { ran, symptom_cleared, stayed_clear } = attempt_view(attempt).results;
            (ran, symptom_cleared, stayed_clear)
        };
        assert_eq!(results(&attempt(ran(), None)), (Some(true), None, None));
        assert_eq!(results(&attempt(ran(), Some((false, false)))), (Some(true), Some(false), Some(false)));
        assert_eq!(results(&attempt(ran(), Some((true, true)))), (Some(true), Some(true), Some(true)));
        let unknown = attempt(Some(Outcome::Unknown { detail: "lost".into() }), Some((true, true)));
        assert_eq!(results(&unknown), (None, Some(true), Some(true)));
    }

    #[test]
    fn what_is_taken_back_says_so() {
        let mut one = attempt(Some(Outcome::Succeeded { detail: "set".into() }), Some((false, false)));
        let verdict = one.verified.clone().expect("verified").verdict;
        one.undo = Some(Undo { started_at: Timestamp::EPOCH, verdict, outcome: None });
        one.verified = None;
        let told = attempt_view(&one).told;
        assert!(told.starts_with("Ran, but did not help") && told.ends_with("It is being taken back."), "{told}");
    }
}
