//! Generations: folders with the files of all sites at one time. Invariant: a number is written down before it is used and is never
//! used again; a generation that was named once is not written to any more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ps_core::names::AppName;
use ps_core::proxy::ProxyError;

use crate::durable_file::{cannot, read, remove, remove_folder, replace, sync, write_new};
use crate::places::{Places, make_private_folder};
use crate::rendering::quoted;

/// Permissions of files that are nobody else's business.
pub(crate) const PRIVATE: u32 = 0o600;

/// The generations of a state directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generations<'a> {
    places: &'a Places,
}

impl<'a> Generations<'a> {
    pub(crate) fn of(places: &'a Places) -> Self {
        Self { places }
    }

    fn folder(self, number: u64) -> PathBuf {
        self.places.generations().join(number.to_string())
    }

    fn apps(self, number: u64) -> PathBuf {
        self.folder(number).join("apps")
    }

    fn base(self, number: u64) -> PathBuf {
        self.folder(number).join("base.conf")
    }

    fn site(self, number: u64, app: &AppName) -> PathBuf {
        self.apps(number).join(format!("{app}.conf"))
    }

    /// The text of the file that names a generation. What is not there makes nginx refuse it, so a generation is taken whole.
    pub(crate) fn naming(self, number: u64) -> String {
        let apps = self.apps(number).join("*.conf");
        format!(
            "# psctl configuration {number}: written by psctl, replaced with each change.\ninclude {};\ninclude {};\n",
            quoted(&apps),
            quoted(&self.base(number))
        )
    }

    /// The generation that is named; `None` when none is, or one that is gone.
    pub(crate) fn named(self) -> Result<Option<u64>, ProxyError> {
        let text = read(&self.places.serving())?;
        let number = text
            .as_deref()
            .and_then(|text| number_in(text, "# psctl configuration "));
        Ok(number.filter(|number| self.exists(*number)))
    }

    /// Whether it is there, whole.
    pub(crate) fn exists(self, number: u64) -> bool {
        self.base(number).is_file()
    }

    /// The port that a generation listens on.
    pub(crate) fn port(self, number: u64) -> Result<Option<u16>, ProxyError> {
        let text = self.base_text(number)?;
        let line = text.as_deref().and_then(|text| text.lines().next());
        let port = line.and_then(|line| line.rsplit_once(" on port "));
        Ok(port.and_then(|(_, port)| port.parse().ok()))
    }

    /// What all sites of a generation share.
    pub(crate) fn base_text(self, number: u64) -> Result<Option<String>, ProxyError> {
        read(&self.base(number))
    }

    /// The file of an app in a generation.
    pub(crate) fn site_text(self, number: u64, app: &AppName) -> Result<Option<String>, ProxyError> {
        read(&self.site(number, app))
    }

