//! Point-in-time restores of the tables, by the runbook in docs/operations.md.

use patgate_harness::{
    Document, Settings, System, create_table_like, replace_items, scan, set_user, user_path,
};
use serde_json::json;

/// Runs step 3 of the runbook, which reapplies later changes of users, on these tables.
fn restore_users(system: &System, from: &str, to: &str) {
    let [line] = &Document::read("docs/operations.md").commands("scripts/restore-users")[..] else {
        panic!("the runbook has one such command")
    };
    let (command, _) = line.split_once('#').unwrap_or((line, ""));
    assert_eq!(command.trim(), "scripts/restore-users --from <users> --to <users>");
    let command = command.replacen("<users>", from, 1).replacen("<users>", to, 1);

    let output = system.run_with_aws(&command);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn later_revocations_disabled_users_and_removed_roles_survive_a_restore_of_both_tables() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let dynamodb = system.local().dynamodb.clone();
    let [admin, alice, bob, carol] = ["admin", "alice", "bob", "carol"].map(|name| {
        let user = system.sign_in(name);
        user.roles();
        user
    });

    let administrators = json!({ "L": [{ "S": "administrator" }] });
    for name in ["admin", "carol"] {
        set_user(&dynamodb, name, "roles", &administrators);
    }

    let (revoked, leaked, bobs_token) =
        (alice.create_token("revoked"), alice.create_token("leaked"), bob.create_token("bob's"));
    let (tokens, users) = (scan(&dynamodb, "Tokens"), scan(&dynamodb, "Users"));

    let change = |id: &str, body| admin.request("PATCH", &user_path(id)).json(&body).send().status;
    assert_eq!(alice.revoke_token(&revoked.id), 204);

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
    restore_users(&system, "Users", "Users-restored");

    // Without step 3, a restore makes revoked tokens work again.
    replace_items(&dynamodb, "Tokens", "token_hash", &tokens);
    replace_items(&dynamodb, "Users", "user_id", &users);

    for credential in [&revoked.secret, &leaked.secret, &bobs_token.secret, &bob.session, &newcomer.session] {
        assert_eq!(system.status_of(credential), 200);
    }

    assert_eq!(carol.roles(), json!(["administrator"]));

    let restored = scan(&dynamodb, "Users-restored");
    replace_items(&dynamodb, "Users", "user_id", &restored);

    for credential in [&revoked.secret, &leaked.secret, &bobs_token.secret, &bob.session, &newcomer.session] {
        assert_eq!(system.status_of(credential), 401);
    }

    for token in [&revoked, &leaked, &bobs_token] {
        let shown = admin.show_token(&token.id);
        assert_eq!(
            (&shown["status"], &shown["revokedBy"]),
            (&json!("revoked"), &json!("restore")),
            "{shown}"
        );
    }

    assert_eq!((carol.roles(), admin.roles()), (json!([]), json!(["administrator"])));
    assert_eq!(admin.call("GET", &user_path("alice")).json()["name"], "Alice Archer");
    assert_eq!(system.status_of(&alice.create_token("after the restore").secret), 200);
}

#[test]
fn later_revocations_survive_a_restore_of_the_tokens_alone() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let dynamodb = system.local().dynamodb.clone();
    let alice = system.sign_in("alice");

    let revoked = alice.create_token("revoked");
    let tokens = scan(&dynamodb, "Tokens");
    assert_eq!(alice.revoke_token(&revoked.id), 204);

    let roles = alice.roles();
    restore_users(&system, "Users", "Users");
    replace_items(&dynamodb, "Tokens", "token_hash", &tokens);
    assert_eq!(system.status_of(&revoked.secret), 401);
    assert_eq!((alice.roles(), alice.show_token(&revoked.id)["status"].clone()), (roles, json!("revoked")));
}
