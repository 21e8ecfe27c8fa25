//! Writing packs: in one order, each pattern in its own document's words, so that what is exported twice is equal and a
//! difference between two exports is a difference between the patterns.

use super::reading::read_entries;
use super::{PackEntry, PackInfo, Pattern, document_of, write_entry, write_value};

/// A pack of these patterns, in the order given, each with its kept document where it has one.
///
/// Outcomes are not in it: they are this base's own.
pub fn write_pack(patterns: &[(Pattern, Option<String>)]) -> String {
    let shared = shared_info(patterns);
    let mut out = String::from("version: 1\n");
    if let Some(info) = shared
        && let Ok(value) = serde_json::to_value(info)
    {
        out.push_str(&write_value(&serde_json::json!({ "pack": value })));
    }
    if patterns.is_empty() {
        out.push_str("patterns: []\n");
        return out;
    }
    out.push_str("patterns:\n");
    for (number, (pattern, kept)) in patterns.iter().enumerate() {
        let mut entry = PackEntry::from(pattern);
        if shared.is_some() {
            entry.pack = None;
        }
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&item(&entry, kept.as_deref()));
    }
    out
}

/// What the head says where all come from one pack.
fn shared_info(patterns: &[(Pattern, Option<String>)]) -> Option<&PackInfo> {
    let first = patterns.first()?.0.provenance.pack.as_ref()?;
    patterns.iter().all(|(pattern, _)| pattern.provenance.pack.as_ref() == Some(first)).then_some(first)
}

fn item(entry: &PackEntry, kept: Option<&str>) -> String {
    if let Some(kept) = kept {
        let item = indented(&document_of(entry, Some(kept)));
        // A document may be written in a way that does not bear being moved to the right.
        let read = read_entries(&format!("patterns:\n{item}"));
        if read.faults.is_empty() && read.entries.len() == 1 && read.entries[0].entry == *entry {
            return item;
        }
    }
    indented(&write_entry(entry, 0))
}

/// A document as an item of a list: comments in front of it stay in front.
fn indented(document: &str) -> String {
    let mut out = String::new();
    let mut begun = false;
    for line in document.trim_matches('\n').lines() {
        if line.trim().is_empty() {
            out.push('\n');
            continue;
        }
        let is_comment = line.starts_with('#');
        out.push_str(if begun {
            "    "
        } else if is_comment {
            "  "
        } else {
            begun = true;
            "  - "
        });
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Condition, Rule, Source};
    use crate::{Action, ActionKind, BasisPoints, Timestamp};
    use proptest::prelude::*;

    /// What an import into an empty base makes of a pack.
    fn imported(text: &str) -> Vec<(Pattern, Option<String>)> {
        let reading = read_entries(text);
        assert!(reading.faults.is_empty(), "{:?}\n{text}", reading.faults);
        reading
            .entries
            .into_iter()
            .map(|read| {
                let mut entry = read.entry;
                entry.pack = entry.pack.or_else(|| reading.info.clone());
                (entry.into_pattern("import", Timestamp::EPOCH).expect("valid"), read.document)
            })
            .collect()
    }

    fn info(version: &str) -> PackInfo {
        PackInfo { name: "ours".into(), version: version.into(), licence: Some("CC-BY-4.0".into()), url: None }
    }

    #[test]
    fn comments_and_order_survive() {
        let text = "version: 1\npack:\n  name: ours\n  version: '2'\npatterns:\n  # why\n\n  - root_cause: 'x' # first\n    name: A\n    rule:\n      any:\n      # which\n      - literal: >-\n          a long\n          text\n    confidence: 0.5\n    # end\n\n  - name: B\n    confidence: 0.6\n";
        assert_eq!(write_pack(&imported(text)), text);
    }

    #[test]
    fn a_document_that_cannot_be_moved_is_written_anew() {
        let mut patterns = imported("patterns:\n  - name: A\n    root_cause: a b\n");
        patterns[0].1 = Some("%YAML 1.2\n---\nname: A\nroot_cause: a b\nconfidence: 0.5\n".into());
        assert_eq!(write_pack(&imported(&write_pack(&patterns))), write_pack(&patterns));
    }

    proptest! {
        #[test]
        fn an_export_reads_back_and_is_exported_the_same(
            rows in prop::collection::vec(("[ -~é\\n]{0,120}", "[ -~\\n#:]{0,60}", 0u32..=6_000, 0u8..4, prop::option::of(any::<String>())), 0..6)
        ) {
            let mut patterns = Vec::new();
            for (number, (cause, line, points, kind, comment)) in rows.into_iter().enumerate() {
                let mut entry = PackEntry::new(format!("Pattern {number}: {kind}"), cause);
                entry.confidence = BasisPoints::saturating(points);
                entry.checks = vec![line.clone()];
                entry.examples.rejects = vec![line.clone()];
                entry.family = "memory".into();
                entry.licence = (kind == 1).then(|| line.clone());
                entry.sources = vec![Source { name: line.clone(), url: None, licence: Some("MIT".into()) }];
                entry.action = (kind == 2).then(|| Action::new(ActionKind::ServiceRestart));
                // With a letter that no line has: a rule that held on the line to reject would be refused.
                entry.rule = (kind == 3).then(|| Rule { any: vec![Condition::Literal(format!("ééé{number}")), Condition::Template(format!("ééé {line}"))] });
                entry.pack = (kind > 0).then(|| info(if kind == 1 { "1" } else { "2" }));
                let kept = comment.map(|comment| {
                    let comment: String = comment.chars().filter(|c| !c.is_control()).collect();
                    format!("# {comment}\n{}# end\n", write_entry(&PackEntry { pack: None, ..entry.clone() }, 0))
                });
                patterns.push((entry.into_pattern("person", Timestamp::EPOCH).expect("valid"), kept));
            }
            let first = write_pack(&patterns);
            let back = imported(&first);
            prop_assert_eq!(back.len(), patterns.len());
            for ((had, _), (has, _)) in patterns.iter().zip(&back) {
                prop_assert_eq!(PackEntry::from(had), PackEntry::from(has));
            }
            prop_assert_eq!(write_pack(&back), first);
        }
    }
}
