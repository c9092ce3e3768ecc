//! How the authorizer reads each event type, and how it responds.

use chrono::TimeDelta;
use patgate_authorizer::{Authorizer, Rejection};
use serde_json::{Value, json};

use super::{gateway_status, send, send_token};
use crate::gateway_events::{
    self, APP_SYNC, APP_SYNC_EVENT_API, HTTP_1, HTTP_2, REST_REQUEST, REST_TOKEN, WEB_SOCKET_CONNECT,
    with_authorization, with_bearer,
};
use crate::setup::{UNREACHABLE_URL, authorizer_config, start_system, store_at, user_with_token};

#[tokio::test]
async fn each_event_type_gets_the_response_format_that_its_api_expects() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, token) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store);
    let context = json!({
        "userId": "alice", "userName": "alice", "roles": "publisher", "authMethod": "pat",
        "tokenId": token.token_id.to_string(), "tokenName": "ci",
    });

    let simple = send_token(&authorizer, HTTP_2, &secret).await.response.unwrap();
    assert_eq!(simple, json!({ "isAuthorized": true, "context": context }));

    let app_sync = send_token(&authorizer, APP_SYNC, &secret).await.response.unwrap();
    assert_eq!(app_sync, json!({ "isAuthorized": true, "resolverContext": context, "ttlOverride": 0 }));

    for (recorded, stage) in [
        (HTTP_1, "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*"),
        (REST_REQUEST, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
        (REST_TOKEN, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
        (WEB_SOCKET_CONNECT, "arn:aws:execute-api:eu-central-1:123456789012:b2c3d4e5f6/prod/*"),
    ] {
        let policy = send_token(&authorizer, recorded, &secret).await.response.unwrap();
        assert_eq!(policy["principalId"], "alice");
        assert_eq!(policy["context"], context);
        let statement = json!([{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": stage }]);
        assert_eq!(policy["policyDocument"], json!({ "Version": "2012-10-17", "Statement": statement }));
    }
}

#[tokio::test]
async fn use_is_recorded_once_a_minute_with_the_address_that_the_gateway_reports() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store.clone());

    for (recorded, address) in [
        (HTTP_2, Some("198.51.100.23")),
        (HTTP_1, Some("198.51.100.23")),
        (REST_REQUEST, Some("198.51.100.23")),
        (REST_TOKEN, None),
        (WEB_SOCKET_CONNECT, Some("198.51.100.23")),
        (APP_SYNC, None),
    ] {
        let due = send_token(&authorizer, recorded, &secret).await.use_to_record.expect("a use to record");
        assert_eq!(due.last_use.ip.as_deref(), address);
    }

    let due = send_token(&authorizer, HTTP_2, &secret).await.use_to_record.unwrap();
    assert!(store.record_use(&secret.hash(), &due.token, &due.last_use).await.unwrap());
    let outcome = send_token(&authorizer, HTTP_2, &secret).await;
    assert!(outcome.use_to_record.is_none(), "a use within the same minute");

    let event = with_bearer(HTTP_2, secret.expose());
    let is_due_after = async |seconds| {
        let later = due.last_use.at + TimeDelta::seconds(seconds);
        authorizer.handle(&event, later).await.use_to_record.is_some()
    };
    assert!(!is_due_after(59).await, "less than a minute later");
    assert!(is_due_after(60).await);
}

#[tokio::test]
async fn request_with_two_credentials_is_denied() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store);

    let mut two_values: Value = serde_json::from_str(&with_bearer(REST_REQUEST, secret.expose())).unwrap();
    assert_eq!(gateway_status(send(&authorizer, &two_values.to_string()).await), 200);
    let bearer = format!("Bearer {}", secret.expose());
    two_values["multiValueHeaders"]["AuthorizATION"] = json!([bearer, bearer]);
    assert_eq!(gateway_status(send(&authorizer, &two_values.to_string()).await), 401);

    let mut two_spellings: Value = serde_json::from_str(&with_bearer(HTTP_1, secret.expose())).unwrap();
    two_spellings["headers"]["authorization"] = bearer.into();
    assert_eq!(gateway_status(send(&authorizer, &two_spellings.to_string()).await), 401);
}

/// Clients of AppSync send the header `authorization` in either form, and AppSync passes its
/// value on unchanged.
#[tokio::test]
async fn credential_for_appsync_is_accepted_with_and_without_its_scheme() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store);

    let status = async |recorded, authorization: &str| {
        gateway_status(send(&authorizer, &with_authorization(recorded, authorization)).await)
    };
    let secret = secret.expose();
    assert_eq!(status(APP_SYNC, &format!("Bearer {secret}")).await, 200);
    assert_eq!(status(APP_SYNC, secret).await, 200);
    assert_eq!(status(APP_SYNC, &format!("Basic {secret}")).await, 403);
    for recorded in [HTTP_2, HTTP_1, REST_REQUEST, REST_TOKEN, WEB_SOCKET_CONNECT] {
        assert_eq!(status(recorded, secret).await, 401, "{recorded}");
    }
}

