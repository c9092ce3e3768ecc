//! Commands from the documents, run exactly as printed.

use patgate_harness::{Document, Settings, System, run_script, set_user};
use serde_json::{Value, json};

/// Runs a command with the system's URL and this `pathId` in place of its placeholders. It
/// must succeed.
fn run(line: &str, system: &System, path_id: &str, variables: &[(&str, &str)]) -> String {
    let line = line.replace("https://api.example.com", &system.api).replace("<path id>", path_id);
    assert!(!line.contains('<'), "`{line}` has another placeholder");
    let output = run_script(&line, variables);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands_in_the_administration_guide_work_as_documented() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));

    let token = bob.create_token("bob's");
    admin.roles();
    let administrators = json!({ "L": [{ "S": "administrator" }] });
    set_user(&system.local().dynamodb, "admin", "roles", &administrators);
    let guide = Document::read("docs/administration.md");
    let path_id = run(&guide.block("printf %s alice").replace("alice", "bob"), &system, "", &[]);
    let lines = guide.commands("curl");
    let [change_roles, disable, revoke_all] = lines.as_slice() else { panic!("{lines:#?}") };
    let run = |line: &str| run(line, &system, path_id.trim(), &[("ADMIN", &admin.session)]);

    let changed: Value = serde_json::from_str(&run(change_roles)).unwrap();
    assert_eq!(changed["roles"], json!(["administrator", "publisher"]));
    assert_eq!(bob.roles(), changed["roles"]);
    assert_eq!(run(revoke_all), "");
    assert_eq!((system.status_of(&token.secret), system.status_of(&bob.session)), (401, 200));

    let changed: Value = serde_json::from_str(&run(disable)).unwrap();
    assert_eq!((&changed["disabled"], system.status_of(&bob.session)), (&json!(true), 401));
}

#[test]
fn commands_in_the_operations_guide_work_as_documented() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("leaked").secret;
    let document = Document::read("docs/operations.md");
    let mut lines = document.commands("curl");

    // `local` does not emulate REST APIs.
    lines.retain(|line| !line.contains("<HelloUrl>"));
    let [not_found, report] = lines.as_slice() else { panic!("{lines:#?}") };

    // On this machine one URL serves both.
    let urls = [("API", system.api.as_str()), ("PAGE", system.api.as_str())];
    let response = run(&not_found.replace("Bearer …", &format!("Bearer {token}")), &system, "", &urls);
    assert!(response.starts_with("HTTP/1.1 404 Not Found"), "{response}");
    assert!(response.contains("application/problem+json"), "{response}");

    let response = run(&report.replace("fdp_…", &token), &system, "", &urls);
    assert_eq!(response, r#"{"accepted":1,"malformed":[]}"#);
    assert_eq!(system.status_of(&token), 401);

    // The number of responses with each status.
    let flood = run(&document.block("seq 60"), &system, "", &[("API", system.api.as_str())]);
    let statuses: Vec<_> = flood.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(statuses, ["202", "429"], "{flood}");
}

#[test]
fn documented_leak_report_returns_the_documented_response() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let token = system.sign_in("alice").create_token("leaked").secret;
    let document = Document::read("docs/secret-scanning/README.md");
    let lines = document.commands("curl");
    let [report] = lines.as_slice() else { panic!("{lines:#?}") };
    let response = run(&report.replace("fdp_…", &token), &system, "", &[]);
    assert_eq!(response, document.block("{\"accepted\""));
    assert_eq!(system.status_of(&token), 401);
}
