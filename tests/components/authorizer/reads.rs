//! How many DynamoDB requests a credential costs.

use chrono::TimeDelta;
use patgate_authorizer::Authorizer;
use patgate_harness::{RecordedRequest, delete_item, set_token, set_user};
use patgate_rules::clock;
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::Revocation;
use serde_json::{Value, json};

use super::{denied_status, gateway_status, send, send_token};
use crate::gateway_events::{self, HTTP_2, with_authorization};
use crate::setup::{
    UNREACHABLE_URL, authorizer_config, generate_token, start_observed, store_at, user_with_token,
};

#[tokio::test]
async fn first_use_costs_two_requests_and_each_further_use_costs_one() {
    let (_system, proxy, store) = start_observed();
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store);
    proxy.take();

    let operations = async || {
        assert!(send_token(&authorizer, HTTP_2, &secret).await.response.is_ok());
        proxy.take().into_iter().map(|request| request.operation).collect::<Vec<_>>()
    };
    assert_eq!(operations().await, ["GetItem", "GetItem"]);
    for _ in 0..3 {
        assert_eq!(operations().await, ["BatchGetItem"]);
    }
}

#[tokio::test]
async fn malformed_credential_is_denied_in_every_event_type_without_a_read() {
    // A read would be a fault, because the store is unreachable.
    let authorizer = Authorizer::new(authorizer_config(&[]), store_at(UNREACHABLE_URL));
    let token = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";

    for recorded in gateway_events::ALL {
        for authorization in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer\t{token}"),
            format!("Bearer {token} "),
            format!("Bearer {token}\n"),
            format!("Bearer {token}\r\nX-Admin: 1"),
            format!(" Bearer {token}"),
            format!("Basic {token}"),
            format!("Bearer {token},Bearer {token}"),
            format!("Bearer {}", token.replace('0', "O")),
            format!("Bearer {}", "x".repeat(100_000)),
            format!("Bearer fdp_{}", "é".repeat(19)),
            "Bearer ..".to_owned(),
            "Bearer \u{0}".to_owned(),
        ] {
            let outcome = send(&authorizer, &with_authorization(recorded, &authorization)).await;
            assert!(outcome.use_to_record.is_none());
            assert_eq!(gateway_status(outcome), denied_status(recorded), "{authorization:?}");
        }

        let well_formed = with_authorization(recorded, &format!("bEARER   {token}"));
        assert_eq!(
            gateway_status(send(&authorizer, &well_formed).await),
            500,
            "a well-formed token causes a read"
        );
    }
}

/// The guesses have the right prefix, length and alphabet: their 38 characters are
/// hexadecimal digits. One guess in 62^6 has the right checksum; none of these has it.
#[tokio::test]
async fn thousands_of_guesses_with_a_wrong_checksum_cost_no_read() {
    // A read would be a fault, because the store is unreachable.
    let authorizer = Authorizer::new(authorizer_config(&[]), store_at(UNREACHABLE_URL));

    for guess in 0..5_000 {
        let digits = patgate_harness::sha256(&format!("guess {guess}"));
        let authorization = format!("Bearer fdp_{}", &digits[..38]);
        let outcome = send(&authorizer, &with_authorization(HTTP_2, &authorization)).await;
        assert_eq!(gateway_status(outcome), 401, "{guess}");
    }
}

/// An attacker who measures response times learns nothing new.
///
/// On an instance that has not allowed them before, all existing tokens cost the same two
/// reads, whatever the reason for the denial is, and no write follows. Two differences
/// remain. Both are visible only to someone who has the token itself, which contains 190
/// random bits. (Reads use its SHA-256, so an attacker cannot learn it character by
/// character.)
///
/// - A token that does not exist costs one read, because it has no owner to read. This
///   difference reveals that the text was once a token here.
/// - An instance that has allowed a token remembers its owner, and from then on reads both
///   in one request. This difference reveals that the token was used recently.
#[tokio::test]
async fn denied_token_costs_the_same_requests_for_every_reason() {
    let (system, proxy, store) = start_observed();
    let dynamodb = &system.local().dynamodb;
    let (allowed, _) = user_with_token(&store, "allowed").await;

    let (revoked, token) = user_with_token(&store, "revoked").await;
    let location = store.locate_token(token.token_id).await.unwrap().unwrap();
    let revocation = Revocation::of_token(clock::now(), "revoked", "revoked");
    store.revoke_token(&location, &revocation, clock::now() + TimeDelta::days(90)).await.unwrap();

    let (expired, _) = user_with_token(&store, "expired").await;
    set_token(dynamodb, expired.hash().as_str(), "expires_at", &json!({ "S": "2026-01-01T00:00:00.000Z" }));

    let (superseded, _) = user_with_token(&store, "superseded").await;
    assert!(store.revoke_all_tokens("superseded", "superseded", clock::now()).await.unwrap());

    let (owner_disabled, _) = user_with_token(&store, "disabled").await;
    set_user(dynamodb, "disabled", "disabled", &json!({ "BOOL": true }));

    let (owner_missing, _) = user_with_token(&store, "missing").await;
    delete_item(dynamodb, "Users", &json!({ "user_id": { "S": "missing" } }));

    let (unknown, _) = generate_token("nobody", clock::now());

    // Each request is compared by its operation and its whole body without the key.
    let requests = async |secret: &PlainToken, expected_status: u16| {
        let authorizer = Authorizer::new(authorizer_config(&[]), store.clone());
        proxy.take();
        let outcome = send_token(&authorizer, HTTP_2, secret).await;
        let has_use = outcome.use_to_record.is_some();
        assert_eq!((has_use, gateway_status(outcome)), (expected_status == 200, expected_status));

        let without_key = |mut request: RecordedRequest| {
            request.body["Key"] = Value::Null;
            (request.operation, request.body)
        };
        proxy.take().into_iter().map(without_key).collect::<Vec<_>>()
    };

    let expected = requests(&allowed, 200).await;
    let operations: Vec<_> = expected.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["GetItem"; 2]);
    for (reason, secret) in [
        ("revoked", &revoked),
        ("expired", &expired),
        ("superseded", &superseded),
        ("owner disabled", &owner_disabled),
        ("owner missing", &owner_missing),
    ] {
        assert_eq!(requests(secret, 401).await, expected, "{reason}");
    }
    assert_eq!(requests(&unknown, 401).await, expected[..1]);
}
