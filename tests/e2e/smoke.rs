//! `make smoke`, which operators run after each deployment.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use patgate_harness::{Document, Settings, System, repository_root, run_script};

use crate::templates::core_template_with;

/// The command that runs the smoke test on a system and the URL of an attached API.
fn command(system: &System, attached: &str) -> Command {
    let mut command = Command::new(repository_root().join("scripts/smoke"));
    command
        .env("URL", &system.api)
        .env("ATTACHED_URL", attached)
        .env("SESSION", system.sign_in("alice").session);

    command
}

fn smoke(system: &System) -> Output {
    let attached = format!("{}/api/Package", system.packages);
    command(system, &attached).output().expect("Python 3 is installed")
}

/// Starts a server that handles the start of every request with `respond`, and returns its URL.
fn server(respond: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let length = connection.read(&mut request).unwrap_or_default();
            respond(&String::from_utf8_lossy(&request[..length]), &mut connection);
        }
    });

    url
}

#[test]
fn smoke_test_passes_and_leaves_no_working_token_behind() {
    let system = System::start();
    let output = smoke(&system);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("All checks passed.\n"), "{output:?}");
    let remaining = system.sign_in("alice").list_tokens("status=active&limit=100");
    assert!(remaining.iter().all(|token| token["name"] != "smoke test"), "{remaining:?}");
}

#[test]
fn smoke_test_fails_if_a_cache_keeps_a_revoked_token_working() {
    let template = core_template_with(&[("ReauthorizeEvery: 0", "ReauthorizeEvery: 300")]);
    let settings = Settings { core_template: Some(template.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    let output = smoke(&system);
    std::fs::remove_file(template).unwrap();
    assert!(!output.status.success());

    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        errors.contains("deny the revoked token at the next request: expected 401 or 403, got 200"),
        "{errors}"
    );
}

#[test]
fn smoke_test_passes_if_a_denial_has_the_status_403() {
    let settings = Settings { parameters: vec!["RefusalStatus=403"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    let output = smoke(&system);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains("endpoints deny the revoked token at the next request: 403\n"), "{lines}");
}

/// An HTTP API that reports the error `Unauthorized` like any other error of its authorizer.
#[test]
fn smoke_test_names_the_parameter_if_an_api_turns_a_denial_into_500() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let attached = server(|request, connection| {
        let credential = request.lines().find_map(|line| line.strip_prefix("Authorization: Bearer "));
        let status = match credential {
            Some(token) if token.starts_with("fdp_") => "200 OK",
            Some(_) => "500 Internal Server Error",
            None => "401 Unauthorized",
        };
        let _ = write!(connection, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    });
    let output = command(&system, &attached).output().unwrap();
    assert!(!output.status.success());

    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("attached API denies junk: expected 401 or 403, got 500"), "{errors}");
    assert!(errors.contains("set the core's parameter RefusalStatus to 403"), "{errors}");
}

#[test]
fn documented_smoke_test_command_passes() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    let documented = Document::read("docs/attach.md").block("make smoke URL=http://127.0.0.1:3000");
    let line = documented
        .replace("http://127.0.0.1:3000", &system.api)
        .replace("http://127.0.0.1:3001", &system.local().issuer);
    let output = run_script(&line, &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("All checks passed.\n"), "{output:?}");
}

#[test]
fn smoke_test_stops_in_time_on_an_endless_response_and_still_revokes_its_token() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    // Every read receives a byte in time, so that no timeout of a single read applies.
    let endless = server(|_, connection| {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        // Until the client closes the connection.
        while !matches!(connection.read(&mut [0]), Ok(0)) && connection.write_all(b"x").is_ok() {}
    });

    let started = Instant::now();
    let output = command(&system, &endless).env("CHECKS_SECONDS", "3").output().unwrap();
    assert!(!output.status.success());

    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(errors, "FAILED the checks took more than 3 seconds\n");
    assert!(started.elapsed() < Duration::from_secs(3 + 15), "{:?}", started.elapsed());

    let remaining = system.sign_in("alice").list_tokens("status=active&limit=100");
    assert!(remaining.is_empty(), "{remaining:?}");
}

#[test]
fn smoke_test_reports_a_connection_that_closes_early_as_a_failure() {
    let Some(system) = System::start_local(Settings::default()) else { return };

    for (response, error) in
        [("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "IncompleteRead"), ("", "closed")]
    {
        let broken = server(move |_, connection| {
            let _ = connection.write_all(response.as_bytes());
        });
        let output = command(&system, &broken).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.starts_with(&format!("FAILED GET {broken}: ")) && errors.contains(error), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn smoke_test_names_a_token_that_it_cannot_revoke_by_id_and_not_by_secret() {
    // Without the route, no user can revoke a token.
    let template = core_template_with(&[
        ("Method: DELETE, Path: \"/api/tokens/{id}\"", "Method: DELETE, Path: \"/api/nothing/{id}\""),
        ("DELETE /api/tokens/{id}:", "DELETE /api/nothing/{id}:"),
    ]);

    let settings = Settings { core_template: Some(template.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    let broken = server(|_, _| ());
    for attached in [format!("{}/api/Package", system.packages), broken] {
        let output = command(&system, &attached).output().unwrap();
        assert!(!output.status.success());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let remaining = system.sign_in("alice").list_tokens("status=active&limit=1");
        let id = remaining[0]["id"].as_str().unwrap();
        assert!(
            errors.contains(&format!("The token {id} (\"smoke test\") could not be revoked")),
            "{errors}"
        );
        assert!(errors.contains("FAILED ") && !errors.contains("fdp_"), "{errors}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("fdp_"));
    }

    std::fs::remove_file(template).unwrap();
}
