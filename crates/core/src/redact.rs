//! Takes a secret or personal data out of what was stored, wherever it stands in the text of an incident.
//!
//! Text only, as long as an incident is not over: names of services, states, fingerprints, plans and times are what the
//! engine goes by, and stay. Of one that is over the names and the plans are redacted, too ([`Redaction::with_names`]), and
//! what refers to a plan by its hash then does so by the new one. A log line's template holds a masked form of the secret, and
//! a title may have cut it off; both are found.

use std::ops::Range;

use regex::Regex;
use serde_json::Value;

use crate::detect::template;
use crate::{PatternId, Timestamp};

/// What stands in its place.
pub const REDACTED: &str = "[redacted]";

/// The shortest text that can be redacted: a shorter one would take half of every line with it.
pub const SHORTEST: usize = 4;

/// Fields that are no text of anybody's: tags, identities, and what comes from the inventory.
const KEPT: [&str; 24] = [
    "fact",
    "effect",
    "name",
    "id",
    "event",
    "incident",
    "signal",
    "severity",
    "fingerprint",
    "fingerprints",
    "service",
    "services",
    "project",
    "pattern",
    "action",
    "kind",
    "target",
    "plan",
    "plan_hash",
    "gate",
    "cause",
    "outcome",
    "posture",
    "by",
];

/// Those of them that are names: what somebody called a service, a check or a pattern, and what a plan does with which
/// parameters.
const NAMES: [&str; 7] = ["name", "service", "services", "project", "target", "plan", "dependants"];

/// Where something stood in a text that is another one now.
const PLACES: &str = "span";

#[derive(Clone, Debug)]
pub struct Redaction {
    found: Vec<Regex>,
    /// The text itself in lowercase, for one that was cut off.
    text: Option<String>,
    names: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactionError {
    #[error("the text is shorter than {SHORTEST} characters")]
    TooShort,
    #[error("the regular expression cannot be used: {0}")]
    Regex(String),
    #[error("the regular expression matches the empty text, so it would match everywhere")]
    MatchesNothing,
}

impl Redaction {
    /// A text, in any case.
    pub fn text(text: &str) -> Result<Self, RedactionError> {
        let text = text.trim();
        if text.chars().count() < SHORTEST {
            return Err(RedactionError::TooShort);
        }
        let mut found = vec![exactly(text)?];
        let masked = template(text);
        if masked != text && masked.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST {
            found.push(exactly(&masked)?);
        }
        Ok(Self { found, text: Some(text.to_lowercase()), names: false })
    }

    pub fn regex(pattern: &str) -> Result<Self, RedactionError> {
        let regex = Regex::new(pattern).map_err(|error| RedactionError::Regex(error.to_string()))?;
        if regex.is_match("") {
            return Err(RedactionError::MatchesNothing);
        }
        Ok(Self { found: vec![regex], text: None, names: false })
    }

    /// The same for what is over: names and plans as well.
    #[must_use]
    pub fn with_names(&self) -> Self {
        Self { names: true, ..self.clone() }
    }

    pub const fn takes_names(&self) -> bool {
        self.names
    }

    /// The text without what is to be redacted; `None` where it holds nothing of it.
    pub fn apply(&self, text: &str) -> Option<String> {
        let mut redacted = text.to_owned();
        for regex in &self.found {
            redacted = regex.replace_all(&redacted, REDACTED).into_owned();
        }
        if let Some(start) = self.cut_off(&redacted) {
            redacted.truncate(start);
            redacted.push_str(REDACTED);
            redacted.push('…');
        }
        (redacted != text).then_some(redacted)
    }

    /// Where something to be redacted stands in a text: byte ranges, in order, none of which touch.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> =
            self.found.iter().flat_map(|regex| regex.find_iter(text).map(|found| found.range())).collect();
        if let Some(start) = self.cut_off(text) {
            found.push(start..text.len());
        }
        found.sort_by_key(|place| (place.start, place.end));
        let mut places: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for place in found {
            match places.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => places.push(place),
            }
        }
        places
    }

    /// Where the beginning of the text stands at an end that was cut off.
    fn cut_off(&self, text: &str) -> Option<usize> {
        let (needle, kept) = (self.text.as_ref()?, text.strip_suffix('…')?);
        kept.char_indices().map(|(start, _)| start).find(|start| {
            kept[*start..].chars().count() >= SHORTEST && needle.starts_with(&kept[*start..].to_lowercase())
        })
    }

    pub fn finds(&self, text: &str) -> bool {
        self.apply(text).is_some()
    }

    /// Whether an id that was made of a name holds it: in lowercase, with a `-` for everything but letters and digits.
    pub fn finds_in_slug(&self, id: &str) -> bool {
        let own = self.text.as_deref().map(PatternId::from_name);
        self.finds(id)
            || self.finds(&id.replace('-', " "))
            || own.is_some_and(|own| own.as_str().len() >= SHORTEST && id.contains(own.as_str()))
    }

    /// Redacts every text in a JSON value. Returns whether anything changed.
    pub fn json(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) if !is_time(text) => match self.apply(text) {
                Some(redacted) => {
                    *text = redacted;
                    true
                }
                None => false,
            },
            Value::Array(values) => values.iter_mut().fold(false, |changed, value| self.json(value) | changed),
            Value::Object(fields) => fields.iter_mut().fold(false, |changed, (key, value)| {
                // A tag is a string; an object or a list under such a name may hold text all the same.
                let is_name = self.names && NAMES.contains(&key.as_str());
                let kept = KEPT.contains(&key.as_str()) && !is_name && (key == "plan" || !value.is_object());
                (!kept && self.json(value)) | changed
            }),
            _ => false,
        }
    }
}

