//! `make smoke`, which an operator runs after each deployment.

use std::process::{Command, Output};

use patgate_tests::{Settings, System};

fn smoke(system: &System) -> Output {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new("python3")
        .arg(root.join("infra/smoke.py"))
        .env("URL", &system.api)
        .env("ATTACHED_URL", format!("{}/api/Package", system.packages))
        .env("SESSION", system.sign_in("alice").session)
        .output()
        .expect("Python 3 is installed")
}

#[test]
fn smoke_test_passes_and_leaves_no_working_token_behind() {
    let system = System::start();
    let output = smoke(&system);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("All is well.\n"), "{output:?}");
    let left = system.sign_in("alice").list("status=active&limit=100");
    assert!(left.iter().all(|token| token["name"] != "smoke test"), "{left:?}");
}

#[test]
fn smoke_test_fails_where_a_cache_keeps_a_revoked_token_alive() {
    let infra = super::secrets::templates_with("ReauthorizeEvery: 0", "ReauthorizeEvery: 300");
    let settings = Settings { infra: Some(infra.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let output = smoke(&system);
    std::fs::remove_dir_all(infra).unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("refuse it at the next request: expected 401, got 200"), "{said}");
}
