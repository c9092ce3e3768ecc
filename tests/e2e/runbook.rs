//! The commands of docs/operations.md that change the tables without the API.

use patgate_harness::{Document, Settings, System, scan, user_path};

/// Runs a block of the runbook that begins with this text, for a user of this system.
fn run(system: &System, beginning: &str, user_id: &str) {
    let block = Document::read("docs/operations.md").block(beginning);
    let block = block.replace("<UsersTable>", "Users").replace("<TokensTable>", "Tokens");
    let output = system.run_with_aws(&block.replace("<user id>", user_id));
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn operator_can_end_access_without_the_api() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let (alices, bobs) = (alice.create_token("alice's"), bob.create_token("bob's"));
    let blocks = Document::read("docs/operations.md").commands("aws dynamodb update-item");
    let [disable, revoke_all] = &blocks[..] else { panic!("{blocks:?}") };
    let for_user = |command: &str, id| command.replace("<UsersTable>", "Users").replace("<user id>", id);

    let output = system.run_with_aws(&for_user(disable, "alice"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!((system.status_of(&alices.secret), system.status_of(&alice.session)), (401, 401));

    let output = system.run_with_aws(&for_user(revoke_all, "bob"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!((system.status_of(&bobs.secret), system.status_of(&bob.session)), (401, 200));
    assert_eq!(bob.show_token(&bobs.id)["status"], "revoked");
    assert_eq!(system.status_of(&bob.create_token("new").secret), 200);

    assert!(!system.run_with_aws(&for_user(disable, "unknown")).status.success(), "it adds no user");
}

#[test]
fn operator_can_delete_the_tokens_of_a_user_who_has_too_many() {
    let settings = Settings { parameters: vec!["MaxTokensPerUser=3"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let bobs = bob.create_token("bob's");
    let alices = ["first", "second", "third"].map(|name| alice.create_token(name));
    let revoke_all = alice.call("POST", &format!("{}/revoke-all-tokens", user_path("alice")));
    assert_eq!(revoke_all.status, 204);
    alice.request_token(&serde_json::json!({ "name": "fourth" })).assert_problem(409);

    run(&system, "aws dynamodb query", "alice");

    assert_eq!(scan(&system.local().dynamodb, "Tokens").len(), 2, "the two records of bob's token");
    assert!(alices.iter().all(|token| system.status_of(&token.secret) == 401));
    assert_eq!(system.status_of(&bobs.secret), 200);
    alice.create_token("fourth");
}
