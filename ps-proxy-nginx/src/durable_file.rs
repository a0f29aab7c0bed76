//! Files that are whole or not there, also after a power cut. Invariant: a file gets its name only when its content is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ps_core::proxy::{ProxyError, ProxyErrorKind};

/// The largest file of others that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// What could not be done with a file, as an error of the port.
pub(crate) fn cannot(verb: &str, path: &Path, error: io::Error) -> ProxyError {
    let mut failure = ProxyError::new(ProxyErrorKind::Failed, format!("cannot {verb} {}", path.display()));
    failure.source = Some(Box::new(error));
    failure
}

/// Writes a new file with these permissions; on the disk once [`sync`] was called for it and its folder.
pub(crate) fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), ProxyError> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())
    };
    written().map_err(|error| cannot("write", path, error))
}

/// Brings a file or folder to the disk.
pub(crate) fn sync(path: &Path) -> Result<(), ProxyError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| cannot("bring to the disk", path, error))
}

/// Puts a text in the place of a file, whole or not at all.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> Result<(), ProxyError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.new"));
    remove(&new)?;
    write_new(&new, text, mode)?;
    sync(&new)?;
    fs::rename(&new, path).map_err(|error| cannot("replace", path, error))?;
    sync(folder)
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), ProxyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", path, error)),
        _ => Ok(()),
    }
}

/// Removes a folder with everything in it; it may be gone already.
pub(crate) fn remove_folder(path: &Path) -> Result<(), ProxyError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", path, error)),
        _ => Ok(()),
    }
}

/// The text of a file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, ProxyError> {
    match read_bounded(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, error)),
    }
}

/// The text of a regular file that is not too large.
pub(crate) fn read_bounded(path: &Path) -> io::Result<String> {
    // Not blocking: what is named might be a pipe that nobody writes to.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {} MiB", LARGEST >> 20)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
