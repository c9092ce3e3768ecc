//! Anyone who finds a token can revoke it.

use patgate_harness::{Response, Settings, System, repository_root, scan, set_token, sha256};
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

/// Reports leaked tokens, without a credential. The API throttles more than a few reports at once.
fn report(system: &System, body: &Value) -> Response {
    system.request("POST", "/api/tokens/revoke").json(body).send()
}

#[test]
fn anyone_with_a_leaked_token_or_its_hash_can_revoke_it() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let [by_token, by_hash, kept] = ["by token", "by hash", "kept"].map(|name| alice.create_token(name));
    assert_eq!(system.status_of(&by_token.secret), 200);

    let body = json!({ "tokens": [by_token.secret], "hashes": [sha256(&by_hash.secret)] });
    let response = report(&system, &body);
    assert_eq!((response.status, response.json()), (202, json!({ "accepted": 2, "malformed": [] })));
    for token in [&by_token, &by_hash] {
        system.call("GET", "/api/me", &token.secret).assert_gateway_error(401, "Unauthorized");
        let shown = alice.show_token(&token.id);
        assert_eq!((&shown["status"], &shown["revocationReason"]), (&json!("revoked"), &json!("leaked")));
        assert_eq!((&shown["revokedBy"], shown["revokedAt"].is_string()), (&Value::Null, true), "{shown}");
    }
    assert_eq!(system.status_of(&kept.secret), 200);
}

#[test]
fn response_is_the_same_for_active_revoked_and_unknown_tokens() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let (known, revoked) = (alice.create_token("known"), alice.create_token("revoked"));
    assert_eq!(alice.revoke_token(&revoked.id), 204);

    let before = alice.show_token(&revoked.id);
    let hashes = [sha256(&known.secret), sha256(&revoked.secret), sha256("not a token")];
    let responses = hashes.map(|hash| report(&system, &json!({ "hashes": [hash] })));
    for response in &responses {
        assert_eq!((response.status, &response.text), (202, &responses[0].text));
        let names =
            |response: &Response| response.headers.keys().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(response), names(&responses[0]));
    }

    assert_eq!(alice.show_token(&revoked.id), before, "the first revocation is kept");
}

#[test]
fn report_of_100_entries_names_malformed_ones_and_revokes_the_valid_ones() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let tokens: Vec<_> = (0..98).map(|n| alice.create_token(&format!("token {n}")).secret).collect();
    let mut entries = tokens.clone();
    entries.insert(50, format!("{}x", &tokens[0][..41]));
    entries.push("fdp_ not a token".to_owned());
    let response = report(&system, &json!({ "tokens": entries }));
    assert_eq!(
        response.json(),
        json!({ "accepted": 98, "malformed": ["/tokens/50", "/tokens/99"] }),
        "{response:?}"
    );

    for token in &tokens {
        assert_eq!(system.status_of(token), 401);
    }
}

#[test]
fn damaged_record_does_not_prevent_the_revocation_of_others() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let (damaged, intact) = (alice.create_token("damaged"), alice.create_token("intact"));
    let dynamodb = &system.local().dynamodb;

    set_token(dynamodb, &sha256(&damaged.secret), "created_at", &json!({ "S": "long ago" }));
    let body = json!({ "tokens": [damaged.secret, intact.secret] });
    assert_eq!(report(&system, &body).status, 202);
    assert_eq!(alice.show_token(&intact.id)["revocationReason"], "leaked");

    let stored = scan(dynamodb, "Tokens");
    let stored =
        stored.iter().find(|item| item["token_hash"]["S"] == sha256(&damaged.secret).as_str()).unwrap();
    assert_eq!(stored["revocation_reason"]["S"], "leaked");
}

#[test]
fn record_with_a_damaged_id_does_not_prevent_the_revocation_of_others_and_is_a_fault_itself() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let (damaged, intact) = (alice.create_token("damaged"), alice.create_token("intact"));
    set_token(&system.local().dynamodb, &sha256(&damaged.secret), "token_id", &json!({ "S": "no id" }));
    let body = json!({ "tokens": [damaged.secret, intact.secret] });
    assert_eq!(report(&system, &body).status, 202);
    assert_eq!(alice.show_token(&intact.id)["revocationReason"], "leaked");
    assert_eq!(system.status_of(&damaged.secret), 500);
}

