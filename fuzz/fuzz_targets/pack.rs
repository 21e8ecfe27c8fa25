//! Any text is a pack of patterns or an error; what is read can be matched against anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::Timestamp;
use selfheal_core::knowledge::parse_pack;
use selfheal_core::matching::KnowledgeBase;

fuzz_target!(|text: &str| {
    if let Ok(patterns) = parse_pack(text, "f", "fuzz", Timestamp::EPOCH) {
        let (_, problems) = KnowledgeBase::new(patterns);
        assert!(problems.is_empty(), "{problems:?}");
    }
});
