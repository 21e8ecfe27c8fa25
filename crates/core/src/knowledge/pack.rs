//! Packs: patterns as YAML, for people to write and share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Examples, PackInfo, Pattern, PatternScope, PatternStatus, Provenance, Rule, Source};
use crate::config::ConfigError;
use crate::{Action, BasisPoints, PatternId, Severity, Timestamp};

/// A file of patterns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The version of this format: 1.
    #[serde(default = "current_version")]
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackInfo>,
    pub patterns: Vec<PackEntry>,
}

/// A pattern as it stands in a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackEntry {
    /// The slug of the name where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub name: String,
    /// What sort of failure it is, e.g. `memory`.
    #[serde(default)]
    pub family: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(default)]
    pub scope: PatternScope,
    #[serde(default)]
    pub rule: Option<Rule>,
    #[serde(default)]
    pub must_not: Vec<String>,
    #[serde(default)]
    pub root_cause: String,
    #[serde(default)]
    pub action: Option<Action>,
    /// Why nothing is safe to do by itself, and what a person does.
    #[serde(default)]
    pub no_safe_fix: String,
    /// How the action is taken back, or that it cannot be.
    #[serde(default)]
    pub undo: String,
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
    pub sources: Vec<Source>,
    #[serde(default)]
    pub licence: Option<String>,
    /// The pack that this pattern came in, where it is not the one that the file's head names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackInfo>,
}

pub(super) const fn current_version() -> u32 {
    1
}

const fn default_confidence() -> BasisPoints {
    BasisPoints::saturating(5_000)
}

impl From<&Pattern> for PackEntry {
    fn from(pattern: &Pattern) -> Self {
        Self {
            id: (pattern.id != PatternId::from_name(&pattern.name)).then(|| pattern.id.to_string()),
            name: pattern.name.clone(),
            family: pattern.family.clone(),
            severity: pattern.severity,
            no_safe_fix: pattern.no_safe_fix.clone(),
            undo: pattern.undo.clone(),
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
            pack: pattern.provenance.pack.clone(),
        }
    }
}

impl PackEntry {
    /// The smallest useful entry.
    pub fn new(name: impl Into<String>, root_cause: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            family: String::new(),
            severity: None,
            no_safe_fix: String::new(),
            undo: String::new(),
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
            pack: None,
        }
    }

    /// The pattern that this entry describes, or what is wrong with it.
    pub fn into_pattern(self, origin: &str, now: Timestamp) -> Result<Pattern, String> {
        if let Some(problem) = self.problems().first() {
            return Err(format!("pattern `{}`: {problem}", crate::shown_name(&self.name)));
        }
        Ok(self.into_checked_pattern(origin, now))
    }

    /// The pattern of an entry that has no problems.
    pub(super) fn into_checked_pattern(self, origin: &str, now: Timestamp) -> Pattern {
        let id = self.pattern_id();
        Pattern {
            id,
            name: crate::normal_name(&self.name),
            family: self.family,
            severity: self.severity,
            no_safe_fix: self.no_safe_fix,
            undo: self.undo,
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
            provenance: Provenance {
                origin: origin.to_owned(),
                sources: self.sources,
                licence: self.licence,
                pack: self.pack,
            },
            created_at: now,
            updated_at: now,
        }
    }
}

/// Reads a pack as it stands, without looking at its entries.
pub fn read_pack(text: &str, file: &str) -> Result<Pack, ConfigError> {
    let pack: Pack = crate::config::read_yaml(text, file)?;
    if pack.version != 1 {
        let message = format!("version {}: expected 1", pack.version);
        return Err(ConfigError::of_file(file, message));
    }
    Ok(pack)
}

/// Reads a pack. Every entry is checked; the first that is wrong is the error.
pub fn parse_pack(text: &str, file: &str, origin: &str, now: Timestamp) -> Result<Vec<Pattern>, ConfigError> {
    let pack = read_pack(text, file)?;
    let fail = |message: String| ConfigError::of_file(file, message);
    let info = pack.pack;
    let read = |mut entry: PackEntry| {
        entry.pack = entry.pack.or_else(|| info.clone());
        entry.into_pattern(origin, now).map_err(fail)
    };
    pack.patterns.into_iter().map(read).collect()
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
                let problems = super::super::starter_problems(&pattern);
                assert!(problems.is_empty(), "{file}: {problems:?}");
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
