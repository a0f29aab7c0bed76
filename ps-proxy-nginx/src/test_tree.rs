//! A configuration as it would be, to be tested before it is. Invariant: nothing of the running one is written to, and line numbers
//! are those of the files that nginx really reads.

use std::fs;
use std::path::{Path, PathBuf};

use ps_core::proxy::{ProxyError, ProxyErrorKind};

use crate::directives::{Directive, directives};
use crate::durable_file::{cannot, read_bounded, remove_folder, write_new};
use crate::generation::PRIVATE;
use crate::glob::{expand, has_wildcard, matches};
use crate::places::make_private_folder;
use crate::rendering::quoted;

/// How deep files may include files.
const DEEPEST: usize = 16;

/// A tree that is ready to be tested, in a folder of its own.
#[derive(Debug)]
pub(crate) struct TestTree {
    folder: PathBuf,
    main: PathBuf,
    /// Files of the tree, and what they stand for.
    copies: Vec<(PathBuf, PathBuf)>,
}

impl TestTree {
    /// An empty tree; what an earlier one left is removed.
    pub(crate) fn new(folder: PathBuf) -> Result<Self, ProxyError> {
        remove_folder(&folder)?;
        make_private_folder(&folder).map_err(|error| cannot("make", &folder, error))?;
        Ok(Self {
            main: folder.join("psctl-test.conf"),
            folder,
            copies: Vec::new(),
        })
    }

    /// The file to test.
    pub(crate) fn main(&self) -> &Path {
        &self.main
    }

    /// Where the file that names a generation stands in this tree.
    pub(crate) fn serving(&self) -> PathBuf {
        self.folder.join("psctl-serving.conf")
    }

    /// Where a process id would be noted.
    pub(crate) fn pid(&self) -> PathBuf {
        self.folder.join("psctl-test.pid")
    }

    /// Adds the file that names the generation to test.
    pub(crate) fn add_serving(&mut self, naming: &str, original: PathBuf) -> Result<(), ProxyError> {
        write_new(&self.serving(), naming, PRIVATE)?;
        self.copies.push((self.serving(), original));
        Ok(())
    }

    /// Takes a whole main configuration.
    pub(crate) fn add_main(&mut self, text: &str, original: PathBuf) -> Result<(), ProxyError> {
        write_new(&self.main, text, PRIVATE)?;
        self.copies.push((self.main.clone(), original));
        Ok(())
    }

    /// Takes the system's configuration, with `include_file` as it will be.
    pub(crate) fn add_system(&mut self, main: &Path, include_file: &Path) -> Result<(), ProxyError> {
        let folder = main.parent().unwrap_or(Path::new("/"));
        self.link_beside(folder)?;
        let inclusion = Inclusion {
            include_file,
            relative_to: folder,
        };
        let Some(text) = self.rewritten(main, &inclusion, 0)? else {
            return Err(not_included(main, include_file));
        };
        let pid = self.pid();
        self.add_main(&format!("{text}\npid {};\n", quoted(&pid)), main.to_owned())
    }

