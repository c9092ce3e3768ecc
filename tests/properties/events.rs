//! The authorizer on whatever may arrive.

use patgate_authorizer::credential::BearerCredential;
use patgate_authorizer::event::GatewayRequest;
use patgate_authorizer::{Authorizer, Fault, Rejection};
use patgate_rules::clock;
use patgate_rules::token::TokenFormat;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::runner::{check, regressions};
use crate::setup;

const REGRESSIONS: &str = regressions!("events");
/// A token by its form that nobody has.
const STRANGER: &str = "Bearer fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";
const RECORDED: [&str; 4] = [
    include_str!("../components/events/http-api-2.0.json"),
    include_str!("../components/events/http-api-1.0.json"),
    include_str!("../components/events/rest-request.json"),
    include_str!("../components/events/rest-token.json"),
];

/// Nobody is there to ask, so nobody may be let in: neither DynamoDB nor the issuer has
/// anything at its address.
fn authorizer() -> (Authorizer, Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (Authorizer::new(setup::config(&[]), setup::store("http://127.0.0.1:9")), runtime)
}

/// Asks, and checks that the answer is a refusal where the event itself condemns the
/// caller, and else a fault.
fn ask((authorizer, runtime): &(Authorizer, Runtime), event: &str) -> TestCaseResult {
    let outcome = runtime.block_on(authorizer.handle(event, clock::now()));
    prop_assert!(outcome.use_to_record.is_none());
    let Err(rejection) = outcome.response else {
        return Err(TestCaseError::fail(format!("let in: {event}")));
    };
    let format = TokenFormat::new("fdp_").unwrap();
    let request = GatewayRequest::parse(event);
    let credential = request.as_ref().map(|request| BearerCredential::read(request, &format));
    let is_right = match credential {
        Err(_) => matches!(rejection, Rejection::Fault(Fault::Event(_))),
        Ok(Err(_)) => matches!(rejection, Rejection::Denied(_)),
        Ok(Ok(BearerCredential::Token(text))) if format.parse(text).is_err() => {
            matches!(rejection, Rejection::Denied(_))
        }
        Ok(Ok(BearerCredential::Token(_))) => {
            matches!(rejection, Rejection::Fault(Fault::Store(_) | Fault::Deadline(_)))
        }
        Ok(Ok(BearerCredential::Session(_))) => {
            matches!(rejection, Rejection::Denied(_) | Rejection::Fault(Fault::Issuer(_)))
        }
    };
    prop_assert!(is_right, "{:?} for {}", rejection, event);
    Ok(())
}

