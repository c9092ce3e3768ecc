//! This suite itself, as it runs against a system that others use at the same time (`BASE_URL`).

use std::process::Command;

use patgate_harness::{Settings, System};
use serde_json::json;

use crate::users::{change_user, show_user};

/// Runs the suite against this system.
fn run_suite(system: &System, threads: &str, users: &[(&str, &str)]) {
    let mut suite = Command::new(std::env::current_exe().unwrap());
    for variable in ["PACKAGES_URL", "SIGN_IN_URL", "SESSION_ALICE", "SESSION_BOB", "SESSION_ADMIN"] {
        suite.env_remove(variable);
    }
    suite.env("BASE_URL", &system.api).envs(users.iter().copied());

    let output = suite.args(["--test-threads", threads]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "with {threads} threads: {text}");
    assert!(text.contains("requirements::r9_a_token_is_active_expired_or_revoked ... ok"), "{text}");
}

fn sign_in_url(system: &System) -> String {
    format!("{}/sign-in", system.local().issuer)
}

#[test]
fn suite_passes_with_many_threads_on_a_shared_system_and_again_on_what_it_left() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    // Each thread more starts another authorizer at the same time, and each has a second to respond.
    for threads in ["16", "8"] {
        run_suite(&system, threads, &[("SIGN_IN_URL", &sign_in_url(&system))]);
    }
}

#[test]
fn suite_passes_with_three_given_users_and_leaves_them_no_usable_token() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let users = ["alice", "bob", "admin"].map(|name| system.sign_in(name));

    let [alice, bob, admin] = &users;
    let sessions = [
        ("SESSION_ALICE", &*alice.session),
        ("SESSION_BOB", &*bob.session),
        ("SESSION_ADMIN", &*admin.session),
    ];
    run_suite(&system, "8", &sessions);

    for user in &users {
        assert_eq!(user.call("GET", "/api/me").status, 200);
        assert_eq!(user.list_tokens("status=active&limit=100"), Vec::<serde_json::Value>::new());
    }
}

#[test]
fn test_that_ends_leaves_its_users_enabled_and_without_usable_tokens() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let (id, token) = {
        let shared = System::shared(&system.api, &sign_in_url(&system));
        let (admin, bob) = (shared.sign_in("admin"), shared.sign_in("bob"));
        let (id, token) = (bob.id(), bob.create_token("forgotten"));
        assert_eq!(change_user(&admin, &id, &json!({ "disabled": true })).status, 200);
        (id, token)
    };

    assert_ne!(id, "bob", "each test has users of its own");
    let admin = system.sign_in("admin");
    assert_eq!(show_user(&admin, &id)["disabled"], false);
    assert_eq!(admin.show_token(&token.id)["status"], "revoked");
}
