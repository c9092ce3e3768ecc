//! Unusual spellings of paths and methods. A route matches one spelling only. If API Gateway
//! is more lenient than `local`, the route's authorizer still runs first, and the function
//! handles the request like one for the usual spelling.

use patgate_harness::{Settings, System, scan, set_user, user_path};
use serde_json::json;

/// Sends a path unchanged; an HTTP library might normalize it.
fn send(system: &System, method: &str, path: &str, headers: &str) -> (u16, String) {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let responses = system.send_raw(request.as_bytes());
    assert_eq!(responses.len(), 1, "{responses:?}");
    responses.into_iter().next().unwrap()
}

fn bearer(credential: &str) -> String {
    format!("Authorization: Bearer {credential}\r\n")
}

#[test]
fn other_spellings_of_a_path_are_404_even_for_an_administrator() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));

    let token = bob.create_token("bob's");
    let id = &token.id;
    let spellings = [
        ("GET", "//api/users".to_owned()),
        ("GET", "/api//users".to_owned()),
        ("GET", "/api/users/".to_owned()),
        ("GET", "/api/users//".to_owned()),
        ("GET", "/api/./users".to_owned()),
        ("GET", "/./api/users".to_owned()),
        ("GET", "/api/me/../users".to_owned()),
        ("GET", "/api/%2e%2e/api/users".to_owned()),
        ("GET", "/api%2fusers".to_owned()),
        ("GET", "/api%2Fusers".to_owned()),
        ("GET", "/api%5cusers".to_owned()),
        ("GET", "/api\\users".to_owned()),
        ("GET", "/%61pi/users".to_owned()),
        ("GET", "/API/users".to_owned()),
        ("GET", "/api/Users".to_owned()),
        ("GET", "/api/users;a=b".to_owned()),
        ("GET", "/api/users%00".to_owned()),
        ("GET", "/api/users%20".to_owned()),
        ("GET", "/api/users%3f".to_owned()),
        ("GET", "/api/users.json".to_owned()),
        ("DELETE", format!("/api/tokens/{id}/")),
        ("DELETE", format!("/api/tokens//{id}")),
        ("DELETE", format!("/api/tokens/./{id}")),
        ("DELETE", format!("/api/tokens/x/../{id}")),
        ("DELETE", format!("/api%2ftokens/{id}")),
        ("POST", format!("{}%2frevoke-all-tokens", user_path("bob"))),
        ("POST", format!("{}/revoke-all-tokens/", user_path("bob"))),
        ("POST", "/api/tokens/revoke/".to_owned()),
        ("POST", "/api/tokens/%72evoke".to_owned()),
    ];

    for (method, path) in &spellings {
        // An administrator may do all of this at the right path.
        for headers in [String::new(), bearer(&admin.session)] {
            let (status, body) = send(&system, method, path, &headers);
            assert_eq!((status, body.as_str()), (404, r#"{"message":"Not Found"}"#), "{method} {path}");
        }
    }

    assert_eq!(system.status_of(&token.secret), 200);
}

#[test]
fn path_variable_is_always_one_id_and_encoded_slashes_open_no_other_path() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let alices_token = alice.create_token("alice's");
    let own = bob.create_token("bob's");
    let (own_id, alices_id) = (&own.id, &alices_token.id);
    let (bobs_path, alices_path) = (user_path("bob"), user_path("alice"));
    let [bobs_path_id, alices_path_id] = [&bobs_path, &alices_path].map(|path| &path["/api/users/".len()..]);
    for (method, path, status) in [
        ("GET", "/api/tokens/..%2fusers".to_owned(), 400),
        ("GET", "/api/tokens/%2e%2e".to_owned(), 400),
        ("GET", "/api/tokens/current%2f..%2fcurrent".to_owned(), 400),
        ("DELETE", format!("/api/tokens/{alices_id}%00"), 400),
        ("DELETE", format!("/api/tokens/{alices_id}%20"), 400),
        ("DELETE", format!("/api/tokens/{own_id}%2f..%2f{alices_id}"), 400),
        ("DELETE", format!("/api/tokens/id%23{alices_id}"), 400),
        ("DELETE", format!("/api/tokens/{}", alices_id.to_uppercase()), 404),
        ("GET", format!("/api/tokens/{}", alices_id.to_uppercase()), 404),
        ("POST", format!("{bobs_path}%2f..%2f{alices_path_id}/revoke-all-tokens"), 400),
        ("POST", format!("{alices_path}%2f..%2f{bobs_path_id}/revoke-all-tokens"), 400),
        ("POST", format!("{alices_path}%3f/revoke-all-tokens"), 403),
        ("POST", format!("{bobs_path}%00/revoke-all-tokens"), 400),
        ("POST", "/api/users//revoke-all-tokens".to_owned(), 400),
        ("POST", "/api/users/bob/revoke-all-tokens".to_owned(), 400),
        ("POST", format!("{}/revoke-all-tokens", user_path("Bob")), 403),
        ("POST", format!("{}/revoke-all-tokens", user_path(" bob")), 403),
    ] {
        assert_eq!(send(&system, method, &path, "").0, 401, "{method} {path}");
        let response = send(&system, method, &path, &bearer(&bob.session));
        assert_eq!(response.0, status, "{method} {path}: {response:?}");
    }

    for token in [&alices_token, &own] {
        assert_eq!(system.status_of(&token.secret), 200, "both tokens still work");
    }
}