/// Forgets where something stood in texts that have changed.
pub fn forget_places(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(forget_places),
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == PLACES {
                    *value = Value::Null;
                } else {
                    forget_places(value);
                }
            }
        }
        _ => {}
    }
}

fn exactly(text: &str) -> Result<Regex, RedactionError> {
    Regex::new(&format!("(?i){}", regex::escape(text))).map_err(|error| RedactionError::Regex(error.to_string()))
}

fn is_time(text: &str) -> bool {
    text.ends_with('Z') && serde_json::from_value::<Timestamp>(Value::String(text.to_owned())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_text_is_found_in_every_form_in_which_it_is_stored() {
        let redaction = Redaction::text("hunter2-abcdef").expect("valid");
        for (before, after) in [
            ("password=hunter2-abcdef rejected", Some("password=[redacted] rejected")),
            ("Hunter2-abcdef at the start", Some("[redacted] at the start")),
            ("twice hunter2-abcdef HUNTER2-ABCDEF", Some("twice [redacted] [redacted]")),
            ("cut off at hunter2-ab…", Some("cut off at [redacted]…")),
            ("cut off at hun…", None),
            ("nothing here", None),
        ] {
            assert_eq!(redaction.apply(before).as_deref(), after, "{before}");
        }
        // What the template masks of it is found too.
        let name = Redaction::text("Ada Lovelace 1815").expect("valid");
        assert_eq!(name.apply("born: Ada Lovelace <*> in").as_deref(), Some("born: [redacted] in"));
    }

    #[test]
    fn places_are_where_it_stands() {
        let name = Redaction::text("Ada Lovelace 1815").expect("valid");
        assert_eq!(name.places("Ada Lovelace <*>, ada lovelace 1815, Ada Lov…"), [0..16, 18..35, 37..47]);
        let regex = Redaction::regex("a+|b").expect("valid");
        assert_eq!(regex.places("aab a"), [0..3, 4..5]);
        assert!(regex.places("x").is_empty());
    }

    #[test]
    fn an_id_holds_what_its_name_did() {
        let name = Redaction::text("Ada Lovelace: 1815").expect("valid");
        assert!(name.finds_in_slug("login-of-ada-lovelace-1815-failed"));
        assert!(!name.finds_in_slug("login-of-ada-failed"));
        assert!(Redaction::regex("ada lovelace").expect("valid").finds_in_slug("of-ada-lovelace"));
    }

    #[test]
    fn what_would_take_everything_is_refused() {
        assert_eq!(Redaction::text(" abc ").expect_err("refused"), RedactionError::TooShort);
        assert_eq!(Redaction::regex("x*").expect_err("refused"), RedactionError::MatchesNothing);
        assert!(matches!(Redaction::regex("("), Err(RedactionError::Regex(_))));
    }

    #[test]
    fn what_the_engine_goes_by_stays() {
        let redaction = Redaction::regex("[a-z0-9]+").expect("valid");
        let before = json!({
            "fact": "opened", "service": "pay", "plan": { "steps": ["start"] }, "at": "2026-02-28T14:02:00Z", "n": 7,
            "gate": { "gate": "cooldown", "reason": "secret" }, "title": "secret", "templates": ["secret"],
        });
        let mut after = before.clone();
        assert!(redaction.json(&mut after));
        assert_eq!(
            after,
            json!({
                "fact": "opened", "service": "pay", "plan": { "steps": ["start"] }, "at": "2026-02-28T14:02:00Z", "n": 7,
                "gate": { "gate": "cooldown", "reason": "[redacted]" }, "title": "[redacted]", "templates": ["[redacted]"],
            })
        );
    }

    #[test]
    fn of_what_is_over_names_and_plans_are_redacted() {
        let redaction = Redaction::text("hunter2-abcdef").expect("valid").with_names();
        let mut value = json!({
            "fact": "decided", "service": "hunter2-abcdef", "services": ["web", "hunter2-abcdef"], "fingerprint": "hunter2-abcdef",
            "plan": {
                "action": { "kind": "service.restart", "parameters": { "key": "hunter2-abcdef" } },
                "steps": [{ "call": "start hunter2-abcdef", "detail": "" }], "dependants": ["hunter2-abcdef"],
                "target": { "kind": "process", "pidfile": "/run/hunter2-abcdef.pid" }, "checks": ["hunter2-abcdef/http"],
            },
        });
        assert!(redaction.json(&mut value));
        assert_eq!(value.to_string().matches("hunter2-abcdef").count(), 1, "but for the fingerprint: {value}");
        assert_eq!(value["plan"]["target"]["pidfile"], "/run/[redacted].pid");
        assert_eq!((&value["fact"], &value["plan"]["action"]["kind"]), (&json!("decided"), &json!("service.restart")));
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_left(before in ".{0,40}", secret in "[a-zA-Z0-9@.-]{4,20}", after in ".{0,40}") {
            let redaction = Redaction::text(&secret).expect("valid");
            let redacted = redaction.apply(&format!("{before}{secret}{after}")).expect("found");
            prop_assert!(!redacted.replace(REDACTED, " ").to_lowercase().contains(&secret.to_lowercase()));
        }
    }
}