    /// What relative names in the main configuration lead to is beside it.
    fn link_beside(&self, folder: &Path) -> Result<(), ProxyError> {
        let entries = fs::read_dir(folder).map_err(|error| cannot("read", folder, error))?;
        for entry in entries.flatten() {
            let link = self.folder.join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), &link).map_err(|error| cannot("make", &link, error))?;
        }
        Ok(())
    }

    /// The text of a file that leads to the include file, leading into this tree instead; `None` when it does not lead there.
    fn rewritten(
        &mut self,
        file: &Path,
        inclusion: &Inclusion<'_>,
        depth: usize,
    ) -> Result<Option<String>, ProxyError> {
        let text = match read_bounded(file) {
            Ok(text) => text,
            // What nginx says about it is worth more.
            Err(_) if depth > 0 => return Ok(None),
            Err(error) => return Err(cannot("read", file, error)),
        };
        let mut result = String::new();
        let mut copied = 0;
        let mut leads_there = false;
        for directive in directives(&text) {
            let instead = if depth == 0 && directive.depth == 0 && directive.name == "pid" {
                Some(String::new())
            } else {
                self.instead_of(&directive, inclusion, depth)?
            };
            let Some(instead) = instead else { continue };
            leads_there |= directive.name == "include";
            let old = text.get(directive.span.clone()).unwrap_or_default();
            result.push_str(text.get(copied..directive.span.start).unwrap_or_default());
            result.push_str(&instead);
            result.push_str(&"\n".repeat(old.matches('\n').count()));
            copied = directive.span.end;
        }
        result.push_str(text.get(copied..).unwrap_or_default());
        Ok(leads_there.then_some(result))
    }

    /// What stands in the place of an `include` that leads to the include file.
    fn instead_of(
        &mut self,
        directive: &Directive,
        inclusion: &Inclusion<'_>,
        depth: usize,
    ) -> Result<Option<String>, ProxyError> {
        let Some(pattern) = inclusion.pattern_of(directive) else {
            return Ok(None);
        };
        let mut files: Vec<PathBuf> = expand(&pattern);
        let takes_ours = inclusion.takes_in(&pattern);
        files.retain(|file| !inclusion.is_include_file(file));
        let mut leads_there = takes_ours;
        let mut named: Vec<(PathBuf, PathBuf)> = Vec::new();
        for file in files {
            let rewritten = if depth < DEEPEST {
                self.rewritten(&file, inclusion, depth + 1)?
            } else {
                None
            };
            leads_there |= rewritten.is_some();
            let instead = match rewritten {
                Some(text) => self.add_copy(&text, &file)?,
                None => file.clone(),
            };
            named.push((file, instead));
        }
        if takes_ours {
            let ours = pattern.with_file_name(inclusion.include_file.file_name().unwrap_or_default());
            named.push((ours, self.serving()));
        }
        named.sort();
        let includes: Vec<String> = named
            .iter()
            .map(|(_, file)| format!("include {};", quoted(file)))
            .collect();
        Ok(leads_there.then(|| includes.join(" ")))
    }

    fn add_copy(&mut self, text: &str, original: &Path) -> Result<PathBuf, ProxyError> {
        let copy = self.folder.join(format!("psctl-copy-{}.conf", self.copies.len()));
        write_new(&copy, text, PRIVATE)?;
        self.copies.push((copy.clone(), original.to_owned()));
        Ok(copy)
    }

    /// Removes it.
    pub(crate) fn remove(self) -> Result<(), ProxyError> {
        remove_folder(&self.folder)
    }

    /// What nginx said, with the names of the real files.
    pub(crate) fn in_real_names(&self, said: &[String]) -> Vec<String> {
        let real = |line: &String| {
            self.copies.iter().fold(line.clone(), |line, (copy, original)| {
                line.replace(&copy.display().to_string(), &original.display().to_string())
            })
        };
        said.iter().map(real).collect()
    }
}

/// Which file has to be taken in.
#[derive(Debug)]
pub(crate) struct Inclusion<'a> {
    /// The file.
    pub(crate) include_file: &'a Path,
    /// What relative names are relative to.
    pub(crate) relative_to: &'a Path,
}

impl Inclusion<'_> {
    /// Whether the main configuration leads to the file, directly or through others.
    pub(crate) fn is_reached_from(&self, file: &Path) -> bool {
        self.is_reached(file, 0)
    }

    fn is_reached(&self, file: &Path, depth: usize) -> bool {
        let Ok(text) = read_bounded(file) else { return false };
        let patterns = directives(&text)
            .iter()
            .filter_map(|directive| self.pattern_of(directive))
            .collect::<Vec<_>>();
        patterns.iter().any(|pattern| {
            self.takes_in(pattern)
                || depth < DEEPEST && expand(pattern).iter().any(|file| self.is_reached(file, depth + 1))
        })
    }

    fn pattern_of(&self, directive: &Directive) -> Option<PathBuf> {
        let [pattern] = directive.arguments.as_slice() else {
            return None;
        };
        (directive.name == "include").then(|| self.relative_to.join(pattern))
    }

    /// Whether a pattern matches the file, be it there or not.
    fn takes_in(&self, pattern: &Path) -> bool {
        let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else {
            return false;
        };
        let ours = self.include_file.file_name().unwrap_or_default().to_string_lossy();
        let is_ours = |folder: &Path| is_same_folder(folder, self.include_file.parent().unwrap_or(Path::new("/")));
        matches(&name.to_string_lossy(), &ours)
            && if has_wildcard(folder) {
                expand(folder).iter().any(|folder| is_ours(folder))
            } else {
                is_ours(folder)
            }
    }

    fn is_include_file(&self, file: &Path) -> bool {
        file.file_name() == self.include_file.file_name()
            && file
                .parent()
                .zip(self.include_file.parent())
                .is_some_and(|(one, other)| is_same_folder(one, other))
    }
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one)
            .ok()
            .is_some_and(|one| fs::canonicalize(other).ok() == Some(one))
}

fn not_included(main: &Path, include_file: &Path) -> ProxyError {
    let folder = include_file.parent().unwrap_or(Path::new("/"));
    let message = format!("{} does not take in the files of {}", main.display(), folder.display());
    let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
    failure.hint = Some(format!(
        "add `include {}/*.conf;` to the http block of {}",
        folder.display(),
        main.display()
    ));
    failure
}
