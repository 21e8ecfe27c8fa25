//! SHA-256, as lowercase hexadecimal.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The digest of some bytes as 64 lowercase hexadecimal digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    to_hex(&Sha256::digest(bytes.as_ref()))
}

/// Bytes as lowercase hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Exactly `N` bytes from lowercase hexadecimal. Nothing else is taken, so that a value has one spelling.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).map(|at| at as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// The digest of a value's JSON. Field order is that of the type, so equal values have equal digests.
pub fn of_json(value: &impl serde::Serialize) -> String {
    // A value of the core's own types always serialises: its maps have string keys.
    hex(serde_json::to_vec(value).unwrap_or_default())
}