    /// The files of all apps in a generation but these.
    pub(crate) fn site_texts_but<'b>(
        self,
        number: u64,
        but: impl Iterator<Item = &'b AppName>,
    ) -> Result<Vec<String>, ProxyError> {
        let but: Vec<PathBuf> = but.map(|app| self.site(number, app)).collect();
        let apps = self.apps(number);
        let entries = fs::read_dir(&apps).map_err(|error| cannot("read", &apps, error))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let texts = paths.filter(|path| !but.contains(path)).map(|path| read(&path));
        texts.filter_map(Result::transpose).collect()
    }

    /// Takes a number that was never used.
    pub(crate) fn take_number(self) -> Result<u64, ProxyError> {
        let last = read(&self.places.number())?.and_then(|text| text.trim().parse().ok());
        let known = self.numbers()?.into_iter().chain(last).max();
        let number = known.unwrap_or(0) + 1;
        replace(&self.places.number(), &format!("{number}\n"), PRIVATE)?;
        Ok(number)
    }

    /// Makes a generation out of an earlier one: these sites are replaced, and removed where there is no text.
    pub(crate) fn make(
        self,
        number: u64,
        before: Option<u64>,
        base: &str,
        sites: &BTreeMap<AppName, Option<String>>,
    ) -> Result<(), ProxyError> {
        remove_folder(&self.folder(number))?;
        for folder in [self.folder(number), self.apps(number)] {
            make_private_folder(&folder).map_err(|error| cannot("make", &folder, error))?;
        }
        let written: Vec<PathBuf> = sites.keys().map(|app| self.site(number, app)).collect();
        if let Some(before) = before {
            self.carry_over(before, number, &written)?;
        }
        let texts = written.iter().zip(sites.values());
        for (path, text) in texts.clone().filter_map(|(path, text)| Some((path, text.as_ref()?))) {
            write_new(path, text, PRIVATE)?;
        }
        for (path, _) in texts.filter(|(_, text)| text.is_some()) {
            sync(path)?;
        }
        sync(&self.apps(number))?;
        self.write_base(number, base)?;
        sync(&self.places.generations())
    }

    /// Writes what all sites share, of a generation that is not named yet.
    pub(crate) fn write_base(self, number: u64, base: &str) -> Result<(), ProxyError> {
        remove(&self.base(number))?;
        write_new(&self.base(number), base, PRIVATE)?;
        sync(&self.base(number))?;
        sync(&self.folder(number))
    }

    /// The same sites under a new number.
    pub(crate) fn copy(self, before: u64) -> Result<u64, ProxyError> {
        let base = self.base_text(before)?.unwrap_or_default();
        let number = self.take_number()?;
        let base = base
            .replace(
                &format!("psctl configuration {before} "),
                &format!("psctl configuration {number} "),
            )
            .replace(&format!("\"psctl {before} "), &format!("\"psctl {number} "));
        self.make(number, Some(before), &base, &BTreeMap::new())?;
        Ok(number)
    }

    /// Files that stay are the same files: no generation writes to a file that is there.
    fn carry_over(self, before: u64, number: u64, but: &[PathBuf]) -> Result<(), ProxyError> {
        let apps = self.apps(before);
        let entries = fs::read_dir(&apps).map_err(|error| cannot("read", &apps, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot("read", &apps, error))?;
            let path = self.apps(number).join(entry.file_name());
            if !but.contains(&path) {
                let linked = fs::hard_link(entry.path(), &path);
                // Some file systems have no second names.
                let there = linked.or_else(|_| fs::copy(entry.path(), &path).map(drop));
                there.map_err(|error| cannot("write", &path, error))?;
            }
        }
        Ok(())
    }

    /// Removes all others.
    pub(crate) fn keep_only(self, kept: &[u64]) -> Result<(), ProxyError> {
        for number in self.numbers()? {
            if !kept.contains(&number) {
                self.remove(number)?;
            }
        }
        Ok(())
    }

    /// Removes one that is not named.
    pub(crate) fn remove(self, number: u64) -> Result<(), ProxyError> {
        // Without its base it does not exist, whatever else is left of it.
        remove(&self.base(number))?;
        remove_folder(&self.folder(number))
    }

    /// Lets the link for people lead to the sites of a generation.
    pub(crate) fn show(self, number: u64) -> Result<(), ProxyError> {
        let link = self.places.sites();
        let target = Path::new("generations").join(number.to_string()).join("apps");
        if fs::read_link(&link).is_ok_and(|old| old == target) {
            return Ok(());
        }
        let new = self.places.root().join(".sites.new");
        remove(&new)?;
        let made = std::os::unix::fs::symlink(&target, &new).and_then(|()| fs::rename(&new, &link));
        made.map_err(|error| cannot("replace", &link, error))
    }

    fn numbers(self) -> Result<Vec<u64>, ProxyError> {
        let folder = self.places.generations();
        let entries = fs::read_dir(&folder).map_err(|error| cannot("read", &folder, error))?;
        let names = entries.flatten().map(|entry| entry.file_name());
        Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    /// The folder of an app's files in a generation, for messages.
    pub(crate) fn apps_folder(self, number: u64) -> PathBuf {
        self.apps(number)
    }
}

fn number_in(text: &str, before: &str) -> Option<u64> {
    let rest = text.strip_prefix(before)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
