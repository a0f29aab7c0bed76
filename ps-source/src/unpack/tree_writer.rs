//! Writes what an archive holds. Invariant: a path is written only through directories that were made here, so nothing is ever
//! written through a link; links are made last, when all of them were followed and stay inside.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use ps_core::source::SourceError;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use super::TreeLimits;
use super::links::{LinkFault, check_link};
use crate::refusal::{refused, unreadable, unusable};

/// All names together may have this many bytes.
const NAMES_LIMIT: usize = 64 * 1024 * 1024;

/// 1980, where an archive says nothing: the same archive always gives the same tree.
const NO_TIME: i64 = 315_532_800;

const HINT: &str = "make the archive anew, from the app's own files";

/// What an archive says of a file or directory besides its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    /// Permissions; only the usual nine bits are kept.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) modified: Option<i64>,
}

#[derive(Debug)]
enum Made {
    Directory(Attributes),
    File { size: u64 },
    Link { target: PathBuf, modified: Option<i64> },
}

/// A tree in the making.
#[derive(Debug)]
pub(super) struct TreeWriter<'a> {
    root: &'a Path,
    limits: TreeLimits,
    made: BTreeMap<PathBuf, Made>,
    bytes: u64,
    name_bytes: usize,
}

impl<'a> TreeWriter<'a> {
    /// Writes below an empty directory.
    pub(super) fn new(root: &'a Path, limits: TreeLimits) -> Self {
        Self {
            root,
            limits,
            made: BTreeMap::new(),
            bytes: 0,
            name_bytes: 0,
        }
    }

    /// The most entries there may be.
    pub(super) const fn limits(&self) -> TreeLimits {
        self.limits
    }

    /// Makes a directory; one that is there already takes the new attributes.
    pub(super) fn directory(&mut self, name: &[u8], attributes: Attributes) -> Result<(), SourceError> {
        let path = inside(name)?;
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        self.parents_of(&path)?;
        match self.made.get_mut(&path) {
            Some(Made::Directory(known)) => {
                *known = attributes;
                Ok(())
            }
            Some(_) => Err(twice(&path)),
            None => self.make_directory(path, attributes),
        }
    }

