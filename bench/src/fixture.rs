//! What is measured on: a running system with people and tokens, and the events that API
//! Gateway would ask with.

use anyhow::{Context, Result, ensure};
use patgate_harness::{Settings, System, call_dynamodb, set_token, set_user, sha256};
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../tests/components/events/http-api-2.0.json");

/// A system, and one token in each state.
pub(crate) struct Fixture {
    pub(crate) system: System,
    pub(crate) hash: String,
    /// Events, by what is wrong with their credential.
    pub(crate) valid: String,
    pub(crate) session: String,
    /// Of right form but for its checksum.
    pub(crate) malformed: String,
    pub(crate) refused: Vec<(&'static str, String)>,
    /// What a backend is told about the holder of the valid token.
    pub(crate) context: Value,
}

impl Fixture {
    pub(crate) fn make() -> Result<Self> {
        let system = System::start_local(Settings::default()).context("BASE_URL is set")?;
        let alice = system.sign_in("alice");
        let bob = system.sign_in("bob");
        let valid = alice.create_token("bench");
        let (revoked, expired) = (alice.create_token("revoked"), alice.create_token("expired"));
        let of_disabled = bob.create_token("of somebody disabled");
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
            malformed: event(&wrong_checksum(&valid.secret)),
            refused: vec![
                ("revoked", event(&revoked.secret)),
                ("expired", event(&expired.secret)),
                ("of somebody disabled", event(&of_disabled.secret)),
                ("unknown", event("fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw")),
                ("with a wrong checksum", event(&wrong_checksum(&valid.secret))),
            ],
            context,
            system,
        })
    }

    /// Lets the token seem used just now, so that nobody writes a use while it is measured.
    pub(crate) fn just_used(&self) {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        set_token(&self.system.local().dynamodb, &self.hash, "last_used_at", &json!({ "S": now }));
    }

    /// Lets the token seem never used.
    pub(crate) fn never_used(&self) {
        let request = json!({
            "TableName": "Tokens",
            "Key": { "token_hash": { "S": self.hash } },
            "UpdateExpression": "REMOVE last_used_at, last_used_ip, seen_from",
        });
        call_dynamodb(&self.system.local().dynamodb, "UpdateItem", &request);
    }
}

/// Another last character: of right form, and with a wrong checksum.
fn wrong_checksum(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

/// An event that brings this credential.
fn event(credential: &str) -> String {
    EVENT.replace("\"CREDENTIAL\"", &json!(format!("Bearer {credential}")).to_string())
}
