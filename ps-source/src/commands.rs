//! Turns Procfiles into commands by type. Invariant: a Procfile is taken whole or not at all; the error is the whole
//! diagnostic.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use ps_core::names::ProcessType;
use ps_core::release::Processes;
use ps_core::source::SourceError;
use ps_procfile::Procfile;

use crate::refusal::{invalid_file, refused, unreadable, unusable};
use crate::source_root::{check_size, read_bounded};

/// The commands of a Procfile; `file` is its name in diagnostics.
pub(crate) fn processes_of_procfile(source: &[u8], file: &str) -> Result<Processes, SourceError> {
    let procfile = Procfile::parse(source).map_err(|invalid| invalid_file(invalid.render(file)))?;
    procfile
        .require_text()
        .map_err(|errors| invalid_file(errors.render(file)))?;
    let mut commands = BTreeMap::new();
    for entry in procfile.entries() {
        let name: ProcessType = entry
            .name()
            .parse()
            .map_err(|error| invalid_file(format!("{file}:{}: {error}", entry.line())))?;
        commands.insert(name, entry.command_text().unwrap_or_default().to_owned());
    }
    Ok(Processes::Procfile(commands))
}

/// The commands of the one file in an engine's archive.
pub(crate) fn processes_of_archive(archive: &Bytes, file: &str) -> Result<Processes, SourceError> {
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
    processes_of_procfile(&bytes, file)
}
