//! A pattern's own document: the YAML that a person wrote, with its comments and its order.
//!
//! The pattern is the truth. Whatever changed it (outcomes, flags, an import), its document is brought up to date when it is
//! read, and only there where it says something else: comments, order and wording of the rest stay.

use std::panic::catch_unwind;

use serde_json::{Map, Value};
use yaml_edit::{Document, Mapping, YamlFile, YamlNode};

use super::limits::{DEPTH, NODES};
use super::yaml::{fields, object};
use super::{PackEntry, read_document, write_entry};

/// The document of an entry: `kept` brought up to date, or a new one. Reading it gives exactly the entry.
pub fn document_of(entry: &PackEntry, kept: Option<&str>) -> String {
    kept.and_then(|kept| updated(kept, entry)).unwrap_or_else(|| write_entry(entry, 0))
}

/// `None` where the document cannot be brought to say what the entry says.
fn updated(kept: &str, entry: &PackEntry) -> Option<String> {
    let said = read_document(kept, "").ok()?;
    if said == *entry {
        return Some(kept.to_owned());
    }
    let says_it = |text: &String| read_document(text, "").is_ok_and(|read| read == *entry);
    // The editor is another's code on a person's text: a defect in it costs a comment at most, never the document.
    let edited = catch_unwind(|| edit(kept, &said, entry)).ok().flatten().filter(says_it);
    edited.or_else(|| Some(replace_fields(kept, &said, entry)).filter(says_it)).or_else(|| {
        // What cannot be edited keeps at least its comments, in front.
        let comments: String = kept
            .lines()
            .filter(|line| line.trim_start().starts_with('#'))
            .map(|line| format!("{}\n", line.trim()))
            .collect();
        Some(comments + &write_entry(entry, 0)).filter(says_it)
    })
}

/// Whether a document says something of a field, and does not leave it to the default.
pub fn document_says(text: &str, field: &str) -> bool {
    let read: Result<Map<String, Value>, _> = crate::config::read_yaml_within(text, "", NODES, DEPTH);
    read.is_ok_and(|fields| fields.contains_key(field))
}

/// The fields in which two entries differ, in their order.
pub fn changed_fields(before: &PackEntry, after: &PackEntry) -> Vec<String> {
    let (before, after) = (object(before), object(after));
    let mut keys: Vec<&String> = before.keys().collect();
    keys.extend(after.keys().filter(|key| !before.contains_key(key.as_str())));
    keys.into_iter().filter(|key| before.get(key.as_str()) != after.get(key.as_str())).cloned().collect()
}

/// The fields to be written, with the marks that the document says although they go without saying.
fn written_fields(kept: &str, entry: &PackEntry) -> Map<String, Value> {
    let mut written = fields(entry);
    for (key, value) in object(entry).into_iter().filter(|(_, value)| value.is_boolean()) {
        if kept.lines().any(|line| key_of(line) == Some(key.as_str())) {
            written.insert(key, value);
        }
    }
    written
}

