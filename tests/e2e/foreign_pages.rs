//! What a page that the developer has open in a browser can do to `local`: nothing, unless it
//! is Patgate's own page. A browser adds `Origin` and `Sec-Fetch-Site`, which no page can
//! change, and takes `Host` from the address.

use patgate_harness::{Local, Request, Response, Settings, System, call_dynamodb, scan, send_raw};
use serde_json::json;

/// The headers that a browser adds to the requests of pages that are not Patgate's.
pub(crate) const FOREIGN: [(&str, &str); 8] = [
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Origin", "http://localhost:1"),
    ("Origin", "http://127.0.0.1"),
    ("Origin", "http://127.0.0.1:3000@evil.example"),
    ("Origin", ""),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-site"),
];

/// The names of the headers by which a response lets a page of another origin read it.
pub(crate) fn granted(response: &Response) -> Vec<&str> {
    let names = response.headers.keys().map(|name| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

/// A request to DynamoDB that adds a user.
fn put_user(dynamodb: &str, content_type: &str) -> Request {
    let item = json!({ "TableName": "Users", "Item": { "user_id": { "S": "mallory" } } });
    Request::new("POST", dynamodb)
        .header("X-Amz-Target", "DynamoDB_20120810.PutItem")
        .header("X-Amz-Date", "20260101T000000Z")
        .header("Authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0")
        .body(content_type, item.to_string())
}

#[test]
fn pages_can_neither_read_nor_write_the_embedded_dynamodb() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let Local { dynamodb, api, .. } = system.local();

    for (name, value) in FOREIGN.into_iter().chain([("Origin", api.as_str()), ("Origin", dynamodb)]) {
        let preflight = Request::new("OPTIONS", dynamodb)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,x-amz-date,x-amz-target");
        let requests = [
            preflight,
            Request::new("GET", dynamodb),
            put_user(dynamodb, "application/x-amz-json-1.0"),
            put_user(dynamodb, "application/json"),
            put_user(dynamodb, "text/plain"),
        ];
        for request in requests {
            let response = request.header(name, value).send();
            assert_eq!((response.status, granted(&response)), (403, vec![]), "{name}: {value} {response:?}");
        }
    }

    // A page can send this content type to another origin without asking first.
    for simple in ["text/plain", "text/plain; charset=application/x-amz-json-1.0", "multipart/form-data", ""]
    {
        let response = put_user(dynamodb, simple).send();
        assert_eq!((response.status, granted(&response)), (404, vec![]), "{simple} {response:?}");
    }

    assert_eq!(scan(dynamodb, "Users"), Vec::<serde_json::Value>::new(), "nothing was written");
    call_dynamodb(dynamodb, "PutItem", &json!({ "TableName": "Users", "Item": { "user_id": { "S": "x" } } }));
}

/// DNS rebinding: a foreign name resolves to 127.0.0.1, so the browser takes this server for
/// the page's own.
#[test]
fn only_the_names_of_this_machine_are_served_on_every_port() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let Local { api, issuer, dynamodb, .. } = system.local();

    for (base, path) in [(api, "/healthz"), (issuer, "/jwks.json"), (dynamodb, "/")] {
        let port = base.rsplit_once(':').unwrap().1;
        let status = |target: &str, headers: &str| {
            let request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
            send_raw(base, request.as_bytes()).into_iter().map(|(status, _)| status).collect::<Vec<_>>()
        };
        let host = |host: &str| status(path, &format!("Host: {host}\r\n"));
        let served = host(&format!("127.0.0.1:{port}"));

        // A forwarded port has another number at the client.
        for own in [
            format!("localhost:{port}"),
            format!("LocalHost:{port}"),
            "localhost".into(),
            "127.0.0.1:8".into(),
        ] {
            assert_eq!(host(&own), served, "{own}");
        }

        for name in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "app.localhost",
            "127.1",
            "127.0.0.2",
            "0.0.0.0",
            "2130706433",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(host(&format!("{name}:{port}")), [421], "{name}");
        }
        for invalid in
            ["", "localhost@evil.example", "evil.example@localhost", "localhost:x", "localhost:99999", "a b"]
        {
            assert_eq!(host(invalid), [400], "{invalid}");
        }

        let own = format!("Host: localhost:{port}\r\n");
        assert_eq!(status(path, ""), [400], "no host");
        assert_eq!(status(path, &format!("{own}{own}")), [400], "two hosts");
        assert_eq!(status(path, &format!("{own}Host: evil.example\r\n")), [400], "two hosts");

        // RFC 9112, section 3.2.2: a complete URL takes precedence over `Host`.
        assert_eq!(status(&format!("http://evil.example{path}"), &own), [421]);
        assert_eq!(status(&format!("http://localhost{path}"), "Host: evil.example\r\n"), [421]);
        assert_eq!(status(&format!("http://localhost{path}"), &own), served);
    }
}

#[test]
fn only_http_1_is_spoken() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let Local { api, issuer, dynamodb, .. } = system.local();

    for base in [api, issuer, dynamodb] {
        let responses = send_raw(base, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        assert!(responses.iter().all(|(status, _)| *status == 400), "{responses:?}");
    }
}

/// The Runtime API of an instance listens on a port of its own. Events contain credentials.
#[cfg(target_os = "linux")]
#[test]
fn pages_can_neither_read_the_events_of_a_function_nor_end_it() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    alice.create_token("starts functions");

    let instances = crate::stopping::children_of(system.local().pid());
    let runtime_apis = instances.into_iter().filter_map(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let value = environment.split('\0').find_map(|pair| pair.strip_prefix("AWS_LAMBDA_RUNTIME_API="))?;
        Some(format!("http://{value}"))
    });
    let runtime_apis: Vec<_> = runtime_apis.collect();
    assert!(runtime_apis.len() >= 2, "{runtime_apis:?}");

    for base in runtime_apis {
        let paths = [("GET", "invocation/next"), ("POST", "init/error")];
        for (method, path) in paths.map(|(method, path)| (method, format!("/2018-06-01/runtime/{path}"))) {
            for (name, value) in FOREIGN {
                let response = Request::new(method, &format!("{base}{path}")).header(name, value).send();
                assert_eq!((response.status, granted(&response)), (403, vec![]), "{response:?}");
            }
            let rebound =
                format!("{method} {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
            assert_eq!(send_raw(&base, rebound.as_bytes()).first().map(|(status, _)| *status), Some(421));
        }
    }
    alice.create_token("the functions still run");
}
