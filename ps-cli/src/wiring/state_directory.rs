//! Where the state is kept: the flag, else `PSCTL_STATE_DIR`, else the usual place of the user. Pure.

use std::path::{Path, PathBuf};

use crate::command_error::CommandError;
use crate::environment::Environment;

/// The state directory, always absolute.
pub fn state_directory(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, CommandError> {
    let variable = environment
        .variables
        .get("PSCTL_STATE_DIR")
        .filter(|value| !value.is_empty());
    if let Some(chosen) = flag.or(variable.map(Path::new)) {
        return Ok(environment.directory.join(chosen));
    }
    usual_state_directory(environment)
}

/// The one that is used when nobody names one.
pub fn usual_state_directory(environment: &Environment) -> Result<PathBuf, CommandError> {
    if environment.is_root() {
        return Ok(PathBuf::from("/var/lib/psctl"));
    }
    let local = environment.path("HOME").map(|home| home.join(".local/state"));
    let state = environment.path("XDG_STATE_HOME").or(local);
    let missing = || {
        CommandError::usage("there is no place for the state: HOME is not set")
            .hint("name a directory with --state-dir")
    };
    Ok(state.ok_or_else(missing)?.join("psctl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(flag: Option<&str>, user_id: u32, variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.into()));
        let environment = Environment {
            variables: variables.collect(),
            user_id,
            directory: "/here".into(),
        };
        state_directory(flag.map(Path::new), &environment).ok()
    }

    #[test]
    fn the_flag_comes_before_the_variable_before_the_usual_place() {
        let variables = [("PSCTL_STATE_DIR", "/v"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")];
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(directory(Some("f"), 0, &variables), at("/here/f"));
        assert_eq!(directory(None, 0, &variables), at("/v"));
        assert_eq!(directory(None, 0, &[("PSCTL_STATE_DIR", "")]), at("/var/lib/psctl"));
        assert_eq!(
            directory(None, 7, &[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]),
            at("/x/psctl")
        );
        assert_eq!(
            directory(None, 7, &[("XDG_STATE_HOME", "x"), ("HOME", "/h")]),
            at("/h/.local/state/psctl")
        );
        assert_eq!(directory(None, 7, &[]), None);
    }
}
