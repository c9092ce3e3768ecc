//! Whoever finds a token can end it.

use patgate_harness::{Response, Settings, System, scan, set_token, sha256};
use serde_json::{Value, json};

/// A report without any credential. A few at once are let through.
fn report(system: &System, body: &Value) -> Response {
    system.request("POST", "/api/tokens/revoke").json(body).send()
}

#[test]
fn leaked_token_is_ended_by_anybody_who_holds_it_or_its_hash() {
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
fn answer_is_the_same_for_known_revoked_and_unknown_tokens() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let (known, revoked) = (alice.create_token("known"), alice.create_token("revoked"));
    assert_eq!(alice.revoke_token(&revoked.id), 204);
    let before = alice.show_token(&revoked.id);
    let hashes = [sha256(&known.secret), sha256(&revoked.secret), sha256("no token at all")];
    let responses = hashes.map(|hash| report(&system, &json!({ "hashes": [hash] })));
    for response in &responses {
        assert_eq!((response.status, &response.text), (202, &responses[0].text));
        let names =
            |response: &Response| response.headers.keys().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(response), names(&responses[0]));
    }
    assert_eq!(alice.show_token(&revoked.id), before, "the first revocation stays on record");
}

#[test]
fn hundred_tokens_are_ended_by_one_report_and_what_is_no_token_is_pointed_out() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let tokens: Vec<_> = (0..98).map(|n| alice.create_token(&format!("token {n}")).secret).collect();
    let mut all = tokens.clone();
    all.insert(50, format!("{}x", &tokens[0][..41]));
    all.push("fdp_ what is this".to_owned());
    let response = report(&system, &json!({ "tokens": all }));
    assert_eq!(
        response.json(),
        json!({ "accepted": 98, "malformed": ["tokens[50]", "tokens[99]"] }),
        "{response:?}"
    );
    for token in &tokens {
        assert_eq!(system.status_of(token), 401);
    }
}

#[test]
fn token_whose_record_is_damaged_keeps_no_other_alive() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let (damaged, other) = (alice.create_token("damaged"), alice.create_token("other"));
    let dynamodb = &system.local().dynamodb;
    set_token(dynamodb, &sha256(&damaged.secret), "created_at", &json!({ "S": "long ago" }));
    let body = json!({ "tokens": [damaged.secret, other.secret] });
    assert_eq!(report(&system, &body).status, 202);
    assert_eq!(alice.show_token(&other.id)["revocationReason"], "leaked");
    let stored = scan(dynamodb, "Tokens");
    let stored =
        stored.iter().find(|item| item["token_hash"]["S"] == sha256(&damaged.secret).as_str()).unwrap();
    assert_eq!(stored["revocation_reason"]["S"], "leaked");
}

#[test]
fn token_whose_id_is_damaged_keeps_no_other_alive_and_is_let_in_nowhere() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let (damaged, other) = (alice.create_token("damaged"), alice.create_token("other"));
    set_token(&system.local().dynamodb, &sha256(&damaged.secret), "token_id", &json!({ "S": "no id" }));
    let body = json!({ "tokens": [damaged.secret, other.secret] });
    assert_eq!(report(&system, &body).status, 202);
    assert_eq!(alice.show_token(&other.id)["revocationReason"], "leaked");
    assert_eq!(system.status_of(&damaged.secret), 500);
}

#[test]
fn report_of_another_shape_is_refused_and_ends_nothing() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("kept").secret;
    for (body, field) in [
        (json!({}), "tokens"),
        (json!({ "tokens": [] }), "tokens"),
        (json!({ "tokens": token }), "tokens"),
        (json!({ "tokens": [token, 7] }), "tokens"),
        (json!({ "hashes": {} }), "hashes"),
        (json!({ "tokens": vec![token.clone(); 101] }), "tokens"),
        (json!({ "tokens": [token], "source": "https://example.org" }), "source"),
    ] {
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

/// How many lines the template's filter takes for a token that was reported and revoked.
fn lines_that_the_alarm_counts(log: &str) -> usize {
    let template =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml")).unwrap();
    let (_, pattern) = template.split_once("FilterPattern: '{ $.message = \"").expect("a filter by message");
    let (message, _) = pattern.split_once("\" }'\n").expect("a filter by nothing else");
    let lines = log.lines().filter_map(|line| line.strip_prefix("[RevokeLeakedTokens] "));
    let entries = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(|entry| entry["message"] == message).count()
}

#[test]
fn report_is_never_logged_and_never_stored_in_the_plain() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let (token, other) = (alice.create_token("leaked"), alice.create_token("also leaked"));
    let hash = sha256(&other.secret);
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

/// A file of the repository's documentation.
fn document(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/secret-scanning").join(name)
}

/// A text of the same form whose checksum is another.
fn with_wrong_checksum(token: &str) -> String {
    let last = if token.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &token[..token.len() - 1])
}

