//! What API Gateway does in front of the functions, as `local` emulates it.

use patgate_harness::{Settings, System};

#[test]
fn unknown_route_is_404_with_and_without_a_credential() {
    let system = System::start();
    let session = system.sign_in("alice").session;

    for (method, path) in
        [("GET", "/api/nothing"), ("PUT", "/api/tokens"), ("GET", "/API/tokens"), ("GET", "/api/tokens/")]
    {
        system.call(method, path, &session).assert_gateway_error(404, "Not Found");
        system.request(method, path).send().assert_gateway_error(404, "Not Found");
    }
}

#[test]
fn preflight_of_an_allowed_origin_needs_no_credential() {
    let settings = Settings { parameters: vec!["CorsOrigins=https://app.example"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    let preflight = |origin: &str| {
        system
            .request("OPTIONS", "/api/tokens")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .send()
    };

    let allowed = preflight("https://app.example");
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("GET,POST,PATCH,DELETE"));
    assert_eq!(
        allowed.header("access-control-allow-headers"),
        Some("authorization,content-type,idempotency-key,if-match")
    );

    let foreign = preflight("https://evil.example");
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (204, None));
}

#[test]
fn allowed_origin_can_read_successful_and_denied_responses() {
    let settings = Settings { parameters: vec!["CorsOrigins=https://app.example"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let session = system.sign_in("alice").session;

    for (origin, allowed) in
        [("https://app.example", Some("https://app.example")), ("https://evil.example", None)]
    {
        for bearer in [session.as_str(), "nonsense"] {
            let response = system.request("GET", "/api/me").bearer(bearer).header("Origin", origin).send();
            assert_eq!(response.header("access-control-allow-origin"), allowed, "{response:?}");
            let exposed = allowed.map(|_| "apigw-requestid,etag,location,retry-after");
            assert_eq!(response.header("access-control-expose-headers"), exposed, "{response:?}");
        }
    }
}

/// Neither a preflight nor a response grants access to another origin. There are no cookies
/// either, so a browser attaches no credential to the requests of another origin's page.
#[test]
fn other_origins_can_neither_send_requests_nor_read_responses() {
    let settings = Settings { parameters: vec!["CorsOrigins=https://app.example"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    for origin in [
        "null",
        "*",
        "",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://evil.example/https://app.example",
        "https://app.example@evil.example",
        "https://app.example, https://evil.example",
        "https://app.example https://evil.example",
        "https://app%2eexample",
        "file://",
    ] {
        let mut responses: Vec<_> = ["GET", "POST", "DELETE", "PUT"]
            .map(|method| {
                let preflight = system.request("OPTIONS", "/api/tokens").header("Origin", origin);
                preflight.header("Access-Control-Request-Method", method).send()
            })
            .into();
        responses.push(alice.request("GET", "/api/tokens").header("Origin", origin).send());
        responses.push(system.request("GET", "/api/tokens").header("Origin", origin).send());
        responses.push(system.request("GET", "/api/nothing").header("Origin", origin).send());
        for response in responses {
            let names = response.headers.keys().map(|name| name.as_str());
            let granted: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
            assert!(granted.is_empty(), "{origin}: {response:?}");
        }
    }

    let allowed = alice.request("GET", "/api/me").header("Origin", "https://app.example").send();
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None, "there are no cookies to allow");
    assert_eq!(allowed.header("vary"), Some("origin"), "a cache must distinguish origins");
}

#[test]
fn oversized_headers_are_refused_with_431() {
    let system = System::start();
    let refused = system.request("GET", "/api/me").header("X-Padding", &"x".repeat(11_000)).send();
    assert_eq!(refused.status, 431, "{refused:?}");
}

#[test]
fn healthz_is_200_once_the_system_is_ready() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    assert_eq!(system.request("GET", "/healthz").send().status, 200);
}

#[test]
fn openapi_description_is_served() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let description = system.request("GET", "/openapi.yaml").send();
    assert_eq!(description.status, 200);

    for operation in
        ["createToken", "listTokens", "showToken", "showCurrentToken", "revokeToken", "getCaller"]
    {
        assert!(description.text.contains(&format!("operationId: {operation}\n")), "{operation}");
    }
}

#[test]
fn browser_flow_with_pkce_gives_a_session_that_works() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let issuer = &system.local().issuer;

    // The example of RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let redirect = &*format!("{}/callback", system.api);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let redirection = agent
        .post(format!("{issuer}/authorize"))
        .send_form([
            ("client_id", "patgate-page"),
            ("redirect_uri", redirect),
            ("response_type", "code"),
            ("state", "s p&"),
            ("nonce", "n"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("user", "alice"),
        ])
        .unwrap();

    let location = redirection.headers()["location"].to_str().unwrap();
    let (target, query) = location.split_once("?code=").unwrap();
    let (code, state) = query.split_once("&state=").unwrap();
    assert_eq!((target, state), (redirect, "s%20p%26"));

    let exchange = |verifier: &str| {
        let mut response = agent
            .post(format!("{issuer}/token"))
            .send_form([
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", redirect),
                ("client_id", "patgate-page"),
                ("code_verifier", verifier),
            ])
            .unwrap();
        (response.status().as_u16(), response.body_mut().read_json::<serde_json::Value>().unwrap())
    };

    let (status, tokens) = exchange(verifier);
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(system.status_of(tokens["access_token"].as_str().unwrap()), 200);
    assert_eq!(system.status_of(tokens["id_token"].as_str().unwrap()), 401, "an ID token is not a session");
    assert_eq!(exchange(verifier).0, 400, "a code is valid for one exchange");
}
