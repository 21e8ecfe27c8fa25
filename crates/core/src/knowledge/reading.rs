//! Reading a pack entry by entry: each is an entry with its own text, or a fault that says where and what next.

use std::collections::HashMap;

use serde::Deserialize;

use super::limits::{DEPTH, DOCUMENT_BYTES, EntryProblem, NODES, PACK_BYTES, PACK_ENTRIES};
use super::split::{RawEntry, split};
use super::{Pack, PackEntry, PackInfo};
use crate::config::{ConfigError, read_yaml_within};

/// A pack that was read as far as it can be.
#[derive(Clone, Debug, Default)]
pub struct PackReading {
    pub info: Option<PackInfo>,
    pub entries: Vec<ReadEntry>,
    pub faults: Vec<PackFault>,
}

/// An entry that can be used, with what stood in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadEntry {
    pub entry: PackEntry,
    /// Where it begins, from 1; 0 where that is not known.
    pub line: u64,
    /// Its own YAML, where it is not what would be written for it anyway.
    pub document: Option<String>,
}

/// What is wrong with a pack or one of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFault {
    /// From 1; 0 where the place is not known.
    pub line: u64,
    pub column: u64,
    /// The entry's name, where it could be read.
    pub name: Option<String>,
    pub why: String,
    pub next: String,
    /// The rule and the examples of the entry contradict each other.
    pub is_example: bool,
}

/// Everything of a pack but its entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(default = "super::pack::current_version")]
    version: u32,
    #[serde(default)]
    pack: Option<PackInfo>,
    #[serde(default, rename = "patterns")]
    _patterns: Vec<PackEntry>,
}

const CANNOT_BE_READ: &str = "Mend the YAML there.";

/// Reads a whole pack. All faults are found, not only the first; what is fine is read all the same.
pub fn read_entries(text: &str) -> PackReading {
    let mut reading = PackReading::default();
    if text.len() as u64 > PACK_BYTES {
        let why = format!("the pack has {} bytes: expected at most {PACK_BYTES}", text.len());
        reading.faults.push(PackFault::new(0, 0, None, why, "Split it into several files."));
        return reading;
    }
    match split(text) {
        Some(raw) => {
            reading.read_head(&raw.head);
            if raw.entries.len() > PACK_ENTRIES {
                let why = format!("the pack has {} patterns: expected at most {PACK_ENTRIES}", raw.entries.len());
                reading.faults.push(PackFault::new(0, 0, None, why, "Split it into several files."));
                return reading;
            }
            for raw in &raw.entries {
                match read_entry(raw) {
                    Ok(read) => reading.entries.push(read),
                    Err(fault) => reading.faults.push(*fault),
                }
            }
        }
        None => reading.read_whole(text),
    }
    reading.refuse_unusable();
    reading
}

/// Reads one pattern as a document of its own.
pub fn read_document(text: &str, file: &str) -> Result<PackEntry, ConfigError> {
    if text.len() > DOCUMENT_BYTES {
        let message = format!("the document has {} bytes: expected at most {DOCUMENT_BYTES}", text.len());
        return Err(ConfigError::of_file(file, message));
    }
    read_yaml_within(text, file, NODES, DEPTH).map(PackEntry::with_its_own_id)
}

fn read_entry(raw: &RawEntry) -> Result<ReadEntry, Box<PackFault>> {
    let name = || raw.text.lines().find_map(|line| line.trim().strip_prefix("name:")).map(shown);
    if raw.text.len() > DOCUMENT_BYTES {
        let why = format!("it has {} bytes: expected at most {DOCUMENT_BYTES}", raw.text.len());
        return Err(Box::new(PackFault::new(raw.line, 0, name(), why, "Shorten it, or make several patterns of it.")));
    }
    let entry: PackEntry = read_yaml_within(&raw.text, "", NODES, DEPTH).map_err(|error| {
        let line = raw.line + error.line.saturating_sub(1);
        Box::new(PackFault::new(line, error.column, name(), error.message, CANNOT_BE_READ))
    })?;
    let entry = entry.with_its_own_id();
    let document = Some(raw.document()).filter(|text| *text != super::write_entry(&entry, 0));
    Ok(ReadEntry { entry, line: raw.line, document })
}

/// A name from a line that could not be read as YAML, for finding it again.
fn shown(rest: &str) -> String {
    rest.trim().trim_matches(['"', '\'']).chars().take(100).collect()
}

impl PackFault {
    fn new(line: u64, column: u64, name: Option<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { line, column, name, why: why.into(), next: next.into(), is_example: false }
    }

    fn of_entry(read: &ReadEntry, problem: EntryProblem) -> Self {
        Self {
            is_example: problem.is_example,
            ..Self::new(read.line, 0, Some(read.entry.name.clone()), problem.why, problem.next)
        }
    }
}

impl PackReading {
    fn read_head(&mut self, head: &str) {
        match read_yaml_within::<Head>(head, "", NODES, DEPTH) {
            Ok(Head { version: 1, pack, .. }) => self.info = pack,
            Ok(Head { version, .. }) => self.refuse_version(version),
            Err(error) => {
                self.faults.push(PackFault::new(error.line, error.column, None, error.message, CANNOT_BE_READ));
            }
        }
    }

