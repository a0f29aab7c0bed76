//! The directory of units: looks at it, and does the steps that are about files.
//!
//! Invariant: a file is there whole or not at all, and nothing but the named file or link is touched.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::plan::{Found, UnitStep};

/// A directory of units.
#[derive(Debug, Clone)]
pub struct UnitDirectory {
    path: PathBuf,
}

impl UnitDirectory {
    /// That at a path; it need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is at the place of a unit.
    pub fn look(&self, name: &str) -> io::Result<Found> {
        let text = match fs::read(self.path.join(name)) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut wanted_by = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found { text, wanted_by }),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let folder = entry?.file_name();
            let unit = folder.to_str().and_then(|folder| folder.strip_suffix(".wants"));
            let Some(unit) = unit else { continue };
            let link = self.path.join(&folder).join(name);
            if link.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
                wanted_by.push(unit.to_owned());
            }
        }
        wanted_by.sort();
        Ok(Found { text, wanted_by })
    }

    /// Does a step; one for the service manager is none of its own.
    pub fn perform(&self, step: &UnitStep) -> io::Result<()> {
        match step {
            UnitStep::Write { name, text } => self.write(name, text),
            UnitStep::Remove { name } => remove(&self.path.join(name)),
            UnitStep::Unlink { name, wanted_by } => {
                let folder = self.path.join(format!("{wanted_by}.wants"));
                remove(&folder.join(name))?;
                // Others' links keep it.
                drop(fs::remove_dir(folder));
                Ok(())
            }
            UnitStep::Systemctl(_) => Ok(()),
        }
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let temporary = self.path.join(format!(".{name}.{}", std::process::id()));
        let written = write_new(&temporary, text).and_then(|()| fs::rename(&temporary, self.path.join(name)));
        if written.is_err() {
            drop(fs::remove_file(&temporary));
        }
        written
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    remove(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
