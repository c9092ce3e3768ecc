//! The life of a token: creation, expiry, revocation, restarts of the system.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use patgate_harness::{CreatedToken, Settings, SignedInUser, System, scan};

/// Creates a token and waits until it has expired.
pub(crate) fn create_expired_token(system: &System, owner: &SignedInUser<'_>) -> CreatedToken {
    let expires_at = Utc::now() + TimeDelta::seconds(2);
    let token = owner.create_expiring_token("short-lived", &expires_at.to_rfc3339());
    while system.status_of(&token.secret) == 200 {
        assert!(Utc::now() < expires_at + TimeDelta::seconds(5), "it does not expire");
    }
    token
}

#[test]
fn token_is_refused_as_soon_as_it_expires_and_not_earlier() {
    let system = System::start();
    let alice = system.sign_in("alice");

    // Start the functions first, so that the requests below take milliseconds.
    assert_eq!(system.status_of(&alice.create_token("warm-up").secret), 200);

    let expires_at = Utc::now() + TimeDelta::seconds(3);
    let token = alice.create_expiring_token("three seconds", &expires_at.to_rfc3339());
    let mut allowed = 0;
    loop {
        let sent_at = Utc::now();
        let status = system.status_of(&token.secret);
        let received_at = Utc::now();
        if status == 200 {
            allowed += 1;
            assert!(sent_at < expires_at, "accepted at {sent_at}, expired at {expires_at}");
        } else {
            assert_eq!(status, 401);
            assert!(received_at >= expires_at - TimeDelta::milliseconds(1), "refused at {received_at}");
            break;
        }
    }

    assert!(allowed > 0, "no request was sent before it expired");
    assert_eq!(alice.show_token(&token.id)["status"], "expired");

    alice.find_listed_token("status=expired&limit=100", &token.id);
}

#[test]
fn token_without_expiry_works_until_it_is_revoked() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("lasting");
    for _ in 0..20 {
        assert_eq!(system.status_of(&token.secret), 200);
    }

    assert_eq!(alice.revoke_token(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);
}

#[test]
fn second_revocation_succeeds_and_keeps_the_first_revoker() {
    let system = System::start();
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));

    let token = alice.create_token("revoked twice");
    assert_eq!(admin.revoke_token(&token.id), 204);

    let first = alice.show_token(&token.id);
    assert_eq!(first["revokedBy"], admin.id().as_str());
    assert_eq!(alice.revoke_token(&token.id), 204);

    let second = alice.show_token(&token.id);
    assert_eq!((&second["revokedBy"], &second["revokedAt"]), (&first["revokedBy"], &first["revokedAt"]));
}

#[test]
fn token_can_be_revoked_immediately_after_its_creation() {
    let system = System::start();
    let alice = system.sign_in("alice");
    for _ in 0..20 {
        let token = alice.create_token("brief");
        assert_eq!(alice.revoke_token(&token.id), 204);
        assert_eq!(system.status_of(&token.secret), 401);
    }
}

#[test]
fn no_request_sent_after_the_response_to_a_revocation_is_accepted() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("hammered");
    let revoked_at: Mutex<Option<Instant>> = Mutex::new(None);
    let is_accepted = AtomicBool::new(false);
    let clients: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let client = || {
            let (mut before, mut after) = (0, 0);
            let end = Instant::now() + Duration::from_secs(20);
            while after < 3 && Instant::now() < end {
                let started = Instant::now();
                let status = system.status_of(&token.secret);
                let is_after = revoked_at.lock().unwrap().is_some_and(|revoked_at| started >= revoked_at);
                match status {
                    200 => {
                        assert!(!is_after, "accepted after the response to the revocation");
                        before += 1;
                        is_accepted.store(true, Ordering::SeqCst);
                    }
                    401 if is_after => after += 1,
                    401 => {}
                    status => panic!("unexpected status {status}"),
                }
            }
            (before, after)
        };
        let clients: Vec<_> = (0..50).map(|_| scope.spawn(client)).collect();
        while !is_accepted.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        assert_eq!(alice.revoke_token(&token.id), 204);
        *revoked_at.lock().unwrap() = Some(Instant::now());
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });

    assert!(clients.iter().map(|(before, _)| before).sum::<usize>() > 0, "no request was accepted before");
    assert!(clients.iter().all(|(_, after)| *after == 3), "a client gave up: {clients:?}");
}

