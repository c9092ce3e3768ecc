//! Sessions taken apart, and sessions that nobody should accept.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::Value;

/// A part of a JWT: 0 is the header, 1 the claims.
pub fn decode_part(jwt: &str, part: usize) -> Value {
    try_decode_part(jwt, part).expect("a part of base64url and JSON")
}

/// The same of what may be no JWT.
pub(crate) fn try_decode_part(jwt: &str, part: usize) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(part)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A JWT of this header and these claims, with whatever `sign` makes of them.
pub fn forge(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    forge_text(&header.to_string(), &claims.to_string(), sign)
}

/// The same of parts that need not be JSON.
pub fn forge_text(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}
