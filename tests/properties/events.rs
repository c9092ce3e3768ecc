//! The authorizer on arbitrary input, while neither the store nor the issuer is reachable, with
//! each `RefusalStatus`.

use patgate_authorizer::credential::BearerCredential;
use patgate_authorizer::event::{EventKind, GatewayRequest};
use patgate_authorizer::{Authorizer, Fault, Outcome, Rejection};
use patgate_rules::clock;
use patgate_rules::token::TokenFormat;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Value, json as value};
use tokio::runtime::Runtime;

use crate::gateway_events;
use crate::json;
use crate::runner::{check_property, regressions};
use crate::setup;

const REGRESSIONS: &str = regressions!("events");
/// A well-formed token that does not exist.
const UNKNOWN_TOKEN: &str = "Bearer fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";

/// Authorizers that can never allow a request, because they reach neither the store nor the
/// issuer. There is one for each status of a denial.
struct OfflineAuthorizers {
    by_refusal_status: [(u16, Authorizer); 2],
    runtime: Runtime,
}

fn offline_authorizers() -> OfflineAuthorizers {
    let by_refusal_status = [401, 403].map(|status: u16| {
        let config = setup::authorizer_config(&[("REFUSAL_STATUS", &status.to_string())]);
        (status, Authorizer::new(config, setup::store_at(setup::UNREACHABLE_URL)))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    OfflineAuthorizers { by_refusal_status, runtime }
}

impl OfflineAuthorizers {
    /// Checks that an event is denied if the event alone is a reason to deny it, and a fault
    /// otherwise.
    fn check(&self, event: &str) -> TestCaseResult {
        for (refusal_status, authorizer) in &self.by_refusal_status {
            let outcome = self.runtime.block_on(authorizer.handle(event, clock::now()));
            check_outcome(event, *refusal_status, outcome)?;
        }
        Ok(())
    }
}

fn check_outcome(event: &str, refusal_status: u16, outcome: Outcome) -> TestCaseResult {
    prop_assert!(outcome.use_to_record.is_none());
    let shown = format!("{:?} for {event}", outcome.response);

    let format = TokenFormat::new("fdp_").unwrap();
    let request = GatewayRequest::parse(event);
    let denied_status = match request.as_ref().map(|request| &request.kind) {
        Ok(EventKind::AppSync) => 403,
        Ok(_) | Err(_) => refusal_status,
    };
    let fault = match &outcome.response {
        Err(Rejection::Fault(fault)) => Some(fault),
        Err(Rejection::Denied(_)) | Ok(_) => None,
    };

    let credential = request.as_ref().map(|request| BearerCredential::read(request, &format));
    let is_expected = match credential {
        Err(_) => matches!(fault, Some(Fault::Event(_))),
        Ok(Err(_)) => fault.is_none(),
        Ok(Ok(BearerCredential::Token(text))) if format.parse(text).is_err() => fault.is_none(),
        Ok(Ok(BearerCredential::Token(_))) => matches!(fault, Some(Fault::Store(_) | Fault::Deadline(_))),
        Ok(Ok(BearerCredential::Session(_))) => matches!(fault, None | Some(Fault::Issuer(_))),
    };
    prop_assert!(is_expected, "{}", shown);

    let expected_status = if fault.is_some() { 500 } else { denied_status };
    prop_assert_eq!(gateway_events::gateway_status(outcome), expected_status, "{}", shown);
    Ok(())
}

/// Field names that the authorizer knows, and others.
fn field_names() -> impl Strategy<Value = String> + Clone {
    let known = select(vec![
        "version",
        "type",
        "methodArn",
        "routeArn",
        "authorizationToken",
        "identitySource",
        "headers",
        "multiValueHeaders",
        "authorization",
        "Authorization",
        "AUTHORIZATION",
        "x-origin-verify",
        "requestHeaders",
        "requestContext",
        "requestId",
        "apiId",
        "eventType",
        "routeKey",
        "operation",
        "http",
        "identity",
        "sourceIp",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// Texts in the place of a credential. Few of them are well-formed tokens, because the
/// authorizer spends the time of three attempts on each.
fn credentials() -> impl Strategy<Value = String> {
    let jwt = (any::<Vec<u8>>(), "[A-Za-z0-9_-]{0,40}").prop_map(|(header, rest)| {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        format!("Bearer {}.{rest}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header))
    });
    let known_header = select(vec![
        r#"{"alg":"none"}"#,
        r#"{"alg":"ES256","kid":"a"}"#,
        r#"{"alg":"HS256","kid":"","jwk":{}}"#,
        r#"{"alg":"RS256","kid":1}"#,
        r#"{"alg":"EdDSA","kid":"../../keys","x5c":["AA=="]}"#,
    ]);
    let jwt_with_known_header = (known_header, any::<String>()).prop_map(|(header, claims)| {
        patgate_harness::forge(&serde_json::from_str(header).unwrap(), &Value::from(claims), |_| vec![0; 64])
    });

    prop_oneof![
        1 => Just(UNKNOWN_TOKEN.to_owned()),
        6 => "(Bearer|bearer|Basic)? {0,3}(fdp_)?[ -~]{0,50}",
        6 => "Bearer fdp_[0-9A-Za-z]{38}",
        3 => any::<String>(),
        6 => any::<String>().prop_map(|text| format!("Bearer {text}")),
        6 => jwt,
        6 => jwt_with_known_header.prop_map(|jwt| format!("Bearer {jwt}")),
    ]
}

/// Arbitrary JSON in which known field names and values are frequent.
fn json_values() -> impl Strategy<Value = Value> {
    let texts = select(vec![
        "1.0",
        "2.0",
        "REQUEST",
        "TOKEN",
        "CONNECT",
        "$connect",
        "arn:aws:execute-api:a:1:b/prod/GET/x",
        "",
    ]);
    let values = prop_oneof![
        2 => texts.prop_map(Value::from),
        1 => credentials().prop_map(Value::from),
    ];
    json::nested(values, field_names())
}

/// The fields that make an event one of each kind. Null stands for an absent field.
fn kinds() -> Vec<Value> {
    let method_arn = "arn:aws:execute-api:a:1:b/prod/GET/x";
    vec![
        value!({ "version": "2.0", "type": "REQUEST" }),
        value!({ "version": "1.0", "type": "REQUEST", "methodArn": method_arn }),
        value!({ "version": null, "type": "REQUEST", "methodArn": method_arn }),
        value!({ "version": null, "type": "TOKEN", "methodArn": method_arn }),
        value!({
            "version": null, "type": "REQUEST", "methodArn": method_arn,
            "requestContext": { "eventType": "CONNECT", "routeKey": "$connect" },
        }),
        value!({
            "version": null, "type": null, "methodArn": null, "requestContext": { "apiId": "a" },
        }),
    ]
}

/// Events of a known kind, with arbitrary further fields.
fn plausible_events() -> impl Strategy<Value = Value> {
    let headers = prop::collection::vec(
        (field_names(), prop_oneof![credentials().prop_map(Value::from), json_values()]),
        0..4,
    );
    let rest = prop::collection::vec((field_names(), json_values()), 0..4);

    (select(kinds()), headers, credentials(), rest).prop_map(|(kind, headers, credential, rest)| {
        let mut event = Map::new();
        event.insert("authorizationToken".to_owned(), credential.into());
        event.insert("headers".to_owned(), Value::Object(headers.into_iter().collect()));
        event.extend(rest);
        event.extend(kind.as_object().cloned().unwrap_or_default());
        Value::Object(event)
    })
}

/// RecordedRequest events with a generated credential.
fn recorded_events() -> impl Strategy<Value = Value> {
    (select(&gateway_events::ALL[..]), credentials()).prop_map(|(recorded, credential)| {
        serde_json::from_str(&gateway_events::with_authorization(recorded, &credential)).unwrap()
    })
}

#[test]
fn arbitrary_json_never_panics_and_is_never_allowed() {
    let authorizers = offline_authorizers();
    check_property(1_024, REGRESSIONS, json_values(), |json| authorizers.check(&json.to_string()));
}

#[test]
fn event_of_a_known_type_is_never_allowed_while_store_and_issuer_are_unreachable() {
    let authorizers = offline_authorizers();
    check_property(512, REGRESSIONS, plausible_events(), |event| authorizers.check(&event.to_string()));
}

#[test]
fn changed_event_never_panics_and_is_never_allowed() {
    let authorizers = offline_authorizers();
    let inputs = (recorded_events(), json::changes(json_values(), field_names()));

    check_property(512, REGRESSIONS, inputs, |(event, changes)| {
        authorizers.check(&json::changed(event, changes).to_string())
    });
}

#[test]
fn damaged_event_text_never_panics_and_is_never_allowed() {
    let authorizers = offline_authorizers();
    check_property(512, REGRESSIONS, (recorded_events(), json::damage()), |(event, damage)| {
        authorizers.check(&json::damaged(&event, damage))
    });
}
