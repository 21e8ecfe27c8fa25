//! The patterns themselves, left in the file until they are looked at.

use std::fmt::Debug;
use std::io;

use crate::knowledge::Pattern;

/// The file that patterns are read from.
pub trait Bodies: Debug + Send + Sync {
    /// Fills a buffer from some place on.
    fn read(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// Where a pattern stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    pub at: u64,
    pub length: u32,
    pub checksum: u32,
}

impl Body {
    /// Where a pattern will stand that is written at some place.
    pub(in crate::matching) fn of(at: u64, bytes: &[u8]) -> io::Result<Self> {
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a pattern of 4 GiB"))?;
        Ok(Self { at, length, checksum: crc32fast::hash(bytes) })
    }

    pub(in crate::matching) fn bytes(&self, bodies: &dyn Bodies) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.length as usize];
        bodies.read(self.at, &mut bytes)?;
        if crc32fast::hash(&bytes) != self.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a pattern's checksum is another one"));
        }
        Ok(bytes)
    }

    pub(in crate::matching) fn pattern(&self, bodies: &dyn Bodies) -> io::Result<Pattern> {
        serde_json::from_slice(&self.bytes(bodies)?).map_err(io::Error::from)
    }
}
