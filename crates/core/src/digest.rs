//! SHA-256, as lowercase hexadecimal.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The digest of some bytes as 64 lowercase hexadecimal digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes.as_ref()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of a value's JSON. Field order is that of the type, so equal values have equal digests.
pub fn of_json(value: &impl serde::Serialize) -> String {
    // A value of the core's own types always serialises: its maps have string keys.
    hex(serde_json::to_vec(value).unwrap_or_default())
}
