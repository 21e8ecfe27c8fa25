//! Packs: patterns as YAML, for people to write and share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Examples, Pattern, PatternScope, PatternStatus, Provenance, Rule};
use crate::config::ConfigError;
use crate::{Action, BasisPoints, PatternId, Timestamp};

/// A file of patterns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The version of this format: 1.
    pub version: u32,
    pub patterns: Vec<PackEntry>,
}

/// A pattern as it stands in a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackEntry {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub scope: PatternScope,
    #[serde(default)]
    pub rule: Option<Rule>,
    #[serde(default)]
    pub must_not: Vec<String>,
    pub root_cause: String,
    #[serde(default)]
    pub action: Option<Action>,
    #[serde(default)]
    pub checks: Vec<String>,
    #[serde(default)]
    pub examples: Examples,
    #[serde(default = "default_confidence")]
    pub confidence: BasisPoints,
    #[serde(default)]
    pub auto_healable: bool,
    #[serde(default)]
    pub require_approval: bool,
    #[serde(default)]
    pub infrastructure: bool,
    #[serde(default)]
    pub shadow: bool,
    #[serde(default)]
    pub sources: Vec<String>,
    #[serde(default)]
    pub licence: Option<String>,
}

const fn default_confidence() -> BasisPoints {
    BasisPoints::saturating(5_000)
}

impl From<&Pattern> for PackEntry {
    fn from(pattern: &Pattern) -> Self {
        Self {
            name: pattern.name.clone(),
            description: pattern.description.clone(),
            scope: pattern.scope.clone(),
            rule: pattern.rule.clone(),
            must_not: pattern.must_not.clone(),
            root_cause: pattern.root_cause.clone(),
            action: pattern.action.clone(),
            checks: pattern.checks.clone(),
            examples: pattern.examples.clone(),
            confidence: pattern.confidence,
            auto_healable: pattern.auto_healable,
            require_approval: pattern.require_approval,
            infrastructure: pattern.infrastructure,
            shadow: pattern.shadow,
            sources: pattern.provenance.sources.clone(),
            licence: pattern.provenance.licence.clone(),
        }
    }
}

impl PackEntry {
    /// The smallest useful entry.
    pub fn new(name: impl Into<String>, root_cause: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            scope: PatternScope::default(),
            rule: None,
            must_not: Vec::new(),
            root_cause: root_cause.into(),
            action: None,
            checks: Vec::new(),
            examples: Examples::default(),
            confidence: default_confidence(),
            auto_healable: false,
            require_approval: false,
            infrastructure: false,
            shadow: false,
            sources: Vec::new(),
            licence: None,
        }
    }

    /// The pattern that this entry describes, or what is wrong with it.
    pub fn into_pattern(self, origin: &str, now: Timestamp) -> Result<Pattern, String> {
        let id = PatternId::from_name(&self.name);
        if id.as_str().is_empty() {
            return Err(format!("pattern `{}`: the name needs at least one letter or digit", self.name));
        }
        if let Some(rule) = &self.rule {
            let compiled = rule.compile().map_err(|error| format!("pattern `{}`: {error}", self.name))?;
            if let Some(line) = self.examples.matches.iter().find(|line| !compiled.holds_for_text(line)) {
                return Err(format!("pattern `{}`: its rule does not match its own example `{line}`", self.name));
            }
            if let Some(line) = self.examples.rejects.iter().find(|line| {
                compiled.holds_for_text(line)
                    && !self.must_not.iter().any(|term| crate::matching::contains_term(line, term))
            }) {
                return Err(format!("pattern `{}`: its rule matches `{line}`, which it must not", self.name));
            }
        }
        Ok(Pattern {
            id,
            name: self.name,
            description: self.description,
            scope: self.scope,
            rule: self.rule,
            must_not: self.must_not,
            root_cause: self.root_cause,
            action: self.action,
            checks: self.checks,
            examples: self.examples,
            confidence: self.confidence,
            use_count: 0,
            attempts: 0,
            auto_healable: self.auto_healable,
            require_approval: self.require_approval,
            infrastructure: self.infrastructure,
            shadow: self.shadow,
            status: PatternStatus::Active,
            provenance: Provenance { origin: origin.to_owned(), sources: self.sources, licence: self.licence },
            created_at: now,
            updated_at: now,
        })
    }
}

/// Reads a pack. Every entry is checked; the first that is wrong is the error.
pub fn parse_pack(text: &str, file: &str, origin: &str, now: Timestamp) -> Result<Vec<Pattern>, ConfigError> {
    let pack: Pack = crate::config::read_yaml(text, file)?;
    let fail = |message| ConfigError { file: file.to_owned(), line: 0, column: 0, message };
    if pack.version != 1 {
        return Err(fail(format!("version {}: expected 1", pack.version)));
    }
    pack.patterns.into_iter().map(|entry| entry.into_pattern(origin, now).map_err(fail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_starter_pack_reads_and_its_examples_hold() {
        for (file, text) in super::super::STARTER {
            let patterns = parse_pack(text, file, "starter", Timestamp::EPOCH).expect("reads");
            assert!(!patterns.is_empty(), "{file}");
            for pattern in patterns {
                assert!(pattern.confidence <= BasisPoints::saturating(6_000), "{}: starts too trusted", pattern.name);
                assert!(!pattern.auto_healable, "{}: may act before a person said so", pattern.name);
                assert!(pattern.examples.matches.len() >= 2 && pattern.examples.rejects.len() >= 2, "{}", pattern.name);
            }
        }
    }

    #[test]
    fn an_entry_is_held_to_its_examples() {
        let entry = |matches: &[&str], rejects: &[&str]| PackEntry {
            rule: Some(Rule::regex("out of memory")),
            must_not: vec!["quota".into()],
            examples: Examples {
                matches: matches.iter().map(|line| (*line).to_owned()).collect(),
                rejects: rejects.iter().map(|line| (*line).to_owned()).collect(),
            },
            ..PackEntry::new("OOM", "memory")
        };
        assert!(entry(&["java: out of memory"], &["disk full"]).into_pattern("x", Timestamp::EPOCH).is_ok());
        assert!(entry(&["disk full"], &[]).into_pattern("x", Timestamp::EPOCH).is_err());
        assert!(entry(&[], &["out of memory"]).into_pattern("x", Timestamp::EPOCH).is_err());
        let ruled_out = entry(&[], &["quota: out of memory"]).into_pattern("x", Timestamp::EPOCH);
        assert!(ruled_out.is_ok(), "a must-not term rules the line out");
    }
}