/// Names that mean something, and others.
fn names() -> impl Strategy<Value = String> {
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
        "requestContext",
        "requestId",
        "http",
        "identity",
        "sourceIp",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// What may stand where a credential belongs. Asking for a stranger's token takes the
/// time of three attempts, so there are few of these.
fn credentials() -> impl Strategy<Value = String> {
    let jwt = (any::<Vec<u8>>(), "[A-Za-z0-9_-]{0,40}").prop_map(|(header, rest)| {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        format!("Bearer {}.{rest}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header))
    });
    let header = select(vec![
        r#"{"alg":"none"}"#,
        r#"{"alg":"ES256","kid":"a"}"#,
        r#"{"alg":"HS256","kid":"","jwk":{}}"#,
        r#"{"alg":"RS256","kid":1}"#,
        r#"{"alg":"EdDSA","kid":"../../keys","x5c":["AA=="]}"#,
    ]);
    let known_header = (header, any::<String>()).prop_map(|(header, claims)| {
        patgate_harness::forge(&serde_json::from_str(header).unwrap(), &Value::from(claims), |_| vec![0; 64])
    });
    prop_oneof![
        1 => Just(STRANGER.to_owned()),
        6 => "(Bearer|bearer|Basic)? {0,3}(fdp_)?[ -~]{0,50}",
        6 => "Bearer fdp_[0-9A-Za-z]{38}",
        3 => any::<String>(),
        6 => any::<String>().prop_map(|text| format!("Bearer {text}")),
        6 => jwt,
        6 => known_header.prop_map(|jwt| format!("Bearer {jwt}")),
    ]
}

fn trees() -> impl Strategy<Value = Value> {
    let kinds = select(vec!["1.0", "2.0", "REQUEST", "TOKEN", "arn:aws:execute-api:a:1:b/prod/GET/x", ""]);
    let leaf = prop_oneof![
        4 => kinds.prop_map(Value::from),
        2 => credentials().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, |inner| {
        prop_oneof![
            3 => prop::collection::vec((names(), inner.clone()), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

/// A tree that is an event at first sight: of a known kind, with whatever else.
fn plausible_events() -> impl Strategy<Value = Value> {
    let kinds = select(vec![("2.0", "REQUEST"), ("1.0", "REQUEST"), ("", "REQUEST"), ("", "TOKEN")]);
    let headers =
        prop::collection::vec((names(), prop_oneof![credentials().prop_map(Value::from), trees()]), 0..4);
    let rest = prop::collection::vec((names(), trees()), 0..4);
    (kinds, headers, credentials(), rest).prop_map(|((version, kind), headers, credential, rest)| {
        let mut event = Map::new();
        event.insert("methodArn".to_owned(), "arn:aws:execute-api:a:1:b/prod/GET/x".into());
        event.insert("authorizationToken".to_owned(), credential.into());
        event.insert("headers".to_owned(), Value::Object(headers.into_iter().collect()));
        event.extend(rest);
        event.insert("type".to_owned(), kind.into());
        if !version.is_empty() {
            event.insert("version".to_owned(), version.into());
        }
        Value::Object(event)
    })
}

/// A change somewhere in a tree.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Rename(String),
    /// Once more, under another name.
    Repeat(String),
}

fn changes() -> impl Strategy<Value = (Index, Change)> {
    let change = prop_oneof![
        3 => trees().prop_map(Change::Replace),
        2 => Just(Change::Remove),
        2 => names().prop_map(Change::Rename),
        1 => names().prop_map(Change::Repeat),
    ];
    (any::<Index>(), change)
}

/// The paths of everything in a tree but its root.
fn paths(tree: &Value) -> Vec<Vec<String>> {
    let children: Vec<(String, &Value)> = match tree {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (name, child) in children {
        all.push(vec![name.clone()]);
        all.extend(paths(child).into_iter().map(|path| [vec![name.clone()], path].concat()));
    }
    all
}

fn apply(event: &mut Value, at: &Index, change: Change) {
    let paths = paths(event);
    if paths.is_empty() {
        return;
    }
    let (name, parents) = at.get(&paths).split_last().unwrap();
    let parent = parents.iter().fold(event, |value, name| match value {
        Value::Array(items) => &mut items[name.parse::<usize>().unwrap()],
        object => &mut object[name],
    });
    match parent {
        Value::Array(items) => {
            let at: usize = name.parse().unwrap();
            match change {
                Change::Replace(value) => items[at] = value,
                Change::Remove => drop(items.remove(at)),
                Change::Rename(_) | Change::Repeat(_) => items.push(items[at].clone()),
            }
        }
        Value::Object(fields) => match change {
            Change::Replace(value) => drop(fields.insert(name.clone(), value)),
            Change::Remove => drop(fields.remove(name)),
            Change::Rename(new) => {
                let value = fields.remove(name).unwrap();
                fields.insert(new, value);
            }
            Change::Repeat(new) => drop(fields.insert(new, fields[name].clone())),
        },
        _ => unreachable!("only these have children"),
    }
}

/// A recorded event with some credential.
fn recorded() -> impl Strategy<Value = Value> {
    (select(&RECORDED[..]), credentials()).prop_map(|(event, credential)| {
        serde_json::from_str(&event.replace("\"CREDENTIAL\"", &Value::from(credential).to_string())).unwrap()
    })
}

#[test]
fn no_json_makes_the_authorizer_panic_or_let_anybody_in() {
    let authorizer = authorizer();
    check(1_024, REGRESSIONS, trees(), |tree| ask(&authorizer, &tree.to_string()));
}

#[test]
fn no_event_of_a_known_kind_is_let_in_while_nobody_can_be_asked() {
    let authorizer = authorizer();
    check(512, REGRESSIONS, plausible_events(), |event| ask(&authorizer, &event.to_string()));
}

#[test]
fn no_change_to_a_recorded_event_makes_the_authorizer_panic_or_let_anybody_in() {
    let authorizer = authorizer();
    let inputs = (recorded(), prop::collection::vec(changes(), 0..4));
    check(512, REGRESSIONS, inputs, |(mut event, changes)| {
        for (at, change) in changes {
            apply(&mut event, &at, change);
        }
        ask(&authorizer, &event.to_string())
    });
}

#[test]
fn no_damage_to_the_text_of_an_event_makes_the_authorizer_panic_or_let_anybody_in() {
    let authorizer = authorizer();
    let damage =
        (any::<Index>(), 0..40_usize, prop_oneof!["[\"{}\\[\\]:,\\\\]{0,3}", any::<String>(), "\\[{0,300}"]);
    let inputs = (recorded(), prop::collection::vec(damage, 1..4));
    check(512, REGRESSIONS, inputs, |(event, damage)| {
        let mut text: Vec<char> = event.to_string().chars().collect();
        for (at, length, replacement) in damage {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, replacement.chars());
        }
        ask(&authorizer, &text.into_iter().collect::<String>())
    });
}
