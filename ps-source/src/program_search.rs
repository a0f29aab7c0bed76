//! Finds programs as a shell would. Invariant: only absolute directories of PATH are looked into.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::environment::Environment;

/// The first program of that name in PATH that may be run.
pub(crate) fn find_program(environment: &Environment, program: &str) -> Option<PathBuf> {
    let is_runnable = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(environment.search_path.as_ref()?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(program))
        .find(is_runnable)
}
