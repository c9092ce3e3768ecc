//! Request smuggling: requests that two servers may parse differently. On AWS the first
//! server is API Gateway, which these tests cannot cover. They show that neither the
//! functions nor `local` attribute an ambiguous request to the wrong caller.

use patgate_harness::{Settings, SignedInUser, System};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;

/// A request for `/api/me` with these header lines, unchanged.
fn me(headers: &[u8]) -> Vec<u8> {
    let head: &[u8] = b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    [head, headers, b"\r\n"].concat()
}

/// The last request on a connection.
fn last() -> Vec<u8> {
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec()
}

fn statuses(responses: &[(u16, String)]) -> Vec<u16> {
    responses.iter().map(|(status, _)| *status).collect()
}

#[test]
fn malformed_header_is_refused_without_a_read() {
    let Some((system, proxy)) = System::start_observed() else { return };

    let token = system.sign_in("alice").create_token("real").secret;
    let good = format!("Authorization: Bearer {token}\r\n");
    let status = |headers: &[u8]| statuses(&system.send_raw(&me(headers)));
    assert_eq!(status(good.as_bytes()), [200]);

    proxy.take();

    for headers in [
        // RFC 9112, section 5.1: some proxies have accepted a space before the colon.
        format!("Authorization : Bearer {token}\r\n"),
        format!("Authorization\t: Bearer {token}\r\n"),
        format!(" Authorization: Bearer {token}\r\n"),
        // Section 5.2: a value that continues on the next line.
        format!("Authorization: Bearer\r\n {token}\r\n"),
        format!("Authorization: Bearer {token}\r\n\tx\r\n"),
        // Bare line ends, null bytes and lines without a name or a colon.
        format!("Authorization: Bearer {token}\rX-Admin: 1\r\n"),
        format!("Authorization: Bearer {token}\0\r\n"),
        format!("Authorization\0: Bearer {token}\r\n"),
        format!("Authorization Bearer {token}\r\n"),
        format!("{good}: nameless\r\n"),
    ] {
        assert_eq!(status(headers.as_bytes()), [400], "{headers:?}");
    }

    let reads: Vec<_> =
        proxy.take().into_iter().filter(|request| request.operation != "UpdateItem").collect();
    assert!(reads.is_empty(), "{reads:?}");
}

#[test]
fn several_authorization_headers_are_refused_in_any_order() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("real").secret;
    let (pat, session) = (format!("Bearer {token}"), format!("Bearer {}", alice.session));
    for [first, second] in [
        [pat.as_str(), pat.as_str()],
        [&pat, &session],
        [&session, &pat],
        [&session, &session],
        [&pat, "Basic eDp5"],
        ["Basic eDp5", &pat],
        [&pat, "Bearer junk"],
        ["Bearer junk", &pat],
        [&pat, ""],
        ["", &pat],
    ] {
        for name in ["Authorization", "AUTHORIZATION"] {
            let headers = format!("Authorization: {first}\r\n{name}: {second}\r\n");
            let responses = system.send_raw(&me(headers.as_bytes()));
            assert_eq!(responses, [(401, UNAUTHORIZED.to_owned())], "{headers}");
        }
    }
}

#[test]
fn credential_with_non_ascii_bytes_is_refused_without_a_read() {
    let Some((system, proxy)) = System::start_observed() else { return };

    let token = system.sign_in("alice").create_token("real").secret;
    assert_eq!(system.status_of(&token), 200);

    proxy.take();

    for odd in
        [b"\xff".as_slice(), b"\xc3\xa9", b"\xc3", b"\xe2\x80\x8b", b"\xed\xa0\x80", b"\xf0\x9f\x94\x91"]
    {
        for at in [0, 4, 20, token.len()] {
            let (before, after) = token.as_bytes().split_at(at);
            let headers = [b"Authorization: Bearer ", before, odd, after, b"\r\n"].concat();
            assert_eq!(system.send_raw(&me(&headers)), [(401, UNAUTHORIZED.to_owned())], "{odd:?} at {at}");
        }
    }

    let reads: Vec<_> =
        proxy.take().into_iter().filter(|request| request.operation != "UpdateItem").collect();
    assert!(reads.is_empty(), "{reads:?}");
}

