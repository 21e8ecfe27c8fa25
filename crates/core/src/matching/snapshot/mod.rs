//! A knowledge base as a file: what a start reads instead of taking every pattern apart again.
//!
//! First the patterns themselves, each as JSON, read only when one is looked at; then everything that finds them, as arrays of
//! numbers in little endian, each behind its length; then where that begins and its checksum. A snapshot is a copy that
//! can be made anew: one that is damaged, or of another version of this program, is not used.

mod bodies;
mod read;
mod write;

use sha2::{Digest, Sha256};

use super::{tokenise, words};

pub use bodies::{Bodies, Body};
pub(super) use read::Reader;
pub use read::{Damaged, open};
pub(super) use write::Writer;
pub use write::save;

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which database.
    pub database: String,
    /// The version of its knowledge base.
    pub version: i64,
    /// The last entry of its audit trail, which says whether a database is that one or a later state of it.
    pub audit_id: i64,
    pub audit_hash: String,
}

const MAGIC: &[u8; 8] = b"SHKNOW01";
/// Where the first pattern stands.
pub(super) const BEGINS: u64 = MAGIC.len() as u64;
/// Bytes after the arrays: where they begin, how long they are, their checksum, and the magic again.
const FOOTER: usize = 8 + 8 + 4 + 8;

/// Lines in which every kind of word is split in its way.
const SAMPLES: [&str; 4] = [
    "2026-01-02T03:04:05Z ERROR c.e.OrderService$1 java.lang.OutOfMemoryError: GC overhead limit exceeded at 0x7f3a",
    "getaddrinfo ENOTFOUND db-1.prod.internal:5432 (/var/lib/app_data/x.sock) user=root uid=0 rate=99.5% ÄÖ \u{212a}",
    "ORA-12514: TNS:listener, HTTP/1.1\" 503 12ms <*> [pid 4242] {\"errorCode\":\"E_CONN-RESET\"}",
    "kernel: Out of memory: Killed process 123 (node) total-vm:1kB 550e8400-e29b-41d4-a716-446655440000 10.0.0.1",
];

/// What the arrays depend on beside the patterns: how texts are split, and this program's version.
fn dialect() -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update(super::base::dialect());
    for line in SAMPLES {
        for split in [false, true] {
            for word in words(line, split) {
                digest.update(format!("{word:?}\n"));
            }
        }
        for term in tokenise(line) {
            digest.update(term);
            digest.update([0]);
        }
    }
    digest.finalize().into()
}