#[test]
fn gitleaks_rule_finds_a_token_wherever_it_stands_and_nothing_that_is_none() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("scanned").secret;
    let rules: toml::Table = std::fs::read_to_string(document("gitleaks.toml")).unwrap().parse().unwrap();
    let rule = &rules["rules"][0];
    // gitleaks takes regular expressions of RE2, as this library does.
    let regex = regex_lite::Regex::new(rule["regex"].as_str().unwrap()).unwrap();
    let found = |text: &str| regex.captures(text).map(|found| found[1].to_owned());
    for text in [
        format!("curl -H 'Authorization: Bearer {token}' https://api.example"),
        format!("TOKEN={token}"),
        format!("{{\"token\":\"{token}\"}}"),
        format!("https://user:{token}@example.org/"),
        format!("\"first line\\n{token}\\n\""),
        format!("Authorization=Bearer%20{token}&x"),
        format!("MY_{token}_"),
        token.clone(),
    ] {
        assert_eq!(found(&text).as_deref(), Some(token.as_str()), "{text}");
        assert!(text.contains(rule["keywords"][0].as_str().unwrap()));
    }
    for text in [format!("{token}x"), token[..41].to_owned(), token.to_uppercase()] {
        assert_eq!(found(&text), None, "{text}");
    }
    // The rule also asks for entropy, so that examples in documentation are no finds.
    let entropy = |text: &str| {
        let counts = text.chars().map(|one| text.chars().filter(|other| *other == one).count());
        counts.map(|count| -(count as f64 / text.len() as f64).log2()).sum::<f64>() / text.len() as f64
    };
    let required = rule["entropy"].as_float().unwrap();
    assert!(entropy(&token) > required, "{}", entropy(&token));
    assert!(entropy("fdp_00000000000000000000000000000000000000") < required);
}

#[test]
fn gitleaks_itself_finds_a_token_where_it_is_installed() {
    if std::process::Command::new("gitleaks").arg("version").output().is_err() {
        eprintln!("skipped: gitleaks is not here; its rule is tested by what gitleaks documents");
        return;
    }
    let Some(system) = System::start_local(Settings::default()) else { return };
    let token = system.sign_in("alice").create_token("scanned").secret;
    let folder = std::env::temp_dir().join(format!("patgate-gitleaks-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    let example = "fdp_00000000000000000000000000000000000000";
    std::fs::write(folder.join("deploy.sh"), format!("TOKEN={token}\nEXAMPLE={example}\n")).unwrap();
    let output = std::process::Command::new("gitleaks")
        .args(["dir", "--report-format", "json", "--report-path", "-", "--config"])
        .arg(document("gitleaks.toml"))
        .arg(&folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let finds: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let secrets: Vec<_> = finds.as_array().unwrap().iter().map(|find| &find["Secret"]).collect();
    assert_eq!(secrets, [&json!(token)]);
}

#[test]
fn scanner_reports_real_tokens_by_their_hashes_and_passes_over_wrong_checksums() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    let (leaked, kept) = (alice.create_token("leaked"), alice.create_token("kept"));
    proxy.take();
    let finds = format!(
        "[{{\"Secret\": \"x\\n{}\"}}, {{\"Secret\": \"{}\"}}, {{\"Match\": \"Bearer%20{}_\"}}]",
        leaked.secret,
        with_wrong_checksum(&kept.secret),
        leaked.secret
    );
    let mut scanner = std::process::Command::new("python3")
        .arg(document("report_leaked.py"))
        .arg(&system.api)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("Python 3 is installed");
    std::io::Write::write_all(&mut scanner.stdin.take().unwrap(), finds.as_bytes()).unwrap();
    let output = scanner.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(said, "1 reported, 1 passed over: no tokens by their checksum\n");
    assert_eq!(system.status_of(&leaked.secret), 401);
    assert_eq!(alice.show_token(&leaked.id)["revocationReason"], "leaked");
    assert_eq!(system.status_of(&kept.secret), 200);
}