#[test]
fn credential_of_100_kilobytes_never_reaches_the_authorizer() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let huge = "x".repeat(100 * 1024);
    for credential in [format!("fdp_{huge}"), huge.clone(), format!("{huge}.{huge}.{huge}")] {
        let headers = format!("Authorization: Bearer {credential}\r\n");
        assert_eq!(statuses(&system.send_raw(&me(headers.as_bytes()))), [431]);
    }

    let log = system.stop();
    assert!(!log.contains("denied"), "the authorizer was invoked:\n{log}");
}

#[test]
fn body_of_ambiguous_length_is_refused() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let post = |version: &str, headers: &str| {
        let credential = format!("Authorization: Bearer {}\r\n", alice.session);
        let head = format!("POST /api/tokens HTTP/{version}\r\nHost: localhost\r\n{credential}{headers}\r\n");
        statuses(&system.send_raw(format!("{head}{{\"name\":\"smuggled\"}}").as_bytes()))
    };

    for (version, headers) in [
        ("1.1", "Content-Length: 19\r\nContent-Length: 20\r\n"),
        ("1.1", "Content-Length: 19, 20\r\n"),
        ("1.1", "Content-Length: +19\r\n"),
        ("1.1", "Content-Length: -19\r\n"),
        ("1.1", "Content-Length: 0x13\r\n"),
        ("1.1", "Content-Length: 1 9\r\n"),
        ("1.1", "Content-Length: 99999999999999999999\r\n"),
        ("1.1", "Content-Length : 19\r\n"),
        ("1.1", "Transfer-Encoding: xchunked\r\n"),
        ("1.1", "Transfer-Encoding: chunked, identity\r\n"),
        ("1.1", "Transfer-Encoding: identity\r\nContent-Length: 19\r\n"),
        ("1.1", "Transfer-Encoding : chunked\r\n"),
        ("1.1", "Transfer-Encoding:\r\n chunked\r\n"),
        ("1.0", "Transfer-Encoding: chunked\r\n"),
    ] {
        assert_eq!(post(version, headers), [400], "{version} {headers}");
    }

    assert!(alice.list_tokens("limit=100").is_empty(), "nothing was created");
}

/// A request to create a token with this body, and one that follows it.
fn with_hidden(user: &SignedInUser<'_>, framing: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /api/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n{framing}\r\n",
        user.session
    );
    [head.as_bytes(), body.as_bytes(), &last()].concat()
}

#[test]
fn request_hidden_in_the_body_of_another_is_never_executed() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("target of the attack");
    let hidden = format!(
        "DELETE /api/tokens/{} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        token.id, alice.session
    );
    let framings = [
        (format!("Content-Length: {}\r\n", hidden.len()), hidden.clone()),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len())),
        (
            "Transfer-Encoding: Chunked\r\n".to_owned(),
            format!("{:X};a=b\r\n{hidden}\r\n0\r\n\r\n", hidden.len()),
        ),
    ];

    for (framing, body) in framings {
        let responses = system.send_raw(&with_hidden(&alice, &framing, &body));
        // The body is invalid JSON, and the server finds the next request where it is.
        assert_eq!(statuses(&responses), [400, 200], "{framing}");
    }

    assert_eq!(alice.show_token(&token.id)["status"], "active");
}

/// The end of a chunked body, followed by a request to revoke a token.
fn pipelined(token_id: &str, credential: &str) -> String {
    format!("0\r\n\r\nDELETE /api/tokens/{token_id} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n")
}

#[test]
fn second_request_on_a_connection_is_authorized_by_its_own_credential_only() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let token = alice.create_token("alice's");
    for (credential, status) in
        [(String::new(), 401), (format!("Authorization: Bearer {}\r\n", bob.session), 404)]
    {
        let body = pipelined(&token.id, &credential);
        let responses = system.send_raw(&with_hidden(&alice, "Transfer-Encoding: chunked\r\n", &body));
        assert_eq!(statuses(&responses), [400, status, 200]);
    }

    assert_eq!(alice.show_token(&token.id)["status"], "active");
}

/// RFC 9112, section 6.1: a proxy in front may have used the other length, so what follows may
/// belong to another caller.
#[test]
fn connection_ends_after_a_body_with_two_lengths() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("alice's");
    let body = pipelined(&token.id, &format!("Authorization: Bearer {}\r\n", alice.session));
    let (length, chunked) = (format!("Content-Length: {}\r\n", body.len()), "Transfer-Encoding: chunked\r\n");
    for framing in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
        let responses = system.send_raw(&with_hidden(&alice, &framing, &body));
        assert_eq!(statuses(&responses), [400], "{framing} {responses:?}");
    }

    assert_eq!(alice.show_token(&token.id)["status"], "active");
}
