//! The authorizer on events as API Gateway sends them.

use chrono::TimeDelta;
use lambda_http::lambda_runtime::Diagnostic;
use patgate_authorizer::{Authorizer, Outcome, Rejection};
use patgate_harness::{DynamoDbProxy, RecordedRequest, delete_item, set_token, set_user};
use patgate_rules::clock;
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::Revocation;
use serde_json::{Value, json};

use crate::setup::{config, new_token, start, store, user_with_token};

pub(crate) const HTTP_2: &str = include_str!("../events/http-api-2.0.json");
const HTTP_1: &str = include_str!("../events/http-api-1.0.json");
pub(crate) const REST_REQUEST: &str = include_str!("../events/rest-request.json");
const REST_TOKEN: &str = include_str!("../events/rest-token.json");
const ALL: [&str; 4] = [HTTP_2, HTTP_1, REST_REQUEST, REST_TOKEN];

/// An event with this value where the credential goes.
pub(crate) fn event(template: &str, authorization: &str) -> String {
    let escaped = json!(authorization).to_string();
    template.replace("\"CREDENTIAL\"", &escaped)
}

async fn ask(authorizer: &Authorizer, event: &str) -> Outcome {
    authorizer.handle(event, clock::now()).await
}

async fn ask_with(authorizer: &Authorizer, template: &str, token: &PlainToken) -> Outcome {
    ask(authorizer, &event(template, &format!("Bearer {}", token.expose()))).await
}

/// What API Gateway makes of an answer: 200 for allowed, else the error's status.
fn status(outcome: Outcome) -> u16 {
    match outcome.response.map_err(|rejection| Diagnostic::from(rejection).error_message) {
        Ok(_) => 200,
        Err(message) if message == "Unauthorized" => 401,
        Err(_) => 500,
    }
}

