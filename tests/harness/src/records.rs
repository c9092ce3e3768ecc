//! What the suite leaves behind, if somebody wants it (`PATGATE_RECORDS`), for checks of the
//! run as a whole: what the functions did to DynamoDB, what they printed, and every secret
//! that was used, so that it can be looked for.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use crate::sessions::try_decode_part;

/// Shorter credentials are no secrets, and are in every log.
const SECRET_MIN_LENGTH: usize = 20;

/// The folder to write to, if somebody wants it written.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os("PATGATE_RECORDS").map(PathBuf::from)
}

/// A file of this process's records, to append to.
pub(crate) fn file(name: &str) -> Option<Mutex<File>> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).expect("a folder for records");
    let path = folder.join(format!("{}.{name}", std::process::id()));
    let file = OpenOptions::new().create(true).append(true).open(path).expect("a file for records");
    Some(Mutex::new(file))
}

/// Keeps what a system printed.
pub(crate) fn keep_output(output: &str) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    if let Some(file) = FILE.get_or_init(|| file("log")) {
        file.lock().unwrap().write_all(output.as_bytes()).expect("the log is kept");
    }
}

/// Keeps a credential, and the e-mail address that it holds if it is a session.
pub(crate) fn keep_credential(credential: &str) {
    if folder().is_none() || credential.len() < SECRET_MIN_LENGTH {
        return;
    }
    keep_secret(credential);
    let claims = try_decode_part(credential, 1);
    if let Some(email) = claims.as_ref().and_then(|claims| claims["email"].as_str()) {
        keep_secret(email);
    }
}

/// Keeps the token that an answer shows, if it shows one.
pub(crate) fn keep_token_of(answer: &str) {
    if folder().is_none() || !answer.contains("\"token\":\"") {
        return;
    }
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    if let Some(token) = answer["token"].as_str() {
        keep_secret(token);
    }
}

/// Secrets that are kept already, and where.
struct Secrets {
    file: Mutex<File>,
    known: Mutex<BTreeSet<String>>,
}

fn keep_secret(secret: &str) {
    static SECRETS: OnceLock<Option<Secrets>> = OnceLock::new();
    let kept = SECRETS.get_or_init(|| Some(Secrets { file: file("secrets")?, known: Mutex::default() }));
    let Some(Secrets { file, known }) = kept else { return };
    if known.lock().unwrap().insert(secret.to_owned()) {
        let line = format!("{}\n", Value::from(secret));
        file.lock().unwrap().write_all(line.as_bytes()).expect("the secret is kept");
    }
}
