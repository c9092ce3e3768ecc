//! Files that the suite writes into the folder `PATGATE_RECORDS`, if that variable is set:
//! what the functions did to DynamoDB, what they logged, and every secret that was used.
//! Later checks of the whole run read them (least privilege, search of the logs for secrets).

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use crate::sessions::try_decode_part;

/// Tests also send short invalid credentials such as `x`, which every log contains.
const SECRET_MIN_LENGTH: usize = 20;

/// The folder to write to, if one is set.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os("PATGATE_RECORDS").map(PathBuf::from)
}

/// A file of this process in that folder, opened to append.
pub(crate) fn open(name: &str) -> Option<Mutex<File>> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).expect("create the folder for artifacts");

    let path = folder.join(format!("{}.{name}", std::process::id()));
    let file = OpenOptions::new().create(true).append(true).open(path).expect("open an artifact");
    Some(Mutex::new(file))
}

/// Writes the output of a system.
pub(crate) fn write_output(output: &str) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    if let Some(file) = FILE.get_or_init(|| open("log")) {
        file.lock().unwrap().write_all(output.as_bytes()).expect("write the output");
    }
}

/// Writes a credential, and for a session the e-mail address in it.
pub(crate) fn write_credential(credential: &str) {
    if folder().is_none() || credential.len() < SECRET_MIN_LENGTH {
        return;
    }

    write_secret(credential);
    let claims = try_decode_part(credential, 1);
    if let Some(email) = claims.as_ref().and_then(|claims| claims["email"].as_str()) {
        write_secret(email);
    }
}

/// Writes the token of a response, if the response shows one.
pub(crate) fn write_token_of(response: &str) {
    if folder().is_none() || !response.contains("\"token\":\"") {
        return;
    }

    let response: Value = serde_json::from_str(response).unwrap_or_default();
    if let Some(token) = response["token"].as_str() {
        write_secret(token);
    }
}

/// The secrets that were written, and the file with them.
struct Secrets {
    file: Mutex<File>,
    written: Mutex<BTreeSet<String>>,
}

fn write_secret(secret: &str) {
    static SECRETS: OnceLock<Option<Secrets>> = OnceLock::new();
    let secrets = SECRETS.get_or_init(|| Some(Secrets { file: open("secrets")?, written: Mutex::default() }));
    let Some(Secrets { file, written }) = secrets else { return };

    if written.lock().unwrap().insert(secret.to_owned()) {
        let line = format!("{}\n", Value::from(secret));
        file.lock().unwrap().write_all(line.as_bytes()).expect("write a secret");
    }
}
