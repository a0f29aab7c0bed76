//! What is taken from a directory and what is refused. Invariant: nothing outside the directory is ever read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ps_core::names::ProcessType;
use ps_core::release::{Processes, Source};
use ps_core::source::{PreparedSource, SourceError, SourceErrorKind, SourcePaths, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

pub(crate) fn app(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

async fn read(directory: &Path, procfile: &str) -> Result<PreparedSource, SourceError> {
    let paths = SourcePaths {
        procfile: procfile.to_owned(),
        app_json: "app.json".to_owned(),
    };
    FileSourceReader::new(Environment::default())
        .read(
            &"shop".parse().unwrap(),
            &Source::Directory(directory.to_owned()),
            &paths,
        )
        .await
}

async fn refusal(directory: &Path, procfile: &str) -> (SourceErrorKind, String) {
    let error = read(directory, procfile).await.unwrap_err();
    (error.kind, error.message)
}

#[tokio::test]
async fn a_directory_gives_its_commands_and_its_dockerfile() {
    let directory = app(&[
        ("Dockerfile", "FROM scratch\n"),
        ("Procfile", "web: serve -p $PORT\nworker: work\n"),
    ]);
    let source = read(directory.path(), "Procfile").await.unwrap();
    assert_eq!(source.context.dockerfile(), "Dockerfile");
    assert_eq!(source.processes.command(&ProcessType::web()), Some("serve -p $PORT"));
    assert_eq!(source.processes.types().len(), 2);
    assert!(source.warnings.is_empty());
}

#[tokio::test]
async fn without_a_procfile_the_image_decides() {
    let directory = app(&[("Dockerfile", "FROM scratch\n")]);
    let source = read(directory.path(), "Procfile").await.unwrap();
    assert_eq!((source.processes, source.warnings.len()), (Processes::ImageDefault, 0));
}

#[tokio::test]
async fn a_missing_procfile_at_another_path_ignores_the_default_one_and_says_so() {
    let directory = app(&[
        ("Dockerfile", "FROM scratch\n"),
        ("Procfile", "web: a\n"),
        ("deploy/Procfile", "web: b\n"),
    ]);
    let source = read(directory.path(), "deploy/Procfile").await.unwrap();
    assert_eq!(source.processes.command(&ProcessType::web()), Some("b"));
    for missing in ["Procfile2", "deploy/none", "Procfile/x", "no/such"] {
        let source = read(directory.path(), missing).await.unwrap();
        assert_eq!(source.processes, Processes::ImageDefault);
        assert_eq!(source.warnings.len(), 1);
        assert!(source.warnings[0].contains(missing), "{:?}", source.warnings);
    }
}

#[tokio::test]
async fn what_is_odd_in_a_procfile_is_told_in_one_warning_with_its_places() {
    let procfile = "web: serve 'a # b'\nworker: work \\\n";
    let directory = app(&[("Dockerfile", "FROM scratch\n"), ("Procfile", procfile)]);
    let source = read(directory.path(), "Procfile").await.unwrap();
    assert_eq!(source.processes.command(&ProcessType::web()), Some("serve 'a"));
    assert_eq!(source.warnings.len(), 1);
    for place in ["Procfile:1:15: warning: ", "\nProcfile:2:14: warning: "] {
        assert!(source.warnings[0].contains(place), "{:?}", source.warnings);
    }
}

#[tokio::test]
async fn an_invalid_procfile_is_shown_whole() {
    let directory = app(&[
        ("Dockerfile", "FROM scratch\n"),
        ("Procfile", "web: a\nworker_2: b\nweb: c\n"),
    ]);
    let (kind, message) = refusal(directory.path(), "Procfile").await;
    assert_eq!(kind, SourceErrorKind::InvalidFile);
    assert!(
        message.contains("Procfile:2:1: `worker_2`") && message.contains("= write `worker-2`"),
        "{message}"
    );
    assert!(
        message.contains("Procfile:3:1: `web` is already on line 1"),
        "{message}"
    );
}

#[tokio::test]
async fn a_procfile_without_entries_or_with_bytes_that_are_no_text_is_invalid() {
    let directory = app(&[("Dockerfile", "FROM scratch\n"), ("Procfile", "# nothing yet\n")]);
    assert_eq!(
        refusal(directory.path(), "Procfile").await.0,
        SourceErrorKind::InvalidFile
    );
    fs::write(directory.path().join("Procfile"), b"web: a\nworker: caf\xe9\n").unwrap();
    let (kind, message) = refusal(directory.path(), "Procfile").await;
    assert_eq!(kind, SourceErrorKind::InvalidFile);
    assert!(
        message.starts_with("Procfile:2:12: the command is not UTF-8"),
        "{message}"
    );
    fs::write(directory.path().join("Procfile"), "# x\n".repeat(300_000)).unwrap();
    assert_eq!(
        refusal(directory.path(), "Procfile").await.1,
        "Procfile: the file is larger than 1 MiB"
    );
}

#[tokio::test]
async fn without_a_dockerfile_there_is_nothing_to_build() {
    let directory = app(&[("Procfile", "web: a\n")]);
    let error = read(directory.path(), "Procfile").await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NoDockerfile);
    assert!(error.hint.unwrap().contains("git:from-image"));
    fs::create_dir(directory.path().join("Dockerfile")).unwrap();
    assert_eq!(refusal(directory.path(), "Procfile").await.0, SourceErrorKind::Refused);
}

#[tokio::test]
async fn links_inside_are_followed_and_links_outside_refused() {
    let outside = app(&[("Dockerfile", "FROM scratch\n"), ("Procfile", "web: secret\n")]);
    let directory = app(&[("docker/Dockerfile", "FROM scratch\n"), ("config/Procfile", "web: a\n")]);
    symlink("docker/Dockerfile", directory.path().join("Dockerfile")).unwrap();
    symlink("config/Procfile", directory.path().join("Procfile")).unwrap();
    let source = read(directory.path(), "Procfile").await.unwrap();
    assert_eq!(source.context.dockerfile(), "docker/Dockerfile");
    assert_eq!(source.processes.command(&ProcessType::web()), Some("a"));

    symlink(outside.path().join("Procfile"), directory.path().join("Stolen")).unwrap();
    symlink(outside.path(), directory.path().join("elsewhere")).unwrap();
    symlink("nowhere", directory.path().join("Dangling")).unwrap();
    for name in ["Stolen", "elsewhere/Procfile", "../Procfile", "/etc/hostname", ""] {
        let (kind, message) = refusal(directory.path(), name).await;
        assert_eq!(kind, SourceErrorKind::Refused, "{name}: {message}");
        assert!(!message.contains("secret"));
    }
    assert_eq!(
        refusal(directory.path(), "Dangling").await.0,
        SourceErrorKind::Unreadable
    );

    fs::remove_file(directory.path().join("Dockerfile")).unwrap();
    symlink(outside.path().join("Dockerfile"), directory.path().join("Dockerfile")).unwrap();
    assert_eq!(refusal(directory.path(), "Procfile").await.0, SourceErrorKind::Refused);
}

#[tokio::test]
async fn what_is_no_directory_is_unreadable() {
    let directory = app(&[("file", "")]);
    for path in ["file", "none"] {
        assert_eq!(
            refusal(&directory.path().join(path), "Procfile").await.0,
            SourceErrorKind::Unreadable
        );
    }
}