#[test]
fn invalid_report_is_refused_without_repeating_the_token_and_revokes_nothing() {
    let system = System::start();

    let token = system.sign_in("alice").create_token("kept").secret;
    for (body, field) in [(json!({ "tokens": token }), "tokens"), (json!({ "tokens": [token, 7] }), "tokens")]
    {
        let refused = report(&system, &body);
        assert_eq!(refused.assert_problem(400), [field], "{body}");
        assert!(!refused.text.contains(&token), "{refused:?}");
    }

    let text = format!("{{\"tokens\": [\"{token}\"");
    let broken = system.request("POST", "/api/tokens/revoke").body("application/json", text).send();
    broken.assert_problem(400);
    assert!(!broken.text.contains(&token), "{broken:?}");
    assert_eq!(system.status_of(&token), 200);
}

#[test]
fn flood_of_reports_is_throttled_and_other_endpoints_are_not() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let session = system.sign_in("alice").session;

    let statuses: Vec<_> = std::thread::scope(|scope| {
        let one = || report(&system, &json!({ "tokens": ["junk"] }));
        let reports: Vec<_> = (0..40).map(|_| scope.spawn(one)).collect();
        reports.into_iter().map(|report| report.join().unwrap()).collect()
    });

    let throttled: Vec<_> = statuses.iter().filter(|response| response.status == 429).collect();
    assert!(throttled.len() >= 20, "{} of 40 were throttled", throttled.len());
    assert!(statuses.iter().filter(|response| response.status == 202).count() >= 10);
    throttled[0].assert_gateway_error(429, "Too Many Requests");
    assert_eq!(system.status_of(&session), 200);
}

/// The number of log lines that the deployed metric filter matches.
fn lines_that_the_alarm_counts(log: &str) -> usize {
    let fields = filtered_fields();
    let lines = log.lines().filter_map(|line| line.strip_prefix("[RevokeLeakedTokens] "));
    let entries = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(|entry| fields.iter().all(|(name, value)| entry[name] == value.as_str())).count()
}

/// The fields that the metric filter for leaked tokens compares, and their values. Its
/// pattern has the form `{ ($.name = "value") && ($.name = "value") }`.
fn filtered_fields() -> Vec<(String, String)> {
    let template = std::fs::read_to_string(repository_root().join("infra/monitoring.yaml")).unwrap();
    let template = Yaml::load_from_str(&template).unwrap();
    let filter = &template[0]["Resources"]["LeakedTokensFilter"]["Properties"];
    let pattern = filter["FilterPattern"].as_str().expect("a filter pattern");

    let terms = pattern.strip_prefix("{ ").and_then(|pattern| pattern.strip_suffix(" }"));
    let field = |term: &str| {
        let comparison = term.strip_prefix("($.").and_then(|term| term.strip_suffix("\")"));
        let (name, value) = comparison.and_then(|comparison| comparison.split_once(" = \"")).expect(term);
        (name.to_owned(), value.to_owned())
    };
    terms.expect(pattern).split(" && ").map(field).collect()
}

#[test]
fn reported_token_or_hash_is_neither_logged_nor_stored_as_plain_text() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let (token, by_hash) = (alice.create_token("leaked"), alice.create_token("also leaked"));
    let hash = sha256(&by_hash.secret);
    let unknown = "fdp_00000000000000000000000000000000000000";
    let body = json!({ "tokens": [token.secret, unknown], "hashes": [hash] });
    assert_eq!(report(&system, &body).status, 202);
    report(&system, &json!({ "tokens": token.secret })).assert_problem(400);

    let stored = json!(scan(&system.local().dynamodb, "Tokens")).to_string();

    assert!(!stored.contains(&token.secret), "{stored}");

    let log = system.stop();
    assert_eq!(lines_that_the_alarm_counts(&log), 2, "{log}");
    assert!(log.contains(&token.id), "{log}");

    for secret in [token.secret.as_str(), &token.secret[4..], &hash, &sha256(&token.secret), unknown] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
