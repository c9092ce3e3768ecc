//! The directory that keeps all data between runs. It belongs to one user of this machine,
//! and to one running `local`.

use std::fs::{DirBuilder, DirEntry, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// The database, which SQLite accompanies with files whose names start like this.
const DATABASE: &str = "dynamodb.sqlite";
const ISSUER_KEY: &str = "issuer-key.p8";
const LOCK: &str = "lock";

/// The permission bits of all users but the owner.
const OTHERS: u32 = 0o077;

pub(crate) struct DataDirectory {
    path: PathBuf,
    /// The system releases the lock when it closes the file, even if this process is killed.
    _lock: File,
}

/// Why a directory cannot keep the data.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error(
        "another `local` uses the data in `{path}`; stop that one, or name another directory with --data"
    )]
    InUse { path: PathBuf },
    #[error("the data directory `{path}` belongs to another user; name another one with --data")]
    OtherOwner { path: PathBuf },
    #[error(
        "the data directory `{path}` is open to other users and has other content; \
         close it with `chmod 700`, or name another one with --data"
    )]
    OtherContent { path: PathBuf },
    #[error("cannot use the data directory `{path}`")]
    Io { path: PathBuf, source: io::Error },
}

/// Makes every file and directory that this process creates private to its user, including
/// those of SQLite. It applies to the whole process.
pub(crate) fn keep_new_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

impl DataDirectory {
    /// Opens the directory, which it creates if necessary, for this process alone. It removes
    /// the permissions of other users, which earlier versions have left.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { path: path.to_owned(), source };

        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        close_directory(path)?;
        let lock = lock(path)?;
        close_files(path).map_err(failed)?;

        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    pub(crate) fn issuer_key(&self) -> PathBuf {
        self.path.join(ISSUER_KEY)
    }
}

/// Removes the permissions of other users. A wide directory with other content is not ours
/// alone, and stays as it is: `--data /tmp` must not lock all others out.
fn close_directory(path: &Path) -> Result<(), DataError> {
    let failed = |source| DataError::Io { path: path.to_owned(), source };

    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(DataError::OtherOwner { path: path.to_owned() });
    }
    if metadata.mode() & OTHERS == 0 {
        return Ok(());
    }

    for entry in std::fs::read_dir(path).map_err(failed)? {
        if !is_own_file(&entry.map_err(failed)?) {
            return Err(DataError::OtherContent { path: path.to_owned() });
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)
}

/// Removes the permissions of other users from the files that earlier runs have left.
fn close_files(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if is_own_file(&entry) && entry.metadata()?.mode() & OTHERS != 0 {
            std::fs::set_permissions(entry.path(), Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Whether an earlier run has written a file. Another user's file, or a symbolic link, is none
/// of ours: another user can have planted it.
fn is_own_file(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    let has_our_name = name == LOCK || name == ISSUER_KEY || name.starts_with(DATABASE);

    let is_ours = |metadata: Metadata| metadata.is_file() && metadata.uid() == geteuid().as_raw();
    has_our_name && entry.metadata().is_ok_and(is_ours)
}

fn lock(path: &Path) -> Result<File, DataError> {
    let failed = |source| DataError::Io { path: path.to_owned(), source };

    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path.join(LOCK)).map_err(failed)?;

    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
