//! SHA-256 as text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The hash of a text as 64 lowercase hexadecimal characters.
pub(crate) fn hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
