//! Files out of images, as engines hand them out. Invariant: only a regular file of at most 1 MiB is taken.

use bytes::{Buf, Bytes};
use ps_core::source::{SourceError, SourcePaths};
use ps_core::source_files::{DeclaredApp, ImageFiles};

use crate::refusal::{refused, unreadable, unusable};
use crate::source_files::declared_app;
use crate::source_root::{check_size, read_bounded};

/// What the files of an image say.
pub(crate) fn declared_by_image(files: &ImageFiles, paths: &SourcePaths) -> Result<DeclaredApp, SourceError> {
    declared_app(paths, |file| {
        let archive = files.get(&file);
        archive
            .map(|archive| file_of_archive(archive, paths.of(file)))
            .transpose()
    })
}

/// The content of the one file in an engine's archive.
fn file_of_archive(archive: &Bytes, file: &str) -> Result<Vec<u8>, SourceError> {
    let broken = |cause| unreadable(format!("the engine's archive of `{file}` cannot be read"), cause);
    let mut archive = tar::Archive::new(archive.clone().reader());
    let Some(member) = archive.entries().map_err(broken)?.next() else {
        return Err(unusable(
            format!("the engine's archive of `{file}` is empty"),
            "try again",
        ));
    };
    let member = member.map_err(broken)?;
    if !member.header().entry_type().is_file() {
        let hint = "make it a regular file in the image";
        return Err(refused(format!("`{file}` in the image is not a regular file"), hint));
    }
    let mut bytes = Vec::new();
    read_bounded(member, &mut bytes).map_err(broken)?;
    check_size(&bytes, file)?;
    Ok(bytes)
}
