//! Tables as they were at an earlier time, put back as docs/operations.md says.

use patgate_harness::{
    Document, Settings, System, create_table_like, has_aws_cli, replace_items, scan, set_user,
};
use serde_json::json;

/// Step 3 of the runbook, with these tables.
fn say_again(system: &System, from: &str, to: &str) {
    let script = Document::read("docs/operations.md").block("from=<users>");
    let script = script.replacen("from=<users> to=<users> ", &format!("from={from} to={to} "), 1);
    assert!(script.contains(&format!("to={to} ")), "{script}");
    let output = system.run_with_aws(&script);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_was_revoked_disabled_and_taken_since_holds_after_a_restore_of_both_tables() {
    if !has_aws_cli() {
        return;
    }
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let dynamodb = system.local().dynamodb.clone();
    let [admin, alice, bob, carol] = ["admin", "alice", "bob", "carol"].map(|name| {
        let person = system.sign_in(name);
        person.roles();
        person
    });
    let administrators = json!({ "L": [{ "S": "administrator" }] });
    for name in ["admin", "carol"] {
        set_user(&dynamodb, name, "roles", &administrators);
    }
    let (ended, leaked, of_bob) =
        (alice.create_token("ended"), alice.create_token("leaked"), bob.create_token("bob's"));
    let (tokens, users) = (scan(&dynamodb, "Tokens"), scan(&dynamodb, "Users"));

    let change =
        |id: &str, body| admin.request("PATCH", &format!("/api/users/{id}")).json(&body).send().status;
    assert_eq!(alice.revoke_token(&ended.id), 204);
    let report = json!({ "tokens": [leaked.secret] });
    assert_eq!(system.request("POST", "/api/tokens/revoke").json(&report).send().status, 202);
    let newcomer = system.sign_in("dave");
    newcomer.roles();
    for id in ["bob", "dave"] {
        assert_eq!(change(id, json!({ "disabled": true })), 200);
    }
    assert_eq!(change("carol", json!({ "roles": [] })), 200);

    create_table_like(&dynamodb, "Users-restored", "Users");
    replace_items(&dynamodb, "Users-restored", "user_id", &users);
    say_again(&system, "Users", "Users-restored");
    // What a restore alone would do.
    replace_items(&dynamodb, "Tokens", "token_hash", &tokens);
    replace_items(&dynamodb, "Users", "user_id", &users);
    for credential in [&ended.secret, &leaked.secret, &of_bob.secret, &bob.session, &newcomer.session] {
        assert_eq!(system.status_of(credential), 200);
    }
    assert_eq!(carol.roles(), json!(["administrator"]));

    let said_again = scan(&dynamodb, "Users-restored");
    replace_items(&dynamodb, "Users", "user_id", &said_again);
    for credential in [&ended.secret, &leaked.secret, &of_bob.secret, &bob.session, &newcomer.session] {
        assert_eq!(system.status_of(credential), 401);
    }
    for token in [&ended, &leaked, &of_bob] {
        let shown = admin.show_token(&token.id);
        assert_eq!(
            (&shown["status"], &shown["revokedBy"]),
            (&json!("revoked"), &json!("restore")),
            "{shown}"
        );
    }
    assert_eq!((carol.roles(), admin.roles()), (json!([]), json!(["administrator"])));
    assert_eq!(admin.call("GET", "/api/users/alice").json()["name"], "Alice Archer");
    assert_eq!(system.status_of(&alice.create_token("afterwards").secret), 200);
}

#[test]
fn what_was_revoked_since_holds_after_a_restore_of_the_tokens_alone() {
    if !has_aws_cli() {
        return;
    }
    let Some(system) = System::start_local(Settings::default()) else { return };
    let dynamodb = system.local().dynamodb.clone();
    let alice = system.sign_in("alice");
    let ended = alice.create_token("ended");
    let tokens = scan(&dynamodb, "Tokens");
    assert_eq!(alice.revoke_token(&ended.id), 204);
    let roles = alice.roles();
    say_again(&system, "Users", "Users");
    replace_items(&dynamodb, "Tokens", "token_hash", &tokens);
    assert_eq!(system.status_of(&ended.secret), 401);
    assert_eq!((alice.roles(), alice.show_token(&ended.id)["status"].clone()), (roles, json!("revoked")));
}