/// Edits as little as can be, comments within lists and mappings included.
fn edit(kept: &str, said: &PackEntry, entry: &PackEntry) -> Option<String> {
    let file: YamlFile = kept.parse().ok()?;
    let document: Document = file.document()?;
    let mapping = document.as_mapping()?;
    let (have, want, written) = (object(said), object(entry), written_fields(kept, entry));
    let fresh: YamlFile = super::yaml::write_value(&Value::Object(written.clone())).parse().ok()?;
    let fresh = fresh.document()?;
    let fresh = fresh.as_mapping()?;
    for key in changed_fields(said, entry) {
        let key = key.as_str();
        let (have, want) = (have.get(key).unwrap_or(&Value::Null), want.get(key).unwrap_or(&Value::Null));
        match (mapping.get(key), fresh.get(key)) {
            (Some(old), Some(new)) if written.contains_key(key) => {
                if !edit_node(&old, &new, have, want) {
                    mapping.set(key, new);
                }
            }
            (None, Some(new)) => mapping.set(key, new),
            (Some(_), _) => {
                mapping.remove(key)?;
            }
            (None, None) => return None,
        }
    }
    let mut text = file.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

/// Edits a list or mapping in its place. False where it has to be replaced.
fn edit_node(old: &YamlNode, new: &YamlNode, have: &Value, want: &Value) -> bool {
    match (old, new, have, want) {
        (YamlNode::Mapping(old), YamlNode::Mapping(new), Value::Object(have), Value::Object(want)) => {
            edit_mapping(old, new, have, want)
        }
        (YamlNode::Sequence(old), YamlNode::Sequence(new), Value::Array(have), Value::Array(want)) => {
            let (old_length, new_length) = (old.len(), new.len());
            if old_length != have.len() || new_length != want.len() || want.is_empty() || have.is_empty() {
                return false;
            }
            // Items that stay, stay as they are: what is not wanted any more goes, and what is new comes to its place.
            let mut now: Vec<&Value> = have.iter().collect();
            for at in (0..now.len()).rev() {
                if !want.contains(now[at]) && now.len() > 1 {
                    old.remove(at);
                    now.remove(at);
                }
            }
            for (at, wanted) in want.iter().enumerate() {
                if now.get(at) == Some(&wanted) {
                    continue;
                }
                let Some(node) = new.get(at) else { return false };
                if at < now.len() && !want[at..].contains(now[at]) {
                    old.set(at, node);
                    now[at] = wanted;
                } else if at < now.len() {
                    old.insert(at, node);
                    now.insert(at, wanted);
                } else {
                    old.push(node);
                    now.push(wanted);
                }
            }
            while now.len() > want.len() {
                old.remove(now.len() - 1);
                now.pop();
            }
            true
        }
        _ => false,
    }
}

fn edit_mapping(old: &Mapping, new: &Mapping, have: &Map<String, Value>, want: &Map<String, Value>) -> bool {
    for (key, wanted) in want {
        let had = have.get(key);
        if had == Some(wanted) {
            continue;
        }
        match (old.get(key.as_str()), new.get(key.as_str())) {
            (Some(old_node), Some(new_node)) => {
                if !edit_node(&old_node, &new_node, had.unwrap_or(&Value::Null), wanted) {
                    old.set(key.as_str(), new_node);
                }
            }
            (None, Some(new_node)) => old.set(key.as_str(), new_node),
            (Some(_), None) => {
                old.remove(key.as_str());
            }
            (None, None) => {}
        }
    }
    for key in have.keys().filter(|key| !want.contains_key(key.as_str())) {
        old.remove(key.as_str());
    }
    true
}

/// Replaces whole fields, by their lines. Comments between fields stay.
fn replace_fields(kept: &str, said: &PackEntry, entry: &PackEntry) -> String {
    let changed = changed_fields(said, entry);
    let written = written_fields(kept, entry);
    let write = |key: &str| {
        let mut one = Map::new();
        one.insert(key.to_owned(), written.get(key).cloned().unwrap_or_default());
        super::yaml::write_value(&Value::Object(one))
    };
    let mut out = String::new();
    let mut done = Vec::new();
    let (mut skipping, mut quiet) = (false, String::new());
    for line in kept.split_inclusive('\n') {
        let is_quiet = line.trim().is_empty() || line.starts_with('#');
        if let Some(key) = key_of(line) {
            // Comments in the first column before a field are that field's.
            out.push_str(&std::mem::take(&mut quiet));
            skipping = changed.iter().any(|field| field == key);
            if skipping {
                if written.contains_key(key) {
                    out.push_str(&write(key));
                }
                done.push(key.to_owned());
                continue;
            }
        }
        if skipping && is_quiet {
            quiet.push_str(line);
        } else if !skipping {
            out.push_str(line);
        }
    }
    out.push_str(&quiet);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    for key in changed.iter().filter(|key| !done.contains(key) && written.contains_key(key.as_str())) {
        out.push_str(&write(key));
    }
    out
}

fn key_of(line: &str) -> Option<&str> {
    let key = line.split(':').next().filter(|key| key.len() < line.trim_end().len())?;
    (key.starts_with(|c: char| c.is_ascii_lowercase()) && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BasisPoints;
    use crate::knowledge::{Condition, Rule};
    use proptest::prelude::*;

    const KEPT: &str = "# Ada's, from the outage in May\nname: Pool exhausted   # as the runbook calls it\n# said by the vendor\nroot_cause: >-\n  Too few\n  connections.\nrule:\n  any:\n    # the driver's text\n    - regex: 'pool \\d+ exhausted' # keep\n    - literal: no connection\nmust_not:\n  - quota # another one\n  # not ours\n  - billing\nconfidence: 0.5 # start\n";

    fn entry() -> PackEntry {
        read_document(KEPT, "f").expect("reads")
    }

    #[test]
    fn what_says_the_same_stays_to_the_byte() {
        assert_eq!(document_of(&entry(), Some(KEPT)), KEPT);
    }

    #[test]
    fn a_change_keeps_every_comment_and_the_order() {
        let mut entry = entry();
        entry.confidence = BasisPoints::saturating(5_500);
        entry.auto_healable = true;
        entry.root_cause = "Connections leak: nobody gives them back # ever".into();
        entry.must_not.push("trial: over".into());
        if let Some(rule) = &mut entry.rule {
            rule.any[1] = Condition::Literal("out of connections".into());
        }
        let text = document_of(&entry, Some(KEPT));
        for comment in [
            "# Ada's, from the outage in May",
            "# as the runbook calls it",
            "# said by the vendor",
            "# the driver's text",
            "# keep",
            "# another one",
            "# not ours",
            "# start",
        ] {
            assert!(text.contains(comment), "{comment} is lost:\n{text}");
        }
        assert!(text.contains("confidence: 0.55 # start"), "{text}");
        assert_eq!(read_document(&text, "f").expect("reads"), entry);
        let order: Vec<usize> = ["name:", "root_cause:", "rule:", "must_not:", "confidence:"]
            .iter()
            .filter_map(|key| text.find(key))
            .collect();
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn a_mark_that_is_said_stays_said() {
        let kept = format!("{KEPT}auto_healable: true # since May\n");
        assert_eq!(document_of(&entry(), Some(&kept)), format!("{KEPT}auto_healable: false # since May\n"));
    }

    #[test]
    fn a_document_that_cannot_be_read_is_not_built_upon() {
        let entry = entry();
        assert_eq!(document_of(&entry, Some("name: [")), write_entry(&entry, 0));
    }

    #[test]
    fn fields_are_replaced_by_lines_where_nothing_finer_goes() {
        let mut entry = entry();
        entry.must_not.clear();
        entry.root_cause = "Other".into();
        entry.family = "connections".into();
        let text = replace_fields(KEPT, &self::entry(), &entry);
        assert_eq!(read_document(&text, "f").expect("reads"), entry);
        assert!(
            text.contains("# said by the vendor\nroot_cause: Other\nrule:") && text.ends_with("family: connections\n"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn a_document_always_says_what_the_pattern_says(
            texts in prop::collection::vec("[ -~é\\n]{0,40}", 8), removed in 0usize..3, points in 0u32..=10_000, flag: bool,
        ) {
            let mut changed = entry();
            changed.root_cause.clone_from(&texts[0]);
            changed.description.clone_from(&texts[1]);
            changed.must_not.truncate(removed);
            changed.must_not.extend(texts[2..4].iter().cloned());
            changed.checks = texts[4..6].to_vec();
            changed.examples.matches = texts[6..].to_vec();
            changed.confidence = BasisPoints::saturating(points);
            changed.require_approval = flag;
            changed.rule = flag.then(|| Rule { any: vec![Condition::Literal(texts[7].clone()), Condition::Regex("x".into())] });
            let text = document_of(&changed, Some(KEPT));
            prop_assert_eq!(&read_document(&text, "f").expect("reads"), &changed, "{}", text);
            let back = document_of(&entry(), Some(&text));
            prop_assert_eq!(read_document(&back, "f").expect("reads"), entry());
            prop_assert!(back.contains("# Ada's, from the outage in May"), "{}", back);
        }
    }
}
