//! An act whose success was reported survives a crash.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use patgate_harness::{Request, Settings, System};
use rustix::process::{Pid, Signal, kill_process};

const ACTS: usize = 500;
const CALLERS: usize = 4;

/// The acts whose success the system has reported.
#[derive(Default)]
struct Reported {
    created: Vec<(String, String)>,
    revoked: Vec<String>,
}

#[test]
fn acts_with_a_successful_response_survive_a_kill_during_creations_and_revocations() {
    let data = std::env::temp_dir().join(format!("patgate-killed-{}", uuid::Uuid::now_v7()));
    let settings = || Settings { data: Some(data.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings()) else { return };
    let session = system.sign_in("alice").session;

    let reported = Mutex::new(Reported::default());
    thread::scope(|scope| {
        let (done, acts) = channel();
        for _ in 0..CALLERS {
            let done = done.clone();
            scope.spawn(|| create_and_revoke(&system, &session, &reported, done));
        }
        drop(done);
        // Kill it while all callers are working.
        assert_eq!(acts.iter().take(ACTS).count(), ACTS, "all callers have failed");
        let pid = Pid::from_raw(system.local().pid().cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    });

    drop(system);

    let restarted = System::start_local(settings()).unwrap();

    let Reported { created, revoked } = reported.into_inner().unwrap();
    assert!(created.len() + revoked.len() >= ACTS && !revoked.is_empty());

    for (secret, id) in &created {
        // A revocation without a response may or may not have been done.
        let expected = match revoked.contains(id) {
            true => 401,
            false if restarted.status_of(secret) == 200 => 200,
            false => {
                let owner = restarted.sign_in("alice");
                assert_eq!(owner.show_token(id)["status"], "revoked", "a token that was created is gone");
                401
            }
        };
        assert_eq!(restarted.status_of(secret), expected);
    }

    drop(restarted);
    std::fs::remove_dir_all(data).unwrap();
}

/// Creates tokens and revokes every second one until the system is gone. The API may throttle
/// a request, and a busy machine may respond with a fault. Neither reports a success.
fn create_and_revoke(system: &System, session: &str, reported: &Mutex<Reported>, done: Sender<()>) {
    let try_send = |request: Request| match request.bearer(session).try_send() {
        Ok(response) if response.status < 300 => Some(Some(response)),
        Ok(response) => {
            assert!(response.status == 429 || response.status >= 500, "{response:?}");
            Some(None)
        }
        Err(_) => None,
    };

    for number in 0.. {
        let body = serde_json::json!({ "name": "durable" });
        let Some(created) = try_send(system.request("POST", "/api/tokens").json(&body)) else { return };
        let Some(created) = created.map(|response| response.json()) else { continue };
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        let (secret, id) = (text("token"), text("id"));
        reported.lock().unwrap().created.push((secret, id.clone()));
        let _ = done.send(());
        if number % 2 == 1 {
            continue;
        }
        let Some(revoked) = try_send(system.request("DELETE", &format!("/api/tokens/{id}"))) else { return };
        if revoked.is_some() {
            reported.lock().unwrap().revoked.push(id);
            let _ = done.send(());
        }
    }
}
