//! `make smoke`, which an operator runs after each deployment.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use patgate_harness::{Document, Settings, System, run_script};

/// How the smoke test is called for a system and an attached API.
fn command(system: &System, attached: &str) -> Command {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new("python3");
    command
        .arg(root.join("infra/smoke.py"))
        .env("URL", &system.api)
        .env("ATTACHED_URL", attached)
        .env("SESSION", system.sign_in("alice").session);
    command
}

fn smoke(system: &System) -> Output {
    let attached = format!("{}/api/Package", system.packages);
    command(system, &attached).output().expect("Python 3 is installed")
}

/// An HTTP server that responses every request by this, and how its address begins.
fn server(response: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let _ = connection.read(&mut [0; 4096]);
            response(&mut connection);
        }
    });
    url
}

#[test]
fn smoke_test_passes_and_leaves_no_working_token_behind() {
    let system = System::start();
    let output = smoke(&system);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("All is well.\n"), "{output:?}");
    let left = system.sign_in("alice").list_tokens("status=active&limit=100");
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

#[test]
fn smoke_test_runs_as_it_is_documented() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let documented = Document::read("docs/attach.md").block("make smoke URL=http://127.0.0.1:3000");
    let line = documented
        .replace("http://127.0.0.1:3000", &system.api)
        .replace("http://127.0.0.1:3001", &system.local().issuer);
    let output = run_script(&line, &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("All is well.\n"), "{output:?}");
}

#[test]
fn smoke_test_gives_up_within_a_minute_on_an_answer_that_does_not_end_and_still_revokes() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    // A byte now and then: no timeout of a single read ever passes.
    let endless = server(|connection| {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        // Until the client hangs up.
        while !matches!(connection.read(&mut [0]), Ok(0)) && connection.write_all(b"x").is_ok() {}
    });
    let started = Instant::now();
    let output = command(&system, &endless).env("CHECKS_SECONDS", "3").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "FAILED the checks took more than 3 seconds\n");
    assert!(started.elapsed() < Duration::from_secs(3 + 15), "{:?}", started.elapsed());
    let left = system.sign_in("alice").list_tokens("status=active&limit=100");
    assert!(left.is_empty(), "{left:?}");
    // What it takes at most without being told.
    let script = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/smoke.py")).unwrap();
    let seconds = |after: &str| {
        let (_, rest) = script.split_once(after).unwrap_or_else(|| panic!("`{after}`"));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap()
    };
    assert!(seconds("\"CHECKS_SECONDS\", ") + seconds("REVOKE_SECONDS = ") < 60);
}

#[test]
fn smoke_test_takes_a_connection_that_ends_in_the_midst_for_a_failure() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    for (response, told) in
        [("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "IncompleteRead"), ("", "closed")]
    {
        let broken = server(move |connection| {
            let _ = connection.write_all(response.as_bytes());
        });
        let output = command(&system, &broken).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.starts_with(&format!("FAILED GET {broken}: ")) && said.contains(told), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn smoke_test_names_the_token_that_it_could_not_revoke_and_not_its_secret() {
    // Whatever the checks say of the rest, nobody can revoke here.
    let infra = super::secrets::templates_with(
        "ApiId: !Ref Api, Method: DELETE, Path: \"/api/tokens/{id}\"",
        "ApiId: !Ref Api, Method: DELETE, Path: \"/api/nothing/{id}\"",
    );
    let settings = Settings { infra: Some(infra.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let broken = server(|_| ());
    for attached in [format!("{}/api/Package", system.packages), broken] {
        let output = command(&system, &attached).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let left = system.sign_in("alice").list_tokens("status=active&limit=1");
        let id = left[0]["id"].as_str().unwrap();
        assert!(said.contains(&format!("The token {id} (\"smoke test\") could not be revoked")), "{said}");
        assert!(said.contains("FAILED ") && !said.contains("fdp_"), "{said}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("fdp_"));
    }
    std::fs::remove_dir_all(infra).unwrap();
}
