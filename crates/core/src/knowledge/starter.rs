//! The knowledge that ships: patterns for failures that most services share.

use super::Pattern;
use crate::BasisPoints;

/// The packs that `selfheal init` writes, by file name.
pub const STARTER: &[(&str, &str)] = &[("processes.yaml", include_str!("../../../../args/knowledge/processes.yaml"))];

/// The families that the starter knowledge covers: one file each.
pub const FAMILIES: [&str; 17] = [
    "authentication",
    "caches",
    "ci",
    "connections",
    "containers",
    "cpu",
    "databases",
    "deployments",
    "disk",
    "dns",
    "http",
    "kernel",
    "kubernetes",
    "memory",
    "processes",
    "queues",
    "tls",
];

/// What keeps a pattern from being shipped. Empty for one that may be.
pub fn starter_problems(pattern: &Pattern) -> Vec<String> {
    let mut problems = Vec::new();
    let mut hold = |fine: bool, problem: &str| {
        if !fine {
            problems.push(format!("`{}`: {problem}", pattern.name));
        }
    };
    hold(FAMILIES.contains(&pattern.family.as_str()), "its family is none of the known ones");
    hold(pattern.severity.is_some(), "it has no severity");
    hold(!pattern.description.trim().is_empty(), "it has no description");
    hold(!pattern.root_cause.trim().is_empty(), "it says no root cause");
    hold(pattern.rule.is_some(), "it has no rule");
    hold(!pattern.checks.is_empty(), "it has no check");
    hold(!pattern.provenance.sources.is_empty(), "it names no source");
    hold(
        pattern.provenance.sources.iter().all(|source| source.licence.is_some()),
        "a source says nothing of its licence",
    );
    hold(pattern.examples.matches.len() >= 2, "it has fewer than 2 matching examples");
    hold(pattern.examples.rejects.len() >= 2, "it has fewer than 2 near misses");
    hold(
        pattern.action.is_some() == pattern.no_safe_fix.trim().is_empty(),
        "it needs either an action or `no_safe_fix`",
    );
    hold(pattern.action.is_none() || !pattern.undo.trim().is_empty(), "it does not say how its action is taken back");
    hold(pattern.confidence <= BasisPoints::saturating(6_000), "it starts too trusted");
    hold(!pattern.auto_healable, "it may act before a person said so");
    problems
}
