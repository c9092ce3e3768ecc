//! What the benchmark measures on: a running system with users and tokens, and the events
//! that API Gateway sends for them.

use anyhow::{Context, Result, ensure};
use patgate_harness::{Settings, System, call_dynamodb, set_token, set_user, sha256};
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../tests/components/events/http-api-2.0.json");

/// A system, one token in each state, and an event for each token.
pub(crate) struct Fixture {
    pub(crate) system: System,
    /// The hash of the valid token.
    pub(crate) hash: String,
    /// The event with the valid token.
    pub(crate) valid: String,
    pub(crate) session: String,
    /// The event with a token whose checksum is wrong.
    pub(crate) malformed: String,
    /// Events that must be refused, by the state of their token.
    pub(crate) refused: Vec<(&'static str, String)>,
    /// The context that a backend receives for the valid token.
    pub(crate) context: Value,
}

impl Fixture {
    pub(crate) fn create() -> Result<Self> {
        let system = System::start_local(Settings::default()).context("BASE_URL is set")?;
        let alice = system.sign_in("alice");
        let bob = system.sign_in("bob");

        let valid = alice.create_token("bench");
        let (revoked, expired) = (alice.create_token("revoked"), alice.create_token("expired"));
        let of_disabled_user = bob.create_token("of a disabled user");

        ensure!(alice.revoke_token(&revoked.id) == 204, "cannot revoke");
        let dynamodb = &system.local().dynamodb;
        set_token(
            dynamodb,
            &sha256(&expired.secret),
            "expires_at",
            &json!({ "S": "2026-01-01T00:00:00.000Z" }),
        );
        set_user(dynamodb, &bob.id(), "disabled", &json!({ "BOOL": true }));

        let context = json!({
            "userId": alice.id(), "userName": "Alice Archer", "roles": "publisher",
            "authMethod": "pat", "tokenId": valid.id, "tokenName": "bench",
        });
        Ok(Self {
            hash: sha256(&valid.secret),
            valid: event(&valid.secret),
            session: event(&alice.session),
            malformed: event(&with_wrong_checksum(&valid.secret)),
            refused: vec![
                ("revoked", event(&revoked.secret)),
                ("expired", event(&expired.secret)),
                ("disabled user's", event(&of_disabled_user.secret)),
                ("unknown", event("fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw")),
                ("malformed", event(&with_wrong_checksum(&valid.secret))),
            ],
            context,
            system,
        })
    }

    /// Makes the token look as if it was just used, so that no use is recorded during the
    /// measurement.
    pub(crate) fn set_just_used(&self) {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        set_token(&self.system.local().dynamodb, &self.hash, "last_used_at", &json!({ "S": now }));
    }

    /// Makes the token look as if it was never used.
    pub(crate) fn set_never_used(&self) {
        let request = json!({
            "TableName": "Tokens",
            "Key": { "token_hash": { "S": self.hash } },
            "UpdateExpression": "REMOVE last_used_at, last_used_ip, seen_from",
        });
        call_dynamodb(&self.system.local().dynamodb, "UpdateItem", &request);
    }
}

/// The token with another last character: well-formed, but with a wrong checksum.
fn with_wrong_checksum(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

/// An event with this bearer credential.
fn event(credential: &str) -> String {
    EVENT.replace("\"CREDENTIAL\"", &json!(format!("Bearer {credential}")).to_string())
}