#[tokio::test]
async fn event_that_is_not_clearly_of_one_kind_is_a_fault() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store);

    let changed = |recorded: &str, changes: &[(&str, Value)]| {
        let mut event: Value = serde_json::from_str(&with_bearer(recorded, secret.expose())).unwrap();
        for (pointer, value) in changes {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        event.to_string()
    };
    let of_web_socket = |event_type: Value, route_key: Value| {
        [("/requestContext/eventType", event_type), ("/requestContext/routeKey", route_key)]
    };

    for event in [
        changed(WEB_SOCKET_CONNECT, &of_web_socket("MESSAGE".into(), "$default".into())),
        changed(WEB_SOCKET_CONNECT, &of_web_socket("DISCONNECT".into(), "$disconnect".into())),
        changed(WEB_SOCKET_CONNECT, &of_web_socket("CONNECT".into(), Value::Null)),
        changed(WEB_SOCKET_CONNECT, &of_web_socket(Value::Null, "$connect".into())),
        changed(WEB_SOCKET_CONNECT, &of_web_socket(1.into(), "$connect".into())),
        changed(REST_REQUEST, &of_web_socket("CONNECT".into(), "GET /reports".into())),
        changed(APP_SYNC, &[("/requestContext/apiId", Value::Null)]),
        changed(APP_SYNC, &[("/requestContext", Value::Null)]),
        changed(APP_SYNC, &[("/type", "TOKEN".into())]),
        changed(APP_SYNC, &[("/type", "REQUEST".into())]),
        changed(APP_SYNC, &[("/version", "2.0".into())]),
        changed(APP_SYNC, &[("/methodArn", "arn:aws:execute-api:a:1:b/prod/GET/x".into())]),
        changed(APP_SYNC, &[("/authorizationToken", Value::Null)]),
        changed(APP_SYNC_EVENT_API, &[]),
    ] {
        assert_eq!(gateway_status(send(&authorizer, &event).await), 500, "{event}");
    }
}

#[tokio::test]
async fn unreachable_store_is_a_fault_and_never_a_denial() {
    let system = start_system();
    let (secret, _) = user_with_token(&store_at(&system.local().dynamodb), "alice").await;
    let authorizer = Authorizer::new(authorizer_config(&[]), store_at(UNREACHABLE_URL));

    for recorded in gateway_events::ALL {
        let started = std::time::Instant::now();
        let outcome = send_token(&authorizer, recorded, &secret).await;
        assert!(matches!(outcome.response, Err(Rejection::Fault(_))), "{outcome:?}");
        assert_eq!(gateway_status(outcome), 500);
        assert!(started.elapsed().as_millis() < 1_300);
    }
}

#[tokio::test]
async fn event_of_unknown_type_is_a_fault() {
    let authorizer = Authorizer::new(authorizer_config(&[]), store_at(UNREACHABLE_URL));

    for event in [
        "null",
        "[]",
        "{}",
        "\"Bearer\"",
        r#"{"version": "3.0", "type": "REQUEST"}"#,
        r#"{"version": "2.0"}"#,
        r#"{"type": "TOKEN", "authorizationToken": "Bearer x"}"#,
        r#"{"version": "2.0", "type": "REQUEST", "headers": []}"#,
        r#"{"version": 2.0, "type": "REQUEST"}"#,
    ] {
        assert_eq!(gateway_status(send(&authorizer, event).await), 500, "{event}");
    }

    let without_headers = r#"{"version": "2.0", "type": "REQUEST"}"#;
    assert_eq!(gateway_status(send(&authorizer, without_headers).await), 401, "an event without headers");
}

#[tokio::test]
async fn address_in_a_header_is_trusted_only_with_the_origin_secret() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;

    let cloudfront = [("CLIENT_IP_HEADER", "CloudFront-Viewer-Address"), ("ORIGIN_SECRET", "s3cret")];
    let behind_cloudfront = Authorizer::new(authorizer_config(&cloudfront), store.clone());
    let nginx = [("CLIENT_IP_HEADER", "X-Real-IP"), ("ORIGIN_SECRET", "s3cret")];
    let behind_nginx = Authorizer::new(authorizer_config(&nginx), store.clone());
    let without_proxy = Authorizer::new(authorizer_config(&[]), store);

    let recorded_address = async |authorizer: &Authorizer, address: &str, origin_secret: Option<&str>| {
        let mut event: Value = serde_json::from_str(&with_bearer(HTTP_2, secret.expose())).unwrap();
        event["headers"]["cloudfront-viewer-address"] = address.into();
        event["headers"]["x-real-ip"] = address.into();
        if let Some(origin_secret) = origin_secret {
            event["headers"]["x-origin-verify"] = origin_secret.into();
        }
        let due = send(authorizer, &event.to_string()).await.use_to_record.expect("a use to record");
        due.last_use.ip.unwrap()
    };

    let gateway = "198.51.100.23";
    for (address, recorded) in [
        ("203.0.113.7:46532", "203.0.113.7"),
        ("10.0.0.1, 203.0.113.7", gateway),
        ("2001:db8::7:443", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("nobody", gateway),
        ("", gateway),
    ] {
        assert_eq!(
            recorded_address(&behind_cloudfront, address, Some("s3cret")).await,
            recorded,
            "{address}"
        );
    }
    assert_eq!(recorded_address(&behind_nginx, "2a01:4f8::1:2", Some("s3cret")).await, "2a01:4f8::1:2");
    assert_eq!(recorded_address(&behind_nginx, "203.0.113.7", Some("s3cret")).await, "203.0.113.7");

    for origin_secret in [None, Some(""), Some("S3cret"), Some("s3cret ")] {
        let recorded = recorded_address(&behind_cloudfront, "203.0.113.7", origin_secret).await;
        assert_eq!(recorded, gateway, "{origin_secret:?}");
    }
    assert_eq!(recorded_address(&without_proxy, "203.0.113.7", Some("s3cret")).await, gateway);
}
