//! Files out of images. Invariant: only a regular file of at most 1 MiB is taken.

use bytes::Bytes;
use ps_core::manifest::Manifest;
use ps_core::names::ProcessType;
use ps_core::release::Processes;
use ps_core::source::{SourceError, SourceErrorKind, SourcePaths, SourceReader};
use ps_core::source_files::{DeclaredApp, ImageFiles, SourceFile};
use ps_source::{Environment, FileSourceReader};

fn archive(entry_type: tar::EntryType, content: &[u8]) -> Bytes {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(entry_type);
    header.set_size(content.len().try_into().unwrap());
    header.set_mode(0o644);
    if entry_type.is_symlink() {
        header.set_link_name("/etc/passwd").unwrap();
    }
    builder.append_data(&mut header, "Procfile", content).unwrap();
    builder.into_inner().unwrap().into()
}

/// A regular file.
fn regular(content: &[u8]) -> Bytes {
    archive(tar::EntryType::Regular, content)
}

fn read(archive: &Bytes) -> Result<DeclaredApp, SourceError> {
    let paths = SourcePaths {
        procfile: "Procfile".to_owned(),
        app_json: "app.json".to_owned(),
    };
    let files = ImageFiles::from([(SourceFile::Procfile, archive.clone())]);
    FileSourceReader::new(Environment::default()).read_image_files(&files, &paths)
}

fn read_all<const N: usize>(files: [(SourceFile, Bytes); N]) -> Result<DeclaredApp, SourceError> {
    let paths = SourcePaths {
        procfile: "Procfile".to_owned(),
        app_json: "deploy/app.json".to_owned(),
    };
    FileSourceReader::new(Environment::default()).read_image_files(&ImageFiles::from(files), &paths)
}

#[test]
fn a_procfile_in_an_image_gives_its_commands() {
    let declared = read(&regular(b"web: a b # c\nworker: d\n")).unwrap();
    let processes = declared.processes;
    assert_eq!(processes.command(&ProcessType::web()), Some("a b"));
    assert_eq!(processes.types().len(), 2);
    assert!(declared.warnings.is_empty());
}

#[test]
fn an_image_says_what_a_directory_with_its_files_says() {
    let declared = read_all([
        (
            SourceFile::AppJson,
            regular(br#"{ "env": { "LANG": "C" }, /* two */ "formation": { "web": { "quantity": 2 } } }"#),
        ),
        (SourceFile::Checks, regular(b"/health\n")),
        (SourceFile::Scale, regular(b"web=1\n")),
    ])
    .unwrap();
    assert_eq!(declared.processes, Processes::ImageDefault);
    assert!(declared.manifest.owns_scale() && declared.manifest.scale_file.is_some());
    assert_eq!(declared.manifest.checks.len(), 1);
    assert!(declared.env.contains_key("LANG"));
    assert_eq!(declared.warnings.len(), 2, "{:?}", declared.warnings);
    let declared = read_all([]).unwrap();
    assert_eq!(declared.manifest, Manifest::default());
    assert!(
        declared.warnings[0].starts_with("there is no `deploy/app.json`"),
        "{:?}",
        declared.warnings
    );
}

#[test]
fn errors_of_all_files_of_an_image_are_told_with_their_paths() {
    let error = read_all([
        (SourceFile::Procfile, regular(b"web a\n")),
        (SourceFile::AppJson, regular(b"{\n  \"scripts\": 1\n}")),
    ])
    .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::InvalidFile);
    assert!(
        error.message.starts_with("Procfile:1:4: there is no colon after `web`"),
        "{error}"
    );
    assert!(error.message.contains("\ndeploy/app.json:2:14: scripts: "), "{error}");
}

#[test]
fn what_is_odd_in_a_procfile_of_an_image_is_told_with_its_path() {
    let procfile = read(&regular(b"web: a \\\n")).unwrap();
    assert_eq!(procfile.warnings.len(), 1);
    assert!(
        procfile.warnings[0].starts_with("Procfile:1:8: warning: ") && procfile.warnings[0].contains('^'),
        "{:?}",
        procfile.warnings
    );
}

#[test]
fn links_and_large_files_in_an_image_are_not_read() {
    let error = read(&archive(tar::EntryType::Symlink, b"")).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Refused);
    let error = read(&archive(tar::EntryType::Directory, b"")).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Refused);
    let large = b"# x\n".repeat(300_000);
    let error = read(&regular(&large)).unwrap_err();
    assert_eq!(error.to_string(), "Procfile: the file is larger than 1 MiB");
}

#[test]
fn a_broken_or_empty_archive_is_an_error() {
    assert_eq!(read(&Bytes::new()).unwrap_err().kind, SourceErrorKind::Unreadable);
    assert_eq!(
        read(&Bytes::from_static(&[7; 700])).unwrap_err().kind,
        SourceErrorKind::Unreadable
    );
    let cut = regular(&b"web: a\n".repeat(200)).slice(..600);
    assert!(read(&cut).is_err());
}
