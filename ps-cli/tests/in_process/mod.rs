//! Runs whole commands in-process, each with a state directory of its own and nobody to ask.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex};

use ps_cli::environment::{Environment, Io};
use ps_cli::wiring::adapters::RealAdapters;
use tempfile::TempDir;

/// A temporary directory with the state of the commands that run in it.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code.
    pub(crate) code: u8,
    /// Standard output; U+FFFD for what is no text.
    pub(crate) out: String,
    /// Standard output as it is.
    pub(crate) bytes: Vec<u8>,
    /// Standard error.
    pub(crate) err: String,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

impl Place {
    /// An empty place.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// With an app that was never deployed.
    pub(crate) fn with_app(self, name: &str) -> Self {
        assert_eq!(self.run(&["apps:create", name]).code, 0);
        self
    }

    /// Whether no command made any state.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.directory.path().join("state").exists()
    }

    /// Where the state is, once there is some.
    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    /// Writes a file, and the directory it is in.
    pub(crate) fn write(&self, file: &str, content: &[u8]) {
        let path = self.directory.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Puts a symbolic link where the state would be.
    pub(crate) fn make_link(&self) {
        std::os::unix::fs::symlink("/nonexistent", self.directory.path().join("state")).unwrap();
    }

    /// Runs one command without input.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_with_input(words, "")
    }

    /// Runs one command.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &str) -> Run {
        self.run_with_bytes(words, input.as_bytes())
    }

    /// Runs one command whose input need not be text.
    pub(crate) fn run_with_bytes(&self, words: &[&str], input: &[u8]) -> Run {
        self.run_with_reader(words, std::io::Cursor::new(input.to_vec()))
    }

    /// Runs one command whose input need not end.
    pub(crate) fn run_with_reader(&self, words: &[&str], input: impl std::io::Read + Send + 'static) -> Run {
        let environment = Environment {
            variables: [("PSCTL_STATE_DIR".to_owned(), "state".into())].into(),
            user_id: 0,
            directory: self.directory.path().to_owned(),
        };
        run_as(words, input, environment, RealAdapters::default())
    }
}

/// Runs one command as somebody, on a machine.
pub(crate) fn run_as(
    words: &[&str],
    input: impl std::io::Read + Send + 'static,
    environment: Environment,
    adapters: RealAdapters,
) -> Run {
    let (out, err) = (Sink::default(), Sink::default());
    let io = Io {
        stdin: Box::new(input),
        stdout: Box::new(out.clone()),
        stderr: Box::new(err.clone()),
        stdin_is_terminal: false,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
    };
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let code = ps_cli::run(&words, environment, io, Arc::new(adapters)).code();
    Run {
        code,
        out: out.text(),
        bytes: out.bytes(),
        err: err.text(),
    }
}
