//! Starts systems under test, signs users in and sends their requests.
//!
//! Each test starts its own system on free ports, so tests share no state. With `BASE_URL`
//! set, the tests that only need the API run against that system instead, with users of their
//! own.
//!
//! The harness uses none of Patgate's own crates: what it observes does not depend on the
//! code under test.

mod artifacts;
mod documents;
mod dynamodb;
mod function;
mod http;
mod local;
mod operations_log;
mod proxy;
mod raw_http;
mod repository;
mod runtime_api;
mod sessions;
mod signed_in_user;
mod system;
mod test_users;
mod tls;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use sha2::{Digest, Sha256};

pub use documents::{Document, run_script};
pub use dynamodb::{
    call_dynamodb, create_table_like, delete_item, other_dynamodb_url, replace_items, scan, set_token,
    set_user,
};
pub use function::Function;
pub use http::{Request, Response};
pub use local::{Local, Settings};
pub use proxy::{DynamoDbFault, DynamoDbProxy, RecordedRequest};
pub use raw_http::send as send_raw;
pub use repository::repository_root;
pub use runtime_api::{Invocation, RuntimeApi};
pub use sessions::{decode_part, forge, forge_text};
pub use signed_in_user::{CreatedToken, SignedInUser};
pub use system::System;
pub use tls::TlsFront;

/// The path of a user, computed without Patgate's code.
pub fn user_path(id: &str) -> String {
    format!("/api/users/u_{}", BASE64_URL_SAFE_NO_PAD.encode(id))
}

/// The hash under which a token is stored, computed without Patgate's code.
pub fn sha256(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
