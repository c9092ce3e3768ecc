//! Backends as docs/attach.md shows them, given the context that the authorizer gives.

use std::path::Path;
use std::process::Command;

use patgate_authorizer::Authorizer;
use patgate_rules::clock;
use patgate_rules::token::PlainToken;
use serde_json::{Value, json};

use crate::authorizer::events::{HTTP_2, REST_REQUEST, event};
use crate::setup::{config, sign_in, start, store, user_with_token};

/// The code of an example's backend.
fn code_of(backend: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(backend);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a handler returns for an event: `print` is what writes it down.
fn answer(program: &str, code: &str, print: &str, event: &Value) -> Value {
    let output = Command::new(program)
        .arg(if program == "node" { "-e" } else { "-c" })
        .arg(format!("{code}\n{print}"))
        .env("EVENT", event.to_string())
        .env("PAGE_ORIGIN", "https://app.example.com")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The context that the authorizer gives a token of somebody with these roles.
async fn context(template: &str, roles: &[&str]) -> Value {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (token, _) = user_with_token(&store, "alice").await;
    let later = clock::now() + chrono::TimeDelta::seconds(1);
    sign_in(&store, "alice", roles, later).await;
    let authorizer = Authorizer::new(config(&[]), store);
    let credential = |token: &PlainToken| format!("Bearer {}", token.expose());
    let outcome = authorizer.handle(&event(template, &credential(&token)), clock::now()).await;
    outcome.response.unwrap()["context"].clone()
}

fn check(answer: &Value, status: u16, roles: &[&str]) {
    assert_eq!(answer["statusCode"], status, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "hello": "alice", "roles": roles, "by": "pat" }));
}

#[tokio::test]
async fn backend_in_node_reads_the_context_of_an_http_api() {
    if Command::new("node").arg("--version").output().is_err() && std::env::var("CI").is_err() {
        eprintln!("skipped: Node is not here");
        return;
    }
    let code = code_of("http-api/backend/hello.js");
    let print = "exports.handler(JSON.parse(process.env.EVENT)).then((answer) => console.log(JSON.stringify(answer)));";
    for (roles, status) in [(&["publisher", "viewer"][..], 200), (&[], 403)] {
        let context = context(HTTP_2, roles).await;
        let event = json!({ "requestContext": { "authorizer": { "lambda": context } } });
        check(&answer("node", &code, print, &event), status, roles);
    }
}

#[tokio::test]
async fn backend_in_python_reads_the_context_of_a_rest_api() {
    let code = code_of("rest-api/backend/hello.py");
    let print = "print(json.dumps(handler(json.loads(os.environ['EVENT']), None)))";
    for (roles, status) in [(&["publisher", "viewer"][..], 200), (&[], 403)] {
        let mut context = context(REST_REQUEST, roles).await;
        // A REST API puts these beside it.
        context["principalId"] = json!("alice");
        context["integrationLatency"] = json!(12);
        let event = json!({ "requestContext": { "authorizer": context } });
        let answer = answer("python3", &code, print, &event);
        check(&answer, status, roles);
        assert_eq!(answer["headers"]["access-control-allow-origin"], "https://app.example.com");
    }
}
