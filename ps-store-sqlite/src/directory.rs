//! The state directory: made private, and used only when it is the caller's own and no symbolic link.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ps_core::store::{StoreError, StoreErrorKind};
use rustix::fs::OFlags;

use crate::classify_error::{WithHint, unusable};

const DATABASE: &str = "psctl.db";
const LOCKS: &str = "locks";
const OTHERS: u32 = 0o077;

/// How long a command waits for another one that sets the directory up.
const SETUP_PATIENCE: Duration = Duration::from_secs(30);

const ANOTHER: &str = "choose another directory with --state-dir";

/// Where the parts of a store are.
#[derive(Debug, Clone)]
pub(crate) struct StateDir {
    directory: PathBuf,
    database: PathBuf,
}

impl StateDir {
    /// Takes the path as it is; nothing is looked at yet.
    pub(crate) fn new(directory: &Path) -> Result<Self, StoreError> {
        // With a slash or a dot behind it, the system would follow a symbolic link.
        let absolute = std::path::absolute(directory).map_err(|error| {
            unusable(
                "the state directory has no name".to_owned(),
                "give a path with --state-dir",
            )
            .with_source(error)
        })?;
        let directory: PathBuf = absolute.components().collect();
        let database = directory.join(DATABASE);
        Ok(Self { directory, database })
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.directory.join(LOCKS)
    }

    /// Held by the one listener while it runs; whoever wants to know whether there is one tries to take it.
    pub(crate) fn listener_lock(&self) -> PathBuf {
        self.directory.join("listener.lock")
    }

    /// Whether there is a directory that may be used; fails for one that may not.
    pub(crate) fn exists(&self) -> Result<bool, StoreError> {
        let Some(found) = look(&self.directory)? else {
            return Ok(false);
        };
        check_owner(&self.directory, &found)?;
        if !found.is_dir() {
            let message = format!("the state directory {} is not a directory", self.directory.display());
            return Err(unusable(message, ANOTHER));
        }
        Ok(true)
    }

    /// Whether there is a database file that may be used; fails for one that may not.
    pub(crate) fn has_database(&self) -> Result<bool, StoreError> {
        let Some(found) = look(&self.database)? else {
            return Ok(false);
        };
        check_owner(&self.database, &found)?;
        if !found.is_file() {
            let message = format!("the database {} is not a file", self.database.display());
            return Err(unusable(message, ANOTHER));
        }
        Ok(true)
    }

    /// Makes the directory where it is missing, and takes it from others where they have rights.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let path = &self.directory;
        if !self.exists()? {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
                .map_err(|error| cannot("make the state directory", path, error))?;
        }
        self.exists()?;
        self.tighten()?;
        let locks = self.locks();
        match DirBuilder::new().mode(0o700).create(&locks) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made
                .and_then(|()| fs::set_permissions(&locks, Permissions::from_mode(0o700)))
                .map_err(|error| cannot("make the directory", &locks, error)),
        }
    }

    fn tighten(&self) -> Result<(), StoreError> {
        let path = &self.directory;
        let is_open = |path: &Path| mode(path).map(|mode| mode & OTHERS != 0);
        if is_open(path)? {
            // Under the lock: another command may close it and put its files there at this moment.
            let _held = self.lock_setup()?;
            if is_open(path)? && !self.has_database()? && !is_empty(path)? {
                // A home directory, /tmp: not ours to close.
                let message = format!(
                    "the directory {} is open to others and holds other files",
                    path.display()
                );
                return Err(unusable(
                    message,
                    "the state directory must be psctl's own: name a new one with --state-dir",
                ));
            }
            close_to_others(path)?;
        }
        let files = ["", "-wal", "-shm"].map(|suffix| self.directory.join(format!("{DATABASE}{suffix}")));
        files.iter().try_for_each(|file| close_to_others(file))
    }

    /// Makes an empty database where there is none. The caller holds the setup lock.
    pub(crate) fn create_database(&self, _held: &SetupLock) -> Result<(), StoreError> {
        if self.has_database()? {
            return Ok(());
        }
        // Closing a descriptor of a file that SQLite has open would drop SQLite's locks: so it gets its name only then.
        let new = self.directory.join(format!("{DATABASE}.new"));
        create_private_file(&new)
            .and_then(|()| fs::rename(&new, &self.database))
            .map_err(|error| cannot("make the database", &self.database, error))
    }

    /// Keeps other commands from setting up the same directory.
    pub(crate) fn lock_setup(&self) -> Result<SetupLock, StoreError> {
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(flags(OFlags::NOFOLLOW | OFlags::DIRECTORY))
            .open(&self.directory)
            .map_err(|error| cannot("open the state directory", &self.directory, error))?;
        let start = Instant::now();
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(SetupLock { _directory: directory }),
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &self.directory, error)),
                Err(TryLockError::WouldBlock) if start.elapsed() > SETUP_PATIENCE => {
                    let message = format!("another command is still setting up {}", self.directory.display());
                    return Err(StoreError::new(StoreErrorKind::Failed, message).with_hint("try again later"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

/// Held while the directory is set up; the kernel lets go when the process dies.
#[derive(Debug)]
pub(crate) struct SetupLock {
    _directory: File,
}

/// An empty file that only its owner can read, whatever the umask; an existing one is emptied.
pub(crate) fn create_private_file(path: &Path) -> io::Result<()> {
    let file = open_private_file(path)?;
    file.set_len(0)?;
    file.sync_all()
}

/// Opens a file for reading and writing, private and made where it is missing; never through a symbolic link.
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags(OFlags::NOFOLLOW))
        .open(path)?;
    if file.metadata()?.mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or(0)
}

/// What is there, without following a symbolic link; `None` for nothing.
fn look(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            let message = format!("{} is a symbolic link", path.display());
            Err(unusable(
                message,
                "give the real path of the state directory with --state-dir",
            ))
        }
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("look at", path, error)),
    }
}

fn mode(path: &Path) -> Result<u32, StoreError> {
    look(path).map(|found| found.map_or(0, |found| found.mode() & 0o7777))
}

fn close_to_others(path: &Path) -> Result<(), StoreError> {
    let mode = mode(path)?;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let closed = fs::set_permissions(path, Permissions::from_mode(mode & 0o700));
    match closed {
        // Another command has closed the database, and its -wal and -shm files are gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        closed => closed.map_err(|error| cannot("close to others", path, error)),
    }
}

fn check_owner(path: &Path, found: &Metadata) -> Result<(), StoreError> {
    let user = rustix::process::geteuid().as_raw();
    if found.uid() == user {
        return Ok(());
    }
    let message = format!(
        "{} belongs to user {}, not to you (user {user})",
        path.display(),
        found.uid()
    );
    Err(unusable(
        message,
        "run psctl as that user, or choose another directory with --state-dir",
    ))
}

fn is_empty(path: &Path) -> Result<bool, StoreError> {
    let mut entries = fs::read_dir(path).map_err(|error| cannot("read", path, error))?;
    Ok(entries.next().is_none())
}

/// An error of the file system.
pub(crate) fn cannot(doing: &str, path: &Path, error: io::Error) -> StoreError {
    use io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let message = format!("could not {doing} {}", path.display());
    match error.kind() {
        PermissionDenied | ReadOnlyFilesystem | NotADirectory => unusable(
            message,
            "check owner and mode of the state directory, or choose another one with --state-dir",
        ),
        _ => StoreError::new(StoreErrorKind::Failed, message),
    }
    .with_source(error)
}
