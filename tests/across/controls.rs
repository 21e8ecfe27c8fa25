//! docs/controls.md, the events that the code writes and the controls that the code names say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use selfheal_core::audit::controls;

/// The first word of every event that goes into the audit trail.
const KINDS: [&str; 11] = [
    "self_heal",
    "approval",
    "action",
    "incident",
    "learning",
    "knowledge",
    "automation",
    "audit",
    "backup",
    "retention",
    "notification",
];

/// Events that the code writes: every literal that looks like one, outside of tests and comments.
fn written() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut folders: Vec<PathBuf> = ["core", "store", "engine", "adapters", "api", "cli", "demo"]
        .iter()
        .map(|name| root.join("crates").join(name).join("src"))
        .collect();
    folders.push(root.join("src-tauri/src"));
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // There such words are names of settings.
                if !path.ends_with("core/src/config") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.extend(
                    lines
                        .flat_map(|line| line.split('"').skip(1).step_by(2))
                        .filter(|word| is_event(word))
                        .map(str::to_owned),
                );
            }
        }
    }
    found
}

fn is_event(word: &str) -> bool {
    word.split_once('.').is_some_and(|(kind, what)| {
        KINDS.contains(&kind) && !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        // Names of files in the home.
    }) && !matches!(word, "audit.key" | "audit.checkpoints" | "audit.jsonl")
}

/// The rows of the table of events: event and controls.
fn documented() -> BTreeMap<String, String> {
    let text = include_str!("../../docs/controls.md");
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let event = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            is_event(event).then(|| (event.to_owned(), cells.get(2).copied().unwrap_or_default().replace(", ", ",")))
        })
        .collect()
}

#[test]
fn every_event_that_is_written_is_in_the_table_and_has_controls() {
    let (written, documented) = (written(), documented());
    assert!(written.len() > 25, "the search finds what it looks for: {written:?}");
    assert_eq!(written, documented.keys().cloned().collect(), "docs/controls.md and the code name the same events");
    for (event, named) in &documented {
        assert_eq!(controls(event), named, "{event}");
        assert!(named.split(',').all(|control| ["IR-4", "IR-5", "SI-5"].contains(&control)), "{event}: {named}");
    }
}
