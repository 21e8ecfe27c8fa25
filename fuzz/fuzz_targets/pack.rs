//! Any text is a pack of patterns, or faults that say where: within the limits, and without a panic. What is read can be
//! matched against anything, and what is written of it reads back equal. Any text is a document, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::Timestamp;
use selfheal_core::knowledge::{document_of, parse_pack, read_document, read_entries, write_pack};
use selfheal_core::matching::KnowledgeBase;

fuzz_target!(|text: &str| {
    if let Ok(patterns) = parse_pack(text, "f", "fuzz", Timestamp::EPOCH) {
        let (_, problems) = KnowledgeBase::new(patterns);
        assert!(problems.is_empty(), "{problems:?}");
    }
    let reading = read_entries(text);
    let patterns: Vec<_> = reading
        .entries
        .into_iter()
        .map(|read| (read.entry.into_pattern("fuzz", Timestamp::EPOCH).expect("it was checked"), read.document))
        .collect();
    let written = write_pack(&patterns);
    let again = read_entries(&written);
    assert!(again.faults.is_empty(), "{:?}\n{written}", again.faults);
    assert_eq!(again.entries.len(), patterns.len(), "{written}");
    if let (Ok(entry), Some((other, _))) = (read_document(text, "f"), patterns.first()) {
        let other = other.into();
        assert_eq!(read_document(&document_of(&other, Some(text)), "f").as_ref(), Ok(&other));
        assert_eq!(read_document(&document_of(&entry, Some(text)), "f").as_ref(), Ok(&entry));
    }
});