    /// Writes a file of at most the announced size.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        attributes: Attributes,
        announced: u64,
        content: impl Read,
    ) -> Result<(), SourceError> {
        let path = self.new_path(name)?;
        let left = self.limits.bytes.saturating_sub(self.bytes);
        if announced > left {
            return Err(self.limits.too_large());
        }
        let place = self.root.join(&path);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&place)
            .map_err(not_written(&path))?;
        let size = io::copy(&mut content.take(left.saturating_add(1)), &mut file)
            .map_err(|cause| unreadable(format!("`{}` in the archive cannot be read", shown(&path)), cause))?;
        if size > left {
            return Err(self.limits.too_large());
        }
        self.bytes = self.bytes.saturating_add(size);
        let permissions = Permissions::from_mode((attributes.mode & 0o777) | 0o400);
        file.set_permissions(permissions).map_err(not_written(&path))?;
        set_time(&place, attributes.modified).map_err(not_written(&path))?;
        self.enter(path, Made::File { size })
    }

    /// Makes a second name of a file that came before.
    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), SourceError> {
        let path = self.new_path(name)?;
        let target = inside(target)?;
        let Some(Made::File { size }) = self.made.get(&target) else {
            let message = format!(
                "`{}` in the archive is a hard link to `{}`, which is no file before it in the archive",
                shown(&path),
                shown(&target)
            );
            return Err(refused(message, HINT));
        };
        // A build context holds it once more.
        self.bytes = self.bytes.saturating_add(*size);
        if self.bytes > self.limits.bytes {
            return Err(self.limits.too_large());
        }
        let size = *size;
        fs::hard_link(self.root.join(target), self.root.join(&path)).map_err(not_written(&path))?;
        self.enter(path, Made::File { size })
    }

    /// Remembers a symbolic link; it is made at the end.
    pub(super) fn symbolic_link(
        &mut self,
        name: &[u8],
        target: &[u8],
        modified: Option<i64>,
    ) -> Result<(), SourceError> {
        let path = self.new_path(name)?;
        self.name_bytes = self.name_bytes.saturating_add(target.len());
        let target = PathBuf::from(OsStr::from_bytes(target));
        self.enter(path, Made::Link { target, modified })
    }

    /// Makes the links, and gives directories their permissions and times. Returns the root of the source.
    pub(super) fn finish(self) -> Result<PathBuf, SourceError> {
        if self.made.is_empty() {
            return Err(unusable("the archive is empty", HINT));
        }
        let top = self.top();
        for (path, target, _) in self.links() {
            let from = path.parent().unwrap_or(Path::new(""));
            let link_at = |path: &Path| match self.made.get(path) {
                Some(Made::Link { target, .. }) => Some(target.as_path()),
                _ => None,
            };
            check_link(&top, from, target, link_at).map_err(|fault| link_refusal(path, target, fault))?;
        }
        for (path, target, modified) in self.links() {
            let place = self.root.join(path);
            symlink(target, &place)
                .and_then(|()| set_time(&place, modified))
                .map_err(not_written(path))?;
        }
        // What is in a directory comes after it: the other way round, its times stay as they were set.
        for (path, made) in self.made.iter().rev() {
            if let Made::Directory(attributes) = made {
                let place = self.root.join(path);
                // Its owner must be able to remove it.
                let permissions = Permissions::from_mode((attributes.mode & 0o777) | 0o700);
                fs::set_permissions(&place, permissions)
                    .and_then(|()| set_time(&place, attributes.modified))
                    .map_err(not_written(path))?;
            }
        }
        Ok(self.root.join(top))
    }

    fn links(&self) -> impl Iterator<Item = (&Path, &Path, Option<i64>)> {
        self.made.iter().filter_map(|(path, made)| match made {
            Made::Link { target, modified } => Some((path.as_path(), target.as_path(), *modified)),
            _ => None,
        })
    }

    /// The only entry of the archive's first level when that is a directory with something in it, else nothing.
    fn top(&self) -> PathBuf {
        let mut level = self.made.iter().filter(|(path, _)| path.components().count() == 1);
        match (level.next(), level.next()) {
            (Some((path, Made::Directory(_))), None) => path.clone(),
            _ => PathBuf::new(),
        }
    }

    /// A path that nothing has yet, with its directories made.
    fn new_path(&mut self, name: &[u8]) -> Result<PathBuf, SourceError> {
        let path = inside(name)?;
        if path.as_os_str().is_empty() {
            return Err(refused("an entry of the archive has no name", HINT));
        }
        self.parents_of(&path)?;
        if self.made.contains_key(&path) {
            return Err(twice(&path));
        }
        Ok(path)
    }

    /// Makes the missing directories above a path; what is there must be a directory.
    fn parents_of(&mut self, path: &Path) -> Result<(), SourceError> {
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.pop();
        for parent in parents.into_iter().rev() {
            match self.made.get(parent) {
                Some(Made::Directory(_)) => {}
                None => {
                    let attributes = Attributes {
                        mode: 0o755,
                        modified: None,
                    };
                    self.make_directory(parent.to_owned(), attributes)?;
                }
                Some(_) => {
                    let message = format!(
                        "`{}` in the archive leads through `{}`, which is no directory",
                        shown(path),
                        shown(parent)
                    );
                    return Err(refused(message, HINT));
                }
            }
        }
        Ok(())
    }

    fn make_directory(&mut self, path: PathBuf, attributes: Attributes) -> Result<(), SourceError> {
        let place = self.root.join(&path);
        DirBuilder::new()
            .mode(0o700)
            .create(place)
            .map_err(not_written(&path))?;
        self.enter(path, Made::Directory(attributes))
    }

    fn enter(&mut self, path: PathBuf, made: Made) -> Result<(), SourceError> {
        self.name_bytes = self.name_bytes.saturating_add(path.as_os_str().len());
        self.made.insert(path, made);
        if self.made.len() > self.limits.entries || self.name_bytes > NAMES_LIMIT {
            return Err(self.limits.too_many());
        }
        Ok(())
    }
}

/// The path of an entry, relative to the root; bytes that are no text stay as they are.
fn inside(name: &[u8]) -> Result<PathBuf, SourceError> {
    let mut path = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(name)).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let name = shown(Path::new(OsStr::from_bytes(name)));
                return Err(refused(format!("`{name}` leads out of the archive"), HINT));
            }
        }
    }
    Ok(path)
}

/// A name for people, without letters that would move a terminal's cursor.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}

fn twice(path: &Path) -> SourceError {
    refused(format!("`{}` is in the archive twice", shown(path)), HINT)
}

fn link_refusal(path: &Path, target: &Path, fault: LinkFault) -> SourceError {
    let (path, target) = (shown(path), shown(target));
    match fault {
        LinkFault::LeadsOut => {
            let message = format!("`{path}` in the archive is a link to `{target}`, which leads out of it");
            refused(message, "put what it leads to into the archive, or leave the link out")
        }
        LinkFault::Circle => {
            let message = format!("`{path}` in the archive is a link to `{target}`, which leads back to itself");
            refused(message, "leave the link out")
        }
    }
}

fn not_written(path: &Path) -> impl Fn(io::Error) -> SourceError + '_ {
    move |cause| unreadable(format!("`{}` cannot be unpacked", shown(path)), cause)
}

/// Sets when a file, a directory or a link itself was changed.
fn set_time(place: &Path, modified: Option<i64>) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: modified.unwrap_or(NO_TIME),
            tv_nsec: 0,
        },
    };
    Ok(utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
