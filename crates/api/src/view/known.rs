//! What to do about an incident: the first thing that a person reads who was called to it.

use selfheal_core::known::{Known, Piece};
use selfheal_core::told::moment;
use selfheal_core::{Incident, NoticeCause, State, notice_body};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Part of a text: words, or a command to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TextPiece {
    pub text: String,
    pub code: bool,
}

/// A value of this incident that stands in the texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownValue {
    pub name: String,
    pub value: String,
    /// It stands in no command, since a shell would read it as more than one word: there its place is open, `<name>`.
    pub left_open: bool,
}

/// A cause that the knowledge base knows, with this incident's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownCause {
    pub pattern: String,
    pub name: String,
    /// Its rule holds; otherwise only the words are similar.
    pub by_rule: bool,
    /// How sure it is, in a sentence.
    pub sure: String,
    pub cause: Vec<TextPiece>,
    /// What a person does.
    pub by_hand: Vec<TextPiece>,
    /// The pattern's own action; null where nothing is safe to do by itself.
    #[schema(required)]
    pub action: Option<String>,
    pub undo: Vec<TextPiece>,
    /// How to see that it is over.
    pub checks: Vec<Vec<TextPiece>>,
    pub values: Vec<KnownValue>,
}

/// What a person does about it now, and what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatToDo {
    /// Where it stands, and whose turn it is.
    pub now: String,
    /// Best first; more than one where they are close.
    pub causes: Vec<KnownCause>,
    /// That nothing is known of it, in a sentence; null where something is.
    #[schema(required)]
    pub unknown: Option<String>,
}

pub fn what_to_do(incident: &Incident, known: &[Known]) -> WhatToDo {
    // Before anything was matched, nothing can be said of what is known.
    let looked = incident.decided.is_some();
    let unknown =
        (known.is_empty() && looked).then(|| "Nothing is known of it. What was seen is under Evidence.".into());
    WhatToDo { now: now(&incident.state, incident), causes: known.iter().map(cause).collect(), unknown }
}

fn now(state: &State, incident: &Incident) -> String {
    let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    let fix = plan.map_or_else(|| "A fix".to_owned(), |plan| format!("“{} {}”", plan.verb(), plan.service));
    match state {
        State::Detected | State::Decided { held: None } => "Selfheal is looking for the cause.".into(),
        State::Decided { held: Some(held) } => format!("{fix} is held: {}", held.gate.reason),
        State::AwaitingApproval { .. }
            if incident.approval.as_ref().is_some_and(selfheal_core::Approval::is_complete) =>
        {
            format!("{fix} is approved and starts.")
        }
        State::AwaitingApproval { expires_at } => {
            format!("{fix} waits for approval until {}.", moment(*expires_at))
        }
        State::Queued { gate, .. } => format!("{fix} waits for its turn: {}", gate.reason),
        State::Healing { .. } => format!("{fix} is running: wait for its outcome."),
        State::Verifying { .. } => format!("{fix} ran; whether it helped is being checked."),
        State::Escalated { reason, .. } => format!("It needs a person: {reason}"),
        State::Snoozed { until, back } => format!("Snoozed until {}. Then: {}", moment(*until), now(back, incident)),
        State::Resolved { at, .. } => format!("It is over since {}. If it comes back, this opens again.", moment(*at)),
        State::Closed { at, .. } => format!("It is over since {}.", moment(*at)),
    }
}

impl WhatToDo {
    /// What a notification says of it, for a window whose engine runs elsewhere.
    pub fn notice(&self, title: &str) -> String {
        let causes: Vec<NoticeCause> = self
            .causes
            .iter()
            .map(|known| NoticeCause {
                name: known.name.clone(),
                by_rule: known.by_rule,
                by_hand: plain(&known.by_hand),
                cause: plain(&known.cause),
                left_open: known
                    .values
                    .iter()
                    .filter(|value| value.left_open)
                    .map(|value| (value.name.clone(), value.value.clone()))
                    .collect(),
                checks: known.checks.iter().map(|check| plain(check)).collect(),
            })
            .collect();
        notice_body(title, &self.now, &causes)
    }
}

fn cause(known: &Known) -> KnownCause {
    KnownCause {
        pattern: known.pattern.to_string(),
        name: known.name.clone(),
        by_rule: known.by_rule,
        sure: known.sure(),
        cause: pieces(&known.cause),
        by_hand: pieces(&known.by_hand),
        action: known.action.map(|action| action.to_string()),
        undo: pieces(&known.undo),
        checks: known.checks.iter().map(|check| pieces(check)).collect(),
        values: known
            .values
            .iter()
            .map(|value| KnownValue {
                name: value.name.clone(),
                value: value.value.clone(),
                left_open: value.left_open,
            })
            .collect(),
    }
}

fn pieces(text: &[Piece]) -> Vec<TextPiece> {
    text.iter()
        .map(|piece| match piece {
            Piece::Words(text) => TextPiece { text: text.clone(), code: false },
            Piece::Code(text) => TextPiece { text: text.clone(), code: true },
        })
        .collect()
}

/// The pieces as one text, with commands between backticks.
pub fn plain(pieces: &[TextPiece]) -> String {
    pieces.iter().map(|piece| if piece.code { format!("`{}`", piece.text) } else { piece.text.clone() }).collect()
}
