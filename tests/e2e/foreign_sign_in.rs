//! The development sign-in asks for no password, so it must not serve foreign pages.

use patgate_harness::{Local, Request, Response, Settings, System};

use crate::foreign_pages::{FOREIGN, granted};

/// The form fields of an authorization request that is complete but for its user.
fn authorization(redirect_uri: &str) -> String {
    // The challenge is the example of RFC 7636, appendix B.
    format!(
        "client_id=patgate-page&response_type=code&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri={redirect_uri}"
    )
}

/// Submits the sign-in form, or asks for a session as a script does.
fn submit(issuer: &str, path: &str, fields: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request::new("POST", &format!("{issuer}{path}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body("application/x-www-form-urlencoded", fields).send()
}

#[test]
fn foreign_pages_can_neither_sign_users_in_nor_read_their_sessions() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let Local { api, issuer, .. } = system.local();
    let form = format!("{}&user=admin", authorization(&format!("{api}/callback")));
    let acts = [("/authorize", form.as_str()), ("/sign-in", "user=admin"), ("/token", "grant_type=x")];

    for foreign in FOREIGN {
        for (path, fields) in acts {
            let response = submit(issuer, path, fields, &[foreign]);
            assert_eq!(
                (response.status, granted(&response)),
                (403, vec![]),
                "{path} {foreign:?} {response:?}"
            );
            assert!(!response.text.contains("eyJ"), "{response:?}");
        }
    }

    // Public documents are readable for programs, and not for foreign pages.
    for path in ["/jwks.json", "/.well-known/openid-configuration"] {
        let url = format!("{issuer}{path}");
        let response = Request::new("GET", &url).header("Origin", "https://evil.example").send();
        assert_eq!((response.status, granted(&response)), (403, vec![]), "{path} {response:?}");
        assert_eq!(Request::new("GET", &url).send().status, 200);
    }
}

#[test]
fn sign_in_works_for_its_own_form_for_the_page_and_for_scripts() {
    let settings = Settings { parameters: vec!["CorsOrigins=https://app.example"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let Local { api, issuer, .. } = system.local();
    let form = format!("{}&user=alice", authorization(&format!("{api}/callback")));

    for site in ["same-origin", "none"] {
        let headers = [("Origin", issuer.as_str()), ("Sec-Fetch-Site", site)];
        assert_eq!(submit(issuer, "/authorize", &form, &headers).status, 303);
    }
    assert_eq!(submit(issuer, "/sign-in", "user=alice", &[]).status, 200);

    let named_localhost = api.replace("127.0.0.1", "localhost");
    for page in [api.as_str(), &named_localhost, "https://app.example"] {
        let response =
            submit(issuer, "/token", "grant_type=x", &[("Origin", page), ("Sec-Fetch-Site", "cross-site")]);
        assert_eq!(response.header("access-control-allow-origin"), Some(page), "{response:?}");
        assert_eq!(response.header("vary"), Some("origin"));
        assert_ne!(response.status, 403);
    }
}

#[test]
fn codes_are_sent_to_the_page_and_to_no_other_address() {
    let settings = Settings { parameters: vec!["CorsOrigins=https://app.example"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let Local { api, issuer, .. } = system.local();

    for own in
        [format!("{api}/callback"), api.replace("127.0.0.1", "localhost"), "https://app.example/x".into()]
    {
        let response = submit(issuer, "/authorize", &format!("{}&user=alice", authorization(&own)), &[]);
        assert_eq!(response.status, 303, "{own} {response:?}");
        assert!(response.header("location").unwrap().starts_with(&own));
    }

    for foreign in [
        "https://evil.example/callback".to_owned(),
        "http://localhost:1/callback".into(),
        "http://127.0.0.1/callback".into(),
        format!("{api}@evil.example/callback"),
        format!("{api}.evil.example/callback"),
        format!("https{}/callback", api.trim_start_matches("http")),
        "//evil.example/callback".into(),
        "/callback".into(),
        "javascript:alert(1)".into(),
        String::new(),
    ] {
        let fields = authorization(&foreign);
        assert_eq!(
            submit(issuer, "/authorize", &format!("{fields}&user=alice"), &[]).status,
            400,
            "{foreign}"
        );
        assert_eq!(
            Request::new("GET", &format!("{issuer}/authorize?{fields}")).send().status,
            400,
            "{foreign}"
        );

        let logout = format!("{issuer}/logout?post_logout_redirect_uri={foreign}");
        assert_eq!(Request::new("GET", &logout).send().header("location"), None, "{foreign}");
    }
}

#[test]
fn sign_in_form_cannot_be_framed_and_runs_no_script() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let Local { api, issuer, .. } = system.local();

    let url = format!("{issuer}/authorize?{}", authorization(&format!("{api}/callback")));
    for url in [url, format!("{issuer}/logout"), format!("{issuer}/authorize")] {
        let response = Request::new("GET", &url).send();
        assert_eq!(response.header("x-frame-options"), Some("DENY"), "{response:?}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        let policy = response.header("content-security-policy").unwrap();
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
    }
}
