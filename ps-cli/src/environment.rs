//! What psctl is given by the process it runs in, as values, so that tests can give it something else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

/// Variables, user and directory.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The process's environment; names that are no text are left out.
    pub variables: BTreeMap<String, OsString>,
    /// The effective user.
    pub user_id: u32,
    /// The working directory.
    pub directory: PathBuf,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self {
            variables: variables.collect(),
            user_id: rustix::process::geteuid().as_raw(),
            directory: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// A variable's text; `None` when it is not set, empty or no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.to_str()?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// A variable's absolute path; `None` when it is not set or relative.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.variables.get(name)?);
        path.is_absolute().then_some(path)
    }

    /// Whether the effective user is root.
    pub fn is_root(&self) -> bool {
        self.user_id == 0
    }
}

/// The three standard streams, and which of them are terminals.
pub struct Io {
    /// Standard input.
    pub stdin: Box<dyn Read + Send>,
    /// Standard output.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error.
    pub stderr: Box<dyn Write + Send>,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether standard output is one.
    pub stdout_is_terminal: bool,
    /// Whether standard error is one.
    pub stderr_is_terminal: bool,
}

impl Io {
    /// Those of this process.
    pub fn of_process() -> Self {
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        Self {
            stdin_is_terminal: stdin.is_terminal(),
            stdout_is_terminal: stdout.is_terminal(),
            stderr_is_terminal: stderr.is_terminal(),
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
        }
    }
}
