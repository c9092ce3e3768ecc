//! The nine requirements of the original request, in its order.

use patgate_harness::{Settings, System, scan, sha256};
use serde_json::{Value, json};

#[test]
fn r1_a_token_authenticates_to_the_api_without_a_cookie_session() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("ci");
    let response = system.call("GET", "/api/me", &token.secret);
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.json()["authMethod"], "pat");
    assert!(response.header("set-cookie").is_none());

    let with_cookie = system.request("GET", "/api/me").header("Cookie", &format!("session={}", token.secret));
    with_cookie.send().assert_gateway_error(401, "Unauthorized");
}

#[test]
fn r2_a_request_with_a_token_is_authorized_as_if_its_user_were_signed_in() {
    let system = System::start();

    for (user, may_upload) in [("alice", 201), ("bob", 403), ("admin", 201)] {
        let signed_in = system.sign_in(user);
        let token = signed_in.create_token("same rights");
        let by_session = signed_in.call("GET", "/api/me").json();
        let by_token = system.call("GET", "/api/me", &token.secret).json();
        for field in ["id", "name", "roles", "administrator"] {
            assert_eq!(by_session[field], by_token[field], "{user}: {field}");
        }
        for credential in [&signed_in.session, &token.secret] {
            let upload = super::packages::upload(&system, credential, &format!("{user}.zip"), true, b"zip");
            assert_eq!(upload.status, may_upload, "{user}: {upload:?}");
        }
    }
}

#[test]
fn r3_only_the_sha256_of_a_token_is_stored() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let token = system.sign_in("alice").create_token("ci");
    let expected = sha256(&token.secret);
    let items = scan(&system.local().dynamodb, "Tokens");
    assert!(items.iter().any(|item| item["token_hash"]["S"] == expected.as_str()), "{items:?}");
    assert!(!json!(items).to_string().contains(&token.secret));
}

#[test]
fn r3_the_token_is_shown_once_and_cannot_be_retrieved_afterwards() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("once");
    let later = [
        alice.call("GET", "/api/tokens?limit=100"),
        alice.call("GET", &format!("/api/tokens/{}", token.id)),
        system.call("GET", "/api/tokens/current", &token.secret),
        system.call("GET", "/api/me", &token.secret),
    ];

    for response in later {
        assert_eq!(response.status, 200);
        assert!(!response.text.contains(&token.secret), "{response:?}");
    }
}

#[test]
fn r4_a_token_is_created_with_a_name_and_an_optional_expiration() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let lasting = alice.create_token("deploy script").resource;
    assert_eq!(lasting["name"], "deploy script");
    assert_eq!(lasting["expiresAt"], Value::Null);

    let expiring = alice.create_expiring_token("until new year", "2099-12-31T23:59:59+01:00").resource;
    assert_eq!(expiring["expiresAt"], "2099-12-31T22:59:59.000Z");
    assert_eq!(expiring["status"], "active");
}

