//! How users become administrators, what only administrators may do, and that one always
//! remains.

use patgate_harness::{Settings, SignedInUser, System, repository_root, scan, user_path};
use serde_json::{Value, json};

use crate::users::{change_user, show_user, start_with_roles_in_the_table};

#[test]
fn administrators_cannot_disable_or_demote_themselves() {
    let Some(system) = start_with_roles_in_the_table() else { return };
    let admin = system.sign_in("admin");

    for body in [json!({ "disabled": true }), json!({ "roles": [] }), json!({ "roles": ["viewer"] })] {
        change_user(&admin, "admin", &body).assert_problem(403);
    }
    assert_eq!(admin.roles(), json!(["administrator"]));

    // An administrator may change their own roles as long as they remain an administrator.
    let changed =
        change_user(&admin, "admin", &json!({ "roles": ["administrator", "viewer"], "disabled": false }));
    assert_eq!(changed.json()["roles"], json!(["administrator", "viewer"]), "{changed:?}");
}

#[test]
fn one_of_two_administrators_who_disable_each_other_at_the_same_time_remains() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let roles = [("roles", "administrator")];
    for round in 0..10 {
        let ids = [format!("first-{round}"), format!("second-{round}")];
        let [first, second] = [0, 1].map(|n| system.sign_in_as(&ids[n], &roles));
        assert_eq!((first.roles(), second.roles()), (json!(["administrator"]), json!(["administrator"])));

        let disable =
            |admin: &SignedInUser<'_>, id: &str| change_user(admin, id, &json!({ "disabled": true })).status;

        let statuses = std::thread::scope(|scope| {
            let by_first = scope.spawn(|| disable(&first, &ids[1]));
            let by_second = scope.spawn(|| disable(&second, &ids[0]));
            [by_first.join().unwrap(), by_second.join().unwrap()]
        });

        let enabled = [&first, &second].map(|admin| system.status_of(&admin.session) == 200);
        assert_eq!(enabled.iter().filter(|enabled| **enabled).count(), 1, "{statuses:?} {enabled:?}");
        assert_eq!(statuses.map(|status| status == 200), enabled, "{statuses:?}");
    }
}

#[test]
fn roles_managed_by_a_claim_are_read_only_and_the_response_names_the_claim() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");

    system.sign_in("bob").roles();
    let refused = change_user(&admin, "bob", &json!({ "roles": ["administrator"], "disabled": true }));
    assert_eq!(refused.assert_problem(400), ["roles"]);
    assert!(refused.text.contains("the claim `roles`"), "{refused:?}");

    let bob = show_user(&admin, "bob");
    assert_eq!((&bob["roles"], &bob["disabled"]), (&json!(["viewer"]), &json!(false)), "nothing was changed");
}

#[test]
fn role_changes_in_the_table_apply_to_tokens_and_sessions_at_the_next_request() {
    let Some(system) = start_with_roles_in_the_table() else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));

    assert_eq!(bob.roles(), json!([]), "a sign-in gives no roles");

    let token = bob.create_token("bob's");
    let roles_of_token = || system.call("GET", "/api/me", &token.secret).json()["roles"].clone();
    for roles in [json!(["viewer", "publisher"]), json!(["publisher"]), json!([])] {
        assert_eq!(change_user(&admin, "bob", &json!({ "roles": roles })).json()["roles"], roles);
        assert_eq!(
            (roles_of_token(), bob.roles(), system.sign_in("bob").roles()),
            (roles.clone(), roles.clone(), roles)
        );
    }
}

#[test]
fn token_of_an_administrator_can_disable_users_and_cannot_assign_roles() {
    let Some(system) = start_with_roles_in_the_table() else { return };
    let admin = system.sign_in("admin");

    system.sign_in("bob").roles();
    let token = admin.create_token("offboarding").secret;
    let patch = |body: Value| system.request("PATCH", &user_path("bob")).bearer(&token).json(&body).send();

    // Otherwise an attacker with the token could keep access through another administrator.
    patch(json!({ "roles": ["administrator"] })).assert_problem(403);
    assert_eq!(show_user(&admin, "bob")["roles"], json!([]));
    assert_eq!(patch(json!({ "disabled": true })).json()["disabled"], true);
}

#[test]
fn demoted_administrator_has_no_access_at_the_next_request() {
    let Some(system) = start_with_roles_in_the_table() else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));
    bob.roles();
    assert_eq!(change_user(&admin, "bob", &json!({ "roles": ["administrator"] })).status, 200);
    assert_eq!(change_user(&bob, "admin", &json!({ "roles": [] })).status, 200);
    admin.call("GET", "/api/users").assert_problem(403);
    change_user(&admin, "bob", &json!({ "disabled": true })).assert_problem(403);
}

/// Runs `make first-administrator` for a user.
fn make_first_administrator(system: &System, user_id: &str) -> std::process::Output {
    std::process::Command::new("make")
        .current_dir(repository_root())
        .args(["--no-print-directory", "first-administrator"])
        .env("USER_ID", user_id)
        .env("DYNAMODB_URL", &system.local().dynamodb)
        .output()
        .expect("make is installed")
}

#[test]
fn first_administrator_comes_from_the_claim_where_a_claim_manages_roles() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let carol = system.sign_in("carol");
    carol.call("GET", "/api/users").assert_problem(403);

    // An administrator of the identity provider assigns the role, and carol signs in again.
    let carol = system.sign_in_as("carol", &[("roles", "administrator")]);
    assert_eq!(carol.call("GET", "/api/users").status, 200);
    assert_eq!(carol.call("GET", "/api/me").json()["administrator"], true);
}

#[test]
fn operator_can_create_the_first_administrator_where_the_table_manages_roles() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    // The roles of the development sign-in have no effect here, so `admin` is not one either.
    for name in ["admin", "carol"] {
        system.sign_in(name).call("GET", "/api/users").assert_problem(403);
    }

    let carol = system.sign_in("carol");

    let done = make_first_administrator(&system, "carol");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(carol.roles(), json!(["administrator"]), "at the next request, without another sign-in");
    assert_eq!(carol.call("GET", "/api/users").status, 200);

    // From now on administrators appoint others without an operator.
    assert_eq!(change_user(&carol, "admin", &json!({ "roles": ["administrator"] })).status, 200);

    for user_id in ["carol", "unknown", "it's \"unknown\" $(false)"] {
        let before = scan(&system.local().dynamodb, "Users");
        let refused = make_first_administrator(&system, user_id);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("Nothing was changed."), "{refused:?}");
        assert_eq!(scan(&system.local().dynamodb, "Users"), before);
    }
}
