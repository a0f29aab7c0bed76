//! The formation that a scale asks for. Invariant: it is refused for the same reasons whether containers follow at once or later.

use super::OperationError;
use super::traffic::refuse_many_published;
use crate::app::AppRecord;
use crate::formation::{Formation, ScaleChange};
use crate::names::ProcessType;

/// What a scale stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFormation {
    /// The whole formation afterwards.
    pub formation: Formation,
    /// What the user should know about it.
    pub warning: Option<String>,
}

/// Works out the formation after a scale.
///
/// ```
/// use ps_core::app::AppRecord;
/// use ps_core::formation::parse_scale;
/// use ps_core::operations::new_formation;
///
/// let shop = AppRecord::new("shop".parse()?);
/// let new = new_formation(&shop, &parse_scale(&["web+=1"])?)?;
/// assert_eq!(new.formation.to_string(), "web=2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When app.json owns the quantities, when the Procfile has no such process type, when a quantity leaves its bounds, or when a port of the
/// host is published for `web` and there would be more than one.
pub fn new_formation(record: &AppRecord, changes: &[ScaleChange]) -> Result<NewFormation, OperationError> {
    let release = record.release.as_ref();
    if release.is_some_and(|release| release.manifest.owns_scale()) {
        let app = record.name.clone();
        return Err(OperationError::ScaleOwned { app });
    }
    let known = release.and_then(|release| release.processes.known_types());
    let formation = record.formation.apply(changes, known.as_ref())?;
    refuse_many_published(record, &formation)?;
    let warning = overridden(record, changes);
    Ok(NewFormation { formation, warning })
}

/// Says which quantities `DOKKU_SCALE` will set again.
fn overridden(record: &AppRecord, changes: &[ScaleChange]) -> Option<String> {
    let file = record.release.as_ref()?.manifest.scale_file.as_ref()?;
    let types: Vec<&str> = changes
        .iter()
        .map(|change| &change.process_type)
        .filter(|process_type| file.contains_key(*process_type))
        .map(ProcessType::as_str)
        .collect();
    let (app, types) = (&record.name, types.join(", "));
    (!types.is_empty()).then(|| format!("the next deploy of {app} scales {types} again as its DOKKU_SCALE file says"))
}
