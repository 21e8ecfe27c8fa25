//! Any bytes are a snapshot of a knowledge base, or none: within what the file has, and without a panic, also where the
//! checksum is right.
#![no_main]

use std::io::{Cursor, Error};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use selfheal_core::matching::snapshot::{Bodies, open};
use selfheal_core::matching::tokenise;

#[derive(Debug)]
struct InMemory(Vec<u8>);

impl Bodies for InMemory {
    fn read(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let part = usize::try_from(at).ok().and_then(|at| self.0.get(at..)?.get(..buffer.len()));
        buffer.copy_from_slice(part.ok_or_else(|| Error::other("past the end"))?);
        Ok(())
    }
}

fuzz_target!(|arrays: &[u8]| {
    // As a writer ends a file, so that what is inside is looked at.
    let mut file = b"SHKNOW01".to_vec();
    file.extend_from_slice(arrays);
    file.extend_from_slice(&8u64.to_le_bytes());
    file.extend_from_slice(&(arrays.len() as u64).to_le_bytes());
    file.extend_from_slice(&crc32fast::hash(arrays).to_le_bytes());
    file.extend_from_slice(b"SHKNOW01");
    if let Ok((_, base)) = open(Cursor::new(file.clone()), Arc::new(InMemory(file))) {
        base.search(tokenise("connection to db-1 refused"), 10);
    }
});
