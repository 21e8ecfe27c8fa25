//! What came of an attempt, in a sentence. Three results, never one: the command ran, the symptom cleared, it stayed clear.

use super::state::Attempt;
use crate::Outcome;

impl Attempt {
    /// What came of it, as somebody would say it who was there: that a command succeeded does not say that it helped.
    pub fn told(&self) -> String {
        told(self)
    }
}

fn told(attempt: &Attempt) -> String {
    let Some(outcome) = &attempt.outcome else { return "It is running.".into() };
    let verified = attempt.verified.as_ref();
    let verdict = verified.map(|verified| &verified.verdict).or(attempt.undo.as_ref().map(|undo| &undo.verdict));
    let detail = |text: &str| if text.trim().is_empty() { ".".to_owned() } else { format!(": {}.", trimmed(text)) };
    let ran = match outcome {
        Outcome::Succeeded { .. } => "Ran",
        Outcome::Failed { detail: why } => return format!("Failed to run{}{}", detail(why), undone(attempt)),
        Outcome::Unknown { .. } => "It is not known what it did",
        Outcome::Stopped { .. } => "Was stopped midway",
    };
    let end = match verdict {
        None => format!("{ran}{} Whether it helped is being checked.", detail(outcome.detail())),
        Some(_) if verified.is_some_and(|verified| verified.taken_back.is_some()) => {
            format!("{ran} and helped, but the symptom came back.")
        }
        Some(verdict) if verdict.success() => format!("{ran}, and it helped{}", detail(&verdict.detail)),
        Some(verdict) if verdict.inconclusive => {
            format!("{ran}; whether it helped is not known{}", detail(&verdict.detail))
        }
        Some(verdict) if verdict.symptom_cleared => {
            format!("{ran}; the symptom cleared, but did not stay away{}", detail(&verdict.detail))
        }
        Some(verdict) => match outcome {
            Outcome::Succeeded { .. } => format!("{ran}, but did not help{}", detail(&verdict.detail)),
            _ => format!("{ran}, and the symptom stays{}", detail(&verdict.detail)),
        },
    };
    format!("{end}{}", undone(attempt))
}

fn undone(attempt: &Attempt) -> String {
    match attempt.undo.as_ref().map(|undo| &undo.outcome) {
        None => String::new(),
        Some(None) => " It is being taken back.".into(),
        Some(Some(Outcome::Succeeded { .. })) => " It was taken back.".into(),
        Some(Some(outcome)) => format!(" It could not be taken back: {}.", trimmed(outcome.detail())),
    }
}

fn trimmed(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}
