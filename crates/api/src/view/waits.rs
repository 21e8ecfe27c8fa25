//! What an incident waits for, in words.

use selfheal_core::told::moment;
use selfheal_core::{Timestamp, Waits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What holds an action back now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// The gate that decides.
    pub gate: String,
    pub reason: String,
    /// When time alone has freed everything that holds it back; null where a person's word or its turn is waited for.
    #[schema(required)]
    pub until: Option<String>,
    /// It waits for automation to be resumed, which nobody knows the time of.
    pub until_resumed: bool,
    /// All of that in a sentence.
    pub told: String,
}

pub fn wait_view(waits: &Waits, now: Timestamp) -> Option<WaitView> {
    let first = waits.first(now)?;
    let (until, until_resumed) = (waits.until(now), waits.until_resumed(now));
    let others: Vec<&str> = waits.refusals(now).skip(1).map(|refusal| refusal.reason.as_str()).collect();
    let end = match (until, until_resumed) {
        (_, true) => "Nothing runs until automation is resumed.".to_owned(),
        (Some(until), false) => format!("Not before {}.", moment(until)),
        (None, false) => String::new(),
    };
    let told = [&[first.reason.as_str()], others.as_slice(), &[end.as_str()]].concat().join(" ").trim_end().to_owned();
    Some(WaitView {
        gate: first.gate.as_str().into(),
        reason: first.reason.clone(),
        until: until.map(Timestamp::to_rfc3339),
        until_resumed,
        told,
    })
}