#[test]
fn r5_the_requested_curl_command_uploads_a_package() {
    let system = System::start();

    let token = system.sign_in("alice").create_token("curl");
    let folder = std::env::temp_dir().join(format!("patgate-curl-{}", token.id));
    std::fs::create_dir_all(&folder).unwrap();
    let package = b"PK\x05\x06 not much of a zip";
    std::fs::write(folder.join("package.zip"), package).unwrap();
    let output = std::process::Command::new("curl")
        .current_dir(&folder)
        .args(["-sS", "--retry", "5", "-w", "\n%{http_code}", "-X", "POST"])
        .arg(format!("{}/api/Package", system.packages))
        .args(["-H", &format!("Authorization: Bearer {}", token.secret)])
        .args(["-H", "Content-Type: multipart/form-data"])
        .args(["-F", "OverWriteExisting=true", "-F", "file=@package.zip"])
        .output()
        .expect("curl is installed");

    std::fs::remove_dir_all(&folder).unwrap();
    let response = String::from_utf8(output.stdout).unwrap();
    let (body, status) = response.rsplit_once('\n').unwrap();
    assert_eq!(status, "201", "{response} {:?}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["size"], package.len());
}

#[test]
fn r6_the_list_shows_everything_about_a_token_except_its_secret() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_expiring_token("listed", "2099-01-01T00:00:00Z");
    assert_eq!(system.status_of(&token.secret), 200);

    let listed = alice.wait_for_listed_state(&token.id, |item| !item["lastUsedAt"].is_null());
    let fields: Vec<_> = listed.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "createdAt",
        "description",
        "expiresAt",
        "id",
        "lastUsedAt",
        "lastUsedIp",
        "name",
        "owner",
        "prefix",
        "revocationReason",
        "revokedAt",
        "revokedBy",
        "seenFrom",
        "status",
        "unusableBecause",
        "usable",
    ];

    assert_eq!(fields, expected);
    assert_eq!(listed["name"], "listed");
    assert_eq!(listed["prefix"], token.secret[..10]);
    assert_eq!(listed["status"], "active");

    let me = alice.call("GET", "/api/me").json();
    assert_eq!((&listed["owner"]["id"], &listed["owner"]["name"]), (&me["id"], &me["name"]));
    assert!(listed["lastUsedAt"].as_str().unwrap() > listed["createdAt"].as_str().unwrap());
    assert!(listed["lastUsedIp"].as_str().unwrap().parse::<std::net::IpAddr>().is_ok());
    assert_eq!(listed["createdAt"], token.resource["createdAt"]);
    assert_eq!(listed["expiresAt"], "2099-01-01T00:00:00.000Z");
}

#[test]
fn r7_administrators_can_see_and_revoke_the_tokens_of_all_users() {
    let system = System::start();
    let (alice, bob, admin) = (system.sign_in("alice"), system.sign_in("bob"), system.sign_in("admin"));

    let (alices_token, bobs_token) = (alice.create_token("alice's"), bob.create_token("bob's"));
    for token in [&alices_token, &bobs_token] {
        admin.find_listed_token("allUsers=true&limit=100", &token.id);
    }

    let bobs_id = bob.id();
    admin.find_listed_token(&format!("userId={bobs_id}&limit=100"), &bobs_token.id);
    let of_one = admin.list_tokens(&format!("userId={bobs_id}&limit=100"));
    assert!(of_one.iter().all(|item| item["owner"]["id"] == bobs_id.as_str()));
    assert_eq!(admin.revoke_token(&bobs_token.id), 204);
    assert_eq!(system.status_of(&bobs_token.secret), 401);
    assert_eq!(system.status_of(&alices_token.secret), 200);
    for query in ["allUsers=true".to_owned(), format!("userId={}", alice.id())] {
        bob.call("GET", &format!("/api/tokens?{query}")).assert_problem(403);
    }
}

#[test]
fn r8_a_revoked_token_cannot_be_used_again() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let (revoked, kept) = (alice.create_token("revoked"), alice.create_token("kept"));
    assert_eq!(system.status_of(&revoked.secret), 200);
    assert_eq!(alice.revoke_token(&revoked.id), 204);
    system.call("GET", "/api/me", &revoked.secret).assert_gateway_error(401, "Unauthorized");
    assert_eq!(system.status_of(&kept.secret), 200);
}

#[test]
fn r9_a_token_is_active_expired_or_revoked() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let active = alice.create_token("active");
    let revoked = alice.create_token("revoked");
    alice.revoke_token(&revoked.id);
    let expired = super::lifecycle::create_expired_token(&system, &alice);
    for (token, status) in [(&active, "active"), (&revoked, "revoked"), (&expired, "expired")] {
        assert_eq!(alice.show_token(&token.id)["status"], status);
        alice.find_listed_token(&format!("status={status}&limit=100"), &token.id);
        let listed = alice.list_tokens(&format!("status={status}&limit=100"));
        assert!(listed.iter().all(|item| item["status"] == status), "{status}: {listed:?}");
    }
}
