//! The formation after a deploy: what app.json says, else what `DOKKU_SCALE` says, else what was set. Invariant: the types of the
//! result are those of the Procfile, and a quantity that no process could have is refused before anything is changed.

use std::collections::BTreeSet;
use std::fmt;

use crate::formation::Formation;
use crate::manifest::Manifest;
use crate::names::ProcessType;
use crate::release::Processes;

/// The file of a source that gives a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleOrigin {
    /// app.json's `formation`.
    AppJson,
    /// `DOKKU_SCALE`.
    ScaleFile,
}

impl fmt::Display for ScaleOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppJson => "the formation of app.json",
            Self::ScaleFile => "DOKKU_SCALE",
        })
    }
}

/// Why a source's formation is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormationError {
    /// The Procfile does not have the type.
    #[error("{origin} scales `{process_type}`, which the Procfile does not have: it has {known}")]
    UnknownType {
        /// Where it stands.
        origin: ScaleOrigin,
        /// The type.
        process_type: ProcessType,
        /// The types of the Procfile, separated by commas.
        known: String,
    },
    /// `release` runs once in a deploy.
    #[error("{origin} scales `release`, which runs once in every deploy")]
    ReleaseIsNotScaled {
        /// Where it stands.
        origin: ScaleOrigin,
    },
}

/// The formation after a deploy of these processes with this manifest.
///
/// Any quantity of app.json replaces the whole formation: types it does not mention get 0. Without one, the types that
/// `DOKKU_SCALE` names are set to its quantities and the others stay.
///
/// # Errors
/// When the file that counts gives a quantity to a type without a command, or to `release`.
///
/// ```
/// use ps_core::formation::Formation;
/// use ps_core::manifest::{FormationEntry, Manifest};
/// use ps_core::planning::deployed_formation;
/// use ps_core::release::Processes;
///
/// let commands = [("web".parse()?, "serve".to_owned()), ("worker".parse()?, "work".to_owned())];
/// let mut manifest = Manifest::default();
/// let two = FormationEntry { quantity: Some(2), max_parallel: None };
/// manifest.formation.insert("worker".parse()?, two);
/// let after = deployed_formation(&Formation::initial(), &Processes::Procfile(commands.into()), &manifest)?;
/// assert_eq!(after.to_string(), "web=0 worker=2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn deployed_formation(
    before: &Formation,
    processes: &Processes,
    manifest: &Manifest,
) -> Result<Formation, FormationError> {
    let mut types = processes.types();
    types.retain(|process_type| !process_type.is_release());
    let known = processes.known_types();
    if manifest.owns_scale() {
        let entries = manifest.formation.iter();
        let quantities = entries.filter_map(|(process_type, entry)| Some((process_type.clone(), entry.quantity?)));
        let formation = scaled(&Formation::default(), quantities, known.as_ref(), ScaleOrigin::AppJson)?;
        return Ok(formation.with_types(&types));
    }
    let named = manifest.scale_file.iter().flatten();
    let quantities = named.map(|(process_type, quantity)| (process_type.clone(), *quantity));
    let formation = scaled(before, quantities, known.as_ref(), ScaleOrigin::ScaleFile)?;
    Ok(formation.with_types(&types))
}

fn scaled(
    before: &Formation,
    quantities: impl Iterator<Item = (ProcessType, u16)>,
    known: Option<&BTreeSet<ProcessType>>,
    origin: ScaleOrigin,
) -> Result<Formation, FormationError> {
    let quantities: Vec<(ProcessType, u16)> = quantities.collect();
    for (process_type, _) in quantities.iter().filter(|(_, quantity)| *quantity > 0) {
        if process_type.is_release() {
            return Err(FormationError::ReleaseIsNotScaled { origin });
        }
        if let Some(known) = known.filter(|known| !known.contains(process_type)) {
            let known: Vec<&str> = known.iter().map(ProcessType::as_str).collect();
            return Err(FormationError::UnknownType {
                origin,
                process_type: process_type.clone(),
                known: known.join(", "),
            });
        }
    }
    let before = before
        .iter()
        .map(|(process_type, quantity)| (process_type.clone(), quantity));
    Ok(before.chain(quantities).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::FormationEntry;

    fn processes() -> Processes {
        let lines = [("web", "serve"), ("worker", "work"), ("release", "migrate")];
        Processes::Procfile(
            lines
                .map(|(name, command)| (name.parse().unwrap(), command.to_owned()))
                .into(),
        )
    }

    fn quantities(words: &[(&str, Option<u16>)]) -> Manifest {
        let mut manifest = Manifest::default();
        for (name, quantity) in words {
            let entry = FormationEntry {
                quantity: *quantity,
                max_parallel: None,
            };
            manifest.formation.insert(name.parse().unwrap(), entry);
        }
        manifest
    }

    fn scale_file(words: &[(&str, u16)]) -> Manifest {
        let named = words.iter().map(|(name, quantity)| (name.parse().unwrap(), *quantity));
        Manifest {
            scale_file: Some(named.collect()),
            ..Manifest::default()
        }
    }

    fn after(manifest: &Manifest) -> Result<String, String> {
        let before: Formation = [("web".parse().unwrap(), 3), ("clock".parse().unwrap(), 1)]
            .into_iter()
            .collect();
        deployed_formation(&before, &processes(), manifest)
            .map(|formation| formation.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn without_quantities_the_formation_stays() {
        assert_eq!(after(&Manifest::default()).unwrap(), "clock=1 web=3 worker=0");
        assert_eq!(after(&quantities(&[("web", None)])).unwrap(), "clock=1 web=3 worker=0");
    }

    #[test]
    fn any_quantity_of_app_json_replaces_the_formation() {
        assert_eq!(after(&quantities(&[("worker", Some(2))])).unwrap(), "web=0 worker=2");
        let zero = quantities(&[("web", Some(1)), ("clock", Some(0))]);
        assert_eq!(after(&zero).unwrap(), "web=1 worker=0");
    }

    #[test]
    fn a_scale_file_sets_the_types_it_names() {
        assert_eq!(after(&scale_file(&[("worker", 2)])).unwrap(), "clock=1 web=3 worker=2");
    }

    #[test]
    fn app_json_wins_over_a_scale_file() {
        let mut both = quantities(&[("web", Some(2))]);
        both.scale_file = scale_file(&[("web", 9), ("worker", 9)]).scale_file;
        assert_eq!(after(&both).unwrap(), "web=2 worker=0");
    }

    #[test]
    fn a_type_without_a_command_is_refused() {
        for manifest in [quantities(&[("clock", Some(1))]), scale_file(&[("clock", 1)])] {
            let error = after(&manifest).unwrap_err();
            assert!(error.contains("`clock`") && error.contains("web, worker"), "{error}");
        }
        assert!(after(&quantities(&[("release", Some(1))])).is_err());
    }

    #[test]
    fn without_a_procfile_any_type_may_be_scaled() {
        let manifest = quantities(&[("worker", Some(1))]);
        let after = deployed_formation(&Formation::initial(), &Processes::ImageDefault, &manifest).unwrap();
        assert_eq!(after.to_string(), "web=0 worker=1");
    }
}
