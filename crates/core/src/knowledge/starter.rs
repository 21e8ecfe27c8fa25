//! The knowledge that ships: patterns for failures that most services share.

use std::collections::BTreeMap;

use super::{Pattern, parse_pack};
use crate::BasisPoints;

macro_rules! packs {
    ($($family:literal),+ $(,)?) => {
        /// The families that the starter knowledge covers: one file each.
        pub const FAMILIES: &[&str] = &[$($family),+];

        /// The packs that `selfheal init` writes, by file name.
        pub const STARTER: &[(&str, &str)] = &[
            $((concat!($family, ".yaml"), include_str!(concat!("../../../../args/knowledge/", $family, ".yaml")))),+
        ];
    };
}

packs!(
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
);

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

/// Where the starter knowledge comes from, for people: every source with its licence and how many patterns use it.
pub fn attribution() -> Result<String, crate::config::ConfigError> {
    let mut sources: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for (file, text) in STARTER {
        for pattern in parse_pack(text, file, "starter", crate::Timestamp::EPOCH)? {
            for source in pattern.provenance.sources {
                let key = (source.licence.unwrap_or_default(), source.name, source.url.unwrap_or_default());
                *sources.entry(key).or_default() += 1;
            }
        }
    }
    let mut page = String::from(
        "# Sources of the starter knowledge\n\n\
         The patterns in `args/knowledge/` are written for Selfheal. Facts in them (names of alerts, texts and codes of errors, \
         levels, commands) come from the sources below, under the licence named with each. Made from the packs by the tests of \
         `crates/core`; set `UPDATE=1` to write it anew.\n",
    );
    let mut last: Option<String> = None;
    for ((licence, name, url), patterns) in sources {
        if last.as_ref() != Some(&licence) {
            page.push_str(&format!("\n## {licence}\n\n"));
            last = Some(licence);
        }
        let name = if url.is_empty() { name } else { format!("[{name}]({url})") };
        let word = if patterns == 1 { "pattern" } else { "patterns" };
        page.push_str(&format!("- {name}: {patterns} {word}\n"));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_attributed() {
        let page = attribution().expect("the packs read");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/attribution.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &page).expect("written");
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "run this test with UPDATE=1");
    }

    #[test]
    fn every_family_has_its_own_patterns_and_no_name_comes_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (file, text) in STARTER {
            for pattern in parse_pack(text, file, "starter", crate::Timestamp::EPOCH).expect("reads") {
                assert_eq!(format!("{}.yaml", pattern.family), *file, "{}", pattern.name);
                assert!(seen.insert(pattern.id.clone()), "{} comes twice", pattern.id);
            }
        }
        assert!(seen.len() >= 200, "{}", seen.len());
    }
}
