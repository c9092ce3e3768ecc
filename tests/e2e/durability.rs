//! What was answered is done, whatever happens next.

use std::sync::Mutex;
use std::thread;

use patgate_tests::{Settings, System};
use rustix::process::{Pid, Signal, kill_process};

const ACTS: usize = 500;
const CALLERS: usize = 4;

/// What the system has said is done.
#[derive(Default)]
struct Answered {
    created: Vec<(String, String)>,
    revoked: Vec<String>,
}

#[test]
fn killed_in_the_middle_of_creating_and_revoking_it_has_done_all_that_it_answered() {
    let data = std::env::temp_dir().join(format!("patgate-killed-{}", std::process::id()));
    let settings = || Settings { data: Some(data.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings()) else { return };
    let session = system.sign_in("alice").session;
    let answered = Mutex::new(Answered::default());
    let acts = || {
        let answered = answered.lock().unwrap();
        answered.created.len() + answered.revoked.len()
    };
    thread::scope(|scope| {
        let callers: Vec<_> =
            (0..CALLERS).map(|_| scope.spawn(|| create_and_revoke(&system, &session, &answered))).collect();
        // While everybody is at work.
        while acts() < ACTS {
            assert!(callers.iter().any(|caller| !caller.is_finished()), "all have failed");
            thread::yield_now();
        }
        let pid = Pid::from_raw(system.behind().pid().cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    });
    drop(system);

    let again = System::start_local(settings()).unwrap();
    let Answered { created, revoked } = answered.into_inner().unwrap();
    assert!(created.len() + revoked.len() >= ACTS && !revoked.is_empty());
    for (secret, id) in &created {
        // Whether a revocation that was not answered was done is nobody's to say.
        let wanted = match revoked.contains(id) {
            true => 401,
            false if again.status_of(secret) == 200 => 200,
            false => {
                let owner = again.sign_in("alice");
                assert_eq!(owner.show(id)["status"], "revoked", "a token that was created is gone");
                401
            }
        };
        assert_eq!(again.status_of(secret), wanted);
    }
    drop(again);
    std::fs::remove_dir_all(data).unwrap();
}

/// Creates tokens and revokes every other one, until the system is gone.
fn create_and_revoke(system: &System, session: &str, answered: &Mutex<Answered>) {
    for number in 0.. {
        let request = system.request("POST", "/api/tokens").bearer(session);
        let Ok(created) = request.json(&serde_json::json!({ "name": "durable" })).try_send() else { return };
        assert_eq!(created.status, 201, "{created:?}");
        let created = created.json();
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        let (secret, id) = (text("token"), text("id"));
        answered.lock().unwrap().created.push((secret, id.clone()));
        if number % 2 == 1 {
            continue;
        }
        let Ok(revoked) = system.request("DELETE", &format!("/api/tokens/{id}")).bearer(session).try_send()
        else {
            return;
        };
        assert_eq!(revoked.status, 204, "{revoked:?}");
        answered.lock().unwrap().revoked.push(id);
    }
}