/// An HTTP API cuts a path at an encoded question mark, and decodes it twice.
#[test]
fn user_id_that_a_gateway_would_change_never_reaches_another_user() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let dynamodb = &system.local().dynamodb;
    let ids = ["bob", "bob?x", "bob%3Fx", "bob/x", "100%", "auth0|bob", "https://idp.example/bob#1", "бob"];
    for id in ids {
        set_user(dynamodb, id, "name", &json!({ "S": "Bob" }));
    }
    set_user(dynamodb, "admin", "roles", &json!({ "L": [{ "S": "administrator" }] }));
    let admin = system.sign_in("admin");

    let disabled = || {
        let users = scan(dynamodb, "Users").into_iter().filter(|user| user["disabled"]["BOOL"] == true);
        users.map(|user| user["user_id"]["S"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let set_disabled = |path: &str, disabled: bool| {
        admin.request("PATCH", path).json(&json!({ "disabled": disabled })).send().status
    };

    // As a client would send an ID that it does not know to be special.
    for raw in ["bob", "bob%3Fx", "bob%253Fx", "bob%2Fx", "100%25", "auth0%7Cbob", "%62ob"] {
        assert_eq!(set_disabled(&format!("/api/users/{raw}"), true), 400, "{raw}");
    }
    assert!(disabled().is_empty());

    let listed = admin.call("GET", "/api/users?limit=100").json();
    for user in listed["items"].as_array().unwrap().iter().filter(|user| user["id"] != "admin") {
        let path = format!("/api/users/{}", user["pathId"].as_str().unwrap());
        assert_eq!(path, user_path(user["id"].as_str().unwrap()));
        assert_eq!(set_disabled(&path, true), 200);
        assert_eq!(disabled(), [user["id"].as_str().unwrap()]);
        assert_eq!(set_disabled(&path, false), 200);
    }
}

#[test]
fn method_comes_from_the_request_line_and_no_header_or_parameter_overrides_it() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("kept");
    let path = format!("/api/tokens/{}", token.id);
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Method-Override"] {
        let headers = format!("{}{header}: DELETE\r\n", bearer(&alice.session));
        assert_eq!(send(&system, "GET", &path, &headers).0, 200, "{header}");
        assert_eq!(send(&system, "POST", &path, &headers).0, 404, "{header}");
    }

    assert_eq!(send(&system, "GET", &format!("{path}?_method=DELETE"), &bearer(&alice.session)).0, 200);

    for method in ["HEAD", "PUT", "TRACE", "OPTIONS", "LINK", "delete", "Delete", "DELETED"] {
        for headers in [String::new(), bearer(&alice.session)] {
            assert_eq!(send(&system, method, &path, &headers).0, 404, "{method}");
        }
    }

    assert_eq!(alice.show_token(&token.id)["status"], "active");
}

#[test]
fn headers_that_rewrite_urls_in_other_products_are_ignored() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");

    for header in [
        "X-Original-URL: /api/users",
        "X-Rewrite-URL: /api/users",
        "X-Forwarded-Prefix: /api/users",
        "X-Forwarded-Path: /api/users",
        "X-Forwarded-Host: evil.example",
        "Forwarded: for=127.0.0.1;host=evil.example",
        "X-Amzn-Authorizer: {\"userId\":\"alice\"}",
        "userId: alice",
    ] {
        let (status, body) =
            send(&system, "GET", "/api/me", &format!("{}{header}\r\n", bearer(&admin.session)));
        assert!(status == 200 && body.contains(r#""id":"admin""#), "{header}: {body}");
        assert!(!body.contains("evil.example"), "{header}: {body}");
    }

    // A complete URL in the request line is a request to this host, or none that is served.
    let (status, body) = send(&system, "GET", "http://localhost/api/me", &bearer(&admin.session));
    assert!(status == 200 && body.contains(r#""id":"admin""#), "{status} {body}");
    let (status, body) = send(&system, "GET", "http://evil.example/api/me", &bearer(&admin.session));
    assert!(status == 421 && !body.contains("evil.example"), "{status} {body}");
}
