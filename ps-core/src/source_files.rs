//! The small files of a source that say what its app is, whatever their formats are. Invariant: a directory and an image with the
//! same files say the same.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::manifest::{EnvRequests, Manifest};
use crate::release::Processes;
use crate::source::SourcePaths;

/// A file that says something of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceFile {
    /// The commands.
    Procfile,
    /// Formation, scripts, checks and environment.
    AppJson,
    /// The early form of the checks of `web`.
    Checks,
    /// The early form of a formation.
    Scale,
}

impl SourceFile {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 4] = [Self::Procfile, Self::AppJson, Self::Checks, Self::Scale];
}

impl SourcePaths {
    /// Where a file lies, relative to the source's root. Only Procfile and app.json can lie elsewhere than usual.
    ///
    /// ```
    /// use ps_core::source::SourcePaths;
    /// use ps_core::source_files::SourceFile;
    ///
    /// let paths = SourcePaths { procfile: "Procfile".to_owned(), app_json: "deploy/app.json".to_owned() };
    /// assert_eq!(SourceFile::ALL.map(|file| paths.of(file)), ["Procfile", "deploy/app.json", "CHECKS", "DOKKU_SCALE"]);
    /// ```
    pub fn of(&self, file: SourceFile) -> &str {
        match file {
            SourceFile::Procfile => &self.procfile,
            SourceFile::AppJson => &self.app_json,
            SourceFile::Checks => "CHECKS",
            SourceFile::Scale => "DOKKU_SCALE",
        }
    }
}

/// The files that were found in an image, each as the engine's tar archive of that one file.
pub type ImageFiles = BTreeMap<SourceFile, Bytes>;

/// What the files of a source say, all of them valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeclaredApp {
    /// The commands; those of the image where there is no Procfile.
    pub processes: Processes,
    /// What else the files say.
    pub manifest: Manifest,
    /// The variables they ask for.
    pub env: EnvRequests,
    /// Things worth saying that stop nothing, complete lines.
    pub warnings: Vec<String>,
}
