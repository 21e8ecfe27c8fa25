//! Writing a snapshot.

use std::io::{self, Write};

use super::{BEGINS, Label, MAGIC, dialect};
use crate::matching::KnowledgeBase;

/// Numbers that are turned into bytes at once.
const CHUNK: usize = 16 * 1024;

/// Counts and checks what is written.
pub(in crate::matching) struct Writer<'a> {
    out: &'a mut dyn Write,
    length: u64,
    checksum: crc32fast::Hasher,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, length: 0, checksum: crc32fast::Hasher::new() }
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.length += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    pub fn number(&mut self, number: u64) -> io::Result<()> {
        self.raw(&number.to_le_bytes())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.raw(bytes)
    }

    pub fn numbers(&mut self, numbers: &[u32]) -> io::Result<()> {
        self.number(numbers.len() as u64)?;
        let mut bytes = Vec::with_capacity(numbers.len().min(CHUNK) * 4);
        for chunk in numbers.chunks(CHUNK) {
            bytes.clear();
            bytes.extend(chunk.iter().flat_map(|number| number.to_le_bytes()));
            self.raw(&bytes)?;
        }
        Ok(())
    }
}

/// Writes a knowledge base and what it is of. `out` should be buffered.
///
/// Fails where `out` does, or where a pattern cannot be read from the snapshot that the base itself came from.
pub fn save(base: &KnowledgeBase, label: &Label, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    let mut begins = BEGINS;
    let bodies = base.save_bodies(&mut begins, out)?;
    let mut arrays = Writer::new(out);
    arrays.bytes(&dialect())?;
    arrays.bytes(label.database.as_bytes())?;
    arrays.number(label.version as u64)?;
    arrays.number(label.audit_id as u64)?;
    arrays.bytes(label.audit_hash.as_bytes())?;
    base.save_arrays(&bodies, &mut arrays)?;
    let Writer { length, checksum, .. } = arrays;
    out.write_all(&begins.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&checksum.finalize().to_le_bytes())?;
    out.write_all(MAGIC)
}
