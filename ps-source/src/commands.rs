//! Turns Procfiles into commands by type. Invariant: a Procfile is taken whole or not at all; the error is the whole
//! diagnostic.

use std::collections::BTreeMap;

use ps_core::names::ProcessType;
use ps_core::release::Processes;
use ps_core::source::SourceError;
use ps_procfile::Procfile;

use crate::refusal::invalid_file;

/// The commands of a Procfile; `file` is its name in diagnostics. What is probably not meant is added to `warnings`.
pub(crate) fn read_procfile(source: &[u8], file: &str, warnings: &mut Vec<String>) -> Result<Processes, SourceError> {
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
    let found = procfile.warnings();
    if !found.is_empty() {
        warnings.push(found.render(file));
    }
    Ok(Processes::Procfile(commands))
}
