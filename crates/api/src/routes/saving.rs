//! The one way in which an edited pattern is saved: whether it may act is asked, and the trail knows of it.

use selfheal_core::Timestamp;
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::draft::digest;
use selfheal_core::knowledge::{PackEntry, Pattern, PatternStatus, changed_fields};
use selfheal_store::Tx;
use serde_json::{Map, Value, json};

use crate::ApiError;

/// An edit that a person makes.
pub(super) struct Edit<'a> {
    /// The pattern as it is stored; `None` where it is new.
    pub before: Option<&'a Pattern>,
    pub after: &'a Pattern,
    /// The person said that it may act by itself in a way in which it may not yet.
    pub may_act: bool,
    pub by: &'a str,
    pub at: Timestamp,
}

impl Edit<'_> {
    /// It may act by itself now and could not before, or it acts on more, does something else, or is trusted more.
    pub fn newly_acts(&self) -> bool {
        let same = self.before.is_some_and(|before| {
            may_act(before)
                && before.rule == self.after.rule
                && before.must_not == self.after.must_not
                && before.scope == self.after.scope
                && before.action == self.after.action
                && before.confidence >= self.after.confidence
        });
        may_act(self.after) && !same
    }

    /// Saves the pattern with its entry in the trail, in which `details` stand beside what changed; refused where it would
    /// newly act and nobody said that it may. A pattern that says the same is not written again. Texts of patterns may
    /// come from logs: the trail, which cannot be redacted, has their digests.
    pub async fn save(&self, tx: &mut Tx, details: Map<String, Value>) -> Result<(), ApiError> {
        let newly_acts = self.newly_acts();
        if newly_acts && !self.may_act {
            return Err(ApiError::Conflict {
                code: "would_act",
                what: "The pattern was not saved".into(),
                why: format!("`{}` would from now on act by itself in a way in which it may not yet", self.after.name),
                next: "Look at what it would change, and say that it may: --yes-act.".into(),
            });
        }
        let mut all = change_details(self.before, Some(self.after));
        let says_the_same = all["changed"].as_array().is_some_and(Vec::is_empty);
        let status = self.before.map(|before| before.status);
        if self.before.is_none() || !says_the_same || status != Some(self.after.status) {
            tx.put_pattern(self.after).await?;
        }
        all.insert("newly_acts".into(), json!(newly_acts));
        all.extend(details);
        let event_type = match (status, self.after.status) {
            (None, _) => "knowledge.added",
            (Some(PatternStatus::Disabled), PatternStatus::Active) => "knowledge.enabled",
            (Some(PatternStatus::Active), PatternStatus::Disabled) => "knowledge.disabled",
            _ => "knowledge.edited",
        };
        tx.audit(NewEntry {
            at: self.at,
            event_type,
            actor: self.by.to_owned(),
            incident_id: None,
            pattern_id: Some(self.after.id.clone()),
            confidence: Some(self.after.confidence),
            action: self.after.action.as_ref().map(|action| action.kind.to_string()),
            target: None,
            result: if self.after.auto_healable { "auto-healable" } else { "not auto-healable" }.into(),
            details: Value::Object(all),
        })
        .await?;
        Ok(())
    }
}

/// What the trail says of a change: digests, and the names of the fields that changed. Never a body: examples are lines of
/// incidents, which can be redacted, and the trail cannot.
pub(super) fn change_details(before: Option<&Pattern>, after: Option<&Pattern>) -> Map<String, Value> {
    let entry = |pattern: Option<&Pattern>| pattern.map_or_else(|| PackEntry::new("", ""), PackEntry::from);
    Map::from_iter([
        ("before_digest".into(), json!(before.map(digest))),
        ("after_digest".into(), json!(after.map(digest))),
        ("changed".into(), json!(changed_fields(&entry(before), &entry(after)))),
    ])
}

/// Whether nothing but the incident's own confidence stands between this pattern and acting.
fn may_act(pattern: &Pattern) -> bool {
    pattern.auto_healable
        && !pattern.require_approval
        && !pattern.infrastructure
        && !pattern.shadow
        && pattern.action.is_some()
        && pattern.rule.is_some()
        && pattern.status == PatternStatus::Active
}
