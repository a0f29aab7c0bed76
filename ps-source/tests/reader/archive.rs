//! Procfiles out of images. Invariant: only a regular file of at most 1 MiB is taken.

use bytes::Bytes;
use ps_core::names::ProcessType;
use ps_core::source::{SourceErrorKind, SourceReader};
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

fn read(archive: &Bytes) -> Result<ps_core::source::ReadProcfile, ps_core::source::SourceError> {
    FileSourceReader::new(Environment::default()).read_procfile_archive(archive, "/app/Procfile")
}

#[test]
fn a_procfile_in_an_image_gives_its_commands() {
    let procfile = read(&archive(tar::EntryType::Regular, b"web: a b # c\nworker: d\n")).unwrap();
    assert_eq!(procfile.processes.command(&ProcessType::web()), Some("a b"));
    assert_eq!(procfile.processes.types().len(), 2);
    assert!(procfile.warnings.is_empty());
}

#[test]
fn an_invalid_procfile_in_an_image_is_shown_with_its_path() {
    let error = read(&archive(tar::EntryType::Regular, b"web a\n")).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::InvalidFile);
    assert!(
        error
            .message
            .starts_with("/app/Procfile:1:4: there is no colon after `web`"),
        "{error}"
    );
}

#[test]
fn what_is_odd_in_a_procfile_of_an_image_is_told_with_its_path() {
    let procfile = read(&archive(tar::EntryType::Regular, b"web: a \\\n")).unwrap();
    assert_eq!(procfile.warnings.len(), 1);
    assert!(
        procfile.warnings[0].starts_with("/app/Procfile:1:8: warning: ") && procfile.warnings[0].contains('^'),
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
    let error = read(&archive(tar::EntryType::Regular, &large)).unwrap_err();
    assert_eq!(error.to_string(), "/app/Procfile: the file is larger than 1 MiB");
}

#[test]
fn a_broken_or_empty_archive_is_an_error() {
    assert_eq!(read(&Bytes::new()).unwrap_err().kind, SourceErrorKind::Unreadable);
    assert_eq!(
        read(&Bytes::from_static(&[7; 700])).unwrap_err().kind,
        SourceErrorKind::Unreadable
    );
    let cut = archive(tar::EntryType::Regular, &b"web: a\n".repeat(200)).slice(..600);
    assert!(read(&cut).is_err());
}
