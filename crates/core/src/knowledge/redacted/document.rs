//! Takes a text out of the document that a person wrote of a pattern, comments included.

use crate::knowledge::{PackEntry, Pattern, document_of, read_document, write_entry};
use crate::redact::Redaction;

/// The document of a pattern whose own texts are redacted already. `None` where `kept` holds nothing of the text and says
/// nothing that was redacted.
///
/// Comments and order stay where they can. A document that could not be read without the text is written anew.
pub fn redacted_document(pattern: &Pattern, kept: &str, redaction: &Redaction) -> Option<String> {
    // A document may be older than the pattern, and may write a text in another form than it stands in the pattern.
    let says_it = |entry: &PackEntry| {
        serde_json::to_value(entry).is_ok_and(|mut value| redaction.json(&mut value) && value.is_object())
    };
    let said = read_document(kept, "").ok();
    if !redaction.finds(kept) && !said.as_ref().is_some_and(says_it) {
        return None;
    }
    let entry = PackEntry::from(pattern);
    let says_the_same = |document: &str| read_document(document, "").is_ok_and(|read| read == entry);
    let document = document_of(&entry, said.is_some().then_some(kept));
    let redacted = redaction.apply(&document).unwrap_or(document);
    Some(if says_the_same(&redacted) { redacted } else { write_entry(&entry, 0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::knowledge::Rule;

    fn pattern() -> Pattern {
        PackEntry {
            rule: Some(Rule::regex("vault of tenant acme-corp sealed again")),
            ..PackEntry::new("Vault sealed", "the vault of acme-corp moved")
        }
        .into_pattern("person", Timestamp::EPOCH)
        .expect("valid")
    }

    #[test]
    fn comments_are_redacted_and_the_rest_stays() {
        let mut pattern = pattern();
        let kept = "# Ada's, for acme-corp\nname: Vault sealed # as we say\nroot_cause: the vault of acme-corp moved\nrule:\n  any:\n    # keep\n    - regex: vault of tenant acme-corp sealed again\n";
        let redaction = Redaction::text("acme-corp").expect("long enough");
        assert!(pattern.redact(&redaction).changed);
        let document = redacted_document(&pattern, kept, &redaction).expect("changed");
        assert!(!document.contains("acme"), "{document}");
        for comment in ["# Ada's, for [redacted]", "# as we say", "# keep"] {
            assert!(document.contains(comment), "{document}");
        }
        assert_eq!(read_document(&document, "").expect("reads"), PackEntry::from(&pattern));
        assert_eq!(redacted_document(&pattern, &document, &redaction), None, "nothing of it is left");
    }

    #[test]
    fn what_cannot_be_read_any_more_is_written_anew() {
        let mut pattern = pattern();
        let redaction = Redaction::regex("acme-corp|: ").expect("valid");
        pattern.redact(&redaction);
        let kept = "# acme-corp\nname: Vault sealed\nroot_cause: x\n";
        let document = redacted_document(&pattern, kept, &redaction).expect("changed");
        assert!(!document.contains("acme"), "{document}");
        assert_eq!(read_document(&document, "").expect("reads"), PackEntry::from(&pattern));
        // No YAML at all.
        let document = redacted_document(&pattern, "acme-corp: [", &redaction).expect("changed");
        assert_eq!(read_document(&document, "").expect("reads"), PackEntry::from(&pattern));
        assert_eq!(
            redacted_document(&pattern, "name: Vault sealed\n", &Redaction::text("acme-corp").expect("valid")),
            None
        );
    }
}
