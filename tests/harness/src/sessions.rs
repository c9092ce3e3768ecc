//! Requests sessions, decodes them, and forges sessions that must be refused.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::Value;

use crate::http::{self, Response};

/// Requests a session with these form fields at a URL that takes them as `local` does.
pub(crate) fn request(url: &str, form: &[(&str, &str)]) -> String {
    let response = http::agent().post(url).send_form(form.iter().copied()).expect("a response of the issuer");
    let response = Response::read(response).expect("the issuer's complete response");
    assert_eq!(response.status, 200, "{response:?}");

    response.json()["access_token"].as_str().expect("a session").to_owned()
}

/// Decodes a part of a JWT: 0 is the header, 1 the claims.
pub fn decode_part(jwt: &str, part: usize) -> Value {
    try_decode_part(jwt, part).expect("a part of a JWT in base64url and JSON")
}

/// Decodes a part of a text that may not be a JWT.
pub(crate) fn try_decode_part(jwt: &str, part: usize) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(part)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A JWT with this header and these claims, and the signature that `sign` returns.
pub fn forge(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    forge_text(&header.to_string(), &claims.to_string(), sign)
}

/// Like [`forge`], with parts that need not be JSON.
pub fn forge_text(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}
