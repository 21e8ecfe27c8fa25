//! What the rules of packs hold on: their own examples, each other's, and labelled lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use selfheal_core::Timestamp;
use selfheal_core::knowledge::{CompiledRule, Pattern};
use selfheal_core::matching::contains_term;

use crate::loghub;

struct Entry {
    pattern: Pattern,
    rule: CompiledRule,
}

impl Entry {
    fn ruled_out_by(&self, line: &str) -> Option<&str> {
        self.pattern.must_not.iter().find(|term| contains_term(line, term)).map(String::as_str)
    }

    fn holds(&self, line: &str) -> bool {
        self.rule.holds_for_text(line) && self.ruled_out_by(line).is_none()
    }
}

/// Prints the counts, the near misses, the examples that several patterns hold on, and what holds on labelled lines. Fails
/// where an entry is not usable, or a rule holds on a normal line.
pub fn run(files: &[PathBuf], data: Option<&Path>, near_misses: bool) -> anyhow::Result<()> {
    let mut problems = Vec::new();
    let entries = read(files, &mut problems)?;
    count(&entries);
    if near_misses {
        list_near_misses(&entries);
    }
    shared_examples(&entries);
    if let Some(data) = data {
        labelled(&entries, data, &mut problems)?;
    }
    for problem in &problems {
        println!("PROBLEM {problem}");
    }
    if !problems.is_empty() {
        bail!("{} problems", problems.len());
    }
    Ok(())
}

fn read(files: &[PathBuf], problems: &mut Vec<String>) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let name = file.display().to_string();
        let pack = match selfheal_core::knowledge::read_pack(&text, &name) {
            Ok(pack) => pack,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        for entry in pack.patterns {
            let title = entry.name.clone();
            match entry.into_pattern("starter", Timestamp::EPOCH) {
                Ok(pattern) => {
                    problems.extend(selfheal_core::knowledge::starter_problems(&pattern));
                    if entries.iter().any(|other| other.pattern.id == pattern.id) {
                        problems.push(format!("`{title}`: another pattern has the id `{}`", pattern.id));
                    }
                    if let Some(rule) = &pattern.rule {
                        let rule = rule.compile()?;
                        entries.push(Entry { pattern, rule });
                    }
                }
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
    }
    Ok(entries)
}

fn count(entries: &[Entry]) {
    let mut families: BTreeMap<&str, (usize, usize, usize, usize)> = BTreeMap::new();
    for Entry { pattern, .. } in entries {
        let count = families.entry(&pattern.family).or_default();
        count.0 += 1;
        count.1 += usize::from(pattern.action.is_some());
        count.2 += pattern.examples.matches.len();
        count.3 += pattern.examples.rejects.len();
    }
    println!("{:16} {:>8} {:>11} {:>8} {:>11}", "family", "patterns", "with action", "matching", "near misses");
    let mut total = (0, 0, 0, 0);
    for (family, count) in &families {
        println!("{family:16} {:>8} {:>11} {:>8} {:>11}", count.0, count.1, count.2, count.3);
        total = (total.0 + count.0, total.1 + count.1, total.2 + count.2, total.3 + count.3);
    }
    println!("{:16} {:>8} {:>11} {:>8} {:>11}", "all", total.0, total.1, total.2, total.3);
}

fn list_near_misses(entries: &[Entry]) {
    println!("\nNear misses, and how each is ruled out");
    for entry in entries {
        for line in &entry.pattern.examples.rejects {
            let how = match entry.ruled_out_by(line) {
                Some(term) if entry.rule.holds_for_text(line) => format!("must-not term `{term}`"),
                _ => "its rule does not hold".into(),
            };
            println!("{}: {how}: {line}", entry.pattern.id);
        }
    }
}

fn shared_examples(entries: &[Entry]) {
    let mut any = false;
    for entry in entries {
        for line in &entry.pattern.examples.matches {
            for other in entries.iter().filter(|other| other.pattern.id != entry.pattern.id && other.holds(line)) {
                if !any {
                    println!("\nExamples that another pattern's rule holds on too");
                    any = true;
                }
                let specificity = |rule: &CompiledRule| rule.specificity_on(line).unwrap_or(0);
                let (own, its) = (specificity(&entry.rule), specificity(&other.rule));
                let verdict = match own.cmp(&its) {
                    _ if entry.pattern.has_same_fix(&other.pattern) => "the same fix: no competition",
                    std::cmp::Ordering::Greater => "this one is more specific: it wins",
                    std::cmp::Ordering::Less => "THE OTHER ONE is more specific and wins: mend it",
                    std::cmp::Ordering::Equal => "equally specific: they COMPETE: mend it",
                };
                println!("{} ({own}) / {} ({its}): {verdict}: {line}", entry.pattern.id, other.pattern.id);
            }
        }
    }
}

fn labelled(entries: &[Entry], data: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let lines = loghub::read(data)?;
    // By pattern and system: how many lines, and the first of them.
    let mut fires: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    let (mut normal, mut rest) = (0, 0);
    for line in &lines {
        *(if line.is_normal() { &mut normal } else { &mut rest }) += 1;
        for entry in entries.iter().filter(|entry| entry.holds(&line.raw) || entry.holds(&line.content)) {
            if line.is_normal() {
                problems.push(format!(
                    "{} holds on a normal line: {} {}: {}",
                    entry.pattern.id, line.system, line.number, line.raw
                ));
            } else {
                let seen = fires
                    .entry((entry.pattern.id.to_string(), line.system.clone()))
                    .or_insert_with(|| (0, line.raw.clone()));
                seen.0 += 1;
            }
        }
    }
    println!("\n{normal} normal or informational lines, {rest} others. What holds on the others:");
    for ((pattern, system), (count, first)) in fires {
        println!("{pattern} on {system}, {count} lines, the first: {first}");
    }
    Ok(())
}
