//! The tar stream of a context. Invariant: the same tree gives the same bytes, and nothing but the tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use ps_core::source::SourceErrorKind;

use crate::tree::{context_bytes, context_members, context_names, prepare, sample_tree};

#[tokio::test]
async fn the_same_tree_gives_the_same_bytes_in_order() {
    let directory = sample_tree();
    let source = prepare(&directory).await.unwrap();
    let first = context_bytes(&source).await.unwrap();
    assert_eq!(first, context_bytes(&source).await.unwrap());
    assert_eq!(first, context_bytes(&prepare(&directory).await.unwrap()).await.unwrap());
    let names = context_names(&source).await;
    assert!(
        names.iter().position(|name| name == "a/").unwrap() < names.iter().position(|name| name == "a/b/").unwrap()
    );
    assert!(names.contains(&"empty/".to_owned()) && names.contains(&".git/HEAD".to_owned()));
}

#[tokio::test]
async fn modes_are_kept_owners_are_root_and_links_stay_links() {
    let directory = sample_tree();
    fs::set_permissions(directory.path().join("app.js"), fs::Permissions::from_mode(0o751)).unwrap();
    fs::hard_link(directory.path().join("app.js"), directory.path().join("hard.js")).unwrap();
    let members = context_members(&prepare(&directory).await.unwrap()).await;
    let member = |name: &str| {
        members
            .iter()
            .find(|member| member.name.trim_end_matches('/') == name)
            .unwrap()
    };
    assert_eq!(member("app.js").header.mode().unwrap(), 0o751);
    assert_eq!(member("app.js").content, b"app.js");
    assert_eq!(member("hard.js").content, b"app.js");
    assert_eq!(member("hard.js").header.entry_type(), tar::EntryType::Regular);
    assert_eq!(member("link").link.as_deref(), Some("a"));
    assert_eq!(member("out").link.as_deref(), Some("/etc/hostname"));
    assert!(members.iter().all(|member| {
        member.header.uid().unwrap() == 0 && member.header.gid().unwrap() == 0 && member.header.mtime().unwrap() > 0
    }));
}

#[tokio::test]
async fn long_names_long_links_and_large_files_arrive_whole() {
    let directory = sample_tree();
    let long = format!("{}/{}", "d".repeat(120), "é".repeat(100));
    fs::create_dir(directory.path().join("d".repeat(120))).unwrap();
    let content: Vec<u8> = (0..1_000_003_u32).map(|number| number.to_le_bytes()[0]).collect();
    fs::write(directory.path().join(&long), &content).unwrap();
    symlink(&long, directory.path().join("long-link")).unwrap();
    let members = context_members(&prepare(&directory).await.unwrap()).await;
    assert_eq!(
        members.iter().find(|member| member.name == long).unwrap().content,
        content
    );
    assert_eq!(
        members.iter().find(|member| member.name == "long-link").unwrap().link,
        Some(long)
    );
}

#[tokio::test]
async fn the_dockerfile_and_the_ignore_file_are_always_sent() {
    let directory = sample_tree();
    fs::create_dir(directory.path().join("docker")).unwrap();
    fs::rename(
        directory.path().join("Dockerfile"),
        directory.path().join("docker/Dockerfile"),
    )
    .unwrap();
    symlink("docker/Dockerfile", directory.path().join("Dockerfile")).unwrap();
    fs::write(directory.path().join(".dockerignore"), "*\n").unwrap();
    let names = context_names(&prepare(&directory).await.unwrap()).await;
    assert_eq!(names, [".dockerignore", "docker/", "docker/Dockerfile"]);
}

#[tokio::test]
async fn sockets_are_passed_over_and_pipes_refused_unless_ignored() {
    let directory = sample_tree();
    let _listener = UnixListener::bind(directory.path().join("app.sock")).unwrap();
    let names = context_names(&prepare(&directory).await.unwrap()).await;
    assert!(!names.contains(&"app.sock".to_owned()));

    assert!(
        Command::new("mkfifo")
            .arg(directory.path().join("a/pipe"))
            .status()
            .unwrap()
            .success()
    );
    let error = prepare(&directory).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "a/pipe is a device or a pipe, which no build context can hold"
    );
    fs::write(directory.path().join(".dockerignore"), "**/pipe\n").unwrap();
    assert!(prepare(&directory).await.is_ok());
}

#[tokio::test]
async fn a_tree_that_goes_away_breaks_the_stream_instead_of_shortening_it() {
    let directory = sample_tree();
    let source = prepare(&directory).await.unwrap();
    fs::remove_dir_all(directory.path()).unwrap();
    assert!(context_bytes(&source).await.is_err());
}
