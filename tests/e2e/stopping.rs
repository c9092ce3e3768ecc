//! The system on this machine ends when it should, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use patgate_tests::{Local, Settings, System};

/// Whether anything still answers there.
fn is_up(api: &str) -> bool {
    let address = api.trim_start_matches("http://").parse().unwrap();
    std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// Processes that run one of the functions' binaries for a `local` with this id.
#[cfg(target_os = "linux")]
fn children_of(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // `pid (name) state ppid …`; the name may hold anything.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, ppid) = (fields.next()?, fields.next()?);
        (state != "Z" && ppid == parent.to_string()).then_some(pid)
    });
    tasks.collect()
}

#[test]
fn asked_to_terminate_it_stops_with_all_its_functions() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    alice.create_token("starts some functions");
    let api = system.api.clone();
    let output = system.stop();
    assert!(output.contains("Stopping: asked to terminate."), "{output}");
    assert!(!is_up(&api));
}

#[test]
#[cfg(target_os = "linux")]
fn it_stops_when_its_starter_dies_and_so_do_frozen_functions_when_it_is_killed() {
    if std::env::var("BASE_URL").is_ok() {
        return;
    }
    // A shell starts it and is then killed, as a test run or a terminal may be.
    let local = Local::command();
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg("\"$0\" \"$@\" & wait")
        .arg(local.get_program())
        .args(local.get_args())
        .arg("--memory");
    shell.current_dir(local.get_current_dir().unwrap()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    let url = |line: &String| line.split_whitespace().nth(1).map(str::to_owned);
    let mut urls = lines.filter(|line| line.starts_with("  API  ") || line.starts_with("  Sign-in  "));
    let (api, issuer) = (url(&urls.next().unwrap()).unwrap(), url(&urls.next().unwrap()).unwrap());
    let mut answer = ureq::post(format!("{issuer}/sign-in")).send_form([("user", "alice")]).unwrap();
    let session = answer.body_mut().read_json::<serde_json::Value>().unwrap();
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    assert_eq!(
        ureq::get(format!("{api}/api/me")).header("Authorization", bearer).call().unwrap().status(),
        200
    );

    let [local] = children_of(shell.id())[..] else { panic!("the shell has one child") };
    let functions = children_of(local);
    assert!(functions.len() >= 2, "{functions:?}");
    shell.kill().unwrap();
    shell.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let runs = |pid: &u32| {
        std::fs::exists(format!("/proc/{pid}/exe")).unwrap()
            && std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
    };
    while runs(&local) || functions.iter().any(runs) {
        assert!(Instant::now() < deadline, "it goes on without its starter");
        std::thread::yield_now();
    }
    assert!(!is_up(&api));
}
