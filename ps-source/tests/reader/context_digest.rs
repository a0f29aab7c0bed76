//! The revision of a directory. Invariant: it changes with what is sent, and with nothing else.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::tree::{prepare, sample_tree};

async fn revision(directory: &TempDir) -> String {
    prepare(directory).await.unwrap().revision.unwrap()
}

#[tokio::test]
async fn equal_trees_have_equal_revisions() {
    let (one, other) = (sample_tree(), sample_tree());
    let first = revision(&one).await;
    assert_eq!(first.len(), 64);
    assert_eq!(first, revision(&other).await);
    let file = File::options().write(true).open(one.path().join("app.js")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(first, revision(&one).await);
}

#[tokio::test]
async fn every_change_of_what_is_sent_changes_the_revision() {
    let directory = sample_tree();
    let at = |name: &str| directory.path().join(name);
    let mut seen = vec![revision(&directory).await];
    let changes: [(&str, &dyn Fn()); 8] = [
        ("a content", &|| fs::write(at("app.js"), "other!").unwrap()),
        ("a mode", &|| {
            fs::set_permissions(at("app.js"), Permissions::from_mode(0o755)).unwrap();
        }),
        ("a name", &|| fs::rename(at("app.js"), at("app2.js")).unwrap()),
        ("a new empty directory", &|| fs::create_dir(at("void")).unwrap()),
        ("a directory that becomes a file", &|| {
            fs::remove_dir(at("void")).unwrap();
            fs::write(at("void"), "").unwrap();
        }),
        ("a link's target", &|| {
            fs::remove_file(at("link")).unwrap();
            symlink("src", at("link")).unwrap();
        }),
        ("content that moves to the next file", &|| {
            fs::write(at("foo"), "foo.t").unwrap();
            fs::write(at("foo.txt"), "xt").unwrap();
        }),
        ("another Dockerfile", &|| {
            fs::rename(at("Dockerfile"), at("Other")).unwrap();
            symlink("Other", at("Dockerfile")).unwrap();
        }),
    ];
    for (what, change) in changes {
        change();
        let revision = revision(&directory).await;
        assert!(!seen.contains(&revision), "{what}");
        seen.push(revision);
    }
}

#[tokio::test]
async fn what_is_ignored_does_not_count() {
    let directory = sample_tree();
    fs::write(directory.path().join(".dockerignore"), "tmp\n").unwrap();
    let before = revision(&directory).await;
    fs::write(directory.path().join("tmp/new.o"), "new").unwrap();
    assert_eq!(before, revision(&directory).await);
}
