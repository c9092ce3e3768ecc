//! `local` stops when it should, and leaves no process behind.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use patgate_harness::{Local, Settings, System};
use rustix::process::{Pid, Signal, kill_process};

/// The IDs of a process's children.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let stat = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    // `pid (name) state ppid …`; the name may contain anything.
    let parent_of = |stat: String| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(pid).and_then(parent_of) == Some(parent)).collect()
}

/// Whether a process runs. A zombie does not: it no longer has a program.
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

/// Starts some functions, and returns their process IDs. Each is frozen, or is about to be.
fn functions_of(system: &System) -> Vec<u32> {
    system.sign_in("alice").create_token("starts functions");
    let functions = children_of(system.local().pid());
    assert!(functions.len() >= 2, "{functions:?}");
    functions
}

#[test]
fn system_that_is_asked_to_stop_exits_cleanly_with_all_its_functions() {
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
fn killed_system_leaves_not_even_a_frozen_function_behind() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let functions = functions_of(&system);
    send(system.local().pid(), Signal::KILL);
    assert_gone(&functions);
}

/// Kills a process when the test ends, even if it fails.
struct KillOnDrop(u32);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if runs(&self.0) {
            send(self.0, Signal::KILL);
        }
    }
}

#[test]
fn system_stops_when_its_parent_process_exits() {
    // This system only shows whether the suite runs on this machine; the test starts another.
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
    let _shell = KillOnDrop(shell.id());

    // `local` reports that it runs after it has looked up its parent process.
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("Patgate is running")));

    let [local] = children_of(shell.id())[..] else { panic!("the shell has one child") };
    let _local = KillOnDrop(local);
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert_gone(&[local]);
}
