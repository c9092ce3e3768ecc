//! The system on this machine ends when it should, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use patgate_harness::{Local, Settings, System};
use rustix::process::{Pid, Signal, kill_process};

/// Processes whose parent this is.
fn children_of(parent: u32) -> Vec<u32> {
    let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    // `pid (name) state ppid …`; the name may hold anything.
    let parent_of = |stat: String| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(pid).and_then(parent_of) == Some(parent)).collect()
}

/// Whether a process is there and no zombie: those have no program any more.
fn runs(pid: &u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

#[track_caller]
fn assert_gone(pids: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while pids.iter().any(runs) {
        assert!(Instant::now() < deadline, "still running: {pids:?}");
        std::thread::yield_now();
    }
}

/// The functions of a system that has some, all of them frozen by now or soon.
fn functions_of(system: &System) -> Vec<u32> {
    system.sign_in("alice").create_token("starts some functions");
    let functions = children_of(system.local().pid());
    assert!(functions.len() >= 2, "{functions:?}");
    functions
}

#[test]
fn asked_to_stop_it_does_so_in_order_and_with_all_its_functions() {
    for (signal, reason) in [(Signal::TERM, "asked to terminate"), (Signal::INT, "interrupted")] {
        let Some(system) = System::start_local(Settings::default()) else { return };
        let functions = functions_of(&system);
        send(system.local().pid(), signal);
        let output = system.wait();
        assert!(output.contains(&format!("Stopping: {reason}.")), "{output}");
        assert_gone(&functions);
    }
}

#[test]
fn killed_it_takes_even_its_frozen_functions_along() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let functions = functions_of(&system);
    send(system.local().pid(), Signal::KILL);
    assert_gone(&functions);
}

/// Ends a process along with the test, whatever happens.
struct Guard(u32);

impl Drop for Guard {
    fn drop(&mut self) {
        if runs(&self.0) {
            send(self.0, Signal::KILL);
        }
    }
}

#[test]
fn it_stops_when_its_starter_dies() {
    // Asked for its name alone: another system is started below.
    if System::start_local(Settings::default()).is_none() {
        return;
    }
    let local = Local::command();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$0\" \"$@\" & wait"])
        .arg(local.get_program())
        .args(local.get_args())
        .arg("--memory");
    shell.current_dir(local.get_current_dir().unwrap()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let _shell = Guard(shell.id());
    // Only once it says that it runs does it know who its starter is.
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("Patgate is running")));
    let [local] = children_of(shell.id())[..] else { panic!("the shell has one child") };
    let _local = Guard(local);
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert_gone(&[local]);
}
