//! Problems are for programs: each has a stable code, and the ID by which the logs tell the
//! rest.

use std::time::{Duration, Instant};

use patgate_harness::{DynamoDbFault, RecordedRequest, Settings, System, user_path};
use serde_json::{Value, json};

use super::templates::core_template_with;
use super::users::change_user;

/// A UUID of version 7 that no token has.
const UNKNOWN_TOKEN: &str = "/api/tokens/01900000-0000-7000-8000-000000000000";

#[test]
fn each_problem_has_its_code() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let token = alice.create_token("ci");
    assert_eq!(admin.call("GET", "/api/me").status, 200);

    let with_token = |method: &str, path: &str| system.request(method, path).bearer(&token.secret);
    let body = |text: String| alice.request("POST", "/api/tokens").body("application/json", text).send();
    for (response, status, code) in [
        (alice.request_token(&json!({})), 400, "invalid_request"),
        (body("{".to_owned()), 400, "invalid_body"),
        (body("[]".to_owned()), 400, "invalid_body"),
        (body(" ".repeat(16 * 1024 + 1)), 413, "body_too_large"),
        (with_token("POST", "/api/tokens").json(&json!({ "name": "x" })).send(), 403, "session_required"),
        (alice.call("GET", "/api/users"), 403, "administrator_required"),
        (alice.call("GET", "/api/tokens?allUsers=true"), 403, "administrator_required"),
        (change_user(&admin, "admin", &json!({ "disabled": true })), 403, "own_access"),
        (alice.call("GET", UNKNOWN_TOKEN), 404, "token_not_found"),
        (alice.call("DELETE", UNKNOWN_TOKEN), 404, "token_not_found"),
        (admin.call("GET", &user_path("unknown")), 404, "user_not_found"),
        (alice.call("GET", "/api/tokens/current"), 404, "no_current_token"),
    ] {
        response.assert_problem(status);
        assert_eq!(response.json()["code"], code, "{response:?}");
    }
}

/// The response has it in a header even if the gateway itself answered.
#[test]
fn request_id_leads_from_a_response_to_the_log() {
    for level in ["info", "error"] {
        check_request_id(level);
    }
}

fn check_request_id(log_level: &str) {
    let variables = "      Variables:\n        TOKENS_TABLE";
    let with_level = format!("      Variables:\n        LOG_LEVEL: {log_level}\n        TOKENS_TABLE");
    let template = core_template_with(&[(variables, &with_level)]);
    let settings = Settings { core_template: Some(template.clone()), ..Settings::default() };
    let Some((system, proxy)) = System::start_observed_with(settings) else { return };
    std::fs::remove_file(template).unwrap();
    let alice = system.sign_in("alice");
    assert_eq!(alice.call("GET", "/api/me").status, 200);
    let denied = system.call("GET", "/api/me", "nonsense");
    assert!(denied.header("apigw-requestid").is_some_and(|id| !id.is_empty()), "{denied:?}");

    let is_list = |request: &RecordedRequest| request.function == "ListTokens";
    proxy.inject_where(usize::MAX, DynamoDbFault::server_error(), is_list);
    let failed = alice.call("GET", "/api/tokens");
    failed.assert_problem(503);
    let id = failed.json()["requestId"].clone();
    assert_eq!(Some(failed.header("apigw-requestid").unwrap()), id.as_str());

    let deadline = Instant::now() + Duration::from_secs(5);
    let is_logged = || {
        let output = system.local().output();
        let lines = output.lines().filter_map(|line| line.split_once("] "));
        let mut lines = lines.filter_map(|(_, line)| serde_json::from_str::<Value>(line).ok());
        lines.any(|line| line["level"] == "ERROR" && line["span"]["request_id"] == id)
    };
    while !is_logged() {
        assert!(Instant::now() < deadline, "no line has the ID {id}: {}", system.local().output());
        std::thread::yield_now();
    }
}
