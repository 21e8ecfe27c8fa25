//! Any bytes are log lines: joined, read and reduced without a panic, and no signal is larger than a record may be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use selfheal_core::detect::{Joiner, parse_record, reduce};
use selfheal_core::{ProjectName, ServiceName, SourceName, Timestamp};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut joiner = Joiner::default();
    let mut records: Vec<_> = text.lines().filter_map(|line| joiner.push(line)).collect();
    records.extend(joiner.flush());
    let records: Vec<_> = records.iter().map(|raw| parse_record(raw, Timestamp::EPOCH)).collect();
    let signals = reduce(&records, &SourceName::new("s"), &ServiceName::new("a"), &ProjectName::new("p"));
    assert!(signals.iter().map(|signal| signal.count).sum::<u64>() as usize <= records.len());
});
