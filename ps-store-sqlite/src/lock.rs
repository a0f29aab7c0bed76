//! An app's two locks, and the listener's: `flock` on files that are never removed, so that two commands can never hold different files.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use ps_core::names::AppName;
use ps_core::store::{HeldLock, LockHolder, LockKind, StoreError, StoreErrorKind};

use crate::classify_error::WithHint;
use crate::columns::{read_time, store_time};
use crate::directory::{cannot, open_private_file};

/// How often a waiting command looks again.
const POLL: Duration = Duration::from_millis(100);

/// How long a new holder may take to write who it is.
const INTRODUCTION: Duration = Duration::from_millis(20);

/// The file of a lock. An app's name may have dots, so the kind is the last part: `shop.retire` is a lock of `shop`, and
/// `shop.retire.lock` one of `shop.retire`.
fn lock_path(locks: &Path, app: &AppName, kind: LockKind) -> PathBuf {
    let kind = match kind {
        LockKind::Change => "lock",
        LockKind::Retire => "retire",
    };
    locks.join(format!("{app}.{kind}"))
}

/// Takes a lock, waiting at most `patience`.
pub(crate) async fn take(
    locks: &Path,
    app: &AppName,
    kind: LockKind,
    verb: &str,
    patience: Duration,
) -> Result<Held, StoreError> {
    let path = lock_path(locks, app, kind);
    let file = open_private_file(&path).map_err(|error| cannot("open the lock", &path, error))?;
    if patience == Duration::MAX {
        return wait_for(file, &path, verb).await;
    }
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(cannot("take the lock", &path, error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = patience.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(locked(app, kind, read_holder(&path).await));
        }
        tokio::time::sleep(left.min(POLL)).await;
    }
    held(file, &path, verb)
}

/// Waits in a thread of its own, so that nothing has to look again and again. One that is not waited for any more lets go as soon as it
/// has the lock.
async fn wait_for(file: File, path: &Path, verb: &str) -> Result<Held, StoreError> {
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    let file = waiting
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| cannot("take the lock", path, error))?;
    held(file, path, verb)
}

/// Takes the lock of the listener, without waiting.
pub(crate) async fn take_listener(path: &Path, verb: &str) -> Result<Held, StoreError> {
    let file = open_private_file(path).map_err(|error| cannot("open the lock", path, error))?;
    match file.try_lock() {
        Ok(()) => held(file, path, verb),
        Err(TryLockError::Error(error)) => Err(cannot("take the lock", path, error)),
        Err(TryLockError::WouldBlock) => {
            let holder = read_holder(path).await;
            let name = holder
                .as_ref()
                .map_or("another process".to_owned(), ToString::to_string);
            let message = format!("this state directory has a listener already: {name}");
            Err(StoreError::new(StoreErrorKind::ListenerRuns { holder }, message))
        }
    }
}

/// A lock that was taken, with its holder's name in the file.
fn held(file: File, path: &Path, verb: &str) -> Result<Held, StoreError> {
    let held = Held { file };
    held.write_holder(verb)
        .map_err(|error| cannot("write the lock", path, error))?;
    Ok(held)
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
}

impl HeldLock for Held {}

impl Held {
    fn write_holder(&self, verb: &str) -> io::Result<()> {
        let verb: String = verb.chars().filter(|letter| !letter.is_control()).collect();
        let since = store_time(SystemTime::now()).unwrap_or(0);
        let text = format!("{}\n{verb}\n{since}\n", std::process::id());
        // Readers never see less than three whole lines, and ignore what stands after them.
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len().try_into().unwrap_or(u64::MAX))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Best effort: who is named in a file without a holder is never shown.
        let _ = self.file.set_len(0);
    }
}

async fn read_holder(path: &Path) -> Option<LockHolder> {
    let read = || fs::read_to_string(path).ok().as_deref().and_then(parse_holder);
    if let Some(holder) = read() {
        return Some(holder);
    }
    tokio::time::sleep(INTRODUCTION).await;
    read()
}

fn parse_holder(text: &str) -> Option<LockHolder> {
    let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
    let mut line = || lines.next().flatten();
    Some(LockHolder {
        pid: line()?.parse().ok()?,
        verb: line()?.to_owned(),
        since: read_time(line()?.parse().ok()?),
    })
}

fn locked(app: &AppName, kind: LockKind, holder: Option<LockHolder>) -> StoreError {
    let name = holder
        .as_ref()
        .map_or("another command".to_owned(), ToString::to_string);
    let message = match kind {
        LockKind::Change => format!("{app} is being changed by {name}"),
        LockKind::Retire => format!("the old containers of {app} are being removed by {name}"),
    };
    let kind = StoreErrorKind::Locked {
        app: app.clone(),
        holder,
    };
    StoreError::new(kind, message).with_hint("wait until it has ended, or wait longer with --lock-timeout <seconds>")
}
