//! Turns Procfiles into commands by type. Invariant: a Procfile is taken whole or not at all; the error is the whole
//! diagnostic.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use ps_core::names::ProcessType;
use ps_core::release::Processes;
use ps_core::source::{ReadProcfile, SourceError};
use ps_procfile::Procfile;

use crate::refusal::{invalid_file, refused, unreadable, unusable};
use crate::source_root::{check_size, read_bounded};

/// What a Procfile says; `file` is its name in diagnostics.
pub(crate) fn read_procfile(source: &[u8], file: &str) -> Result<ReadProcfile, SourceError> {
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
    let warnings = procfile.warnings();
    Ok(ReadProcfile {
        processes: Processes::Procfile(commands),
        warnings: (!warnings.is_empty())
            .then(|| warnings.render(file))
            .into_iter()
            .collect(),
    })
}

/// What the one file in an engine's archive says.
pub(crate) fn read_procfile_archive(archive: &Bytes, file: &str) -> Result<ReadProcfile, SourceError> {
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
    read_procfile(&bytes, file)
}
