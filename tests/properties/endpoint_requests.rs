//! Requests to the endpoints and to the package example, with odd texts.
//!
//! Strategies that are parts of others are boxed. Their types would not fit on a test's stack.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::json;

/// The variable in the path and the body of a valid request to each function.
type Usual = (Option<&'static str>, &'static str);

const UPLOAD: &str =
    "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\nabc\r\n--x--\r\n";
pub(crate) const USUAL: [Usual; 11] = [
    (None, ""),                                                         // get-caller
    (None, ""),                                                         // list-tokens
    (None, r#"{"name":"ci","expiresAt":"2030-01-01T00:00:00Z"}"#),      // create-token
    (Some("01a209fd-f356-77e9-8e70-4ac34baf1061"), ""),                 // revoke-token
    (Some("01a209fd-f356-77e9-8e70-4ac34baf1061"), r#"{"name":"ci"}"#), // update-token
    (None, r#"{"token":"fdp_x"}"#),                                     // check-token
    (Some("u_YWxpY2U"), ""),                                            // list-users
    (Some("u_YWxpY2U"), r#"{"disabled":false}"#),                       // update-user
    (Some("u_YWxpY2U"), ""),                                            // revoke-all-tokens
    (None, r#"{"tokens":["fdp_x"],"hashes":["x"]}"#),                   // revoke-leaked-tokens
    (None, UPLOAD),                                                     // package-api
];

/// A function, and an event that has the form of a request to it, with odd texts.
pub(crate) fn requests() -> impl Strategy<Value = (usize, Value)> {
    (0..USUAL.len()).prop_flat_map(|function| (Just(function), requests_like(USUAL[function])))
}

/// Texts that some parser of URIs, headers, queries, base64 or paths rejects, and others.
fn texts() -> BoxedStrategy<String> {
    let known = select(vec![
        "[",
        "[::1",
        "a b",
        "http,https",
        "://",
        "127.0.0.1:99999",
        "\"",
        "<x>",
        "q=\"",
        "limit=1&limit=2",
        "limit=\u{0}",
        "after=..",
        "allUsers=true&status=expired",
        "%",
        "%ff%00",
        "#",
        "?",
        "/",
        "..",
        "alice",
        "current",
        "01a209fd-f356-77e9-8e70-4ac34baf1061",
        "true",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        "YQ==",
        "YQ",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 2 => "[ -~]{0,12}", 1 => "[\0- \u{7f}é]{0,4}", 2 => any::<String>()]
    .boxed()
}

/// Names of fields and headers that the functions know, and others.
pub(crate) fn names() -> BoxedStrategy<String> {
    let known = select(vec![
        "rawQueryString",
        "rawPath",
        "queryStringParameters",
        "headers",
        "multiValueHeaders",
        "cookies",
        "pathParameters",
        "body",
        "isBase64Encoded",
        "requestContext",
        "authorizer",
        "lambda",
        "http",
        "method",
        "sourceIp",
        "requestId",
        "stage",
        "domainName",
        "userId",
        "userName",
        "roles",
        "authMethod",
        "tokenId",
        "tokenName",
        "id",
        "pathId",
        "host",
        "content-type",
        "x-forwarded-proto",
    ]);
    prop_oneof![5 => known.prop_map(str::to_owned), 2 => texts()].boxed()
}

pub(crate) fn values() -> BoxedStrategy<Value> {
    json::nested(texts().prop_map(Value::from), names()).boxed()
}

/// The usual body of a function, and others.
fn bodies(usual: &'static str) -> impl Strategy<Value = String> {
    let names = select(vec!["name", "expiresAt", "disabled", "roles", "tokens", "hashes"]);
    let object = prop::collection::vec((names, values()), 0..3).prop_map(|fields| {
        let fields: Map<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Value::Object(fields).to_string()
    });
    let part = (texts(), texts()).prop_map(|(head, content)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"file\"; {head}\r\n\r\n{content}\r\n--x--\r\n")
    });

    prop_oneof![6 => Just(usual.to_owned()), 2 => object, 1 => part, 1 => texts()]
}

/// The fields `body` and `isBase64Encoded`.
fn encoded_bodies(usual: &'static str) -> impl Strategy<Value = (Value, Value)> {
    use base64::prelude::{BASE64_STANDARD, Engine};

    let encode = |body: Vec<u8>| (BASE64_STANDARD.encode(body).into(), true.into());
    prop_oneof![
        8 => bodies(usual).prop_map(|body| (body.into(), false.into())),
        4 => bodies(usual).prop_map(move |body| encode(body.into_bytes())),
        1 => any::<Vec<u8>>().prop_map(encode),
        1 => bodies(usual).prop_map(|body| (body.into(), true.into())),
        1 => Just((Value::Null, Value::Null)),
    ]
}

/// The context of the authorizer, of which some fields are of any type.
fn contexts() -> impl Strategy<Value = Value> {
    let users = select(vec![("alice", "publisher"), ("admin", "administrator publisher"), ("unknown", "")]);
    let credentials = select(vec![("session", ""), ("pat", "01a209fd-f356-77e9-8e70-4ac34baf1061")]);
    let odd = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec((names(), values()), 1..3)];

    (users, credentials, odd).prop_map(|((user, roles), (method, token), odd)| {
        let mut context = json!({
            "userId": user, "userName": user, "roles": roles,
            "authMethod": method, "tokenId": token, "tokenName": "ci",
        });
        context.as_object_mut().unwrap().extend(odd);
        context
    })
}

fn requests_like((id, body): Usual) -> BoxedStrategy<Value> {
    let methods = prop_oneof![
        8 => select(vec!["GET", "POST"]).prop_map(str::to_owned),
        1 => texts(),
    ];
    let header_names = prop_oneof![
        8 => select(vec!["host", "x-forwarded-proto", "cookie", "X-Odd", "content-type"]).prop_map(str::to_owned),
        1 => names(),
    ];
    let headers = prop::collection::vec((header_names, texts()), 0..4);
    let query = prop_oneof![2 => Just(String::new()), 1 => texts()];
    let id = prop_oneof![3 => Just(id.map(str::to_owned)), 1 => texts().prop_map(Some)];
    let content_type = prop_oneof![3 => Just("multipart/form-data; boundary=x".to_owned()), 1 => texts()];

    let parts = (methods, texts(), query, headers, content_type, id, encoded_bodies(body), contexts());
    parts
        .prop_map(|(method, path, query, headers, content_type, id, (body, is_base64), context)| {
            let headers = headers.into_iter().map(|(name, value)| (name, value.into()));
            let mut headers: Map<String, Value> = headers.collect();
            headers.insert("content-type".to_owned(), content_type.into());
            json!({
                "version": "2.0",
                "rawPath": path,
                "rawQueryString": query,
                "headers": headers,
                "pathParameters": id.map(|id| json!({ "id": id, "pathId": id })),
                "requestContext": {
                    "authorizer": { "lambda": context },
                    "domainName": "api.example.com",
                    "http": { "method": method, "path": path, "sourceIp": "203.0.113.7" },
                    "requestId": "a-request",
                    "stage": "$default",
                    "timeEpoch": 1_795_426_200_000_u64,
                },
                "body": body,
                "isBase64Encoded": is_base64,
            })
        })
        .boxed()
}
