//! Identifiers and names that must not be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers the database hands out. Written as strings in JSON, so that no reader takes them for quantities, and short
/// enough for a person to type.
macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.trim_start_matches('#').parse().map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

number_id! {
    /// An incident.
    IncidentId,
    /// A signal.
    SignalId,
    /// A healing event: one action decided, run or refused.
    EventId,
    /// An entry of the audit trail.
    AuditId,
    /// A pending effect in the outbox.
    EffectId,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: expected a whole number such as 42")]
pub struct InvalidId(String);

/// Names people chose. Compared exactly.
macro_rules! name {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend("format" = "name"))]
        pub struct $name(pub String);

        impl $name {
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

name! {
    /// A service of the inventory.
    ServiceName,
    /// The project that a service belongs to.
    ProjectName,
    /// A pattern, by its slug.
    PatternId,
    /// A source of observations.
    SourceName,
    /// A channel through which people are told.
    NotifierName,
}

impl PatternId {
    /// What a person chose without a pattern. No name has this slug: it has a space.
    pub const BY_HAND: &'static str = "by hand";

    pub fn by_hand() -> Self {
        Self(Self::BY_HAND.to_owned())
    }

    /// The slug of a pattern's name: lowercase letters and digits, everything else becomes one hyphen. Letters that are
    /// written composed or decomposed look alike and are the same.
    pub fn from_name(name: &str) -> Self {
        let mut slug = String::with_capacity(name.len());
        let name = if name.is_ascii() { name.into() } else { std::borrow::Cow::from(crate::normal_name(name)) };
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        Self(slug.trim_end_matches('-').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for (name, slug) in [
            ("Payments: process is down!", "payments-process-is-down"),
            ("  OOM ", "oom"),
            ("é1", "é1"),
            ("e\u{301}1", "é1"),
            ("!!", ""),
        ] {
            assert_eq!(PatternId::from_name(name).as_str(), slug);
        }
    }

    #[test]
    fn ids_are_strings_in_json_and_take_a_leading_hash() {
        assert_eq!(serde_json::to_string(&IncidentId(42)).expect("serialises"), "\"42\"");
        assert_eq!("#42".parse(), Ok(IncidentId(42)));
        assert!("forty-two".parse::<IncidentId>().is_err());
    }
}
