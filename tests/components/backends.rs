//! The backends of docs/attach.md, called with the context that the authorizer returns.

use std::path::Path;
use std::process::Command;

use patgate_authorizer::Authorizer;
use patgate_rules::clock;
use serde_json::{Value, json};

use crate::gateway_events::{APP_SYNC, HTTP_2, REST_REQUEST, WEB_SOCKET_CONNECT, with_bearer};
use crate::setup::{authorizer_config, sign_in, start_system, store_at, user_with_token};

/// The code of an example's backend.
fn code_of(backend: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(backend);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a backend's code and returns its response to an event. `print` is the statement that
/// calls the handler and prints what it returns.
fn run_backend(program: &str, code: &str, print: &str, event: &Value) -> Value {
    let output = Command::new(program)
        .arg(if program == "node" { "-e" } else { "-c" })
        .arg(format!("{code}\n{print}"))
        .env("EVENT", event.to_string())
        .env("PAGE_ORIGIN", "https://app.example.com")
        .env("MAX_CONNECTION_MINUTES", "15")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; `make tools-rust` brings what is missing"));

    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The context that the authorizer returns for a token whose owner has these roles.
async fn authorizer_context(recorded: &str, roles: &[&str]) -> Value {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let later = clock::now() + chrono::TimeDelta::seconds(1);
    sign_in(&store, "alice", roles, later).await;

    let authorizer = Authorizer::new(authorizer_config(&[]), store);
    let outcome = authorizer.handle(&with_bearer(recorded, secret.expose()), clock::now()).await;
    let response = outcome.response.unwrap();
    response[if recorded == APP_SYNC { "resolverContext" } else { "context" }].clone()
}

fn assert_response(response: &Value, status: u16, roles: &[&str]) {
    assert_eq!(response["statusCode"], status, "{response}");
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "hello": "alice", "roles": roles, "by": "pat" }));
}

#[tokio::test]
async fn backend_in_node_reads_the_context_of_an_http_api() {
    let code = code_of("http-api/backend/hello.js");
    let print = "exports.handler(JSON.parse(process.env.EVENT)).then((response) => console.log(JSON.stringify(response)));";

    for (roles, status) in [(&["publisher", "viewer"][..], 200), (&[], 403)] {
        let context = authorizer_context(HTTP_2, roles).await;
        let event = json!({ "requestContext": { "authorizer": { "lambda": context } } });
        assert_response(&run_backend("node", &code, print, &event), status, roles);
    }
}

#[tokio::test]
async fn backend_in_python_reads_the_context_of_a_rest_api() {
    let code = code_of("rest-api/backend/hello.py");
    let print = "print(json.dumps(handler(json.loads(os.environ['EVENT']), None)))";

    for (roles, status) in [(&["publisher", "viewer"][..], 200), (&[], 403)] {
        let mut context = authorizer_context(REST_REQUEST, roles).await;
        // A REST API adds these fields.
        context["principalId"] = json!("alice");
        context["integrationLatency"] = json!(12);
        let event = json!({ "requestContext": { "authorizer": context } });

        let response = run_backend("python3", &code, print, &event);
        assert_response(&response, status, roles);
        assert_eq!(response["headers"]["access-control-allow-origin"], "https://app.example.com");
    }
}

/// The event of a WebSocket API for a connection of this age.
fn web_socket_event(event_type: &str, context: &Value, age: chrono::TimeDelta) -> Value {
    json!({ "requestContext": {
        "eventType": event_type, "connectionId": "BtPzXcS0liACGdg=", "authorizer": context,
        "connectedAt": (clock::now() - age).timestamp_millis(),
    } })
}

#[tokio::test]
async fn backend_of_a_websocket_api_reads_the_context_and_serves_no_old_connection() {
    let code = code_of("websocket-api/backend/hello.py");
    let print = "print(json.dumps(handler(json.loads(os.environ['EVENT']), None)))";
    let message = |context: &Value, minutes: i64| {
        let event = web_socket_event("MESSAGE", context, chrono::TimeDelta::minutes(minutes));
        let response = run_backend("python3", &code, print, &event);
        serde_json::from_str::<Value>(response["body"].as_str().unwrap()).unwrap()
    };

    let context = authorizer_context(WEB_SOCKET_CONNECT, &["publisher", "viewer"]).await;
    let greeting = json!({ "hello": "alice", "roles": ["publisher", "viewer"], "by": "pat" });
    assert_eq!(message(&context, 14), greeting);
    assert_eq!(message(&context, 16), json!({ "error": "connect again" }));

    let without_roles = authorizer_context(WEB_SOCKET_CONNECT, &[]).await;
    assert_eq!(message(&without_roles, 0), json!({ "error": "forbidden" }));
}

/// AppSync runs a subset of JavaScript, and provides `util`.
#[tokio::test]
async fn resolver_of_an_appsync_api_reads_the_context() {
    let (import, rest) =
        ("import { util } from \"@aws-appsync/utils\";", code_of("appsync-api/backend/hello.js"));
    assert!(rest.contains(import));
    let util = "const util = { unauthorized() { throw new Error('Unauthorized'); } };";
    let code = rest.replace(import, util).replace("export function", "function");
    let print = "let result;
        try { result = response(JSON.parse(process.env.EVENT)); } catch (error) { result = { error: error.message }; }
        console.log(JSON.stringify(result));";

    for (roles, expected) in [
        (
            &["publisher", "viewer"][..],
            json!({ "hello": "alice", "roles": ["publisher", "viewer"], "by": "pat" }),
        ),
        (&[], json!({ "error": "Unauthorized" })),
    ] {
        let context = authorizer_context(APP_SYNC, roles).await;
        let event = json!({ "identity": { "resolverContext": context } });
        assert_eq!(run_backend("node", &code, print, &event), expected);
    }
}
