//! Every act is one audit event, and no event contains a secret. (A check of all logs of the
//! suite verifies every event against its schema.)

use std::time::{Duration, Instant};

use patgate_harness::{DynamoDbFault, Settings, System, set_token, sha256, user_path};
use serde_json::{Value, json};

/// The audit events in a log.
fn events(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
    let values = lines.filter_map(|(_, line)| serde_json::from_str::<Value>(line).ok());
    values.filter(|value| value["audit"].is_string()).collect()
}

/// Waits until the log has this many events, because the log arrives through a pipe.
#[track_caller]
fn wait_for(system: &System, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let found = events(&system.local().output());
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{} of {count} events: {found:#?}", found.len());
        std::thread::yield_now();
    }
}

/// The events without the fields that every event has, sorted, because functions log
/// independently of each other.
fn without_common_fields(events: &[Value]) -> Vec<String> {
    let mut events: Vec<_> = events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            let fields = event.as_object_mut().unwrap();
            for always in ["timestamp", "level", "target", "request_id", "ip"] {
                assert!(fields.remove(always).is_some_and(|value| value != ""), "no {always}: {fields:?}");
            }
            fields.remove("span");
            event.to_string()
        })
        .collect();

    events.sort();
    events
}

#[test]
fn each_act_is_one_event_with_its_actor_user_and_token() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob, admin) = (system.sign_in("alice"), system.sign_in("bob"), system.sign_in("admin"));
    let dynamodb = &system.local().dynamodb;

    let created = |owner: &str, id: &str| json!({ "audit": "token.created", "actor_user_id": owner, "user_id": owner, "token_id": id });
    let changed_by_session = |user: &str, roles: &str| json!({ "audit": "user.changed", "reason": "session", "actor_user_id": user, "user_id": user, "roles": roles });
    let refused = |owner: &str, id: &str, reason: &str| json!({ "audit": "token.refused", "reason": reason, "user_id": owner, "token_id": id });
    let mut expected = vec![
        changed_by_session("alice", "publisher"),
        changed_by_session("bob", "viewer"),
        changed_by_session("admin", "administrator"),
    ];
    assert_eq!(admin.call("GET", "/api/me").status, 200);

    let used = alice.create_token("used");
    expected.push(created("alice", &used.id));

    for _ in 0..3 {
        assert_eq!(system.status_of(&used.secret), 200);
    }

    expected.push(json!({
        "audit": "token.used_from_new_address",
        "actor_user_id": "alice", "actor_token_id": used.id, "user_id": "alice", "token_id": used.id,
    }));

    // A change that changes nothing is not an event.
    for _ in 0..2 {
        let change = json!({ "name": "used often", "description": "in a job" });
        let path = format!("/api/tokens/{}", used.id);
        assert_eq!(alice.request("PATCH", &path).json(&change).send().status, 200);
    }
    expected.push(json!({
        "audit": "token.changed", "fields": "name description",
        "actor_user_id": "alice", "user_id": "alice", "token_id": used.id,
    }));

    // The owner revokes it with another token. A second revocation changes nothing.
    let own = alice.create_token("own");
    expected.push(created("alice", &own.id));

    for _ in 0..2 {
        assert_eq!(system.call("DELETE", &format!("/api/tokens/{}", own.id), &used.secret).status, 204);
    }

    expected.push(json!({
        "audit": "token.revoked", "reason": "owner",
        "actor_user_id": "alice", "actor_token_id": used.id, "user_id": "alice", "token_id": own.id,
    }));

    for _ in 0..2 {
        assert_eq!(system.status_of(&own.secret), 401);
        expected.push(refused("alice", &own.id, "revoked"));
    }

    let bobs_token = bob.create_token("bob's");
    expected.push(created("bob", &bobs_token.id));
    assert_eq!(admin.revoke_token(&bobs_token.id), 204);

    expected.push(json!({
        "audit": "token.revoked", "reason": "administrator",
        "actor_user_id": "admin", "user_id": "bob", "token_id": bobs_token.id,
    }));

    let expired = bob.create_token("expired");
    expected.push(created("bob", &expired.id));
    set_token(dynamodb, &sha256(&expired.secret), "expires_at", &json!({ "S": "2026-01-01T00:00:00.000Z" }));
    assert_eq!(system.status_of(&expired.secret), 401);

    expected.push(refused("bob", &expired.id, "expired"));

    let leaked = bob.create_token("leaked");
    expected.push(created("bob", &leaked.id));

    for _ in 0..2 {
        let report = json!({ "tokens": [leaked.secret] });
        assert_eq!(system.request("POST", "/api/tokens/revoke").json(&report).send().status, 202);
    }

    expected.push(
        json!({ "audit": "token.revoked", "reason": "leaked", "user_id": "bob", "token_id": leaked.id }),
    );

    let superseded = bob.create_token("superseded");
    expected.push(created("bob", &superseded.id));
    assert_eq!(bob.call("POST", &format!("{}/revoke-all-tokens", user_path("bob"))).status, 204);

    expected.push(json!({ "audit": "user.tokens_revoked", "actor_user_id": "bob", "user_id": "bob" }));
    assert_eq!(system.status_of(&superseded.secret), 401);

    expected.push(refused("bob", &superseded.id, "revoked"));

    for disabled in [true, false] {
        let change = json!({ "disabled": disabled });
        assert_eq!(admin.request("PATCH", &user_path("bob")).json(&change).send().status, 200);
        expected.push(json!({
            "audit": "user.changed", "reason": "administrator",
            "actor_user_id": "admin", "user_id": "bob", "disabled": disabled,
        }));
    }

    // A session with the same roles changes nothing; one with other roles does.
    for roles in ["publisher", "publisher,viewer", "publisher,viewer"] {
        assert_eq!(system.sign_in_as("alice", &[("roles", roles)]).call("GET", "/api/me").status, 200);
    }

    expected.push(changed_by_session("alice", "publisher viewer"));

    wait_for(&system, expected.len());
    let found = events(&system.stop());
    assert!(found.iter().all(|event| event["ip"] == "127.0.0.1"), "{found:#?}");

    let mut expected: Vec<_> = expected.iter().map(Value::to_string).collect();
    expected.sort();
    assert_eq!(without_common_fields(&found), expected);
}

