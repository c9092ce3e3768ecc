//! What API Gateway and AppSync get for a denial and for a fault, with each `RefusalStatus`.

use patgate_authorizer::{Authorizer, Rejection};
use patgate_rules::clock;
use serde_json::json;

use super::{gateway_status, send, send_token};
use crate::gateway_events::{
    self, APP_SYNC, HTTP_1, HTTP_2, REST_REQUEST, REST_TOKEN, WEB_SOCKET_CONNECT, with_bearer,
};
use crate::setup::{UNREACHABLE_URL, authorizer_config, start_system, store_at, user_with_token};

/// A malformed token, so that a denial needs no read.
const MALFORMED: &str = "fdp_malformed";

/// An authorizer that reaches no store.
fn offline_authorizer(refusal_status: &str) -> Authorizer {
    Authorizer::new(authorizer_config(&[("REFUSAL_STATUS", refusal_status)]), store_at(UNREACHABLE_URL))
}

#[tokio::test]
async fn denial_is_the_error_unauthorized_by_default() {
    let authorizer = Authorizer::new(authorizer_config(&[]), store_at(UNREACHABLE_URL));

    for recorded in [HTTP_2, HTTP_1, REST_REQUEST, REST_TOKEN, WEB_SOCKET_CONNECT] {
        let outcome = send(&authorizer, &with_bearer(recorded, MALFORMED)).await;
        assert!(matches!(outcome.response, Err(Rejection::Denied(_))), "{outcome:?}");
        assert_eq!(gateway_status(outcome), 401);
    }
}

#[tokio::test]
async fn denial_with_the_status_403_is_a_response_that_its_api_documents() {
    let authorizer = offline_authorizer("403");

    let simple = send(&authorizer, &with_bearer(HTTP_2, MALFORMED)).await.response.unwrap();
    assert_eq!(simple, json!({ "isAuthorized": false }));

    for (recorded, stage) in [
        (HTTP_1, "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*"),
        (REST_REQUEST, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
        (REST_TOKEN, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
        (WEB_SOCKET_CONNECT, "arn:aws:execute-api:eu-central-1:123456789012:b2c3d4e5f6/prod/*"),
    ] {
        let policy = send(&authorizer, &with_bearer(recorded, MALFORMED)).await.response.unwrap();
        let statement = json!([{ "Action": "execute-api:Invoke", "Effect": "Deny", "Resource": stage }]);
        let expected = json!({
            "principalId": "unauthorized",
            "policyDocument": { "Version": "2012-10-17", "Statement": statement },
            // A client can see this. It must not learn why.
            "context": { "reason": "unauthorized" },
        });
        assert_eq!(policy, expected);
    }
}

#[tokio::test]
async fn denial_for_appsync_is_never_an_error_and_never_cached() {
    for refusal_status in ["401", "403"] {
        let authorizer = offline_authorizer(refusal_status);
        let denial = send(&authorizer, &with_bearer(APP_SYNC, MALFORMED)).await.response.unwrap();
        assert_eq!(denial, json!({ "isAuthorized": false, "ttlOverride": 0 }));
    }
}

#[tokio::test]
async fn fault_is_an_error_whatever_the_refusal_status_is() {
    let unknown_kind = r#"{"version": "3.0", "type": "REQUEST"}"#;
    let token = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";

    for refusal_status in ["401", "403"] {
        let authorizer = offline_authorizer(refusal_status);
        let events = gateway_events::ALL.map(|recorded| with_bearer(recorded, token));
        for event in events.iter().map(String::as_str).chain([unknown_kind, "null"]) {
            let outcome = send(&authorizer, event).await;
            assert!(matches!(outcome.response, Err(Rejection::Fault(_))), "{outcome:?}");
            assert_eq!(gateway_status(outcome), 500, "{refusal_status}: {event}");
        }
    }
}

#[tokio::test]
async fn revoked_token_is_denied_in_every_event_type_with_each_refusal_status() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizers = [("401", 401), ("403", 403)].map(|(refusal_status, status)| {
        let config = authorizer_config(&[("REFUSAL_STATUS", refusal_status)]);
        (Authorizer::new(config, store.clone()), status)
    });

    for (authorizer, _) in &authorizers {
        for recorded in gateway_events::ALL {
            assert_eq!(gateway_status(send_token(authorizer, recorded, &secret).await), 200);
        }
    }

    assert!(store.revoke_all_tokens("alice", "alice", clock::now()).await.unwrap());

    for (authorizer, status) in &authorizers {
        for recorded in gateway_events::ALL {
            let expected = if recorded == APP_SYNC { 403 } else { *status };
            let outcome = send_token(authorizer, recorded, &secret).await;
            assert!(outcome.use_to_record.is_none());
            assert_eq!(gateway_status(outcome), expected, "{recorded}");
        }
    }
}
