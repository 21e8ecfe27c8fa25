//! Reading a snapshot.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::{Bodies, FOOTER, Label, MAGIC, dialect};
use crate::matching::KnowledgeBase;

/// Bytes that are read at once: they stay in a near cache.
const CHUNK: usize = 64 * 1024;

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum Damaged {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is no snapshot of a knowledge base, or not a whole one")]
    Foreign,
    #[error("it was written by another version of this program")]
    OtherDialect,
    #[error("its checksum is another one: it is damaged")]
    Checksum,
    #[error("its {0} do not fit together")]
    Inconsistent(&'static str),
}

/// Reads arrays and sums up their checksum. No array is longer than what is left of the file.
pub(in crate::matching) struct Reader<'a> {
    from: &'a mut dyn Read,
    left: u64,
    checksum: crc32fast::Hasher,
    chunk: Vec<u8>,
}

impl<'a> Reader<'a> {
    #[cfg(test)]
    pub fn new(from: &'a mut dyn Read) -> Self {
        Self::limited(from, u64::MAX)
    }

    fn limited(from: &'a mut dyn Read, left: u64) -> Self {
        Self { from, left, checksum: crc32fast::Hasher::new(), chunk: vec![0; CHUNK] }
    }

    pub fn number(&mut self) -> Result<u64, Damaged> {
        self.left = self.left.checked_sub(8).ok_or(Damaged::Foreign)?;
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    /// How many items of some bytes each come next.
    fn count(&mut self, size: u64) -> Result<usize, Damaged> {
        let count = self.number()?;
        let length = count.checked_mul(size).filter(|length| *length <= self.left).ok_or(Damaged::Foreign)?;
        self.left -= length;
        usize::try_from(count).map_err(|_| Damaged::Foreign)
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Damaged> {
        let count = self.count(1)?;
        let mut bytes = Vec::new();
        self.pieces(count, |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Damaged> {
        String::from_utf8(self.bytes()?).map_err(|_| Damaged::Inconsistent("names"))
    }

    pub fn numbers(&mut self) -> Result<Vec<u32>, Damaged> {
        let count = self.count(4)?;
        let mut numbers = Vec::with_capacity(count.min(1 << 20));
        self.pieces(count * 4, |piece| {
            let (chunks, _) = piece.as_chunks::<4>();
            numbers.extend(chunks.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        })?;
        Ok(numbers)
    }

    /// Numbers that all are below a limit.
    pub fn numbers_below(&mut self, limit: usize) -> Result<Vec<u32>, Damaged> {
        let numbers = self.numbers()?;
        if numbers.iter().max().is_some_and(|max| *max as usize >= limit) {
            return Err(Damaged::Inconsistent("numbers"));
        }
        Ok(numbers)
    }

    fn pieces(&mut self, length: usize, mut take: impl FnMut(&[u8])) -> Result<(), Damaged> {
        let mut left = length;
        while left > 0 {
            let piece = left.min(CHUNK);
            self.from.read_exact(&mut self.chunk[..piece])?;
            self.checksum.update(&self.chunk[..piece]);
            take(&self.chunk[..piece]);
            left -= piece;
        }
        Ok(())
    }
}

/// Reads a snapshot, all but the patterns themselves: these are read through `bodies`, from the same file, when they are
/// looked at. Fails where it is not whole or not of this program.
pub fn open(mut file: impl Read + Seek, bodies: Arc<dyn Bodies>) -> Result<(Label, KnowledgeBase), Damaged> {
    let size = file.seek(SeekFrom::End(0))?;
    let footer_at = size.checked_sub(FOOTER as u64).ok_or(Damaged::Foreign)?;
    file.seek(SeekFrom::Start(footer_at))?;
    let mut footer = [0; FOOTER];
    file.read_exact(&mut footer)?;
    let number = |at: usize| footer[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (begins, length, checksum) = (number(0), number(8), footer[16..20].first_chunk().copied().unwrap_or_default());
    if footer[20..] != *MAGIC || begins.checked_add(length) != Some(footer_at) {
        return Err(Damaged::Foreign);
    }
    file.seek(SeekFrom::Start(begins))?;
    let mut file = BufReader::with_capacity(CHUNK, file);
    let mut arrays = Reader::limited(&mut file, length);
    if arrays.bytes()? != dialect() {
        return Err(Damaged::OtherDialect);
    }
    let label = Label {
        database: arrays.text()?,
        version: arrays.number()? as i64,
        audit_id: arrays.number()? as i64,
        audit_hash: arrays.text()?,
    };
    let base = KnowledgeBase::load_arrays(&mut arrays, begins, bodies)?;
    if arrays.left != 0 || arrays.checksum.finalize().to_le_bytes() != checksum {
        return Err(Damaged::Checksum);
    }
    Ok((label, base))
}
