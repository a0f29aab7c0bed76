//! Repositories made by the tests, and a reader of them. Invariant: no setting of the user who runs the tests counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ps_core::release::Source;
use ps_core::source::{PreparedSource, SourceError, SourcePaths, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

/// A repository with a work tree, beside a state directory.
pub(crate) struct Sample {
    pub(crate) folder: TempDir,
    pub(crate) reader: FileSourceReader,
}

impl Sample {
    /// One commit on `main`, with a Dockerfile and a Procfile.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::read(|name| std::env::var_os(name).filter(|_| name == "PATH"));
        let reader = FileSourceReader::new(environment).keeping_in(folder.path().join("state"));
        let sample = Self { folder, reader };
        fs::create_dir(sample.work()).unwrap();
        sample.git(&["init", "--quiet", "--initial-branch=main"]);
        sample.write("Dockerfile", "FROM scratch\n");
        sample.write("Procfile", "web: one\n");
        sample.commit("one");
        sample
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits everything, and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, words: &[&str]) -> String {
        let output = self.try_git(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn try_git(&self, words: &[&str]) -> Output {
        let names = ["AUTHOR", "COMMITTER"];
        Command::new("git")
            .current_dir(self.work())
            .envs(names.map(|who| (format!("GIT_{who}_NAME"), "tester")))
            .envs(names.map(|who| (format!("GIT_{who}_EMAIL"), "tester@example.org")))
            .envs(names.map(|who| (format!("GIT_{who}_DATE"), "1700000000 +0000")))
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env_remove("GIT_CONFIG_PARAMETERS")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(words)
            .output()
            .unwrap()
    }

    /// The source at a reference of the repository.
    pub(crate) fn at(&self, reference: Option<&str>) -> Source {
        source(self.work().to_str().unwrap(), reference)
    }

    pub(crate) async fn read(&self, reference: Option<&str>) -> Result<PreparedSource, SourceError> {
        read(&self.reader, &self.at(reference)).await
    }

    /// Everything that is kept for the app.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("state/sources/shop")) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

pub(crate) fn source(repository: &str, reference: Option<&str>) -> Source {
    Source::Git {
        repository: repository.parse().unwrap(),
        reference: reference.map(|word| word.parse().unwrap()),
    }
}

pub(crate) async fn read(reader: &FileSourceReader, source: &Source) -> Result<PreparedSource, SourceError> {
    let procfile = "Procfile".to_owned();
    reader
        .read(
            &"shop".parse().unwrap(),
            source,
            &SourcePaths {
                procfile,
                app_json: "app.json".to_owned(),
            },
        )
        .await
}

/// Whether something of that name is in a directory.
pub(crate) fn has(directory: &Path, name: &str) -> bool {
    directory.join(name).symlink_metadata().is_ok()
}
