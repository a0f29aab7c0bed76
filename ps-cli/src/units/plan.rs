//! What to do so that the units are there, or gone. Pure: from the files that are found to steps.
//!
//! Invariant: a file of somebody else is refused before anything is done. What is there already makes no step, so a second run
//! has none.

use std::path::Path;

use super::{Enabling, MARK, UnitFile, UnitScope};

/// What is found at the place of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The file's text; `None` when there is no file.
    pub text: Option<String>,
    /// The units that want it, by links beside the files.
    pub wanted_by: Vec<String>,
}

/// A file that psctl did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} not written by psctl init", list(names))]
pub struct Stranger {
    /// Names of files.
    pub names: Vec<String>,
}

fn list(names: &[String]) -> String {
    let verb = if names.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", names.join(", "))
}

/// One step. Files and links are in the directory of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitStep {
    /// Writes a file.
    Write {
        /// Its name.
        name: String,
        /// All of it.
        text: String,
    },
    /// Removes a file.
    Remove {
        /// Its name.
        name: String,
    },
    /// Removes the link by which a unit wants another.
    Unlink {
        /// The unit that is wanted.
        name: String,
        /// The one that wants it.
        wanted_by: String,
    },
    /// Asks systemd, in these words of `systemctl`; where none runs, somebody has to do that later.
    Systemctl(Vec<String>),
}

impl UnitStep {
    /// The step in words; `directory` is that of the units.
    pub fn tell(&self, directory: &Path) -> String {
        let at = |name: &str| directory.join(name).display().to_string();
        match self {
            Self::Write { name, .. } => format!("write {}", at(name)),
            Self::Remove { name } => format!("remove {}", at(name)),
            Self::Unlink { name, wanted_by } => format!("remove {}", at(&format!("{wanted_by}.wants/{name}"))),
            Self::Systemctl(words) => format!("run systemctl {}", words.join(" ")),
        }
    }
}

/// Brings what is found to what is wanted; `found` says what is there under a name.
pub fn plan_install(
    scope: UnitScope,
    wanted: &[UnitFile],
    found: impl Fn(&str) -> Found,
) -> Result<Vec<UnitStep>, Stranger> {
    let looked: Vec<(&UnitFile, Found)> = wanted.iter().map(|unit| (unit, found(&unit.name))).collect();
    refuse_strangers(looked.iter().map(|(unit, found)| (unit.name.as_str(), found)))?;
    let is_new = |unit: &UnitFile, found: &Found| found.text.as_ref() != Some(&unit.text);
    let mut steps = Vec::new();
    for (unit, found) in looked.iter().filter(|(unit, found)| is_new(unit, found)) {
        let wrong = found
            .wanted_by
            .iter()
            .filter(|by| unit.enabling.wanted_by() != Some(by.as_str()));
        steps.extend(wrong.map(|by| unlink(&unit.name, by)));
        let (name, text) = (unit.name.clone(), unit.text.clone());
        steps.push(UnitStep::Write { name, text });
    }
    let is_written = !steps.is_empty();
    let is_enabled = |unit: &UnitFile, found: &Found| {
        let by = unit.enabling.wanted_by();
        by.is_none_or(|by| found.wanted_by.iter().any(|link| link == by))
    };
    let names = |which: &dyn Fn(&UnitFile, &Found) -> bool| -> Vec<String> {
        let chosen = looked.iter().filter(|(unit, found)| which(unit, found));
        chosen.map(|(unit, _)| unit.name.clone()).collect()
    };
    let to_enable = names(&|unit, found| !is_enabled(unit, found));
    let to_start = names(&|unit, found| {
        matches!(unit.enabling, Enabling::Now(_)) && (is_new(unit, found) || !is_enabled(unit, found))
    });
    if is_written {
        steps.push(systemctl(scope, &["daemon-reload"], Vec::new()));
    }
    if !to_enable.is_empty() {
        steps.push(systemctl(scope, &["enable"], to_enable));
    }
    if !to_start.is_empty() {
        // Starts what is stopped; a changed one that runs begins again. A listener is active late, when the engine answers.
        steps.push(systemctl(scope, &["--no-block", "restart"], to_start));
    }
    Ok(steps)
}

/// Takes away what psctl wrote under these names.
pub fn plan_removal(
    scope: UnitScope,
    names: &[String],
    found: impl Fn(&str) -> Found,
) -> Result<Vec<UnitStep>, Stranger> {
    let looked: Vec<(&str, Found)> = names.iter().map(|name| (name.as_str(), found(name))).collect();
    refuse_strangers(looked.iter().map(|(name, found)| (*name, found)))?;
    let there = || looked.iter().filter(|(_, found)| found.text.is_some());
    let to_stop: Vec<String> = there().map(|(name, _)| (*name).to_owned()).collect();
    let mut steps = Vec::new();
    if !to_stop.is_empty() {
        steps.push(systemctl(scope, &["stop"], to_stop));
    }
    for (name, found) in &looked {
        steps.extend(found.wanted_by.iter().map(|by| unlink(name, by)));
    }
    steps.extend(there().map(|(name, _)| UnitStep::Remove {
        name: (*name).to_owned(),
    }));
    if !steps.is_empty() {
        steps.push(systemctl(scope, &["daemon-reload"], Vec::new()));
    }
    Ok(steps)
}

fn refuse_strangers<'a>(looked: impl Iterator<Item = (&'a str, &'a Found)>) -> Result<(), Stranger> {
    let is_ours = |text: &String| text.starts_with(MARK);
    let strange = looked.filter(|(_, found)| found.text.as_ref().is_some_and(|text| !is_ours(text)));
    let names: Vec<String> = strange.map(|(name, _)| name.to_owned()).collect();
    if names.is_empty() {
        Ok(())
    } else {
        Err(Stranger { names })
    }
}

fn unlink(name: &str, wanted_by: &str) -> UnitStep {
    UnitStep::Unlink {
        name: name.to_owned(),
        wanted_by: wanted_by.to_owned(),
    }
}

fn systemctl(scope: UnitScope, words: &[&str], units: Vec<String>) -> UnitStep {
    let user = matches!(scope, UnitScope::User).then_some("--user");
    let words = user.into_iter().chain(words.iter().copied()).map(str::to_owned);
    UnitStep::Systemctl(words.chain(units).collect())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