#[test]
fn malformed_and_unknown_tokens_and_failed_acts_are_not_events() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("quiet");
    let before = wait_for(&system, 2).len();
    for credential in ["fdp_junk", "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw", "a.b.c"] {
        assert_eq!(system.status_of(credential), 401);
    }

    proxy.inject_where(usize::MAX, DynamoDbFault::CutBefore, |request| request.function != "Authorizer");
    assert_eq!(alice.revoke_token(&token.id), 503);
    assert_eq!(alice.request_token(&json!({ "name": "never" })).status, 503);

    let found = events(&system.stop());
    assert_eq!(found.len(), before, "{found:#?}");
}

#[test]
fn act_is_an_event_even_if_the_database_response_is_lost() {
    let Some((system, proxy)) = System::start_observed() else { return };

    let lose_response = |function: &'static str, operation: &'static str| {
        proxy.inject_where(1, DynamoDbFault::CutAfter, move |request| {
            request.function == function && request.operation == operation
        });
    };

    let alice = system.sign_in("alice");

    lose_response("Authorizer", "UpdateItem");
    assert_eq!(alice.call("GET", "/api/me").status, 200);

    wait_for(&system, 1);
    lose_response("CreateToken", "TransactWriteItems");
    let token = alice.create_token("lucky");
    wait_for(&system, 2);
    lose_response("Authorizer", "UpdateItem");
    assert_eq!(system.status_of(&token.secret), 200);

    wait_for(&system, 3);
    lose_response("RevokeToken", "UpdateItem");
    assert_eq!(alice.revoke_token(&token.id), 204);

    wait_for(&system, 4);
    lose_response("RevokeAllTokens", "UpdateItem");
    assert_eq!(alice.call("POST", &format!("{}/revoke-all-tokens", user_path("alice"))).status, 204);

    wait_for(&system, 5);
    let kinds: Vec<_> = events(&system.stop()).iter().map(|event| event["audit"].clone()).collect();
    let expected = [
        "user.changed",
        "token.created",
        "token.used_from_new_address",
        "token.revoked",
        "user.tokens_revoked",
    ];

    assert_eq!(kinds, expected);
}

#[test]
fn session_with_the_same_roles_in_another_order_is_not_an_event() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    for roles in ["viewer,publisher", "publisher,viewer"] {
        assert_eq!(system.sign_in_as("alice", &[("roles", roles)]).call("GET", "/api/me").status, 200);
    }

    assert_eq!(events(&system.stop()).len(), 1);

    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let system = System::start_local(settings).unwrap();

    assert_eq!(system.sign_in("alice").call("GET", "/api/me").status, 200);
    assert_eq!(
        events(&system.stop()).len(),
        0,
        "roles are managed in the table, and no administrator has changed them"
    );
}

#[test]
fn roles_set_by_an_administrator_are_in_the_event() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let admin = system.sign_in("admin");

    assert_eq!(admin.call("GET", "/api/me").status, 200);

    let dynamodb = &system.local().dynamodb;

    patgate_harness::set_user(dynamodb, "admin", "roles", &json!({ "L": [{ "S": "administrator" }] }));
    let bob = system.sign_in("bob").id();

    let change = json!({ "roles": ["viewer", "publisher"], "disabled": false });
    let changed = admin.request("PATCH", &user_path(&bob)).json(&change).send();
    assert_eq!(changed.status, 200, "{changed:?}");

    let found = events(&system.stop());
    let changes: Vec<_> = found.iter().filter(|event| event["reason"] == "administrator").collect();
    let [change] = changes[..] else { panic!("{found:#?}") };
    assert_eq!((&change["roles"], &change["disabled"]), (&json!("viewer publisher"), &json!(false)));
}

#[test]
fn event_has_the_clients_address_behind_a_trusted_proxy() {
    let secret = "only-the-proxy-knows-it";
    let parameters = vec!["ClientIpHeader=X-Client-Ip", "OriginSecret=only-the-proxy-knows-it"];
    let Some(system) = System::start_local(Settings { parameters, ..Settings::default() }) else { return };
    let alice = system.sign_in("alice");

    let create = |proof: &str| {
        let request = alice.request("POST", "/api/tokens").header("X-Client-Ip", "2001:db8::7");
        let created = request.header("X-Origin-Verify", proof).json(&json!({ "name": "behind" })).send();
        assert_eq!(created.status, 201, "{created:?}");
        created.json()["id"].as_str().unwrap().to_owned()
    };

    let (trusted, forged) = (create(secret), create("something-else-altogether"));
    let log = system.stop();
    let found = events(&log);
    let address_of = |id: &str| {
        let event = found.iter().find(|event| event["audit"] == "token.created" && event["token_id"] == id);
        event.unwrap()["ip"].clone()
    };
    assert_eq!((address_of(&trusted), address_of(&forged)), (json!("2001:db8::7"), json!("127.0.0.1")));
    assert!(!log.contains(secret));
}