    fn read_whole(&mut self, text: &str) {
        match read_yaml_within::<Pack>(text, "", NODES * 10, DEPTH + 2) {
            Ok(Pack { version: 1, pack, patterns }) => {
                self.info = pack;
                self.entries = patterns
                    .into_iter()
                    .map(PackEntry::with_its_own_id)
                    .map(|entry| ReadEntry { entry, line: 0, document: None })
                    .collect();
            }
            Ok(pack) => self.refuse_version(pack.version),
            Err(error) => {
                self.faults.push(PackFault::new(error.line, error.column, None, error.message, CANNOT_BE_READ));
            }
        }
    }

    fn refuse_version(&mut self, version: u32) {
        let why = format!("the pack's `version` is {version}: expected 1");
        self.faults.push(PackFault::new(0, 0, None, why, "It may need a newer Selfheal."));
    }

    /// Moves what cannot be a pattern from the entries to the faults.
    fn refuse_unusable(&mut self) {
        let mut seen: HashMap<crate::PatternId, u64> = HashMap::new();
        for read in std::mem::take(&mut self.entries) {
            let problems = read.entry.problems();
            if let Some(first) = seen.get(&read.entry.pattern_id()) {
                let place = if *first == 0 { "before it".to_owned() } else { format!("in line {first}") };
                self.faults.push(PackFault::new(
                    read.line,
                    0,
                    Some(read.entry.name.clone()),
                    format!("its id `{}` stands in this file already, {place}", read.entry.pattern_id()),
                    "Give one of them another name or id.",
                ));
            } else if problems.is_empty() {
                seen.insert(read.entry.pattern_id(), read.line);
                self.entries.push(read);
            } else {
                self.faults.extend(problems.into_iter().map(|problem| PackFault::of_entry(&read, problem)));
            }
        }
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
    }

    /// Whether the examples of some entry fail.
    pub fn has_failing_examples(&self) -> bool {
        self.faults.iter().any(|fault| fault.is_example)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_found_and_what_is_fine_is_read() {
        let text = "pack: { name: p, version: '2' }\npatterns:\n  - name: good # kept\n  - name: bad\n    confidance: 1\n  - name: worse\n    rule:\n      any:\n        - regex: '(open'\n  - name: good\n  - name: examples\n    rule: { any: [{ literal: boom }] }\n    examples:\n      matches: [bang]\n      rejects: ['a boom', boom]\n";
        let reading = read_entries(text);
        assert_eq!(reading.info.as_ref().map(|info| info.version.as_str()), Some("2"));
        let names: Vec<_> = reading.entries.iter().map(|read| (read.line, read.entry.name.as_str())).collect();
        assert_eq!(names, [(3, "good")]);
        assert_eq!(reading.entries[0].document.as_deref(), Some("name: good # kept\n"));
        let seen: Vec<_> =
            reading.faults.iter().map(|fault| (fault.line, fault.name.as_deref(), fault.is_example)).collect();
        assert_eq!(
            seen,
            [
                (5, Some("bad"), false),
                (6, Some("worse"), false),
                (10, Some("good"), false),
                (11, Some("examples"), true),
                (11, Some("examples"), true),
                (11, Some("examples"), true)
            ],
            "{:?}",
            reading.faults
        );
        assert_eq!(reading.faults[0].column, 5);
        assert!(reading.faults[2].why.contains("line 3"), "{:?}", reading.faults[2]);
    }

    #[test]
    fn a_pack_in_another_style_is_read_as_a_whole() {
        for text in
            ["{\"patterns\": [{\"name\": \"a\"}]}", "patterns: [{name: a}]", "version: 1\npatterns:\n    [{name: a}]\n"]
        {
            let reading = read_entries(text);
            assert_eq!((reading.entries.len(), reading.faults.len()), (1, 0), "{text}: {:?}", reading.faults);
        }
        for text in [
            "patterns: 7",
            "version: 2\npatterns:\n  - name: a\n",
            "- a",
            "patterns:\n  - name: a\npatterns:\n  - name: b\n",
        ] {
            assert!(!read_entries(text).faults.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_with_the_limit() {
        let long = "x".repeat(10_001);
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        let bomb = "patterns:\n  - name: &a lol\n    description: *a\n";
        for (text, words) in [
            (format!("patterns:\n  - name: a\n    root_cause: {long}\n"), "longer than 10000"),
            (format!("patterns:\n  - name: {}\n", &long[..201]), "expected at most 200"),
            (format!("patterns:\n  - name: a\n    checks: [{}]\n", "x,".repeat(1_001)), "more than 1000"),
            (format!("patterns:\n  - name: a\n    checks: {deep}\n"), "expected"),
            (bomb.to_owned(), "alias"),
            (format!("patterns:\n  - name: a\n    root_cause: '{}'\n", "y".repeat(300_000)), "bytes"),
        ] {
            let reading = read_entries(&text);
            assert_eq!(reading.faults.len(), 1, "{words}: {:?}", reading.faults);
            assert!(reading.faults[0].why.contains(words), "{words}: {:?}", reading.faults[0]);
        }
    }
}