#[tokio::test]
async fn each_kind_of_event_gets_the_answer_its_api_understands() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (token, new) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(config(&[]), store);
    let context = json!({
        "userId": "alice", "userName": "alice", "roles": "publisher", "authMethod": "pat",
        "tokenId": new.record.token_id.to_string(), "tokenName": "ci",
    });
    let simple = ask_with(&authorizer, HTTP_2, &token).await.response.unwrap();
    assert_eq!(simple, json!({ "isAuthorized": true, "context": context }));
    for (template, stage) in [
        (HTTP_1, "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*"),
        (REST_REQUEST, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
        (REST_TOKEN, "arn:aws:execute-api:eu-central-1:123456789012:f5e4d3c2b1/prod/*"),
    ] {
        let policy = ask_with(&authorizer, template, &token).await.response.unwrap();
        assert_eq!(policy["principalId"], "alice");
        assert_eq!(policy["context"], context);
        let statement = json!([{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": stage }]);
        assert_eq!(policy["policyDocument"], json!({ "Version": "2012-10-17", "Statement": statement }));
    }
}

#[tokio::test]
async fn use_is_due_with_the_address_that_the_gateway_saw() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (token, new) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(config(&[]), store.clone());
    for (template, address) in [
        (HTTP_2, Some("198.51.100.23")),
        (HTTP_1, Some("198.51.100.23")),
        (REST_REQUEST, Some("198.51.100.23")),
        (REST_TOKEN, None),
    ] {
        let due = ask_with(&authorizer, template, &token).await.use_to_record.expect("a use to record");
        assert_eq!(due.last_use.ip.as_deref(), address);
    }
    let due = ask_with(&authorizer, HTTP_2, &token).await.use_to_record.unwrap();
    assert!(store.record_use(&new.hash, &due.token, &due.last_use).await.unwrap());
    assert!(ask_with(&authorizer, HTTP_2, &token).await.use_to_record.is_none(), "within the minute");
    let authorization = event(HTTP_2, &format!("Bearer {}", token.expose()));
    let due_after = async |seconds| {
        let later = due.last_use.at + TimeDelta::seconds(seconds);
        authorizer.handle(&authorization, later).await.use_to_record.is_some()
    };
    assert!(!due_after(59).await, "less than a minute later");
    assert!(due_after(60).await);
}

#[tokio::test]
async fn repeated_token_costs_one_request_and_its_first_use_two() {
    let system = start();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    let store = store(&proxy.url);
    let (token, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(config(&[]), store);
    proxy.take();
    let costs = async || {
        assert!(ask_with(&authorizer, HTTP_2, &token).await.response.is_ok());
        proxy.take().into_iter().map(|request| request.operation).collect::<Vec<_>>()
    };
    assert_eq!(costs().await, ["GetItem", "GetItem"]);
    for _ in 0..3 {
        assert_eq!(costs().await, ["BatchGetItem"]);
    }
}

#[tokio::test]
async fn malformed_credential_is_refused_in_every_event_without_a_read() {
    // There is nothing at this address: a read would be a fault.
    let authorizer = Authorizer::new(config(&[]), store("http://127.0.0.1:9"));
    let token = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";
    for template in ALL {
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
            let outcome = ask(&authorizer, &event(template, &authorization)).await;
            assert!(outcome.use_to_record.is_none());
            assert_eq!(status(outcome), 401, "{authorization:?}");
        }
        assert_eq!(
            status(ask(&authorizer, &event(template, &format!("bEARER   {token}"))).await),
            500,
            "read"
        );
    }
}

#[tokio::test]
async fn two_credentials_are_none() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (token, _) = user_with_token(&store, "alice").await;
    let authorizer = Authorizer::new(config(&[]), store);
    let bearer = format!("Bearer {}", token.expose());
    let mut twice: Value = serde_json::from_str(&event(REST_REQUEST, &bearer)).unwrap();
    assert_eq!(status(ask(&authorizer, &twice.to_string()).await), 200);
    twice["multiValueHeaders"]["AuthorizATION"] = json!([bearer, bearer]);
    assert_eq!(status(ask(&authorizer, &twice.to_string()).await), 401);
    let mut spelled: Value = serde_json::from_str(&event(HTTP_1, &bearer)).unwrap();
    spelled["headers"]["authorization"] = bearer.into();
    assert_eq!(status(ask(&authorizer, &spelled.to_string()).await), 401);
}

#[tokio::test]
async fn storage_out_of_reach_is_a_fault_and_never_a_refusal() {
    let system = start();
    let (token, _) = user_with_token(&store(&system.local().dynamodb), "alice").await;
    let authorizer = Authorizer::new(config(&[]), store("http://127.0.0.1:9"));
    for template in ALL {
        let started = std::time::Instant::now();
        let outcome = ask_with(&authorizer, template, &token).await;
        assert!(matches!(outcome.response, Err(Rejection::Fault(_))), "{outcome:?}");
        assert_eq!(status(outcome), 500);
        assert!(started.elapsed().as_millis() < 1_300);
    }
}

#[tokio::test]
async fn event_of_no_known_kind_is_a_fault() {
    let authorizer = Authorizer::new(config(&[]), store("http://127.0.0.1:9"));
    for odd in [
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
        assert_eq!(status(ask(&authorizer, odd).await), 500, "{odd}");
    }
    assert_eq!(status(ask(&authorizer, r#"{"version": "2.0", "type": "REQUEST"}"#).await), 401, "no header");
}

#[tokio::test]
async fn address_in_a_header_is_believed_only_beside_the_origin_secret() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (token, _) = user_with_token(&store, "alice").await;
    let behind_proxy = [("CLIENT_IP_HEADER", "CloudFront-Viewer-Address"), ("ORIGIN_SECRET", "s3cret")];
    let authorizer = Authorizer::new(config(&behind_proxy), store.clone());
    let other_header = [("CLIENT_IP_HEADER", "X-Real-IP"), ("ORIGIN_SECRET", "s3cret")];
    let behind_nginx = Authorizer::new(config(&other_header), store.clone());
    let trusting_nobody = Authorizer::new(config(&[]), store);
    let ask = async |authorizer: &Authorizer, address: &str, secret: Option<&str>| {
        let mut request: Value =
            serde_json::from_str(&event(HTTP_2, &format!("Bearer {}", token.expose()))).unwrap();
        request["headers"]["cloudfront-viewer-address"] = address.into();
        request["headers"]["x-real-ip"] = address.into();
        if let Some(secret) = secret {
            request["headers"]["x-origin-verify"] = secret.into();
        }
        let due = ask(authorizer, &request.to_string()).await.use_to_record.expect("a use to record");
        due.last_use.ip.unwrap()
    };
    let gateway = "198.51.100.23";
    for (address, read) in [
        ("203.0.113.7:46532", "203.0.113.7"),
        ("10.0.0.1, 203.0.113.7", gateway),
        ("2001:db8::7:443", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("nobody", gateway),
        ("", gateway),
    ] {
        assert_eq!(ask(&authorizer, address, Some("s3cret")).await, read, "{address}");
    }
    assert_eq!(ask(&behind_nginx, "2a01:4f8::1:2", Some("s3cret")).await, "2a01:4f8::1:2");
    assert_eq!(ask(&behind_nginx, "203.0.113.7", Some("s3cret")).await, "203.0.113.7");
    for secret in [None, Some(""), Some("S3cret"), Some("s3cret ")] {
        assert_eq!(ask(&authorizer, "203.0.113.7", secret).await, gateway, "{secret:?}");
    }
    assert_eq!(ask(&trusting_nobody, "203.0.113.7", Some("s3cret")).await, gateway);
}

/// The base62 of hexadecimal digits: of the right prefix, length and alphabet. One of
/// 62^6 would have the right checksum; of these none has.
#[tokio::test]
async fn thousands_of_guesses_without_the_right_checksum_cost_no_read() {
    // There is nothing at this address: a read would be a fault.
    let authorizer = Authorizer::new(config(&[]), store("http://127.0.0.1:9"));
    for guess in 0..5_000 {
        let digits = patgate_harness::sha256(&format!("guess {guess}"));
        let outcome = ask(&authorizer, &event(HTTP_2, &format!("Bearer fdp_{}", &digits[..38]))).await;
        assert_eq!(status(outcome), 401, "{guess}");
    }
}

/// A clock in the caller's hand tells them nothing that they do not know already.
///
/// On an instance that has not seen them before, every token that exists costs the same
/// two reads, whatever keeps it from being used, and no write follows. Two differences
/// remain, and both tell only whoever holds the token itself, which takes 190 random bits
/// (the reads go by its SHA-256, so nothing is learned a character at a time):
///
/// - A token that does not exist costs one read, for there is no owner to be read. The
///   difference says that the text once was a token here.
/// - An instance that has let a token in remembers its owner, and reads both in one
///   request from then on. The difference says that the token was used lately.
#[tokio::test]
async fn token_that_is_refused_costs_the_same_requests_whatever_the_reason() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(dynamodb);
    let store = store(&proxy.url);
    let (allowed, _) = user_with_token(&store, "allowed").await;
    let (revoked, new) = user_with_token(&store, "revoked").await;
    let location = store.locate_token(new.record.token_id).await.unwrap().unwrap();
    let revocation = Revocation::of_token(clock::now(), "revoked", "revoked");
    store.revoke_token(&location, &revocation, clock::now() + TimeDelta::days(90)).await.unwrap();
    let (expired, new) = user_with_token(&store, "expired").await;
    set_token(dynamodb, new.hash.as_str(), "expires_at", &json!({ "S": "2026-01-01T00:00:00.000Z" }));
    let (superseded, _) = user_with_token(&store, "superseded").await;
    assert!(store.revoke_all_tokens("superseded", "superseded", clock::now()).await.unwrap());
    let (of_disabled, _) = user_with_token(&store, "disabled").await;
    set_user(dynamodb, "disabled", "disabled", &json!({ "BOOL": true }));
    let (of_nobody, _) = user_with_token(&store, "missing").await;
    delete_item(dynamodb, "Users", &json!({ "user_id": { "S": "missing" } }));
    let (unknown, _) = new_token("nobody", clock::now());

    // An operation, its table and its shape: everything about it but the key.
    let costs = async |token: &PlainToken, expected: u16| {
        let authorizer = Authorizer::new(config(&[]), store.clone());
        proxy.take();
        let outcome = ask_with(&authorizer, HTTP_2, token).await;
        assert_eq!((outcome.use_to_record.is_some(), status(outcome)), (expected == 200, expected));
        let shape = |mut request: RecordedRequest| {
            request.body["Key"] = Value::Null;
            (request.operation, request.body)
        };
        proxy.take().into_iter().map(shape).collect::<Vec<_>>()
    };
    let usual = costs(&allowed, 200).await;
    assert_eq!(usual.iter().map(|(operation, _)| operation.as_str()).collect::<Vec<_>>(), ["GetItem"; 2]);
    for (what, token) in [
        ("revoked", &revoked),
        ("expired", &expired),
        ("superseded", &superseded),
        ("of a disabled user", &of_disabled),
        ("of a missing user", &of_nobody),
    ] {
        assert_eq!(costs(token, 401).await, usual, "{what}");
    }
    assert_eq!(costs(&unknown, 401).await, usual[..1]);
}
