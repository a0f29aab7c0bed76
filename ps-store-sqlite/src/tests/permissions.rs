//! Who may use a state directory, and who can look into it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use ps_core::store::{StoreError, StoreErrorKind};

use super::roles::{Actor, NOBODY, is_root};
use crate::SqliteStore;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Opening it either way fails as unusable; the message of the first.
fn refused(path: &Path) -> String {
    let existing = SqliteStore::open_existing(path).unwrap_err();
    let error: StoreError = SqliteStore::open(path).unwrap_err();
    for error in [&existing, &error] {
        assert_eq!(error.kind, StoreErrorKind::Unusable, "{error}");
        assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("--state-dir")));
    }
    error.message
}

#[test]
fn everything_is_private_whatever_the_umask() {
    for role in ["open with open umask", "open with closed umask"] {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("psctl");
        let mut actor = Actor::start(role, &state_dir);
        assert_eq!(actor.hear(), "opened");
        assert_eq!(mode(&state_dir), 0o700);
        assert_eq!(mode(&state_dir.join("locks")), 0o700);
        for file in ["psctl.db", "psctl.db-wal", "psctl.db-shm", "locks/shop.retire"] {
            assert_eq!(mode(&state_dir.join(file)), 0o600, "{role}: {file}");
        }
        actor.finish();
    }
}

#[test]
fn missing_parents_are_made_private() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state/psctl");
    SqliteStore::open(&state_dir).unwrap();
    assert_eq!(mode(&folder.path().join("state")), 0o700);
}

#[test]
fn an_open_directory_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    SqliteStore::open(folder.path()).unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    set_mode(folder.path(), 0o755);
    set_mode(&folder.path().join("psctl.db"), 0o644);
    SqliteStore::open_existing(folder.path()).unwrap().unwrap();
    assert_eq!(mode(folder.path()), 0o755);
    SqliteStore::open(folder.path()).unwrap();
    assert_eq!(
        (mode(folder.path()), mode(&folder.path().join("psctl.db"))),
        (0o700, 0o600)
    );
}

#[test]
fn an_open_directory_with_other_files_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    fs::write(folder.path().join("letter"), "").unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unusable);
    assert_eq!(mode(folder.path()), 0o755);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn symbolic_links_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    SqliteStore::open(&real).unwrap();
    let link = folder.path().join("link");
    symlink(&real, &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        assert!(refused(&path).contains("symbolic link"), "{}", path.display());
    }
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    symlink(real.join("psctl.db"), inner.join("psctl.db")).unwrap();
    assert!(refused(&inner).contains("symbolic link"));
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = if is_root() {
        SqliteStore::open(folder.path()).unwrap();
        chown(folder.path(), Some(NOBODY), None).unwrap();
        folder.path().to_owned()
    } else {
        PathBuf::from("/usr")
    };
    assert!(refused(&path).contains("belongs to user"));
}

#[test]
fn a_file_is_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&file).contains("not a directory"));
    let below = SqliteStore::open(&file.join("psctl")).unwrap_err();
    assert_eq!(below.kind, StoreErrorKind::Unusable);
}

/// A state directory of an ordinary user.
fn of_nobody() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), None).unwrap();
    }
    assert_eq!(Actor::start_as_nobody("open", folder.path()).hear(), "opened");
    folder
}

#[test]
fn a_read_only_database_can_be_read_and_says_why_no_more() {
    let folder = of_nobody();
    set_mode(&folder.path().join("psctl.db"), 0o400);
    let said = Actor::start_as_nobody("open", folder.path()).hear();
    assert!(
        said.starts_with("Unusable | the database") && said.contains("read-only | make it writable"),
        "{said}"
    );
    assert_eq!(Actor::start_as_nobody("open existing", folder.path()).hear(), "0 apps");
}

#[test]
fn a_read_only_directory_can_be_read_and_says_why_no_more() {
    let folder = of_nobody();
    set_mode(folder.path(), 0o500);
    let said = Actor::start_as_nobody("open", folder.path()).hear();
    assert!(
        said.starts_with("Unusable | could not") && said.contains("--state-dir"),
        "{said}"
    );
    assert_eq!(Actor::start_as_nobody("open existing", folder.path()).hear(), "0 apps");
    set_mode(&folder.path().join("psctl.db"), 0o400);
    assert_eq!(Actor::start_as_nobody("open existing", folder.path()).hear(), "0 apps");
    set_mode(folder.path(), 0o700);
}

#[test]
fn a_directory_that_cannot_be_made_says_why() {
    let folder = of_nobody();
    set_mode(folder.path(), 0o500);
    let inner = folder.path().join("inner");
    let said = Actor::start_as_nobody("open", &inner).hear();
    assert!(
        said.starts_with("Unusable | could not make the state directory"),
        "{said}"
    );
    assert_eq!(Actor::start_as_nobody("open existing", &inner).hear(), "nothing there");
    set_mode(folder.path(), 0o700);
}