#[test]
fn tokens_and_revocations_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("patgate-restart-{}", uuid::Uuid::now_v7()));
    let settings = || Settings { data: Some(folder.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings()) else { return };
    let alice = system.sign_in("alice");

    let (kept, revoked) = (alice.create_token("kept"), alice.create_token("revoked"));
    assert_eq!(alice.revoke_token(&revoked.id), 204);

    let before = alice.show_token(&kept.id);
    system.stop();

    let system = System::start_local(settings()).unwrap();

    assert_eq!(system.status_of(&kept.secret), 200);
    assert_eq!(system.status_of(&revoked.secret), 401);

    let mut after = system.sign_in("alice").show_token(&kept.id);

    for field in ["lastUsedAt", "lastUsedIp", "seenFrom"] {
        after[field] = before[field].clone();
    }

    assert_eq!(after, before);

    system.stop();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_token_cannot_create_a_token() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("parent");
    let refused = system
        .request("POST", "/api/tokens")
        .bearer(&token.secret)
        .json(&serde_json::json!({ "name": "child" }))
        .send();

    refused.assert_problem(403);
    assert!(alice.list_tokens("limit=100").iter().all(|item| item["name"] != "child"));
}

#[test]
fn current_is_the_token_of_the_request() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let tokens = [alice.create_token("one"), alice.create_token("two")];
    for token in &tokens {
        let current = system.call("GET", "/api/tokens/current", &token.secret);
        assert_eq!(current.json()["id"], token.id.as_str(), "{current:?}");
        assert_eq!(system.call("GET", "/api/me", &token.secret).json()["token"]["id"], token.id.as_str());
    }

    alice.call("GET", "/api/tokens/current").assert_problem(404);
}

#[test]
fn expired_and_revoked_records_are_kept_for_the_configured_retention() {
    let settings = Settings { parameters: vec!["RetentionDays=5"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    let expiring = alice.create_expiring_token("expires", "2099-01-01T00:00:00Z");
    let lasting = alice.create_token("lasting");
    let revoked = alice.create_token("revoked");
    assert_eq!(alice.revoke_token(&revoked.id), 204);

    let leaked = alice.create_token("leaked");
    let report = serde_json::json!({ "tokens": [leaked.secret] });
    assert_eq!(system.request("POST", "/api/tokens/revoke").json(&report).send().status, 202);

    let five_days_after_its_revocation = |id: &str| {
        let at: DateTime<Utc> = alice.show_token(id)["revokedAt"].as_str().unwrap().parse().unwrap();
        Some((at + TimeDelta::days(5)).timestamp())
    };
    let items = scan(&system.local().dynamodb, "Tokens");

    let purge_at = |id: &str| {
        // The token, and its lookup item.
        let of_token = items.iter().filter(|item| item.to_string().contains(id));
        let times: Vec<_> = of_token.map(|item| item["purge_at"]["N"].as_str().map(str::to_owned)).collect();
        assert!(times.len() == 2 && times[0] == times[1], "{times:?}");
        times[0].as_ref().map(|seconds| seconds.parse::<i64>().unwrap())
    };

    assert_eq!(purge_at(&expiring.id), Some(4_070_908_800 + 5 * 86_400));
    assert_eq!(purge_at(&revoked.id), five_days_after_its_revocation(&revoked.id));
    assert_eq!(purge_at(&leaked.id), five_days_after_its_revocation(&leaked.id));
    assert_eq!(purge_at(&lasting.id), None);
}

#[test]
fn configured_token_prefix_applies_everywhere() {
    let settings = Settings { parameters: vec!["TokenPrefix=acme_"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("prefixed");
    assert!(token.secret.starts_with("acme_") && token.secret.len() == 43, "{}", token.secret.len());
    assert_eq!(alice.show_token(&token.id)["prefix"], token.secret[..11]);
    assert_eq!(system.status_of(&token.secret), 200);
    assert_eq!(system.status_of(&token.secret.replace("acme_", "fdp_")), 401);

    let body = serde_json::json!({ "tokens": [token.secret] });
    let report = system.request("POST", "/api/tokens/revoke").json(&body).send();
    assert_eq!(report.json()["accepted"], 1, "{report:?}");
    assert_eq!(system.status_of(&token.secret), 401);
}
