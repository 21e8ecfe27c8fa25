//! Files that are there whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use selfheal_adapters::files;

/// Replaces a file, which only its owner may read, so that a crash at any moment leaves the old one or the new one, on the disk.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    files::replace(path, 0o600, |file| {
        let mut out = BufWriter::with_capacity(1 << 18, file);
        write(&mut out)?;
        out.flush()
    })
}
