//! What was answered is done, whatever happens next.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use patgate_harness::{Request, Settings, System};
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
    let data = std::env::temp_dir().join(format!("patgate-killed-{}", uuid::Uuid::now_v7()));
    let settings = || Settings { data: Some(data.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings()) else { return };
    let session = system.sign_in("alice").session;
    let answered = Mutex::new(Answered::default());
    thread::scope(|scope| {
        let (done, acts) = channel();
        for _ in 0..CALLERS {
            let done = done.clone();
            scope.spawn(|| create_and_revoke(&system, &session, &answered, done));
        }
        drop(done);
        // While everybody is at work.
        assert_eq!(acts.iter().take(ACTS).count(), ACTS, "all callers have failed");
        let pid = Pid::from_raw(system.local().pid().cast_signed()).unwrap();
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
                assert_eq!(owner.show_token(id)["status"], "revoked", "a token that was created is gone");
                401
            }
        };
        assert_eq!(again.status_of(secret), wanted);
    }
    drop(again);
    std::fs::remove_dir_all(data).unwrap();
}

/// Creates tokens and revokes every other one, until the system is gone. Each response is an
/// act that is done; a busy machine may also response that it could not.
fn create_and_revoke(system: &System, session: &str, answered: &Mutex<Answered>, done: Sender<()>) {
    let ask = |request: Request| match request.bearer(session).try_send() {
        Ok(response) if response.status < 300 => Some(Some(response)),
        Ok(response) => {
            assert!(response.status >= 500, "{response:?}");
            Some(None)
        }
        Err(_) => None,
    };
    for number in 0.. {
        let body = serde_json::json!({ "name": "durable" });
        let Some(created) = ask(system.request("POST", "/api/tokens").json(&body)) else { return };
        let Some(created) = created.map(|response| response.json()) else { continue };
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        let (secret, id) = (text("token"), text("id"));
        answered.lock().unwrap().created.push((secret, id.clone()));
        let _ = done.send(());
        if number % 2 == 1 {
            continue;
        }
        let Some(revoked) = ask(system.request("DELETE", &format!("/api/tokens/{id}"))) else { return };
        if revoked.is_some() {
            answered.lock().unwrap().revoked.push(id);
            let _ = done.send(());
        }
    }
}
