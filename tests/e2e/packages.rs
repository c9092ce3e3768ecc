//! The example API, which authorizes callers by the identity context.

use patgate_harness::{Response, Settings, System, scan};
use serde_json::Value;

/// Uploads a file in the form that `curl -F` sends.
pub(crate) fn upload(system: &System, bearer: &str, name: &str, overwrite: bool, content: &[u8]) -> Response {
    let mut body = Vec::new();
    if overwrite {
        body.extend(part("name=\"OverWriteExisting\"", b"true"));
    }
    body.extend(part(&format!("name=\"file\"; filename=\"{name}\""), content));
    body.extend(b"--boundary--\r\n");
    send(system, bearer, "multipart/form-data; boundary=boundary", body)
}

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--boundary\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn send(system: &System, bearer: &str, content_type: &str, body: Vec<u8>) -> Response {
    system.request("POST", "/api/Package").bearer(bearer).body(content_type, body).send()
}

/// All packages, read page by page.
fn list_packages(system: &System, bearer: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = system.call("GET", &format!("/api/Package{after}"), bearer).json();
        all.extend(page["items"].as_array().expect("a list of items").iter().cloned());
        match page["nextAfter"].as_str() {
            Some(name) => after = format!("?after={name}"),
            None => return all,
        }
    }
}

#[test]
fn upload_is_stored_with_its_uploader_and_listed() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("upload");
    let name = format!("{}.zip", token.id);
    let stored = upload(&system, &token.secret, &name, false, b"abc");
    assert_eq!(stored.status, 201, "{stored:?}");

    let stored = stored.json();
    assert_eq!(stored["size"], 3);
    assert_eq!(stored["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(stored["uploadedBy"], alice.id().as_str());

    let packages = list_packages(&system, &token.secret);
    assert!(packages.contains(&stored), "{packages:?}");
}

#[test]
fn existing_package_is_replaced_only_on_request() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("upload");
    let name = format!("{}.zip", token.id);
    assert_eq!(upload(&system, &token.secret, &name, false, b"first").status, 201);
    upload(&system, &token.secret, &name, false, b"second").assert_problem(409);
    let replaced = upload(&system, &token.secret, &name, true, b"second!");
    assert_eq!((replaced.status, &replaced.json()["size"]), (201, &Value::from(7)));
}

#[test]
fn upload_needs_a_role_and_reading_does_not() {
    let system = System::start();
    let token = system.sign_in("bob").create_token("views");
    upload(&system, &token.secret, "b.zip", true, b"zip").assert_problem(403);
    assert_eq!(system.call("GET", "/api/Package", &token.secret).status, 200);
    system.request("GET", "/api/Package").send().assert_gateway_error(401, "Unauthorized");
}

#[test]
fn malformed_upload_is_refused_with_its_reason_and_nothing_is_stored() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let token = system.sign_in("alice").create_token("upload").secret;
    let multipart = "multipart/form-data; boundary=boundary";
    let file = part("name=\"file\"; filename=\"a.zip\"", b"zip");
    let end = b"--boundary--\r\n".to_vec();
    for (reason, content_type, body) in [
        ("not `multipart", "application/zip", b"PK".to_vec()),
        ("with a boundary", "multipart/form-data", [file.clone(), end.clone()].concat()),
        ("no file", multipart, end.clone()),
        ("no file", multipart, [part("name=\"OverWriteExisting\"", b"true"), end.clone()].concat()),
        ("several file", multipart, [file.clone(), file.clone(), end.clone()].concat()),
        ("cut short", multipart, file.clone()),
        ("cut short", multipart, file[..file.len() - 4].to_vec()),
        (
            "`true` or `false`",
            multipart,
            [part("name=\"OverWriteExisting\"", b"1"), file.clone(), end].concat(),
        ),
    ] {
        let refused = send(&system, &token, content_type, body);
        refused.assert_problem(400);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(reason), "expected {reason:?}: {detail}");
    }
    assert!(scan(&system.local().dynamodb, "Packages").is_empty());
}

#[test]
fn upload_of_4_mb_succeeds_and_one_beyond_lambdas_limit_is_refused() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("upload").secret;
    let content = vec![b'z'; 4 * 1024 * 1024];
    assert_eq!(upload(&system, &token, "large.zip", true, &content).status, 201);
    let content = vec![b'z'; 5 * 1024 * 1024];
    assert_eq!(upload(&system, &token, "too-large.zip", true, &content).status, 413);
}

#[test]
fn list_continues_after_one_package_name_and_nothing_else() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("upload");
    let name = format!("{}.zip", token.id);
    assert_eq!(upload(&system, &token.secret, &name, false, b"abc").status, 201);

    let list = |query: &str| system.call("GET", &format!("/api/Package?{query}"), &token.secret);
    let rest = list(&format!("after={name}")).json();
    assert!(rest["items"].as_array().unwrap().iter().all(|item| item["name"] != name.as_str()), "{rest}");

    for query in ["after=", "after=..", "after=a%2Fb", "after=a%0Ab", "after=a.zip&after=b.zip"] {
        assert_eq!(list(query).assert_problem(400), ["after"], "{query}");
    }
}
