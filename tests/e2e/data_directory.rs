//! The data of `local` belongs to one user of the machine, and to one running system.
#![cfg(unix)]

use std::fs::{self, DirBuilder, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use patgate_harness::{Local, Settings, System};
use rustix::process::{Pid, Signal, kill_process};

/// A new path for data, which is deleted when the test ends.
struct Data(PathBuf);

impl Data {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("patgate-data-{}", uuid::Uuid::now_v7())))
    }

    /// A directory with these permissions, as an earlier run may have left it.
    fn existing(mode: u32) -> Self {
        let data = Self::new();
        DirBuilder::new().mode(mode).create(&data.0).unwrap();
        fs::set_permissions(&data.0, Permissions::from_mode(mode)).unwrap();
        data
    }

    fn settings(&self) -> Settings {
        Settings { data: Some(self.0.clone()), ..Settings::default() }
    }

    /// Runs `local` on this data, and returns its error message. Panics if it starts.
    #[track_caller]
    fn refusal(&self) -> String {
        let mut command = Local::command();
        command.arg("--data").arg(&self.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut local = command.spawn().unwrap();

        // The banner comes first, and the end of the output if there is none.
        let output = BufReader::new(local.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = output.take(2).any(|line| line.starts_with("Patgate is running"));
        let _ = local.kill();
        let ended = local.wait_with_output().unwrap();
        assert!(!started && !ended.status.success(), "{ended:?}");

        let error = String::from_utf8(ended.stderr).unwrap();
        assert!(error.contains(&*self.0.to_string_lossy()) && error.contains("--data"), "{error}");
        error
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

/// Asserts that only the current user of the machine can use the data, and returns the names
/// of its files.
#[track_caller]
fn assert_private(data: &Path) -> Vec<String> {
    assert_eq!(mode(data), 0o700, "{}", data.display());

    let files: Vec<_> = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn data_can_be_read_by_the_current_user_of_the_machine_only() {
    let data = Data::new();
    let Some(system) = System::start_local(data.settings()) else { return };
    system.sign_in("alice").create_token("stored");

    let files = assert_private(&data.0);
    assert!(files.contains(&"dynamodb.sqlite".to_owned()) && files.len() > 2, "{files:?}");

    drop(system);

    assert_private(&data.0);
}

#[test]
fn existing_data_that_other_users_can_read_is_closed_to_them_at_start() {
    let data = Data::new();
    let Some(system) = System::start_local(data.settings()) else { return };
    let secret = system.sign_in("alice").create_token("stored").secret;
    // It leaves the files behind that the database removes when it closes.
    kill_process(Pid::from_raw(system.local().pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    drop(system);

    for entry in fs::read_dir(&data.0).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(&data.0, Permissions::from_mode(0o777)).unwrap();

    let system = System::start_local(data.settings()).unwrap();
    assert_private(&data.0);
    assert_eq!(system.status_of(&secret), 200);
}

#[test]
fn data_behind_a_symbolic_link_is_closed_to_other_users_as_well() {
    let (data, link) = (Data::existing(0o755), Data::new());
    symlink(&data.0, &link.0).unwrap();
    let Some(system) = System::start_local(link.settings()) else { return };
    assert_private(&data.0);

    drop(system);
    fs::remove_file(&link.0).unwrap();
}

#[test]
fn directory_with_other_content_is_neither_used_nor_changed() {
    if std::env::var("BASE_URL").is_ok() {
        return;
    }

    let data = Data::existing(0o755);
    fs::write(data.0.join("thesis.txt"), "").unwrap();

    let error = data.refusal();
    assert!(error.contains("other content"), "{error}");
    assert_eq!((mode(&data.0), fs::read_dir(&data.0).unwrap().count()), (0o755, 1));
}

#[test]
fn second_system_on_the_same_data_is_refused_until_the_first_has_ended() {
    let data = Data::new();
    let Some(system) = System::start_local(data.settings()) else { return };
    let secret = system.sign_in("alice").create_token("stored").secret;

    let error = data.refusal();
    assert!(error.contains("another `local` uses the data"), "{error}");

    // The first one works on.
    assert_eq!(system.status_of(&secret), 200);
    system.stop();

    let system = System::start_local(data.settings()).unwrap();
    assert_eq!(system.status_of(&secret), 200);
}

#[test]
fn killed_system_leaves_no_lock_behind() {
    let data = Data::new();
    let Some(system) = System::start_local(data.settings()) else { return };
    let secret = system.sign_in("alice").create_token("stored").secret;
    kill_process(Pid::from_raw(system.local().pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    drop(system);

    let system = System::start_local(data.settings()).unwrap();
    assert_eq!(system.status_of(&secret), 200);
}
