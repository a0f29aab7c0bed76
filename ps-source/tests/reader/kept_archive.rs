//! Archives that are kept. Invariant: what was kept is read again without the user's file, and nothing is left that nobody needs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ps_core::names::{AppName, ProcessType};
use ps_core::release::Source;
use ps_core::source::{PreparedSource, SourceError, SourceErrorKind, SourcePaths, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

use crate::tree::context_names;

fn app() -> AppName {
    "shop".parse().unwrap()
}

struct Place {
    folder: TempDir,
    reader: FileSourceReader,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reader = FileSourceReader::new(Environment::default()).keeping_in(folder.path().join("state"));
        Self { folder, reader }
    }

    fn archive(&self, name: &str, command: &str) -> Source {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in [
            ("shop/Dockerfile", "FROM scratch\n"),
            ("shop/Procfile", &format!("web: {command}\n")),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        self.file(name, &builder.into_inner().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Source {
        let file = self.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        Source::Archive { file, digest: None }
    }

    fn kept(&self, app: &str) -> PathBuf {
        self.folder.path().join("state/sources").join(app)
    }

    async fn read(&self, source: &Source) -> Result<PreparedSource, SourceError> {
        read(&self.reader, source).await
    }
}

async fn read(reader: &FileSourceReader, source: &Source) -> Result<PreparedSource, SourceError> {
    let procfile = "Procfile".to_owned();
    reader
        .read(
            &app(),
            source,
            &SourcePaths {
                procfile,
                app_json: "app.json".to_owned(),
            },
        )
        .await
}

fn entries(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn file_of(source: &Source) -> &Path {
    let Source::Archive { file, .. } = source else {
        panic!("{source}")
    };
    file
}

#[tokio::test]
async fn a_kept_archive_is_read_without_its_file() {
    let place = Place::new();
    let given = place.archive("shop.tar", "one");
    let kept = place.reader.keep(&app(), &given).await.unwrap();
    assert_ne!(kept, given);
    fs::remove_file(file_of(&given)).unwrap();
    let source = place.read(&kept).await.unwrap();
    assert_eq!(source.processes.command(&ProcessType::web()), Some("one"));
    assert_eq!(context_names(&source).await, ["Dockerfile", "Procfile"]);
    let Source::Archive { digest, .. } = &kept else {
        panic!()
    };
    assert_eq!(&source.revision, digest);
    assert_eq!(place.reader.keep(&app(), &kept).await.unwrap(), kept);
    drop(source);
    // The tree is gone with what was read; the copy is private.
    let names = entries(&place.kept("shop"));
    assert_eq!(names, [format!("{}.archive", digest.as_ref().unwrap())]);
    let mode = |path: PathBuf| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(mode(place.kept("shop")), 0o700);
    assert_eq!(mode(place.kept("shop").join(&names[0])), 0o600);
}

#[tokio::test]
async fn what_is_no_longer_needed_is_removed() {
    let place = Place::new();
    let first = place.reader.keep(&app(), &place.archive("a.tar", "one")).await.unwrap();
    let second = place.reader.keep(&app(), &place.archive("a.tar", "two")).await.unwrap();
    assert_eq!(entries(&place.kept("shop")).len(), 2);
    // What a killed command left.
    fs::create_dir_all(place.kept("shop").join("scratch-x/tree")).unwrap();
    place.reader.forget(&app(), &[&second]).await.unwrap();
    assert_eq!(entries(&place.kept("shop")).len(), 1);
    assert!(place.read(&second).await.is_ok());
    let error = place.read(&first).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the copy that was kept of the archive of shop is gone"
    );
    place.reader.forget(&app(), &[]).await.unwrap();
    assert!(!place.kept("shop").exists());
    place.reader.forget(&app(), &[]).await.unwrap();
}

#[tokio::test]
async fn another_name_gets_the_archives_too() {
    let place = Place::new();
    let kept = place.reader.keep(&app(), &place.archive("a.tar", "one")).await.unwrap();
    let store: AppName = "store".parse().unwrap();
    for _ in 0..2 {
        place.reader.keep_for(&store, &app()).await.unwrap();
    }
    place.reader.forget(&app(), &[]).await.unwrap();
    let procfile = "Procfile".to_owned();
    assert!(
        place
            .reader
            .read(
                &store,
                &kept,
                &SourcePaths {
                    procfile,
                    app_json: "app.json".to_owned()
                }
            )
            .await
            .is_ok()
    );
    place.reader.keep_for(&store, &"none".parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_reads_the_file_itself_and_changes_nothing() {
    let place = Place::new();
    let looking = FileSourceReader::new(Environment::default()).looking_in(place.folder.path().join("state"));
    let given = place.archive("shop.tar", "one");
    let source = read(&looking, &given).await.unwrap();
    assert_eq!(source.processes.command(&ProcessType::web()), Some("one"));
    assert_eq!(entries(&place.folder.path().join("state")), Vec::<String>::new());
    // What was kept is found by it too.
    let kept = place.reader.keep(&app(), &given).await.unwrap();
    assert_eq!(read(&looking, &kept).await.unwrap().revision, source.revision);
    looking.forget(&app(), &[]).await.unwrap();
    assert!(place.read(&kept).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_kept_or_unpacked_leaves_nothing() {
    let place = Place::new();
    for (source, kind) in [
        (place.file("text", b"FROM scratch\n"), SourceErrorKind::Unreadable),
        (place.archive("a.tar", "'"), SourceErrorKind::InvalidFile),
    ] {
        let kept = place.reader.keep(&app(), &source).await.unwrap();
        let outcome = place.read(&kept).await.map(|source| source.processes);
        if kind == SourceErrorKind::Unreadable {
            assert_eq!(outcome.unwrap_err().kind, kind);
        }
        assert_eq!(entries(&place.kept("shop")).len(), 1);
        place.reader.forget(&app(), &[]).await.unwrap();
    }
    let missing = Source::Archive {
        file: place.folder.path().join("missing.tar"),
        digest: None,
    };
    let error = place.reader.keep(&app(), &missing).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read the archive"), "{error}");
    let directory = Source::Archive {
        file: place.folder.path().to_owned(),
        digest: None,
    };
    let error = place.reader.keep(&app(), &directory).await.unwrap_err();
    assert!(error.hint.unwrap().contains("psctl deploy"), "a directory");
    let scratch = entries(&place.kept("shop"));
    assert!(scratch.iter().all(|name| !name.starts_with("scratch-")), "{scratch:?}");
}

#[tokio::test]
async fn an_archive_without_a_dockerfile_is_called_by_its_name() {
    let place = Place::new();
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    builder.append_data(&mut header, "a", &b""[..]).unwrap();
    let source = place.file("shop.tar", &builder.into_inner().unwrap());
    let error = place.read(&source).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NoDockerfile);
    let file = file_of(&source).display();
    assert_eq!(error.to_string(), format!("there is no Dockerfile in archive {file}"));
}

#[tokio::test]
async fn an_image_is_not_read() {
    let error = Place::new()
        .read(&Source::Image("shop:1".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Refused);
}
